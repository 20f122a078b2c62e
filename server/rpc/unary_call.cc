#include "server/rpc/unary_call.h"

#include <memory>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "server/feed/stream_errors.h"
#include "server/rpc/status.h"

namespace innkeeper::rpc {
namespace {

// A call from its arrival to its reply.
struct PendingCall {
  Method method;
  CallGate& gate;
  grpc::CallbackServerContext* context;
  grpc::ServerUnaryReactor* reactor;
  const grpc::ByteBuffer* request;
  grpc::ByteBuffer* response;
  CallBody body;
  Call call;
  absl::Time start;
};

// Replies to a call that the gate let in.
void Finish(const PendingCall& pending, const absl::Status& status) {
  LogCall(pending.method.name, pending.call.principal ? pending.call.principal->name() : "-",
          pending.call.room_id, status, absl::Now() - pending.start);
  pending.reactor->Finish(ToGrpcStatus(status));
  pending.gate.Leave();
}

absl::Status Run(PendingCall& pending) {
  // Nobody waits for the answer any more.
  if (pending.context->IsCancelled()) return DeadlinePassed();
  absl::Status allowed = CheckRole(pending.method, *pending.call.principal);
  if (!allowed.ok()) return allowed;
  absl::StatusOr<grpc::ByteBuffer> response = pending.body(pending.call, *pending.request);
  if (response.ok()) *pending.response = *std::move(response);
  return response.status();
}

}  // namespace

grpc::ServerUnaryReactor* ServeBytes(const Method& method, const CallEnvironment& environment,
                                     Executor& executor, grpc::CallbackServerContext* context,
                                     const grpc::ByteBuffer* request, grpc::ByteBuffer* response,
                                     CallBody body) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  const absl::Time start = absl::Now();
  if (!environment.gate.Enter()) {
    const absl::Status refusal = feed::ShuttingDownError();
    LogCall(method.name, "-", "", refusal, absl::Now() - start);
    reactor->Finish(ToGrpcStatus(refusal));
    return reactor;
  }
  auto pending = std::make_unique<PendingCall>(PendingCall{
      method, environment.gate, context, reactor, request, response, std::move(body), {}, start});
  auto principal = environment.authenticator.Authenticate(Authorization(*context));
  if (!principal.ok()) {
    Finish(*pending, principal.status());
    return reactor;
  }
  pending->call.principal = *std::move(principal);
  const PendingCall& waiting = *pending;
  Executor::Task task = [pending = std::move(pending)] { Finish(*pending, Run(*pending)); };
  if (!executor.TrySubmit(std::move(task))) Finish(waiting, Overloaded());
  return reactor;
}

}  // namespace innkeeper::rpc
