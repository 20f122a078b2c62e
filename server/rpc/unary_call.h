// File: server/rpc/unary_call.h
//
// What every unary method does around its use case: the caller is authenticated on
// gRPC's thread, the rest runs on an executor: the role is checked, the request
// parsed, the use case called, the call logged, the outcome mapped.

#ifndef INNKEEPER_SERVER_RPC_UNARY_CALL_H_
#define INNKEEPER_SERVER_RPC_UNARY_CALL_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/server_callback.h"
#include "server/auth/authenticator.h"
#include "server/auth/principal.h"
#include "server/base/executor.h"
#include "server/lifecycle/transaction.h"
#include "server/rpc/call_gate.h"
#include "server/rpc/wire.h"

namespace innkeeper::rpc {

// What is known of a method.
struct Method {
  absl::string_view name;  // without the service
  // The role that every call needs; none where it depends on the request.
  std::optional<auth::Role> role;
};

// A call under way, as its use case sees it.
struct Call {
  std::shared_ptr<const auth::Principal> principal;
  // The room that the call is about, for the log; empty if there is none.
  std::string room_id;
};

// The parts of the server that every method needs. Must outlive all calls.
struct CallEnvironment {
  const auth::Authenticator& authenticator;
  // Lets calls in until the server drains.
  CallGate& gate;
  // Run the use cases: those that only read, writes, and upgrades, which wait for
  // commits.
  Executor& read_executor;
  Executor& write_executor;
  Executor& upgrade_executor;
  lifecycle::Transactor& transactor;
};

// The value of the call's metadata `authorization`; "" if there is none, or more
// than one. Valid as long as the call.
absl::string_view Authorization(const grpc::CallbackServerContext& context);

// Writes the line that every call has in the log. `caller` is a principal's name,
// or "-" where it isn't known.
void LogCall(absl::string_view method, absl::string_view caller, absl::string_view room_id,
             const absl::Status& status, absl::Duration latency);

// Gives the outcome of a call, the response's bytes, to gRPC. Called exactly once, on
// any thread.
using Reply = absl::AnyInvocable<void(absl::StatusOr<grpc::ByteBuffer>)>;

// Turns a request's bytes into a reply, then or later. The call lasts until it is
// replied to.
using CallBody = absl::AnyInvocable<void(Call&, const grpc::ByteBuffer&, Reply)>;

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
  return ServeBytes(method, environment, executor, context, request, response,
                    [use_case = std::move(use_case)](Call& call, const grpc::ByteBuffer& bytes,
                                                     Reply reply) mutable {
                      Request message;
                      absl::Status parsed = ParseMessage(bytes, &message);
                      if (!parsed.ok()) return reply(parsed);
                      auto result = use_case(call, std::move(message));
                      if (!result.ok()) return reply(result.status());
                      reply(SerializeMessage(*result));
                    });
}

// As ServeUnary for a write: `use_case` checks what can be checked without the store
// and returns the identity of the request and the attempt that carries it out,
// absl::StatusOr<Write<Response>>(Call&, Request).
template <typename Request, typename Response, typename UseCase>
grpc::ServerUnaryReactor* ServeWrite(const Method& method, const CallEnvironment& environment,
                                     grpc::CallbackServerContext* context,
                                     const grpc::ByteBuffer* request, grpc::ByteBuffer* response,
                                     UseCase use_case) {
  return ServeBytes(
      method, environment, environment.write_executor, context, request, response,
      [use_case = std::move(use_case), &transactor = environment.transactor](
          Call& call, const grpc::ByteBuffer& bytes, Reply reply) mutable {
        Request message;
        absl::Status parsed = ParseMessage(bytes, &message);
        if (!parsed.ok()) return reply(parsed);
        absl::StatusOr<lifecycle::Write<Response>> write = use_case(call, std::move(message));
        if (!write.ok()) return reply(write.status());
        transactor.Run<Response>(*std::move(write), [&call, reply = std::move(reply)](
                                                        absl::StatusOr<Response> result) mutable {
          if (!result.ok()) return reply(result.status());
          if constexpr (requires { result->room().room_id(); }) {
            call.room_id = result->room().room_id();
          }
          reply(SerializeMessage(*result));
        });
      });
}

}  // namespace innkeeper::rpc

#endif  // INNKEEPER_SERVER_RPC_UNARY_CALL_H_
