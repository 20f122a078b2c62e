#include "server/errors/errors.h"

#include <glog/logging.h>

#include <optional>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "google/rpc/error_details.pb.h"

namespace innkeeper {
namespace {

constexpr absl::string_view kDomain = "innkeeper";
constexpr absl::string_view kReasonPrefix = "ERROR_REASON_";
constexpr size_t kMaxFieldErrors = 50;

template <typename Detail>
std::string TypeUrl() {
  return absl::StrCat("type.googleapis.com/", Detail::descriptor()->full_name());
}

template <typename Detail>
void SetDetail(absl::Status& status, const Detail& detail) {
  status.SetPayload(TypeUrl<Detail>(), absl::Cord(detail.SerializeAsString()));
}

template <typename Detail>
std::optional<Detail> GetDetail(const absl::Status& status) {
  const auto payload = status.GetPayload(TypeUrl<Detail>());
  Detail detail;
  if (!payload || !detail.ParseFromString(std::string(*payload))) return std::nullopt;
  return detail;
}

}  // namespace

absl::Status MakeError(absl::StatusCode code, v1::ErrorReason reason, absl::string_view message,
                       Metadata metadata) {
  google::rpc::ErrorInfo info;
  info.set_domain(std::string(kDomain));
  info.set_reason(ReasonName(reason));
  absl::Status error(code, message);
  SetDetail(error, info);
  return WithMetadata(std::move(error), metadata);
}

absl::Status WithMetadata(absl::Status error, Metadata metadata) {
  auto info = GetDetail<google::rpc::ErrorInfo>(error);
  CHECK(info.has_value()) << error;
  for (const auto& [key, value] : metadata) {
    (*info->mutable_metadata())[std::string(key)] = std::string(value);
  }
  SetDetail(error, *info);
  return error;
}

absl::Status WithRetryDelay(absl::Status error, absl::Duration delay) {
  google::rpc::RetryInfo info;
  const int64_t nanos = absl::ToInt64Nanoseconds(delay);
  info.mutable_retry_delay()->set_seconds(nanos / 1'000'000'000);
  info.mutable_retry_delay()->set_nanos(static_cast<int32_t>(nanos % 1'000'000'000));
  SetDetail(error, info);
  return error;
}

absl::Status WithResource(absl::Status error, absl::string_view type, absl::string_view name) {
  google::rpc::ResourceInfo info;
  info.set_resource_type(std::string(type));
  info.set_resource_name(std::string(name));
  SetDetail(error, info);
  return error;
}

absl::Status WithQuotaFailure(absl::Status error, absl::string_view subject,
                              absl::string_view description) {
  google::rpc::QuotaFailure failure;
  auto* violation = failure.add_violations();
  violation->set_subject(std::string(subject));
  violation->set_description(std::string(description));
  SetDetail(error, failure);
  return error;
}

void FieldErrors::Add(std::string field, absl::string_view description) {
  if (errors_.size() < kMaxFieldErrors) {
    errors_.emplace_back(std::move(field), std::string(description));
  }
}

void FieldErrors::AddStatus(std::string field, const absl::Status& status) {
  if (status.ok()) return;
  if (auto bad_request = GetDetail<google::rpc::BadRequest>(status)) {
    for (const auto& violation : bad_request->field_violations()) {
      Add(violation.field(), violation.description());
    }
    return;
  }
  Add(std::move(field), status.message());
}

absl::Status FieldErrors::ToStatus(v1::ErrorReason reason, absl::string_view message) const {
  if (errors_.empty()) return absl::OkStatus();
  std::string text(message);
  if (text.empty()) {
    text = absl::StrCat(errors_.front().first, ": ", errors_.front().second);
    if (errors_.size() > 1) {
      absl::StrAppend(&text, " (and ", errors_.size() - 1, " more, see the details)");
    }
  }
  absl::Status error = MakeError(absl::StatusCode::kInvalidArgument, reason, text);
  google::rpc::BadRequest bad_request;
  for (const auto& [field, description] : errors_) {
    auto* violation = bad_request.add_field_violations();
    violation->set_field(field);
    violation->set_description(description);
  }
  SetDetail(error, bad_request);
  return error;
}

v1::ErrorReason ReasonOf(const absl::Status& status) {
  v1::ErrorReason reason = v1::ERROR_REASON_UNSPECIFIED;
  if (auto info = GetDetail<google::rpc::ErrorInfo>(status)) {
    v1::ErrorReason_Parse(absl::StrCat(kReasonPrefix, info->reason()), &reason);
  }
  return reason;
}

std::string MetadataOf(const absl::Status& status, absl::string_view key) {
  const auto info = GetDetail<google::rpc::ErrorInfo>(status);
  if (!info) return "";
  const auto it = info->metadata().find(std::string(key));
  return it == info->metadata().end() ? "" : it->second;
}

std::string ReasonName(v1::ErrorReason reason) {
  return v1::ErrorReason_Name(reason).substr(kReasonPrefix.size());
}

}  // namespace innkeeper
