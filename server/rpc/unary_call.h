// File: server/rpc/unary_call.h
//
// What every unary method does around its use case: the caller is authenticated on
// gRPC's thread, the rest runs on an executor: the role is checked, the request
// parsed, the use case called, the call logged, the outcome mapped.

#ifndef INNKEEPER_SERVER_RPC_UNARY_CALL_H_
#define INNKEEPER_SERVER_RPC_UNARY_CALL_H_

#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/server_callback.h"
#include "server/base/executor.h"
#include "server/rpc/call.h"
#include "server/rpc/wire.h"

namespace innkeeper::rpc {

// Turns a request's bytes into those of the response.
using CallBody =
    absl::AnyInvocable<absl::StatusOr<grpc::ByteBuffer>(Call&, const grpc::ByteBuffer&)>;

// Serves a call, with `body` run by `executor`. Returns the reactor for gRPC.
grpc::ServerUnaryReactor* ServeBytes(const Method& method, const CallEnvironment& environment,
                                     Executor& executor, grpc::CallbackServerContext* context,
                                     const grpc::ByteBuffer* request, grpc::ByteBuffer* response,
                                     CallBody body);

// As ServeBytes, with a use case that takes and returns messages:
// absl::StatusOr<Response>(Call&, Request).
template <typename Request, typename UseCase>
grpc::ServerUnaryReactor* ServeUnary(const Method& method, const CallEnvironment& environment,
                                     Executor& executor, grpc::CallbackServerContext* context,
                                     const grpc::ByteBuffer* request, grpc::ByteBuffer* response,
                                     UseCase use_case) {
  return ServeBytes(
      method, environment, executor, context, request, response,
      [use_case = std::move(use_case)](
          Call& call, const grpc::ByteBuffer& bytes) -> absl::StatusOr<grpc::ByteBuffer> {
        Request message;
        absl::Status parsed = ParseMessage(bytes, &message);
        if (!parsed.ok()) return parsed;
        auto result = use_case(call, std::move(message));
        if (!result.ok()) return result.status();
        return SerializeMessage(*result);
      });
}

}  // namespace innkeeper::rpc

#endif  // INNKEEPER_SERVER_RPC_UNARY_CALL_H_
