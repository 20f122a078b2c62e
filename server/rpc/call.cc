#include "server/rpc/call.h"

#include <glog/logging.h>

#include "absl/strings/str_cat.h"
#include "server/base/log_word.h"
#include "server/errors/errors.h"
#include "server/limits/limit_errors.h"

namespace innkeeper::rpc {

absl::Status Overloaded() { return limits::Overloaded("max_queued_requests"); }

void RecordCall(metrics::CallMetrics& metrics, absl::string_view method, absl::string_view caller,
                absl::string_view room_id, const absl::Status& status,
                const metrics::CallTime& time, absl::string_view stream_id) {
  const v1::ErrorReason code = ReasonOf(status);
  const std::string reason = code == v1::ERROR_REASON_UNSPECIFIED ? "" : ReasonName(code);
  metrics.Count(method, status.code(), reason, time);
  if (absl::IsResourceExhausted(status)) {
    const std::string limit = MetadataOf(status, "limit");
    if (!limit.empty()) metrics.CountLimit(limit);
    if (limit == limits::NameOf(limits::Bucket::kFailedLogins)) return;
  }
  LOG(INFO) << absl::StrCat("method=", method, " caller=", caller, " room=", LogWord(room_id),
                            " status=", absl::StatusCodeToString(status.code()),
                            " reason=", reason.empty() ? "-" : reason,
                            " latency_us=", absl::ToInt64Microseconds(time.took),
                            stream_id.empty() ? "" : " stream=", stream_id);
}

}  // namespace innkeeper::rpc
