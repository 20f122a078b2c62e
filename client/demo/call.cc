#include "client/demo/call.h"

#include "absl/strings/str_cat.h"

namespace innkeeper {

void Authorize(absl::string_view token, grpc::ClientContext* context) {
  context->AddMetadata("authorization", absl::StrCat("Bearer ", token));
}

absl::Status ToAbslStatus(absl::string_view method, const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()),
                      absl::StrCat(method, ": ", status.error_message()));
}

}  // namespace innkeeper
