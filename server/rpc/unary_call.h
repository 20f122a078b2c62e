// File: server/rpc/unary_call.h
//
// What every unary method does around its use case: the call is admitted on gRPC's thread,
// the rest runs on an executor: the request is parsed, the use case called, the call logged,
// the outcome mapped. A lookup whose answer is in memory has no need of an executor.

#ifndef INNKEEPER_SERVER_RPC_UNARY_CALL_H_
#define INNKEEPER_SERVER_RPC_UNARY_CALL_H_

#include <memory>
#include <string>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/server_callback.h"
#include "server/base/executor.h"
#include "server/lifecycle/transaction.h"
#include "server/rpc/admission.h"
#include "server/rpc/call.h"
#include "server/rpc/request_notes.h"
#include "server/rpc/wire.h"
#include "storage/engine.h"

namespace innkeeper::rpc {

// True if a request only asks what it would do.
template <typename Request>
bool IsDryRun(const Request& request) {
  if constexpr (requires { request.validate_only(); }) return request.validate_only();
  return false;
}

// Gives the outcome of a call, the response's bytes, to gRPC. Called exactly once, on
// any thread.
using Reply = absl::AnyInvocable<void(absl::StatusOr<grpc::ByteBuffer>)>;

// Turns a request's bytes into a reply, then or later. The call lasts until it is
// replied to.
using CallBody = absl::AnyInvocable<void(Call&, const grpc::ByteBuffer&, Reply)>;

// Serves a call, with `body` run by `executor`, or if that is null right here, where it
// must not block. Returns the reactor for gRPC.
grpc::ServerUnaryReactor* ServeBytes(const Method& method, const CallEnvironment& environment,
                                     Executor* executor, grpc::CallbackServerContext* context,
                                     const grpc::ByteBuffer* request, grpc::ByteBuffer* response,
                                     CallBody body);

// Replies with what a use case came to.
template <typename Response>
void ReplyWith(const absl::StatusOr<Response>& result, Reply& reply) {
  if (!result.ok()) return reply(result.status());
  reply(SerializeMessage(*result));
}

// As ServeBytes, with a use case that takes and returns messages:
// absl::StatusOr<Response>(Call&, Request).
template <typename Request, typename UseCase>
grpc::ServerUnaryReactor* ServeUnary(const Method& method, const CallEnvironment& environment,
                                     Executor& executor, grpc::CallbackServerContext* context,
                                     const grpc::ByteBuffer* request, grpc::ByteBuffer* response,
                                     UseCase use_case) {
  return ServeBytes(method, environment, &executor, context, request, response,
                    [use_case = std::move(use_case)](Call& call, const grpc::ByteBuffer& bytes,
                                                     Reply reply) mutable {
                      Request message;
                      absl::Status parsed = ParseMessage(bytes, &message);
                      if (!parsed.ok()) return reply(parsed);
                      NoteRequest(message, call);
                      ReplyWith(use_case(call, std::move(message)), reply);
                    });
}

// As ServeUnary, for a use case that looks up a little, in what is in memory or wherever
// it must: absl::StatusOr<Response>(Call&, const Request&, storage::ReadTier). It is called
// on gRPC's thread for what is in memory, which saves the way to another thread and back,
// and by the read executor only if that is not enough.
template <typename Request, typename UseCase>
grpc::ServerUnaryReactor* ServeLookup(const Method& method, const CallEnvironment& environment,
                                      grpc::CallbackServerContext* context,
                                      const grpc::ByteBuffer* request, grpc::ByteBuffer* response,
                                      UseCase use_case) {
  return ServeBytes(method, environment, /*executor=*/nullptr, context, request, response,
                    [use_case = std::move(use_case), &executor = environment.read_executor](
                        Call& call, const grpc::ByteBuffer& bytes, Reply reply) mutable {
                      Request message;
                      absl::Status parsed = ParseMessage(bytes, &message);
                      if (!parsed.ok()) return reply(parsed);
                      auto found = use_case(call, message, storage::ReadTier::kMemory);
                      if (!found.ok()) NoteRequest(message, call);
                      if (!storage::IsNotInMemory(found.status())) return ReplyWith(found, reply);
                      auto waiting = std::make_shared<Reply>(std::move(reply));
                      const bool taken =
                          executor.TrySubmit([&call, use_case = std::move(use_case),
                                              message = std::move(message), waiting]() mutable {
                            ReplyWith(use_case(call, message, storage::ReadTier::kAll), *waiting);
                          });
                      if (!taken) (*waiting)(Overloaded());
                    });
}

// As ServeUnary for a write: `use_case` checks what can be checked without the store
// and returns the identity of the request and the attempt that carries it out,
// absl::StatusOr<Write<Response>>(Call&, Request). The write pays for the method's kind of work,
// on behalf of the user whom the request names, has the deadline of the call, and tells the audit
// log of it. `environment` must outlive the call.
template <typename Request, typename Response, typename UseCase>
grpc::ServerUnaryReactor* ServeWrite(const Method& method, const CallEnvironment& environment,
                                     grpc::CallbackServerContext* context,
                                     const grpc::ByteBuffer* request, grpc::ByteBuffer* response,
                                     UseCase use_case) {
  return ServeBytes(
      method, environment, &environment.write_executor, context, request, response,
      [use_case = std::move(use_case), work = method.work, &rates = environment.limits.rates,
       &environment](Call& call, const grpc::ByteBuffer& bytes, Reply reply) mutable {
        Request message;
        absl::Status parsed = ParseMessage(bytes, &message);
        if (!parsed.ok()) return reply(parsed);
        NoteRequest(message, call);
        const std::string actor = IsDryRun(message) ? "" : ActorOf(message);
        absl::StatusOr<lifecycle::Write<Response>> write = use_case(call, std::move(message));
        if (!write.ok()) return reply(write.status());
        if (auto toll = rates.UserToll(work, actor)) write->tolls.push_back(std::move(toll));
        if (auto toll = rates.RoomToll(work, actor.empty() ? "" : write->room_id)) {
          write->room_tolls.push_back(std::move(toll));
        }
        write->deadline = call.deadline;
        write->trail = TrailOf(environment, call);
        environment.transactor.template Run<Response>(
            *std::move(write),
            [&call, reply = std::move(reply)](absl::StatusOr<Response> result) mutable {
              if (!result.ok()) return reply(result.status());
              [[maybe_unused]] std::string& room_id = call.room_id;
              if constexpr (requires { result->room().room_id(); }) {
                room_id = result->room().room_id();
              } else if constexpr (requires { result->room_id(); }) {
                room_id = result->room_id();
              }
              reply(SerializeMessage(*result));
            },
            lifecycle::Transactor::Thread::kMayWait);
      });
}

}  // namespace innkeeper::rpc

#endif  // INNKEEPER_SERVER_RPC_UNARY_CALL_H_
