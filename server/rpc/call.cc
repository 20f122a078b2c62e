#include "server/rpc/call.h"

#include <glog/logging.h>

#include "server/base/log_word.h"
#include "server/errors/errors.h"

namespace innkeeper::rpc {

absl::Status Overloaded() {
  return WithRetryDelay(
      MakeError(absl::StatusCode::kResourceExhausted, v1::ERROR_REASON_OVERLOADED,
                "the server has more requests waiting than it can take on; try again later"),
      absl::Milliseconds(200));
}

absl::Status DeadlinePassed() {
  return MakeError(absl::StatusCode::kDeadlineExceeded, v1::ERROR_REASON_DEADLINE_PASSED,
                   "the deadline passed before the work began; nothing was written");
}

void RecordCall(metrics::CallMetrics& metrics, absl::string_view method, absl::string_view caller,
                absl::string_view room_id, const absl::Status& status, absl::Duration latency,
                absl::string_view stream_id) {
  const v1::ErrorReason code = ReasonOf(status);
  const std::string reason = code == v1::ERROR_REASON_UNSPECIFIED ? "" : ReasonName(code);
  metrics.Count(method, status.code(), reason, latency);
  LOG(INFO) << "method=" << method << " caller=" << caller << " room=" << LogWord(room_id)
            << " status=" << absl::StatusCodeToString(status.code())
            << " reason=" << (reason.empty() ? "-" : reason)
            << " latency_us=" << absl::ToInt64Microseconds(latency)
            << (stream_id.empty() ? "" : " stream=") << stream_id;
}

}  // namespace innkeeper::rpc
