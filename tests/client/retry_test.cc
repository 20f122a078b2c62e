#include "client/internal/retry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <limits>
#include <string>
#include <vector>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "google/rpc/error_details.pb.h"

namespace innkeeper::client_internal {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

template <typename Detail>
void SetDetail(const Detail& detail, absl::Status& status) {
  status.SetPayload(absl::StrCat("type.googleapis.com/", Detail::descriptor()->full_name()),
                    absl::Cord(detail.SerializeAsString()));
}

absl::Status Error(absl::StatusCode code, const std::string& reason) {
  absl::Status status(code, reason);
  google::rpc::ErrorInfo info;
  info.set_domain("innkeeper");
  info.set_reason(reason);
  SetDetail(info, status);
  return status;
}

absl::Status WithRetryDelay(absl::Status status, int seconds) {
  google::rpc::RetryInfo info;
  info.mutable_retry_delay()->set_seconds(seconds);
  SetDetail(info, status);
  return status;
}

const absl::Status kBrokenConnection = absl::UnavailableError("connection reset");

// Attempts that end as told, on a clock that only waiting moves.
class RetryTest : public testing::Test {
 protected:
  // Calls until `timeout`, with these outcomes one after the other; the last one stays.
  absl::Status Call(const std::vector<absl::Status>& outcomes,
                    absl::Duration timeout = absl::Hours(1)) {
    attempts_ = 0;
    waits_.clear();
    ClientSurroundings surroundings;
    surroundings.now = [this] { return now_; };
    surroundings.sleep = [this](absl::Duration duration, const absl::Notification&) {
      waits_.push_back(duration);
      now_ += duration;
    };
    surroundings.random = [] { return std::numeric_limits<uint64_t>::max(); };
    const BackoffOptions backoff = {.initial = absl::Seconds(1), .maximum = absl::Seconds(8)};
    return CallWithRetries(backoff, surroundings, now_ + timeout,
                           [&] { return outcomes[std::min(attempts_++, outcomes.size() - 1)]; });
  }

  absl::Time now_ = absl::UnixEpoch();
  size_t attempts_ = 0;
  std::vector<absl::Duration> waits_;
};

TEST_F(RetryTest, SuccessIsNotRepeated) {
  EXPECT_TRUE(Call({absl::OkStatus()}).ok());
  EXPECT_EQ(attempts_, 1u);
  EXPECT_THAT(waits_, IsEmpty());
}

TEST_F(RetryTest, WaitsLongerEachTime) {
  EXPECT_TRUE(Call({kBrokenConnection, kBrokenConnection, kBrokenConnection, kBrokenConnection,
                    kBrokenConnection, absl::OkStatus()})
                  .ok());
  EXPECT_THAT(waits_, ElementsAre(absl::Seconds(1), absl::Seconds(2), absl::Seconds(4),
                                  absl::Seconds(8), absl::Seconds(8)));
}

TEST_F(RetryTest, WhatMayPassIsTriedAgain) {
  for (const absl::Status& passing :
       {kBrokenConnection, absl::CancelledError(""), absl::UnknownError("Stream removed"),
        absl::InternalError("RST_STREAM"), Error(absl::StatusCode::kUnavailable, "SHUTTING_DOWN"),
        Error(absl::StatusCode::kUnavailable, "STORAGE_UNAVAILABLE"),
        Error(absl::StatusCode::kUnavailable, "STORAGE_FULL"),
        Error(absl::StatusCode::kUnavailable, "STORAGE_READ_ONLY"),
        Error(absl::StatusCode::kUnavailable, "A_REASON_OF_LATER_SERVERS"),
        Error(absl::StatusCode::kAborted, "CONFLICT"),
        Error(absl::StatusCode::kResourceExhausted, "OVERLOADED"),
        Error(absl::StatusCode::kResourceExhausted, "ROOM_CREATION_RATE_LIMITED"),
        Error(absl::StatusCode::kResourceExhausted, "RATE_LIMITED")}) {
    EXPECT_TRUE(Call({passing, absl::OkStatus()}).ok()) << passing;
    EXPECT_EQ(attempts_, 2u) << passing;
  }
}

TEST_F(RetryTest, WhatStaysIsNotTriedAgain) {
  for (const absl::Status& staying :
       {absl::DeadlineExceededError(""), absl::UnauthenticatedError("no token file"),
        absl::UnimplementedError("an older server"), absl::ResourceExhaustedError("too long"),
        Error(absl::StatusCode::kInvalidArgument, "INVALID_REQUEST"),
        Error(absl::StatusCode::kUnauthenticated, "CREDENTIALS_INVALID"),
        Error(absl::StatusCode::kPermissionDenied, "ROLE_MISSING"),
        Error(absl::StatusCode::kNotFound, "ROOM_NOT_FOUND"),
        Error(absl::StatusCode::kAborted, "ROOM_UPGRADE_CANCELLED"),
        Error(absl::StatusCode::kInternal, "ROOM_UPGRADE_FAILED"),
        Error(absl::StatusCode::kInternal, "INTERNAL")}) {
    EXPECT_EQ(Call({staying, absl::OkStatus()}), staying);
    EXPECT_EQ(attempts_, 1u) << staying;
  }
}

TEST_F(RetryTest, AnUpgradeInProgressMayBeThatOfAnEarlierAttempt) {
  const absl::Status in_progress = Error(absl::StatusCode::kAborted, "ROOM_UPGRADE_IN_PROGRESS");
  EXPECT_EQ(Call({in_progress, absl::OkStatus()}), in_progress);
  EXPECT_TRUE(Call({kBrokenConnection, in_progress, in_progress, absl::OkStatus()}).ok());
  // The server did not begin with what it refused.
  EXPECT_EQ(Call({Error(absl::StatusCode::kResourceExhausted, "OVERLOADED"), in_progress,
                  absl::OkStatus()}),
            in_progress);
}

TEST_F(RetryTest, WaitsLongerByWhatTheServerAsksFor) {
  const absl::Status overloaded =
      WithRetryDelay(Error(absl::StatusCode::kResourceExhausted, "OVERLOADED"), 30);
  EXPECT_TRUE(Call({overloaded, overloaded, absl::OkStatus()}).ok());
  EXPECT_THAT(waits_, ElementsAre(absl::Seconds(31), absl::Seconds(32)));
}

TEST_F(RetryTest, TheLastErrorComesWhenThereIsNoTimeForAnotherAttempt) {
  EXPECT_EQ(Call({kBrokenConnection}, absl::Seconds(7)), kBrokenConnection);
  EXPECT_THAT(waits_, ElementsAre(absl::Seconds(1), absl::Seconds(2)));
  const absl::Status limited =
      WithRetryDelay(Error(absl::StatusCode::kResourceExhausted, "ROOM_CREATION_RATE_LIMITED"), 60);
  EXPECT_EQ(Call({limited}, absl::Seconds(60)), limited);
  EXPECT_EQ(attempts_, 1u);
}

TEST_F(RetryTest, MakesNoOtherAttemptOnceItIsStopped) {
  absl::Notification stop;
  ClientSurroundings surroundings;
  surroundings.sleep = [&](absl::Duration, const absl::Notification& awaited) {
    EXPECT_EQ(&awaited, &stop);
    stop.Notify();
  };
  int attempts = 0;
  const auto attempt = [&] {
    ++attempts;
    return kBrokenConnection;
  };
  EXPECT_EQ(CallWithRetries({}, surroundings, absl::InfiniteFuture(), attempt, stop),
            kBrokenConnection);
  EXPECT_EQ(attempts, 1);
}

}  // namespace
}  // namespace innkeeper::client_internal
