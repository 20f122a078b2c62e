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
  metrics::CallMetrics& metrics;
  grpc::CallbackServerContext* context;
  grpc::ServerUnaryReactor* reactor;
  const grpc::ByteBuffer* request;
  grpc::ByteBuffer* response;
  Admission admission;
  absl::Time start;
};

// Replies to a call that the gate let in.
void Finish(const PendingCall& pending, const absl::Status& status) {
  RecordCall(pending.metrics, pending.method.name, pending.admission.caller(),
             pending.admission.room_id(), status, absl::Now() - pending.start);
  pending.reactor->Finish(ToGrpcStatus(status));
  pending.gate.Leave();
}

void Run(std::unique_ptr<PendingCall> pending, CallBody& body) {
  // Nobody waits for the answer any more.
  if (pending->context->IsCancelled()) return Finish(*pending, DeadlinePassed());
  Call& call = pending->admission.call();
  const grpc::ByteBuffer& request = *pending->request;
  body(call, request, [pending = std::move(pending)](absl::StatusOr<grpc::ByteBuffer> response) {
    const absl::Status status = response.status();
    if (status.ok()) *pending->response = *std::move(response);
    Finish(*pending, status);
  });
}

}  // namespace

grpc::ServerUnaryReactor* ServeBytes(const Method& method, const CallEnvironment& environment,
                                     Executor* executor, grpc::CallbackServerContext* context,
                                     const grpc::ByteBuffer* request, grpc::ByteBuffer* response,
                                     CallBody body) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  const absl::Time start = absl::Now();
  if (!environment.gate.Enter()) {
    const absl::Status refusal = feed::ShuttingDownError();
    RecordCall(environment.metrics, method.name, "-", "", refusal, absl::Now() - start);
    reactor->Finish(ToGrpcStatus(refusal));
    return reactor;
  }
  auto pending = std::make_unique<PendingCall>(
      PendingCall{method, environment.gate, environment.metrics, context, reactor, request,
                  response, Admission(method, environment.authenticator, *context), start});
  if (!pending->admission.status().ok()) {
    Finish(*pending, pending->admission.status());
    return reactor;
  }
  if (executor == nullptr) {
    Run(std::move(pending), body);
    return reactor;
  }
  const PendingCall& waiting = *pending;
  Executor::Task task = [pending = std::move(pending), body = std::move(body)]() mutable {
    Run(std::move(pending), body);
  };
  if (!executor->TrySubmit(std::move(task))) Finish(waiting, Overloaded());
  return reactor;
}

}  // namespace innkeeper::rpc
