#include "server/rpc/call.h"

#include <glog/logging.h>

#include "server/auth/access.h"
#include "server/errors/errors.h"

namespace innkeeper::rpc {

absl::Status CheckRole(const Method& method, const auth::Principal& principal) {
  return method.role ? auth::RequireRole(principal, *method.role) : absl::OkStatus();
}

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

absl::string_view Authorization(const grpc::CallbackServerContext& context) {
  const auto& metadata = context.client_metadata();
  const auto found = metadata.find("authorization");
  if (metadata.count("authorization") != 1) return "";
  return absl::string_view(found->second.data(), found->second.size());
}

void RecordCall(metrics::CallMetrics& metrics, absl::string_view method, absl::string_view caller,
                absl::string_view room_id, const absl::Status& status, absl::Duration latency,
                absl::string_view stream_id) {
  const v1::ErrorReason code = ReasonOf(status);
  const std::string reason = code == v1::ERROR_REASON_UNSPECIFIED ? "" : ReasonName(code);
  metrics.Count(method, status.code(), reason, latency);
  LOG(INFO) << "method=" << method << " caller=" << caller
            << " room=" << (room_id.empty() ? "-" : room_id)
            << " status=" << absl::StatusCodeToString(status.code())
            << " reason=" << (reason.empty() ? "-" : reason)
            << " latency_us=" << absl::ToInt64Microseconds(latency)
            << (stream_id.empty() ? "" : " stream=") << stream_id;
}

}  // namespace innkeeper::rpc
