#include "tests/bench/live_readers.h"

#include <algorithm>

#include "absl/time/clock.h"
#include "glog/logging.h"
#include "grpcpp/support/proto_buffer_reader.h"
#include "innkeeper/v1/room_lifecycle.grpc.pb.h"

namespace innkeeper::bench {
namespace {

absl::Time TimeOf(const google::protobuf::Timestamp& time) {
  return absl::FromUnixSeconds(time.seconds()) + absl::Nanoseconds(time.nanos());
}

}  // namespace

LiveReaders::LiveReaders(const std::string& address, int count, int streams_per_connection,
                         Attention attention)
    : attention_(attention) {
  v1::WatchRoomEventsRequest request;
  request.set_progress_interval_seconds(3600);
  std::shared_ptr<grpc::Channel> channel;
  for (int i = 0; i < count; ++i) {
    if (i % streams_per_connection == 0) channel = Connect(address);
    Reader& reader = *readers_.emplace_back(std::make_unique<Reader>());
    reader.stream = std::make_unique<StreamReader>(
        channel, "/innkeeper.v1.RoomLifecycle/WatchRoomEvents", request,
        [this, &reader](grpc::ByteBuffer& bytes) { Receive(reader, bytes); });
  }
  for (auto& reader : readers_) {
    absl::MutexLock lock(&reader->mutex, absl::Condition(&reader->caught_up));
    head_ = std::max(head_, reader->sequence);
  }
}

LiveReaders::~LiveReaders() {
  for (auto& reader : readers_) reader->stream->Cancel();
}

void LiveReaders::Receive(Reader& reader, grpc::ByteBuffer& bytes) const {
  absl::MutexLock lock(&reader.mutex);
  if (reader.caught_up && attention_ == Attention::kIgnore) return;
  v1::WatchRoomEventsResponse message;
  CHECK(grpc::SerializationTraits<v1::WatchRoomEventsResponse>::Deserialize(&bytes, &message).ok());
  if (message.has_caught_up()) {
    reader.caught_up = true;
    reader.sequence = message.caught_up().sequence();
  }
  const absl::Time now = absl::Now();
  for (const v1::RoomEvent& event : message.events().events()) {
    CHECK_EQ(event.sequence(), reader.sequence + 1);
    reader.sequence = event.sequence();
    reader.last_age = now - TimeOf(event.commit_time());
    reader.ages_ns.push_back(absl::ToInt64Nanoseconds(reader.last_age));
  }
}

absl::Duration LiveReaders::AwaitEvents(int64_t events) {
  absl::Duration oldest;
  for (const std::unique_ptr<Reader>& pointer : readers_) {
    Reader& reader = *pointer;
    const auto arrived = [&reader, target = head_ + events]() ABSL_SHARED_LOCKS_REQUIRED(
                             reader.mutex) { return reader.sequence >= target; };
    absl::MutexLock lock(&reader.mutex, absl::Condition(&arrived));
    oldest = std::max(oldest, reader.last_age);
  }
  return oldest;
}

LiveReaders::Ages LiveReaders::TakeAges() {
  std::vector<int64_t> ages;
  for (auto& reader : readers_) {
    absl::MutexLock lock(&reader->mutex);
    ages.insert(ages.end(), reader->ages_ns.begin(), reader->ages_ns.end());
    reader->ages_ns.clear();
  }
  CHECK(!ages.empty());
  std::sort(ages.begin(), ages.end());
  return {static_cast<int64_t>(ages.size()), absl::Nanoseconds(ages[ages.size() / 2]),
          absl::Nanoseconds(ages[ages.size() * 99 / 100]), absl::Nanoseconds(ages.back())};
}

}  // namespace innkeeper::bench
