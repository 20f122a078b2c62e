#include "tests/server/rooms/violations.h"

#include "absl/strings/str_cat.h"
#include "google/rpc/error_details.pb.h"

namespace innkeeper::rooms {
namespace {

google::rpc::BadRequest BadRequestOf(const absl::Status& status) {
  google::rpc::BadRequest bad_request;
  const auto payload = status.GetPayload("type.googleapis.com/google.rpc.BadRequest");
  if (payload) bad_request.ParseFromString(std::string(*payload));
  return bad_request;
}

}  // namespace

std::vector<std::string> Violations(const absl::Status& status) {
  std::vector<std::string> violations;
  const google::rpc::BadRequest bad_request = BadRequestOf(status);
  for (const auto& violation : bad_request.field_violations()) {
    violations.push_back(absl::StrCat(violation.field(), ": ", violation.description()));
  }
  return violations;
}

std::vector<std::string> ViolatedFields(const absl::Status& status) {
  std::vector<std::string> fields;
  const google::rpc::BadRequest bad_request = BadRequestOf(status);
  for (const auto& violation : bad_request.field_violations()) {
    fields.push_back(violation.field());
  }
  return fields;
}

}  // namespace innkeeper::rooms
