#include "server/errors/errors.h"

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
  for (const auto& [key, value] : metadata) {
    (*info.mutable_metadata())[std::string(key)] = std::string(value);
  }
  absl::Status error(code, message);
  SetDetail(error, info);
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

absl::Status WithField(absl::Status error, absl::string_view field,
                       absl::string_view description) {
  google::rpc::BadRequest bad_request;
  auto* violation = bad_request.add_field_violations();
  violation->set_field(std::string(field));
  violation->set_description(std::string(description));
  SetDetail(error, bad_request);
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

absl::Status FieldErrors::ToStatus(v1::ErrorReason reason) const {
  if (errors_.empty()) return absl::OkStatus();
  const auto& [field, description] = errors_.front();
  std::string message = absl::StrCat(field, ": ", description);
  if (errors_.size() > 1) {
    absl::StrAppend(&message, " (and ", errors_.size() - 1, " more, see the details)");
  }
  absl::Status error = MakeError(absl::StatusCode::kInvalidArgument, reason, message);
  google::rpc::BadRequest bad_request;
  for (const auto& [name, text] : errors_) {
    auto* violation = bad_request.add_field_violations();
    violation->set_field(name);
    violation->set_description(text);
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

std::string ReasonName(v1::ErrorReason reason) {
  return v1::ErrorReason_Name(reason).substr(kReasonPrefix.size());
}

}  // namespace innkeeper
