#include "client/internal/event_stream.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "client/internal/status.h"

namespace innkeeper::client_internal {
namespace {

constexpr absl::string_view kMethod = "WatchRoomEvents";

}  // namespace

absl::StatusOr<std::unique_ptr<EventStream>> EventStream::Open(
    const Connection& connection, Stopper& stopper, const v1::WatchRoomEventsRequest& request) {
  std::unique_ptr<EventStream> stream(new EventStream(connection, stopper));
  absl::Status authorized = connection.Authorize(stream->context_);
  if (!authorized.ok()) return authorized;
  stream->reader_ =
      stream->stub_->AsyncWatchRoomEvents(&stream->context_, request, &stream->queue_, nullptr);
  return stream;
}

EventStream::EventStream(const Connection& connection, Stopper& stopper)
    : stub_(v1::RoomLifecycle::NewStub(connection.NewChannel())), scope_(stopper, context_) {}

EventStream::~EventStream() {
  if (reader_ != nullptr && !ended_) {
    context_.TryCancel();
    if (!began_) Await(absl::InfiniteDuration());
    End().IgnoreError();
  }
  queue_.Shutdown();
  void* tag = nullptr;
  bool ok = false;
  while (queue_.Next(&tag, &ok)) {
  }
}

absl::StatusOr<v1::WatchRoomEventsResponse> EventStream::Next(absl::Duration silence_limit) {
  if (!std::exchange(began_, true) && !Await(silence_limit)) return End();
  reader_->Read(&message_, nullptr);
  if (!Await(silence_limit)) return End();
  return std::move(message_);
}

bool EventStream::Await(absl::Duration limit) {
  void* tag = nullptr;
  bool ok = false;
  const auto deadline = absl::ToChronoTime(absl::Now() + limit);
  if (queue_.AsyncNext(&tag, &ok, deadline) == grpc::CompletionQueue::TIMEOUT) {
    was_silent_ = true;
    context_.TryCancel();
    queue_.Next(&tag, &ok);
  }
  return ok;
}

absl::Status EventStream::End() {
  reader_->Finish(&status_, nullptr);
  Await(absl::InfiniteDuration());
  ended_ = true;
  if (was_silent_) {
    return absl::UnavailableError(absl::StrCat(kMethod, ": the server was silent for too long"));
  }
  if (status_.ok()) {
    return absl::UnavailableError(absl::StrCat(kMethod, ": the server ended the stream"));
  }
  return ToAbslStatus(kMethod, status_);
}

}  // namespace innkeeper::client_internal
