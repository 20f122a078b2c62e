#include "tests/stream/scene.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "glog/logging.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "tests/support/test_client.h"
#include "tests/support/test_server.h"

namespace innkeeper::stream {
namespace {

// Far more than anything takes that does not hang.
constexpr absl::Duration kPatience = absl::Seconds(60);

// How many readers' cursors are tried.
constexpr size_t kCursorsTried = 30;

// Waits for a reader for as long as it gets on.
bool GetsTo(int64_t sequence, const Reader& reader) {
  int64_t before = 0;
  do {
    before = reader.position();
    if (reader.AwaitPosition(sequence, kPatience)) return true;
  } while (reader.position() > before);
  return false;
}

}  // namespace

std::shared_ptr<grpc::Channel> Connection(const std::string& address, int window) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  if (window > 0) {
    arguments.SetInt(GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, window);
    arguments.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  }
  return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
}

v1::WatchRoomEventsRequest RequestFrom(v1::StartPosition position) {
  v1::WatchRoomEventsRequest request;
  request.set_position(position);
  request.set_progress_interval_seconds(1);
  return request;
}

Reader& Scene::AddReader(Reader::Options options) {
  options.name = absl::StrCat("reader ", readers_.size(), " (", options.name, ")");
  filters_.push_back(options.request.filter());
  return *readers_.emplace_back(std::make_unique<Reader>(std::move(options)));
}

void Scene::AddUsualReaders() {
  AddReader({.name = "all", .request = RequestFrom(v1::START_POSITION_OLDEST)});
  AddReader({.name = "now", .request = RequestFrom(v1::START_POSITION_NOW)});
  AddReader({.name = "snapshot",
             .request = RequestFrom(v1::START_POSITION_SNAPSHOT),
             .principal = "observer"});

  Reader::Options options{.name = "upgrades", .request = RequestFrom(v1::START_POSITION_OLDEST)};
  options.request.mutable_filter()->add_types("room.upgraded");
  AddReader(options);

  options.name = "parts of commits";
  options.request.mutable_filter()->add_types("room.created");
  options.request.mutable_filter()->add_types("room.invite.pending");
  options.request.set_max_batch_events(3);
  AddReader(options);

  options = {.name = "one at a time", .request = RequestFrom(v1::START_POSITION_OLDEST)};
  options.request.set_max_batch_events(1);
  AddReader(options);

  options = {.name = "little at a time", .request = RequestFrom(v1::START_POSITION_OLDEST)};
  options.request.set_max_batch_bytes(1024);
  AddReader(options);
}

void Scene::AddSnapshotReaders() {
  for (const int rooms_at_a_time : {1000, 2}) {
    Reader::Options options{.name = absl::StrCat("snapshot, ", rooms_at_a_time, " rooms at a time"),
                            .request = RequestFrom(v1::START_POSITION_SNAPSHOT),
                            .principal = "observer"};
    options.request.set_max_batch_events(rooms_at_a_time);
    AddReader(std::move(options)).Connect(Connection(address_, 1024));
  }
}

Consumers& Scene::AddConsumers(Consumers::Options options) {
  return *consumers_.emplace_back(std::make_unique<Consumers>(std::move(options)));
}

void Scene::AddUsualConsumers() {
  AddConsumers(
      {.subscription = "all", .count = 4, .max_batch_events = 20, .fails_twice_one_in = 13});
  Consumers::Options options{.subscription = "parking",
                             .count = 2,
                             .max_delivery_attempts = 3,
                             .fails_twice_one_in = 7,
                             .fails_one_in = 29};
  options.filter.add_types("room.created");
  options.filter.add_types("room.upgraded");
  options.filter.add_types("room.event.sent");
  AddConsumers(std::move(options));
}

void Scene::ReplaceReader(size_t index, Reader::Options options) {
  std::unique_ptr<Reader>& reader = readers_[index];
  Expect(reader->failure().empty(), reader->failure());
  recordings_.push_back(reader->TakeRecording());
  options.name = absl::StrCat("reader ", index, " (", options.name, ", replaced)");
  reader = std::make_unique<Reader>(std::move(options));
  reader->Connect(Connection(address_, 1024));
}

void Scene::Connect(const std::string& address, size_t readers_per_connection) {
  address_ = address;
  std::shared_ptr<grpc::Channel> channel;
  for (size_t i = 0; i < readers_.size(); ++i) {
    if (i % readers_per_connection == 0) channel = Connection(address, 1024);
    readers_[i]->Connect(channel);
  }
  for (const auto& reader : readers_) {
    Expect(reader->is_slow() || reader->AwaitConfirmation(kPatience), "a stream is not confirmed");
  }
  for (const auto& consumers : consumers_) {
    Expect(consumers->Connect(address), "a subscription can't be created");
  }
  writers_.Connect(address);
}

