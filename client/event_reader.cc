#include "client/event_reader.h"

#include <algorithm>
#include <cstdint>
#include <deque>
#include <utility>

#include "absl/status/statusor.h"
#include "client/error_info.h"
#include "client/internal/backoff.h"
#include "client/internal/connection.h"
#include "client/internal/server_stream.h"
#include "client/internal/stopper.h"
#include "innkeeper/v1/room_lifecycle.grpc.pb.h"

namespace innkeeper {
namespace {

using client_internal::Backoff;
using client_internal::Connection;
using client_internal::ServerStream;
using client_internal::Stopper;
using EventStream = ServerStream<v1::WatchRoomEventsResponse>;

bool IsHistoryGone(const absl::Status& error) {
  return ErrorReasonOf(error) == v1::ERROR_REASON_EVENT_HISTORY_GONE;
}

}  // namespace

class EventReader::Impl {
 public:
  Impl(std::shared_ptr<const Connection> connection, WatchOptions options)
      : connection_(std::move(connection)),
        options_(std::move(options)),
        progress_interval_(
            std::max(absl::Ceil(options_.progress_interval, absl::Seconds(1)), absl::Seconds(1))),
        silence_limit_(options_.silence_limit.value_or(3 * progress_interval_)),
        backoff_(connection_->options().backoff, connection_->surroundings().random),
        cursor_(options_.after_cursor),
        takes_snapshot_(cursor_.empty() && options_.start == WatchStart::kSnapshot) {}

  std::optional<WatchItem> Next();
  const absl::Status& status() const { return status_; }
  void Stop() { stopper_.Stop(); }

 private:
  // Each goes one step: adds items, or changes what the next step is, or fails.
  absl::Status Advance();
  absl::Status ReadStream();

  // Decides how to go on after a failure.
  void GoOnAfter(const absl::Status& error);
  void GoOnWithoutHistory(const absl::Status& error);

  absl::StatusOr<v1::WatchRoomEventsResponse> NextMessage();
  void Take(v1::WatchRoomEventsResponse message);
  void TakeConfirmed(const v1::WatchConfirmed& confirmed);
  void TakeEvents(v1::RoomEventBatch batch);
  void TakeSnapshotEnd(const v1::RoomSnapshotEnd& end);
  v1::WatchRoomEventsRequest StreamRequest() const;

  // Adds an item with the present cursor.
  template <typename What>
  void Add(What what) {
    items_.push_back({std::move(what), cursor_});
  }

