#include "tests/server/feed/test_feed.h"

#include <glog/logging.h>
#include <gtest/gtest.h>

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "google/rpc/error_details.pb.h"
#include "server/events/event_codec.h"
#include "tests/support/test_engine.h"

namespace innkeeper::feed {
namespace {

// Longer than anything takes; only a broken feed makes a test wait for it.
constexpr absl::Duration kPatience = absl::Seconds(30);

// For streams that don't come to life.
class NoSink final : public SubscriptionSink {
  void Send(std::string) override { LOG(FATAL) << "a message"; }
  void End(absl::Status) override { LOG(FATAL) << "an end"; }
  void Break(absl::Status) override { LOG(FATAL) << "a break"; }
  void Abort() override { LOG(FATAL) << "an abort"; }
};

class InFull final : public StreamAccess {
 public:
  absl::StatusOr<bool> Refresh() override { return !std::exchange(refreshed_, true); }
  const AudienceScope& scope() const override { return scope_; }
  EventDetail detail() const override { return EventDetail::kInFull; }
  absl::Status CheckAudience(absl::string_view) const override { return absl::OkStatus(); }

 private:
  const AudienceScope scope_ = AudienceScope::All();
  bool refreshed_ = false;
};

}  // namespace

std::unique_ptr<StreamAccess> AccessInFull() { return std::make_unique<InFull>(); }

bool TestCompleter::MayComplete(absl::string_view type) const { return type == kRoomUpgradedType; }

void TestCompleter::Complete(v1::RoomEvent& event) const {
  event.mutable_room_upgraded()->set_new_room_id("!completed:x");
}

void AppendRooms(storage::Engine& engine, const std::vector<std::string>& room_ids) {
  storage::CommitRequest request;
  for (const std::string& room_id : room_ids) {
    if (absl::StartsWith(room_id, "!full")) {
      v1::RoomUpgraded upgraded;
      upgraded.set_old_room_id(room_id);
      request.log_entries.push_back(EncodeEvent(upgraded, {}));
      continue;
    }
    v1::RoomCreated created;
    created.set_room_id(room_id);
    request.log_entries.push_back(EncodeEvent(created, {}));
  }
  const storage::CommitResult result = CommitAndWait(engine, std::move(request));
  CHECK(result.status.ok()) << result.status;
}

void AppendRooms(storage::Engine& engine, int count) {
  for (int i = 0; i < count; ++i) {
    AppendRooms(engine, {absl::StrCat("!", engine.log_bounds().head + 1, ":x")});
  }
}

v1::WatchRoomEventsRequest FromOldest() {
  v1::WatchRoomEventsRequest request;
  request.set_position(v1::START_POSITION_OLDEST);
  return request;
}

v1::WatchRoomEventsRequest FromNow() { return {}; }

v1::WatchRoomEventsRequest After(const std::string& cursor) {
  v1::WatchRoomEventsRequest request;
  request.set_after_cursor(cursor);
  return request;
}

absl::Status RefusalOf(EventFeed& feed, const v1::WatchRoomEventsRequest& request) {
  NoSink sink;
  absl::Status refusal = feed.Subscribe(request, sink).status();
  CHECK(!refusal.ok());
  return refusal;
}

std::string MetadataOf(const absl::Status& status, const std::string& key) {
  google::rpc::ErrorInfo info;
  const auto payload = status.GetPayload("type.googleapis.com/google.rpc.ErrorInfo");
  if (!payload || !info.ParseFromString(std::string(*payload))) return "";
  const auto value = info.metadata().find(key);
  return value == info.metadata().end() ? "" : value->second;
}

TestFeed::TestFeed(Options options) : options_(std::move(options)) { Open(); }

TestFeed::~TestFeed() { Close(); }

void TestFeed::Reopen() {
  Close();
  Open();
}

void TestFeed::Open() {
  engine_ = storage::OpenTestEngine(dir_.File("store"));
  executor_ = std::make_unique<Executor>(options_.threads, options_.max_queued_tasks);
  feed_ = std::make_unique<EventFeed>(*engine_, signer_, *executor_, random_, options_.feed);
}

void TestFeed::Close() {
  feed_.reset();
  executor_.reset();
  engine_.reset();
}

TestStream::TestStream(EventFeed& feed, const v1::WatchRoomEventsRequest& request,
                       std::unique_ptr<StreamAccess> access) {
  auto subscription = feed.Subscribe(request, *this, std::move(access));
  CHECK(subscription.ok()) << subscription.status();
  subscription_ = *std::move(subscription);
  subscription_->Start();
}

TestStream::~TestStream() {
  if (subscription_ == nullptr) return;
  subscription_->Cancel();
  AwaitEnd().IgnoreError();
}

v1::WatchRoomEventsResponse TestStream::Next() {
  std::optional<v1::WatchRoomEventsResponse> message = TakeMessage();
  CHECK(message.has_value()) << "the stream ended: " << AwaitEnd();
  return *std::move(message);
}

std::vector<v1::RoomEvent> TestStream::NextEvents(size_t count) {
  std::vector<v1::RoomEvent> events;
  while (events.size() < count) {
    const v1::WatchRoomEventsResponse message = Next();
    if (message.has_caught_up() || message.has_fell_behind()) continue;
    CHECK(message.has_events()) << message.DebugString();
    events.insert(events.end(), message.events().events().begin(), message.events().events().end());
  }
  return events;
}

void TestStream::ReadThrough(int64_t after, int64_t sequence) {
  for (const v1::RoomEvent& event : NextEvents(static_cast<size_t>(sequence - after))) {
    ASSERT_EQ(event.sequence(), ++after);
  }
  ASSERT_EQ(after, sequence);
}

absl::Status TestStream::AwaitEnd() {
  while (TakeMessage().has_value()) {
  }
  absl::MutexLock lock(&mutex_);
  return *end_;
}

absl::Status TestStream::AwaitBreak() {
  absl::MutexLock lock(&mutex_);
  CHECK(mutex_.AwaitWithTimeout(absl::Condition(&broken_), kPatience));
  return *end_;
}

void TestStream::AwaitAbort() {
  absl::MutexLock lock(&mutex_);
  CHECK(mutex_.AwaitWithTimeout(absl::Condition(&aborted_), kPatience));
}

void TestStream::AwaitMessage() {
  absl::MutexLock lock(&mutex_);
  CHECK(mutex_.AwaitWithTimeout(absl::Condition(this, &TestStream::HasMessageOrEnded), kPatience));
  CHECK(message_.has_value());
}

std::optional<v1::WatchRoomEventsResponse> TestStream::TakeMessage() {
  std::optional<v1::WatchRoomEventsResponse> message;
  {
    absl::MutexLock lock(&mutex_);
    CHECK(mutex_.AwaitWithTimeout(absl::Condition(this, &TestStream::HasMessageOrEnded), kPatience))
        << "the stream is silent";
    if (!message_.has_value()) return std::nullopt;
    message = std::exchange(message_, std::nullopt);
  }
  subscription_->Sent(true);
  return message;
}

int TestStream::sent() const {
  absl::MutexLock lock(&mutex_);
  return sent_;
}

bool TestStream::aborted() const {
  absl::MutexLock lock(&mutex_);
  return aborted_;
}

void TestStream::Fail() {
  {
    absl::MutexLock lock(&mutex_);
    CHECK(message_.has_value());
    message_.reset();
  }
  subscription_->Sent(false);
}

void TestStream::OnNextSend(std::function<void()> call) {
  absl::MutexLock lock(&mutex_);
  on_next_send_ = std::move(call);
}

void TestStream::Send(std::string message) {
  std::function<void()> on_send;
  {
    absl::MutexLock lock(&mutex_);
    on_send = std::exchange(on_next_send_, nullptr);
  }
  if (on_send) on_send();
  absl::MutexLock lock(&mutex_);
  CHECK(!message_.has_value()) << "two messages at a time";
  CHECK(!end_.has_value()) << "a message after the end";
  CHECK(message_.emplace().ParseFromString(message));
  ++sent_;
}

void TestStream::End(absl::Status status) {
  absl::MutexLock lock(&mutex_);
  CHECK(!message_.has_value()) << "the end while a message is being sent";
  CHECK(!end_.has_value()) << "two ends";
  end_ = std::move(status);
}

void TestStream::Break(absl::Status status) {
  absl::MutexLock lock(&mutex_);
  CHECK(message_.has_value()) << "a break while no message is being sent";
  CHECK(!end_.has_value()) << "two ends";
  end_ = std::move(status);
  broken_ = true;
}

void TestStream::Abort() {
  absl::MutexLock lock(&mutex_);
  aborted_ = true;
}

}  // namespace innkeeper::feed
