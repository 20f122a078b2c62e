#include "client/demo/event_watcher.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/demo/call.h"

namespace innkeeper {
namespace {

std::unique_ptr<grpc::ClientReader<v1::WatchRoomEventsResponse>> Watch(
    v1::RoomLifecycle::Stub* stub, absl::string_view token, grpc::ClientContext* context) {
  Authorize(token, context);
  return stub->WatchRoomEvents(context, v1::WatchRoomEventsRequest());
}

}  // namespace

EventWatcher::EventWatcher(v1::RoomLifecycle::Stub* stub, absl::string_view token, OnEvent on_event)
    : on_event_(std::move(on_event)),
      stream_(Watch(stub, token, &context_)),
      thread_([this] { Run(); }) {}

EventWatcher::~EventWatcher() {
  context_.TryCancel();
  thread_.join();
}

absl::Status EventWatcher::WaitForConfirmation(absl::Duration timeout) {
  absl::MutexLock lock(&mutex_);
  const auto is_over = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return confirmed_ || ended_; };
  mutex_.AwaitWithTimeout(absl::Condition(&is_over), timeout);
  return StatusOf(confirmed_, "the confirmation of the subscription");
}

absl::Status EventWatcher::WaitForEvent(absl::string_view type, absl::string_view room_id,
                                        absl::Duration timeout) {
  absl::MutexLock lock(&mutex_);
  const auto is_over = [&]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    return HasSeen(type, room_id) || ended_;
  };
  mutex_.AwaitWithTimeout(absl::Condition(&is_over), timeout);
  return StatusOf(HasSeen(type, room_id), absl::StrCat("the event ", type, " of ", room_id));
}

bool EventWatcher::HasSeen(absl::string_view type, absl::string_view room_id) const {
  return std::any_of(seen_.begin(), seen_.end(), [&](const Seen& seen) {
    return seen.type == type && seen.room_id == room_id;
  });
}

absl::Status EventWatcher::StatusOf(bool came, absl::string_view what) const {
  if (came) return absl::OkStatus();
  if (ended_) return ToAbslStatus("WatchRoomEvents", end_);
  return absl::DeadlineExceededError(absl::StrCat(what, " did not come"));
}

void EventWatcher::Run() {
  v1::WatchRoomEventsResponse message;
  while (stream_->Read(&message)) Take(message);
  const grpc::Status end = stream_->Finish();
  absl::MutexLock lock(&mutex_);
  ended_ = true;
  end_ = end;
}

void EventWatcher::Take(const v1::WatchRoomEventsResponse& message) {
  for (const v1::RoomEvent& event : message.events().events()) on_event_(event);
  absl::MutexLock lock(&mutex_);
  if (message.has_confirmed()) confirmed_ = true;
  for (const v1::RoomEvent& event : message.events().events()) {
    seen_.push_back({event.type(), event.room_id()});
  }
}

}  // namespace innkeeper
