#include "server/errors/errors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "google/rpc/error_details.pb.h"

namespace innkeeper {
namespace {

template <typename Detail>
Detail DetailOf(const absl::Status& status) {
  Detail detail;
  const auto payload =
      status.GetPayload(absl::StrCat("type.googleapis.com/", Detail::descriptor()->full_name()));
  EXPECT_TRUE(payload.has_value()) << status;
  EXPECT_TRUE(payload && detail.ParseFromString(std::string(*payload)));
  return detail;
}

TEST(ErrorsTest, CarriesReasonDomainAndMetadata) {
  const absl::Status error =
      MakeError(absl::StatusCode::kPermissionDenied, v1::ERROR_REASON_ROLE_MISSING,
                "needs the role create", {{"role", "create"}});
  EXPECT_EQ(error.code(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(error.message(), "needs the role create");
  const auto info = DetailOf<google::rpc::ErrorInfo>(error);
  EXPECT_EQ(info.reason(), "ROLE_MISSING");
  EXPECT_EQ(info.domain(), "innkeeper");
  EXPECT_EQ(info.metadata().at("role"), "create");
  EXPECT_EQ(ReasonOf(error), v1::ERROR_REASON_ROLE_MISSING);
}

TEST(ErrorsTest, StatusWithoutErrorInfoHasNoReason) {
  EXPECT_EQ(ReasonOf(absl::InternalError("disk on fire")), v1::ERROR_REASON_UNSPECIFIED);
  EXPECT_EQ(ReasonOf(absl::OkStatus()), v1::ERROR_REASON_UNSPECIFIED);
}

TEST(ErrorsTest, TellsMetadata) {
  const absl::Status error =
      MakeError(absl::StatusCode::kPermissionDenied, v1::ERROR_REASON_ROLE_MISSING, "no",
                {{"role", "create"}, {"user", "@a:b"}});
  EXPECT_EQ(MetadataOf(error, "role"), "create");
  EXPECT_EQ(MetadataOf(error, "user"), "@a:b");
  EXPECT_EQ(MetadataOf(error, "rule"), "");
  EXPECT_EQ(MetadataOf(WithMetadata(error, {{"rule", "x"}}), "rule"), "x");
  EXPECT_EQ(MetadataOf(absl::InternalError("disk on fire"), "role"), "");
  EXPECT_EQ(MetadataOf(absl::OkStatus(), "role"), "");
}

TEST(ErrorsTest, CarriesRetryDelayAndResource) {
  absl::Status error = MakeError(absl::StatusCode::kResourceExhausted,
                                 v1::ERROR_REASON_ROOM_CREATION_RATE_LIMITED, "later");
  error = WithResource(WithRetryDelay(error, absl::Milliseconds(1500)), "room", "!a:b");
  const auto retry = DetailOf<google::rpc::RetryInfo>(error);
  EXPECT_EQ(retry.retry_delay().seconds(), 1);
  EXPECT_EQ(retry.retry_delay().nanos(), 500'000'000);
  const auto resource = DetailOf<google::rpc::ResourceInfo>(error);
  EXPECT_EQ(resource.resource_type(), "room");
  EXPECT_EQ(resource.resource_name(), "!a:b");
  EXPECT_EQ(ReasonOf(error), v1::ERROR_REASON_ROOM_CREATION_RATE_LIMITED);
}

TEST(FieldErrorsTest, NamesEveryField) {
  FieldErrors inner;
  inner.Add("content.a", "must be an integer");
  FieldErrors errors;
  EXPECT_TRUE(errors.ToStatus().ok());
  errors.Add("name", "must not be empty");
  errors.AddStatus("alias", absl::OkStatus());
  errors.AddStatus("creator", absl::InvalidArgumentError("must start with '@'"));
  errors.AddStatus("ignored", inner.ToStatus());

  const absl::Status status = errors.ToStatus();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message(), "name: must not be empty (and 2 more, see the details)");
  EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_INVALID_REQUEST);
  const auto bad_request = DetailOf<google::rpc::BadRequest>(status);
  std::vector<std::string> fields;
  for (const auto& violation : bad_request.field_violations()) fields.push_back(violation.field());
  EXPECT_THAT(fields, testing::ElementsAre("name", "creator", "content.a"));
}

TEST(FieldErrorsTest, KeepsABoundedNumber) {
  FieldErrors errors;
  for (int i = 0; i < 10'000; ++i) errors.Add(absl::StrCat("invites[", i, "]"), "wrong");
  EXPECT_EQ(DetailOf<google::rpc::BadRequest>(errors.ToStatus()).field_violations_size(), 50);
}

}  // namespace
}  // namespace innkeeper
