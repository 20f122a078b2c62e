#include "server/rpc/status.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "server/errors/errors.h"

namespace innkeeper::rpc {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;

google::rpc::Status DetailsOf(const grpc::Status& status) {
  google::rpc::Status details;
  EXPECT_TRUE(details.ParseFromString(status.error_details()));
  return details;
}

template <typename Detail>
Detail DetailOf(const grpc::Status& status) {
  const google::rpc::Status details = DetailsOf(status);
  Detail detail;
  for (const auto& any : details.details()) {
    if (any.UnpackTo(&detail)) return detail;
  }
  ADD_FAILURE() << "no " << Detail::descriptor()->full_name();
  return detail;
}

TEST(ToGrpcStatusTest, OkIsOk) { EXPECT_TRUE(ToGrpcStatus(absl::OkStatus()).ok()); }

TEST(ToGrpcStatusTest, CarriesAllDetails) {
  absl::Status error =
      MakeError(absl::StatusCode::kResourceExhausted, v1::ERROR_REASON_ROOM_CREATION_RATE_LIMITED,
                "try again later", {{"creator", "@a:b"}});
  error = WithResource(WithRetryDelay(error, absl::Seconds(3)), "room", "!a:b");

  const grpc::Status status = ToGrpcStatus(error);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(status.error_message(), "try again later");
  EXPECT_EQ(DetailsOf(status).code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(DetailsOf(status).message(), "try again later");
  EXPECT_EQ(DetailsOf(status).details_size(), 3);
  EXPECT_EQ(DetailOf<google::rpc::ErrorInfo>(status).metadata().at("creator"), "@a:b");
  EXPECT_EQ(DetailOf<google::rpc::RetryInfo>(status).retry_delay().seconds(), 3);
  EXPECT_EQ(DetailOf<google::rpc::ResourceInfo>(status).resource_name(), "!a:b");
}

TEST(ToGrpcStatusTest, TellsNothingOfInternalErrorsButAnIncidentId) {
  const grpc::Status status = ToGrpcStatus(absl::NotFoundError("/var/lib/secret: no such file"));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INTERNAL);
  EXPECT_THAT(status.error_message(), Not(HasSubstr("secret")));
  EXPECT_THAT(status.error_details(), Not(HasSubstr("secret")));
  const auto info = DetailOf<google::rpc::ErrorInfo>(status);
  EXPECT_EQ(info.reason(), "INTERNAL");
  EXPECT_EQ(info.domain(), "innkeeper");
  EXPECT_THAT(info.metadata().at("incident"), MatchesRegex("[0-9a-f]{16}"));
  EXPECT_THAT(status.error_message(), HasSubstr(info.metadata().at("incident")));
}

TEST(ToGrpcStatusTest, LogsInternalErrorsUnderTheirIncidentId) {
  testing::internal::CaptureStderr();
  const grpc::Status status = ToGrpcStatus(absl::NotFoundError("/var/lib/secret: no such file"));
  const std::string log = testing::internal::GetCapturedStderr();
  EXPECT_THAT(log, HasSubstr("/var/lib/secret: no such file"));
  EXPECT_THAT(log, HasSubstr(DetailOf<google::rpc::ErrorInfo>(status).metadata().at("incident")));
}

TEST(ToGrpcStatusTest, EveryInternalErrorHasItsOwnIncidentId) {
  const absl::Status error = absl::UnknownError("oh");
  EXPECT_NE(DetailOf<google::rpc::ErrorInfo>(ToGrpcStatus(error)).metadata().at("incident"),
            DetailOf<google::rpc::ErrorInfo>(ToGrpcStatus(error)).metadata().at("incident"));
}

TEST(HideInternalsTest, LeavesWhatCallersMayKnowAsItIs) {
  const absl::Status error =
      MakeError(absl::StatusCode::kNotFound, v1::ERROR_REASON_ROOM_NOT_FOUND, "no such room");
  EXPECT_EQ(HideInternals(error), error);
  EXPECT_EQ(HideInternals(absl::OkStatus()), absl::OkStatus());
  EXPECT_EQ(HideInternals(absl::CancelledError("the caller has gone")), absl::CancelledError());
}

// A call is counted by what this returns, and answered with what is made of it.
TEST(HideInternalsTest, GivesAnIncidentThatIsToldOnceAndStaysTheSame) {
  testing::internal::CaptureStderr();
  const absl::Status hidden = HideInternals(absl::DataLossError("/var/lib/secret: damaged"));
  const std::string incident = MetadataOf(hidden, "incident");
  const grpc::Status status = ToGrpcStatus(hidden);
  const std::string log = testing::internal::GetCapturedStderr();
  EXPECT_TRUE(absl::IsInternal(hidden));
  EXPECT_EQ(ReasonOf(hidden), v1::ERROR_REASON_INTERNAL);
  EXPECT_EQ(DetailOf<google::rpc::ErrorInfo>(status).metadata().at("incident"), incident);
  EXPECT_THAT(log, MatchesRegex(".*incident " + incident + ": DATA_LOSS: [^\n]*damaged\n"));
}

TEST(ToGrpcStatusTest, KeepsManyFieldViolationsWithinWhatClientsReceive) {
  FieldErrors errors;
  for (int i = 0; i < 50; ++i) {
    errors.Add(absl::StrCat("initial_state[", i, "].content"), std::string(150, 'x'));
  }
  const grpc::Status status = ToGrpcStatus(errors.ToStatus());
  EXPECT_LE(status.error_details().size(), 4096);
  const auto bad_request = DetailOf<google::rpc::BadRequest>(status);
  EXPECT_GT(bad_request.field_violations_size(), 15);
  EXPECT_EQ(bad_request.field_violations(0).field(), "initial_state[0].content");
  EXPECT_EQ(DetailOf<google::rpc::ErrorInfo>(status).reason(), "INVALID_REQUEST");
}

}  // namespace
}  // namespace innkeeper::rpc
