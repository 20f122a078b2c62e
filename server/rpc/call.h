// File: server/rpc/call.h
//
// What the methods have in common, those with one reply and those that stream: the parts
// of the server that they need, the line that each call has in the log, and the errors that
// any of them can meet.

#ifndef INNKEEPER_SERVER_RPC_CALL_H_
#define INNKEEPER_SERVER_RPC_CALL_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/audit/recorder.h"
#include "server/auth/authenticator.h"
#include "server/base/executor.h"
#include "server/lifecycle/room_errors.h"
#include "server/lifecycle/transaction.h"
#include "server/limits/call_limits.h"
#include "server/metrics/metrics.h"
#include "server/rpc/call_gate.h"

namespace innkeeper::rpc {

// The parts of the server that every method needs. Must outlive all calls.
struct CallEnvironment {
  const auth::Authenticator& authenticator;
  // Lets calls in until the server drains.
  CallGate& gate;
  // Run the use cases: those that only read, writes, and upgrades and imports, which
  // take long and wait for commits.
  Executor& read_executor;
  Executor& write_executor;
  Executor& upgrade_executor;
  lifecycle::Transactor& transactor;
  metrics::CallMetrics& metrics;
  limits::CallLimits& limits;
  audit::Recorder* audit = nullptr;  // null: nothing goes into the audit log
  // How long the caller of an upload may leave the server waiting for a message.
  absl::Duration upload_stall_timeout = absl::InfiniteDuration();
};

// OVERLOADED: no executor takes the call on.
absl::Status Overloaded();

using lifecycle::DeadlinePassed;

// Counts a call that is over, and writes the line that every call has in the log, but for
// those of addresses that are not listened to (see limits::LoginGuard). `caller` is a principal's
// name, or "-" where it isn't known; `stream_id` names a stream of events.
void RecordCall(metrics::CallMetrics& metrics, absl::string_view method, absl::string_view caller,
                absl::string_view room_id, const absl::Status& status,
                const metrics::CallTime& time, absl::string_view stream_id = "");

}  // namespace innkeeper::rpc

#endif  // INNKEEPER_SERVER_RPC_CALL_H_
