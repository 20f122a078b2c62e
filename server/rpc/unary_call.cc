#include "server/rpc/unary_call.h"

#include <algorithm>
#include <memory>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "server/feed/stream_errors.h"
#include "server/limits/limit_errors.h"
#include "server/rpc/status.h"

namespace innkeeper::rpc {
namespace {

// A call from its arrival to its reply.
struct PendingCall {
  Method method;
  const CallEnvironment& environment;
  grpc::CallbackServerContext* context;
  grpc::ServerUnaryReactor* reactor;
  const grpc::ByteBuffer* request;
  grpc::ByteBuffer* response;
  Admission admission;
  absl::Time start;
  size_t held_bytes = 0;  // of the budget for requests
};

// Whether the server takes on a call that has to wait for a thread. Writes are refused before
// reads are: when either has had to wait for too long.
absl::Status TakeOn(PendingCall& pending) {
  const CallEnvironment& environment = pending.environment;
  limits::CallLimits& limits = environment.limits;
  if (limits::IsWrite(pending.method.work)) {
    const absl::Duration wait =
        std::max(environment.read_executor.LongestWait(), environment.write_executor.LongestWait());
    if (wait > limits.max_queue_time) return limits::Overloaded("max_queue_time");
  }
  const size_t bytes = pending.request->Length();
  if (!limits.request_bytes.TryTake(bytes)) return limits::Overloaded("max_request_bytes");
  pending.held_bytes = bytes;
  limits.counts.request_bytes.Add(static_cast<int64_t>(bytes));
  return absl::OkStatus();
}

void ReturnBytes(const PendingCall& pending) {
  limits::CallLimits& limits = pending.environment.limits;
  limits.request_bytes.Return(pending.held_bytes);
  limits.counts.request_bytes.Add(-static_cast<int64_t>(pending.held_bytes));
}

// Replies to a call that the gate let in.
void Finish(const PendingCall& pending, const absl::Status& outcome) {
  ReturnBytes(pending);
  const absl::Status status = HideInternals(outcome);
  EndCall(pending.environment, pending.method, pending.admission, status, pending.start);
  pending.reactor->Finish(ToGrpcStatus(status));
  pending.environment.gate.Leave();
}

void Run(std::unique_ptr<PendingCall> pending, CallBody& body) {
  // Nobody waits for the answer any more.
  const bool is_late = absl::Now() > pending->admission.call().deadline;
  if (is_late) return Finish(*pending, DeadlinePassed());
  if (pending->context->IsCancelled()) {
    return Finish(*pending, absl::CancelledError("the caller has gone away"));
  }
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
    RecordCall(environment.metrics, method.name, "-", "", refusal, {absl::Now() - start});
    reactor->Finish(ToGrpcStatus(refusal));
    return reactor;
  }
  auto pending = std::make_unique<PendingCall>(
      PendingCall{method, environment, context, reactor, request, response,
                  Admission(method, environment, *context), start});
  if (!pending->admission.status().ok()) {
    Finish(*pending, pending->admission.status());
    return reactor;
  }
  if (executor == nullptr) {
    Run(std::move(pending), body);
    return reactor;
  }
  absl::Status taken_on = TakeOn(*pending);
  if (!taken_on.ok()) {
    Finish(*pending, taken_on);
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
