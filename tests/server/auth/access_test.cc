#include "server/auth/access.h"

#include <gtest/gtest.h>

#include "google/rpc/error_details.pb.h"
#include "server/errors/errors.h"

namespace innkeeper::auth {
namespace {

google::rpc::ErrorInfo InfoOf(const absl::Status& status) {
  google::rpc::ErrorInfo info;
  const auto payload = status.GetPayload("type.googleapis.com/google.rpc.ErrorInfo");
  EXPECT_TRUE(payload && info.ParseFromString(std::string(*payload))) << status;
  return info;
}

TEST(RequireRoleTest, NamesTheRoleThatIsMissing) {
  const Principal principal("p", {Role::kCreate}, {});
  EXPECT_TRUE(RequireRole(principal, Role::kCreate).ok());

  const absl::Status status = RequireRole(principal, Role::kReadAll);
  EXPECT_EQ(status.code(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_ROLE_MISSING);
  EXPECT_EQ(InfoOf(status).metadata().at("role"), "read-all");
  EXPECT_EQ(status.message(), "this call needs the role read-all");
}

TEST(RequireUserTest, NamesTheUserWhoIsNotAllowed) {
  const Principal principal("p", {Role::kCreate}, {"@alice:example.org"});
  EXPECT_TRUE(RequireUser(principal, "@alice:example.org").ok());

  const absl::Status status = RequireUser(principal, "@bob:example.org");
  EXPECT_EQ(status.code(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_USER_NOT_ALLOWED);
  EXPECT_EQ(InfoOf(status).metadata().at("user"), "@bob:example.org");
}

TEST(RequireUserTest, DoesNotSendBackWhatIsTooLongForAnId) {
  const absl::Status status = RequireUser(Principal("p", {}, {"@*"}), std::string(5'000'000, '@'));
  EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_USER_NOT_ALLOWED);
  EXPECT_EQ(InfoOf(status).metadata().at("user"), "");
}

TEST(RequireAudienceTest, NamesTheAudienceThatIsNotAllowed) {
  const Principal principal("p", {Role::kWatch}, {}, AudienceScope::Of({"a"}));
  EXPECT_TRUE(RequireAudience(principal, "a").ok());

  const absl::Status status = RequireAudience(principal, "b");
  EXPECT_EQ(status.code(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_AUDIENCE_NOT_ALLOWED);
  EXPECT_EQ(InfoOf(status).metadata().at("audience"), "b");
}

TEST(RequireAudienceTest, DoesNotSendBackWhatIsTooLongForAnAudience) {
  const Principal principal("p", {Role::kWatch}, {}, AudienceScope::Of({"a"}));
  const absl::Status status = RequireAudience(principal, std::string(5'000'000, 'b'));
  EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_AUDIENCE_NOT_ALLOWED);
  EXPECT_EQ(InfoOf(status).metadata().at("audience"), "");
}

}  // namespace
}  // namespace innkeeper::auth