void Scene::ReadLog() {
  const TestClient client(address_, TestToken("watcher"));
  v1::ListRoomEventsRequest request;
  request.set_page_size(1000);
  while (true) {
    request.set_after_cursor(log_cursor_);
    const Reply<v1::ListRoomEventsResponse> reply = client.ListRoomEvents(request);
    if (!Expect(reply.ok(), absl::StrCat("no log: ", reply.status.error_message()))) return;
    for (const v1::RoomEvent& event : reply.response.events()) {
      Expect(event.sequence() == static_cast<int64_t>(log_.size()) + 1,
             absl::StrCat("event ", event.sequence(), " follows on event ", log_.size()));
      log_.push_back(event);
    }
    log_cursor_ = reply.response.next_cursor();
    if (!reply.response.has_more()) return;
  }
}

void Scene::CheckConsumers() {
  for (const auto& consumers : consumers_) {
    Expect(consumers->failure().empty(), consumers->failure());
    const Consumption consumption = consumers->consumption();
    ReadLog();  // up to everything that they can have seen
    for (const auto check : {CheckDelivered, CheckRoomOrder}) {
      for (const std::string& problem : check(consumption, log_)) Expect(false, problem);
    }
  }
}

void Scene::FinishConsumers() {
  const auto head = static_cast<int64_t>(log_.size());
  for (const auto& consumers : consumers_) {
    Expect(consumers->AwaitAcknowledged(head, kPatience),
           absl::StrCat("the consumers of ", consumers->name(), " do not get to the end"));
  }
  CheckConsumers();
  for (const auto& consumers : consumers_) {
    Expect(consumers->AwaitReplays(kPatience), "what was parked is not delivered again");
    const Consumption consumption = consumers->consumption();
    for (const std::string& problem : CheckDelivered(consumption, log_)) Expect(false, problem);
  }
}

bool Scene::Expect(bool holds, const std::string& problem) {
  if (holds) return true;
  LOG_FIRST_N(ERROR, 20) << problem;  // at once: what hangs because of it may never tell
  problems_.push_back(problem);
  return false;
}

void Scene::Finish() {
  writers_.Stop();
  ReadLog();
  const auto head = static_cast<int64_t>(log_.size());
  for (const auto& reader : readers_) reader->TakeAll();
  for (const auto& reader : readers_) {
    if (GetsTo(head, *reader)) continue;
    Expect(false, absl::StrCat("a reader is at ", reader->position(), " for good, not at the end, ",
                               head, "; ", reader->Describe()));
    break;
  }
  FinishConsumers();
  TryCursors();
  for (const auto& reader : readers_) {
    Expect(reader->failure().empty(), reader->failure());
    recordings_.push_back(reader->TakeRecording());
    recordings_.back().through = head;
  }
}

// Each cursor that a reader ended up with, and those of events in the midst of the log.
void Scene::TryCursors() {
  std::vector<std::unique_ptr<Reader>> trials;
  const auto try_cursor = [&](const v1::RoomEventFilter& filter, const std::string& cursor,
                              const SeenStart& start) {
    Reader::Options options{.name = absl::StrCat("cursor behind ", start.position),
                            .request = RequestFrom(v1::START_POSITION_NOW),
                            .start = start};
    *options.request.mutable_filter() = filter;
    options.request.set_after_cursor(cursor);
    trials.push_back(std::make_unique<Reader>(std::move(options)));
    trials.back()->Connect(Connection(address_));
  };
  for (size_t i = 0; i < readers_.size() && i < kCursorsTried; ++i) {
    for (const Reader::Bookmark& bookmark : readers_[i]->bookmarks()) {
      if (!bookmark.cursor.empty()) try_cursor(filters_[i], bookmark.cursor, bookmark.start);
    }
  }
  const size_t stride = log_.size() / kCursorsTried + 1;
  for (size_t i = 0; i < log_.size(); i += stride) {
    try_cursor({}, log_[i].cursor(), {SeenStart::Kind::kBehind, log_[i].sequence()});
  }
  for (const auto& trial : trials) {
    Expect(trial->AwaitPosition(static_cast<int64_t>(log_.size()), kPatience),
           "a cursor does not lead to the end");
    Expect(trial->failure().empty(), trial->failure());
    recordings_.push_back(trial->TakeRecording());
    recordings_.back().through = static_cast<int64_t>(log_.size());
  }
}

}  // namespace innkeeper::stream
