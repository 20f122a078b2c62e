// Tells ThreadSanitizer about the way of an operation through gRPC, which was
// built without it: what happened before an operation was handed over with its
// tag happened before anything that follows its completion; and what a reactor did
// happened before its OnDone and OnCancel, though the last count that these wait
// for may be taken inside the library. OnCancel is called as the library would, on
// another thread, but from here, so that the count it holds back OnDone with is
// seen to be given up after it. And what a call did up to its OnDone happened before a
// server is destroyed, which waits for its calls to end.

#include <grpc/grpc.h>
#include <grpcpp/support/server_callback.h>
#include <sanitizer/tsan_interface.h>

#include <thread>

#include "tests/sanitizers/thread/interpose.h"

namespace {

using innkeeper::interpose::CallNext;
using innkeeper::interpose::Next;

// Stands for the end of all calls.
char calls_ended;

grpc_event Arrived(grpc_event event) {
  if (event.type == GRPC_OP_COMPLETE) __tsan_acquire(event.tag);
  return event;
}

}  // namespace

extern "C" {

grpc_call_error grpc_call_start_batch(grpc_call* call, const grpc_op* operations, size_t count,
                                      void* tag, void* reserved) {
  static const auto next = Next(&grpc_call_start_batch);
  __tsan_release(tag);
  return next(call, operations, count, tag, reserved);
}

grpc_event grpc_completion_queue_next(grpc_completion_queue* queue, gpr_timespec deadline,
                                      void* reserved) {
  static const auto next = Next(&grpc_completion_queue_next);
  return Arrived(next(queue, deadline, reserved));
}

grpc_event grpc_completion_queue_pluck(grpc_completion_queue* queue, void* tag,
                                       gpr_timespec deadline, void* reserved) {
  static const auto next = Next(&grpc_completion_queue_pluck);
  return Arrived(next(queue, tag, deadline, reserved));
}

void grpc_call_unref(grpc_call* call) {
  static const auto next = Next(&grpc_call_unref);
  __tsan_release(&calls_ended);
  next(call);
}

void grpc_server_destroy(grpc_server* server) {
  static const auto next = Next(&grpc_server_destroy);
  __tsan_acquire(&calls_ended);
  next(server);
}

}  // extern "C"

namespace grpc::internal {

void ServerCallbackCall::ScheduleOnDone(bool inline_ondone) {
  __tsan_acquire(&callbacks_outstanding_);
  CallNext<&ServerCallbackCall::ScheduleOnDone>(this, inline_ondone);
}

void ServerCallbackCall::CallOnCancel(ServerReactor* reactor) {
  __tsan_acquire(&on_cancel_conditions_remaining_);
  Ref();
  std::thread([this, reactor] {
    reactor->OnCancel();
    MaybeDone();
  }).detach();
}

}  // namespace grpc::internal
