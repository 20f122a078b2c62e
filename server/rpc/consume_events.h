// File: server/rpc/consume_events.h
//
// The streaming RPC EventSubscriptions.ConsumeEvents over a Dispatcher.

#ifndef INNKEEPER_SERVER_RPC_CONSUME_EVENTS_H_
#define INNKEEPER_SERVER_RPC_CONSUME_EVENTS_H_

#include <functional>
#include <memory>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/server_callback.h"
#include "server/subscriptions/consumer.h"

namespace innkeeper::rpc {

// Opens the stream of a call: gives the consumer, or the error that the call ends with.
// Must not block.
using OpenStream = std::function<absl::StatusOr<std::shared_ptr<subscriptions::Consumer>>(
    subscriptions::ConsumerSink& sink)>;

// Called once when a stream has ended, on a thread of gRPC, with what it ended with;
// CANCELLED if the caller broke it off. Must not block.
using ConsumeDone = absl::AnyInvocable<void(const absl::Status& status)>;

// Serves one call of ConsumeEvents: what the handler of the method, registered raw,
// returns to gRPC. `context` is the call's. Does not block.
grpc::ServerWriteReactor<grpc::ByteBuffer>* ConsumeEvents(grpc::CallbackServerContext& context,
                                                          const OpenStream& open, ConsumeDone done);

}  // namespace innkeeper::rpc

#endif  // INNKEEPER_SERVER_RPC_CONSUME_EVENTS_H_
