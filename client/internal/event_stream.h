// File: client/internal/event_stream.h

#ifndef INNKEEPER_CLIENT_INTERNAL_EVENT_STREAM_H_
#define INNKEEPER_CLIENT_INTERNAL_EVENT_STREAM_H_

#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "client/internal/connection.h"
#include "client/internal/stopper.h"
#include "grpcpp/client_context.h"
#include "grpcpp/completion_queue.h"
#include "grpcpp/support/async_stream.h"
#include "innkeeper/v1/room_lifecycle.grpc.pb.h"

namespace innkeeper::client_internal {

// One call of WatchRoomEvents, on a connection of its own. For one thread, without one
// of its own: gRPC's work for the call is done while Next() waits.
class EventStream {
 public:
  // Begins the call. `stopper` must outlive the stream and cancels it. Errors: those of
  // Connection::Authorize.
  static absl::StatusOr<std::unique_ptr<EventStream>> Open(
      const Connection& connection, Stopper& stopper, const v1::WatchRoomEventsRequest& request);

  // Cancels the call if it has not ended.
  ~EventStream();

  EventStream(const EventStream&) = delete;
  EventStream& operator=(const EventStream&) = delete;

  // Waits for the next message, at most `silence_limit`. An error is the end of the
  // stream: what the server ended it with, or UNAVAILABLE if it was silent for too
  // long or ended without an error. Not to be called after that.
  absl::StatusOr<v1::WatchRoomEventsResponse> Next(absl::Duration silence_limit);

 private:
  EventStream(const Connection& connection, Stopper& stopper);

  // Waits for the operation under way; cancels the call if that takes longer than
  // `limit`. Returns whether it succeeded.
  bool Await(absl::Duration limit);
  absl::Status End();

  // In the order in which gRPC wants them to be made.
  const std::unique_ptr<v1::RoomLifecycle::Stub> stub_;
  grpc::CompletionQueue queue_;
  grpc::ClientContext context_;
  const Stopper::Scope scope_;
  std::unique_ptr<grpc::ClientAsyncReader<v1::WatchRoomEventsResponse>> reader_;

  bool began_ = false;  // the request is on its way
  bool was_silent_ = false;
  bool ended_ = false;
  v1::WatchRoomEventsResponse message_;
  grpc::Status status_;
};

}  // namespace innkeeper::client_internal

#endif  // INNKEEPER_CLIENT_INTERNAL_EVENT_STREAM_H_
