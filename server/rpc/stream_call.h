// File: server/rpc/stream_call.h
//
// What a method that streams a known quantity does around its use case, as
// unary_call.h for those with one reply: the call is admitted on gRPC's thread, the
// rest runs on an executor, one message at a time.

#ifndef INNKEEPER_SERVER_RPC_STREAM_CALL_H_
#define INNKEEPER_SERVER_RPC_STREAM_CALL_H_

#include <optional>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/server_callback.h"
#include "server/base/executor.h"
#include "server/rpc/admission.h"
#include "server/rpc/call.h"
#include "server/rpc/request_notes.h"
#include "server/rpc/wire.h"

namespace innkeeper::rpc {

// Gives the messages of a stream, one a call; nothing behind the last one.
using MessageSource = absl::AnyInvocable<absl::StatusOr<std::optional<grpc::ByteBuffer>>()>;

// Turns a request's bytes into the source of the messages.
using StreamBody =
    absl::AnyInvocable<absl::StatusOr<MessageSource>(Call&, const grpc::ByteBuffer&)>;

// Serves a call: `body` and then its source are called on `executor`, in turns with the
// writing, so that the next message is made only when the connection has taken the last
// one: a reader who is slow, or stops, holds neither a thread nor more than one
// message. Who calls is asked again whenever the credentials have changed, before each
// message. The server drains by letting the stream come to its end. If the executor
// has too much to do, the stream ends with OVERLOADED. Returns the reactor for gRPC.
grpc::ServerWriteReactor<grpc::ByteBuffer>* ServeStreamBytes(
    const Method& method, const CallEnvironment& environment, Executor& executor,
    grpc::CallbackServerContext* context, const grpc::ByteBuffer* request, StreamBody body);

// As ServeStreamBytes, with a use case that takes a message and returns an object whose
// Next() gives messages, nothing behind the last one: absl::StatusOr<Stream>(Call&,
// const Request&), and absl::StatusOr<std::optional<Response>> Stream::Next().
template <typename Request, typename UseCase>
grpc::ServerWriteReactor<grpc::ByteBuffer>* ServeStream(
    const Method& method, const CallEnvironment& environment, Executor& executor,
    grpc::CallbackServerContext* context, const grpc::ByteBuffer* request, UseCase use_case) {
  return ServeStreamBytes(
      method, environment, executor, context, request,
      [use_case = std::move(use_case)](
          Call& call, const grpc::ByteBuffer& bytes) -> absl::StatusOr<MessageSource> {
        Request message;
        absl::Status parsed = ParseMessage(bytes, &message);
        if (!parsed.ok()) return parsed;
        NoteRequest(message, call);
        auto stream = use_case(call, message);
        if (!stream.ok()) return stream.status();
        return [stream = *std::move(
                    stream)]() mutable -> absl::StatusOr<std::optional<grpc::ByteBuffer>> {
          auto next = stream.Next();
          if (!next.ok()) return next.status();
          if (!next->has_value()) return std::nullopt;
          return SerializeMessage(**next);
        };
      });
}

}  // namespace innkeeper::rpc

#endif  // INNKEEPER_SERVER_RPC_STREAM_CALL_H_