  const std::shared_ptr<const Connection> connection_;
  const WatchOptions options_;
  const absl::Duration progress_interval_;  // whole seconds
  const absl::Duration silence_limit_;
  Stopper stopper_;
  Backoff backoff_;
  std::string cursor_;                   // behind everything in items_
  std::deque<WatchItem> items_;          // not delivered yet
  std::optional<absl::Duration> delay_;  // before the next step
  bool takes_snapshot_;                  // and has not come to its end
  std::unique_ptr<EventStream> stream_;
  absl::Status status_;  // not OK once the watch has ended
};

std::optional<WatchItem> EventReader::Impl::Next() {
  while (status_.ok() && !stopper_.stopped() && items_.empty()) {
    const absl::Status advanced = Advance();
    if (!advanced.ok()) GoOnAfter(advanced);
  }
  if (status_.ok() && stopper_.stopped()) status_ = absl::CancelledError("the watch was stopped");
  if (!status_.ok()) return std::nullopt;
  WatchItem item = std::move(items_.front());
  items_.pop_front();
  return item;
}

absl::Status EventReader::Impl::Advance() {
  if (delay_) {
    connection_->surroundings().sleep(*std::exchange(delay_, std::nullopt),
                                      stopper_.notification());
    return absl::OkStatus();
  }
  return ReadStream();
}

void EventReader::Impl::GoOnAfter(const absl::Status& error) {
  const bool was_let_in = stream_ != nullptr && stream_->was_let_in();
  stream_.reset();
  if (IsHistoryGone(error) && options_.on_history_gone != OnHistoryGone::kFail) {
    GoOnWithoutHistory(error);
  } else if (client_internal::IsFinal(error, was_let_in)) {
    status_ = error;
  } else {
    delay_ = backoff_.Next() + RetryDelayOf(error).value_or(absl::ZeroDuration());
    Add(WatchInterrupted{error, *delay_});
  }
}

void EventReader::Impl::GoOnWithoutHistory(const absl::Status& error) {
  delay_ = backoff_.Next();  // should it be gone again at once
  takes_snapshot_ = options_.on_history_gone == OnHistoryGone::kSnapshot;
  if (takes_snapshot_) return;
  std::string lost_cursor = std::exchange(cursor_, ErrorMetadataOf(error, "oldest_cursor"));
  Add(HistorySkipped{std::move(lost_cursor)});
}

absl::Status EventReader::Impl::ReadStream() {
  absl::StatusOr<v1::WatchRoomEventsResponse> message = NextMessage();
  if (!message.ok()) return message.status();
  if (!message->has_confirmed()) backoff_.Reset();
  Take(*std::move(message));
  return absl::OkStatus();
}

absl::StatusOr<v1::WatchRoomEventsResponse> EventReader::Impl::NextMessage() {
  if (stream_ == nullptr) {
    auto stream = EventStream::Open(
        "WatchRoomEvents", *connection_, stopper_,
        [request = StreamRequest()](const auto& channel, auto& context, auto& queue) {
          return v1::RoomLifecycle::NewStub(channel)->AsyncWatchRoomEvents(&context, request,
                                                                           &queue, nullptr);
        });
    if (!stream.ok()) return stream.status();
    stream_ = *std::move(stream);
  }
  return stream_->Next(silence_limit_);
}

v1::WatchRoomEventsRequest EventReader::Impl::StreamRequest() const {
  v1::WatchRoomEventsRequest request;
  *request.mutable_filter() = options_.filter;
  request.set_progress_interval_seconds(
      static_cast<int32_t>(absl::ToInt64Seconds(progress_interval_)));
  if (takes_snapshot_) {
    request.set_position(v1::START_POSITION_SNAPSHOT);
  } else if (!cursor_.empty()) {
    request.set_after_cursor(cursor_);
  } else {
    request.set_position(options_.start == WatchStart::kOldest ? v1::START_POSITION_OLDEST
                                                               : v1::START_POSITION_NOW);
  }
  return request;
}

void EventReader::Impl::Take(v1::WatchRoomEventsResponse message) {
  switch (message.message_case()) {
    case v1::WatchRoomEventsResponse::kConfirmed:
      TakeConfirmed(message.confirmed());
      break;
    case v1::WatchRoomEventsResponse::kSnapshot:
      for (v1::Room& room : *message.mutable_snapshot()->mutable_rooms()) Add(std::move(room));
      break;
    case v1::WatchRoomEventsResponse::kSnapshotEnd:
      TakeSnapshotEnd(message.snapshot_end());
      break;
    case v1::WatchRoomEventsResponse::kEvents:
      TakeEvents(std::move(*message.mutable_events()));
      break;
    case v1::WatchRoomEventsResponse::kProgress:
      cursor_ = message.progress().cursor();
      Add(std::move(*message.mutable_progress()));
      break;
    case v1::WatchRoomEventsResponse::kCaughtUp:
      cursor_ = message.caught_up().cursor();
      Add(std::move(*message.mutable_caught_up()));
      break;
    case v1::WatchRoomEventsResponse::kFellBehind:
      cursor_ = message.fell_behind().cursor();
      Add(std::move(*message.mutable_fell_behind()));
      break;
    case v1::WatchRoomEventsResponse::MESSAGE_NOT_SET:
      break;  // something that later servers say
  }
}

// A snapshot has no cursor before its end; until then the one from before it stays.
void EventReader::Impl::TakeConfirmed(const v1::WatchConfirmed& confirmed) {
  if (takes_snapshot_) return Add(SnapshotBegin());
  cursor_ = confirmed.cursor();
}

void EventReader::Impl::TakeSnapshotEnd(const v1::RoomSnapshotEnd& end) {
  takes_snapshot_ = false;
  cursor_ = end.cursor();
  Add(SnapshotEnd());
}

void EventReader::Impl::TakeEvents(v1::RoomEventBatch batch) {
  for (v1::RoomEvent& event : *batch.mutable_events()) {
    cursor_ = event.cursor();
    Add(std::move(event));
  }
  // Also behind what the filter left out.
  cursor_ = batch.cursor();
}

EventReader::EventReader(const Client& client, WatchOptions options)
    : impl_(std::make_unique<Impl>(client.connection_, std::move(options))) {}

EventReader::~EventReader() = default;

std::optional<WatchItem> EventReader::Next() { return impl_->Next(); }

const absl::Status& EventReader::status() const { return impl_->status(); }

void EventReader::Stop() { impl_->Stop(); }

}  // namespace innkeeper
