#include "client/error_info.h"

namespace innkeeper {
namespace {

// The ErrorInfo of an error that comes from Innkeeper.
std::optional<google::rpc::ErrorInfo> InfoOf(const absl::Status& status) {
  auto info = ErrorDetailOf<google::rpc::ErrorInfo>(status);
  if (info && info->domain() != "innkeeper") return std::nullopt;
  return info;
}

}  // namespace

v1::ErrorReason ErrorReasonOf(const absl::Status& status) {
  v1::ErrorReason reason = v1::ERROR_REASON_UNSPECIFIED;
  if (const auto info = InfoOf(status)) {
    v1::ErrorReason_Parse(absl::StrCat("ERROR_REASON_", info->reason()), &reason);
  }
  return reason;
}

std::string ErrorMetadataOf(const absl::Status& status, absl::string_view key) {
  const auto info = InfoOf(status);
  if (!info) return "";
  const auto entry = info->metadata().find(std::string(key));
  return entry == info->metadata().end() ? "" : entry->second;
}

std::optional<absl::Duration> RetryDelayOf(const absl::Status& status) {
  const auto info = ErrorDetailOf<google::rpc::RetryInfo>(status);
  if (!info) return std::nullopt;
  return absl::Seconds(info->retry_delay().seconds()) +
         absl::Nanoseconds(info->retry_delay().nanos());
}

}  // namespace innkeeper
