// File: server/rpc/watch_room_events.h
//
// The streaming RPC RoomLifecycle.WatchRoomEvents over an EventFeed.

#ifndef INNKEEPER_SERVER_RPC_WATCH_ROOM_EVENTS_H_
#define INNKEEPER_SERVER_RPC_WATCH_ROOM_EVENTS_H_

#include <memory>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/server_callback.h"
#include "innkeeper/v1/room_lifecycle.pb.h"
#include "server/feed/event_feed.h"
#include "server/feed/stream_access.h"

namespace innkeeper::rpc {

// Called once when a stream has ended, on a thread of gRPC, with its name, "" if it was
// refused, and with what it ended with (see HideInternals); CANCELLED if the caller broke it
// off. Must not block.
using WatchDone = absl::AnyInvocable<void(absl::string_view stream_id, const absl::Status& status)>;

// What a call asks for, and what its caller may see; none: everything, for ever.
struct WatchCall {
  v1::WatchRoomEventsRequest request;
  std::unique_ptr<feed::StreamAccess> access;
};

// Serves one call of WatchRoomEvents: what the handler of the method, registered
// raw, returns to gRPC.
//
// `call` is an error if the call is to end with that. `context` is the call's; `feed` must
// outlive the gRPC server. Does not block.
grpc::ServerWriteReactor<grpc::ByteBuffer>* WatchRoomEvents(feed::EventFeed& feed,
                                                            grpc::CallbackServerContext& context,
                                                            absl::StatusOr<WatchCall> call,
                                                            WatchDone done);

}  // namespace innkeeper::rpc

#endif  // INNKEEPER_SERVER_RPC_WATCH_ROOM_EVENTS_H_
