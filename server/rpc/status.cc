#include "server/rpc/status.h"

#include <glog/logging.h>

#include <map>
#include <string>

#include "absl/strings/cord.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "server/base/random.h"
#include "server/errors/errors.h"

namespace innkeeper::rpc {
namespace {

constexpr size_t kMaxDetailsBytes = 4096;
constexpr size_t kIncidentIdBytes = 8;

// Removes field violations from the end until `details` is small enough.
void Shorten(google::rpc::Status& details) {
  for (google::protobuf::Any& detail : *details.mutable_details()) {
    google::rpc::BadRequest bad_request;
    if (!detail.UnpackTo(&bad_request)) continue;
    while (details.ByteSizeLong() > kMaxDetailsBytes && bad_request.field_violations_size() > 1) {
      bad_request.mutable_field_violations()->RemoveLast();
      detail.PackFrom(bad_request);
    }
  }
}

std::string SerializeDetails(const absl::Status& status) {
  google::rpc::Status details;
  details.set_code(static_cast<int>(status.code()));
  details.set_message(std::string(status.message()));
  std::map<std::string, std::string> payloads;  // in a stable order
  status.ForEachPayload([&](absl::string_view type_url, const absl::Cord& payload) {
    payloads.emplace(type_url, payload);
  });
  for (const auto& [type_url, payload] : payloads) {
    google::protobuf::Any* detail = details.add_details();
    detail->set_type_url(type_url);
    detail->set_value(payload);
  }
  Shorten(details);
  return details.SerializeAsString();
}

}  // namespace

absl::Status HideInternals(const absl::Status& status) {
  if (absl::IsCancelled(status)) return absl::CancelledError();
  if (status.ok() || ReasonOf(status) != v1::ERROR_REASON_UNSPECIFIED) return status;
  const std::string incident = absl::BytesToHexString(SecureRandom()(kIncidentIdBytes));
  LOG(ERROR) << "incident " << incident << ": " << status;
  return MakeError(
      absl::StatusCode::kInternal, v1::ERROR_REASON_INTERNAL,
      absl::StrCat("something went wrong inside; the server's log has it as incident ", incident),
      {{"incident", incident}});
}

grpc::Status ToGrpcStatus(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  const absl::Status shown = HideInternals(status);
  if (absl::IsCancelled(shown)) return grpc::Status::CANCELLED;
  return grpc::Status(static_cast<grpc::StatusCode>(shown.code()), std::string(shown.message()),
                      SerializeDetails(shown));
}

}  // namespace innkeeper::rpc
