#include "server/audit/recorder.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/time/time.h"
#include "server/errors/errors.h"
#include "tests/server/audit/audit_fixture.h"

namespace innkeeper::audit {
namespace {

absl::Status RoleMissing() {
  return MakeError(absl::StatusCode::kPermissionDenied, v1::ERROR_REASON_ROLE_MISSING, "no");
}

class RecorderTest : public AuditFixture {
 protected:
  // Makes commits before it, and so all that the recorder wrote, durable.
  std::vector<std::pair<uint64_t, v1::AuditEntry>> Recorded() {
    AuditFixture::Commit(engine(), {});
    return Entries();
  }

  absl::Time now_ = absl::FromUnixSeconds(1'700'000'000);
  const Clock clock_ = [this] { return now_; };
  const RandomBytes random_ = SecureRandom();
  metrics::AuditMetrics metrics_;
  Recorder recorder_{engine(), clock_, random_, {.refusals = {1, 2}}, metrics_};
  const Origin origin_ = {.principal = "calendar", .method = "GetRoom", .target = "!room"};
};

TEST(IsRefusalTest, IsWhatIsRefusedForWhoAsks) {
  const auto error = [](absl::StatusCode code, v1::ErrorReason reason) {
    return MakeError(code, reason, "");
  };
  for (const absl::Status& refusal :
       {error(absl::StatusCode::kUnauthenticated, v1::ERROR_REASON_CREDENTIALS_INVALID),
        RoleMissing(), error(absl::StatusCode::kNotFound, v1::ERROR_REASON_ROOM_NOT_FOUND),
        error(absl::StatusCode::kNotFound, v1::ERROR_REASON_SUBSCRIPTION_NOT_FOUND),
        error(absl::StatusCode::kNotFound, v1::ERROR_REASON_APPROVAL_NOT_FOUND)}) {
    EXPECT_TRUE(IsRefusal(refusal)) << refusal;
  }
  for (const absl::Status& other :
       {absl::OkStatus(), absl::NotFoundError(""), absl::CancelledError(),
        error(absl::StatusCode::kNotFound, v1::ERROR_REASON_EVENT_NOT_FOUND),
        error(absl::StatusCode::kResourceExhausted, v1::ERROR_REASON_RATE_LIMITED),
        error(absl::StatusCode::kInvalidArgument, v1::ERROR_REASON_INVALID_REQUEST)}) {
    EXPECT_FALSE(IsRefusal(other)) << other;
  }
}

TEST_F(RecorderTest, SaysWhoWasRefusedWhatAndWhy) {
  recorder_.RecordRefusal(origin_, RoleMissing());
  const auto entries = Recorded();
  ASSERT_EQ(entries.size(), 1u);
  const v1::AuditEntry& entry = entries[0].second;
  EXPECT_EQ(entry.principal(), "calendar");
  EXPECT_EQ(entry.method(), "GetRoom");
  EXPECT_EQ(entry.target(), "!room");
  EXPECT_EQ(entry.outcome(), v1::AUDIT_OUTCOME_REFUSED);
  EXPECT_EQ(entry.code(), 7);
  EXPECT_EQ(entry.reason(), "ROLE_MISSING");
  EXPECT_EQ(entry.salt().size(), 16u);
  EXPECT_EQ(entry.suppressed_count(), 0);
  EXPECT_EQ(metrics_.recorded_refusals.value(), 1u);
}

TEST_F(RecorderTest, TooManyAreCountedAndToldOfByTheNext) {
  for (int i = 0; i < 7; ++i) recorder_.RecordRefusal(origin_, RoleMissing());
  EXPECT_EQ(Recorded().size(), 2u);
  EXPECT_EQ(metrics_.suppressed_refusals.value(), 5u);
  now_ += absl::Seconds(1);
  recorder_.RecordRefusal(origin_, RoleMissing());
  const auto entries = Recorded();
  ASSERT_EQ(entries.size(), 3u);
  EXPECT_EQ(entries[2].second.suppressed_count(), 5);
  now_ += absl::Seconds(1);
  recorder_.RecordRefusal(origin_, RoleMissing());
  EXPECT_EQ(Recorded()[3].second.suppressed_count(), 0);
}

TEST_F(RecorderTest, TheLastOfThemAreToldOfByThemselves) {
  recorder_.RecordSuppressed();
  EXPECT_TRUE(Recorded().empty());
  for (int i = 0; i < 4; ++i) recorder_.RecordRefusal(origin_, RoleMissing());
  recorder_.RecordSuppressed();
  recorder_.RecordSuppressed();
  const auto entries = Recorded();
  ASSERT_EQ(entries.size(), 3u);
  EXPECT_EQ(entries[2].second.method(), "maintenance");
  EXPECT_EQ(entries[2].second.outcome(), v1::AUDIT_OUTCOME_REFUSED);
  EXPECT_EQ(entries[2].second.suppressed_count(), 2);
  EXPECT_EQ(metrics_.recorded_refusals.value(), 2u);
}

TEST_F(RecorderTest, WhatTheStoreDoesNotTakeIsCounted) {
  ASSERT_TRUE(engine().Close().ok());
  recorder_.RecordRefusal(origin_, RoleMissing());
  recorder_.RecordSuppressed();
  EXPECT_EQ(metrics_.recorded_refusals.value(), 0u);
  EXPECT_EQ(metrics_.dropped_refusals.value(), 1u);
}

}  // namespace
}  // namespace innkeeper::audit
