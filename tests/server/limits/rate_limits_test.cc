#include "server/limits/rate_limits.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "google/rpc/error_details.pb.h"
#include "server/errors/errors.h"

namespace innkeeper::limits {
namespace {

using testing::ElementsAre;
using testing::Pair;

constexpr char kAlice[] = "@alice:example.org";
constexpr char kBob[] = "@bob:example.org";
constexpr char kRoom[] = "!room:example.org";

google::rpc::QuotaFailure QuotaFailureOf(const absl::Status& status) {
  google::rpc::QuotaFailure failure;
  const auto payload = status.GetPayload("type.googleapis.com/google.rpc.QuotaFailure");
  EXPECT_TRUE(payload && failure.ParseFromString(std::string(*payload)));
  return failure;
}

bool HasRetryInfo(const absl::Status& status) {
  return status.GetPayload("type.googleapis.com/google.rpc.RetryInfo").has_value();
}

class RateLimitsTest : public testing::Test {
 protected:
  // Limits of which each bucket in `rates` has a single token, and the others have no limit.
  RateLimits WithOneTokenIn(const std::vector<Bucket>& buckets,
                            Enforcement enforcement = Enforcement::kEnforce) {
    RateLimitOptions options{.enforcement = enforcement};
    for (const Bucket bucket : buckets) options[bucket] = {.per_second = 0.5, .burst = 1};
    return RateLimits(options, clock_, metrics_);
  }

  static Tolls TollsFor(RateLimits& limits, Work work, const std::string& user,
                        const std::string& room_id = kRoom) {
    Tolls tolls;
    if (auto toll = limits.UserToll(work, user)) tolls.push_back(std::move(toll));
    if (auto toll = limits.RoomToll(work, room_id)) tolls.push_back(std::move(toll));
    return tolls;
  }

  static absl::Status Pay(RateLimits& limits, Work work, const std::string& user,
                          const std::string& room_id = kRoom) {
    return limits::Pay(TollsFor(limits, work, user, room_id));
  }

  absl::Time now_ = absl::FromUnixSeconds(1'700'000'000);
  const Clock clock_ = [this] { return now_; };
  metrics::LimitMetrics metrics_;
};

// What each kind of work takes from, besides the principal.
struct Row {
  Work work;
  std::vector<Bucket> of_user;
  std::vector<Bucket> of_room;
};

const Row kRows[] = {{Work::kRead, {}, {}},
                     {Work::kStream, {}, {}},
                     {Work::kUpload, {}, {}},
                     {Work::kWrite, {}, {}},
                     {Work::kCreate, {Bucket::kCreations}, {}},
                     {Work::kUpgrade, {Bucket::kUpgrades}, {}},
                     {Work::kInvite, {Bucket::kInvites}, {Bucket::kRoomInvites}},
                     {Work::kJoin, {Bucket::kJoins}, {Bucket::kRoomJoins}},
                     {Work::kMessage, {Bucket::kMessages}, {Bucket::kRoomMessages}},
                     {Work::kModeration, {Bucket::kMessages}, {}}};

TEST_F(RateLimitsTest, EachKindOfWorkTakesFromItsBuckets) {
  for (const Row& row : kRows) {
    for (size_t i = 0; i < kBucketCount; ++i) {
      const auto bucket = static_cast<Bucket>(i);
      RateLimits limits = WithOneTokenIn({bucket});
      ASSERT_TRUE(Pay(limits, row.work, kAlice).ok());
      const bool of_user = testing::Matches(testing::Contains(bucket))(row.of_user);
      const bool of_room = testing::Matches(testing::Contains(bucket))(row.of_room);
      const absl::Status again = Pay(limits, row.work, kAlice);
      EXPECT_EQ(again.ok(), !of_user && !of_room) << NameOf(bucket);
      EXPECT_EQ(Pay(limits, row.work, kBob).ok(), !of_room) << NameOf(bucket);
      EXPECT_TRUE(Pay(limits, row.work, kBob, "!other:example.org").ok() || of_user);
      if (again.ok()) continue;
      EXPECT_EQ(again.code(), absl::StatusCode::kResourceExhausted);
      EXPECT_EQ(MetadataOf(again, "limit"), NameOf(bucket));
      EXPECT_TRUE(HasRetryInfo(again));
      EXPECT_EQ(QuotaFailureOf(again).violations(0).subject(),
                of_user ? "user:@alice:example.org" : "room:!room:example.org");
    }
  }
}

TEST_F(RateLimitsTest, CreationHasAReasonOfItsOwn) {
  RateLimits limits = WithOneTokenIn({Bucket::kCreations, Bucket::kMessages});
  ASSERT_TRUE(Pay(limits, Work::kCreate, kAlice, "").ok());
  const absl::Status refused = Pay(limits, Work::kCreate, kAlice, "");
  EXPECT_EQ(ReasonOf(refused), v1::ERROR_REASON_ROOM_CREATION_RATE_LIMITED);
  EXPECT_EQ(refused.message(),
            "You have created too many rooms recently. Please wait before creating another.");
  ASSERT_TRUE(Pay(limits, Work::kMessage, kAlice).ok());
  EXPECT_EQ(ReasonOf(Pay(limits, Work::kMessage, kAlice)), v1::ERROR_REASON_RATE_LIMITED);
  now_ += absl::Seconds(2);
  EXPECT_TRUE(Pay(limits, Work::kCreate, kAlice, "").ok());
  EXPECT_TRUE(Pay(limits, Work::kMessage, kAlice).ok());
}

TEST_F(RateLimitsTest, CallsAreOfThePrincipalAndReadsAreNotWrites) {
  RateLimits limits = WithOneTokenIn({Bucket::kPrincipalReads, Bucket::kPrincipalWrites});
  EXPECT_TRUE(limits.TakeCall(Work::kRead, "backend").ok());
  EXPECT_EQ(MetadataOf(limits.TakeCall(Work::kStream, "backend"), "limit"), "principal_read_rate");
  EXPECT_TRUE(limits.TakeCall(Work::kRead, "reader").ok()) << "each has their own";
  EXPECT_TRUE(limits.TakeCall(Work::kInvite, "backend").ok());
  const absl::Status refused = limits.TakeCall(Work::kCreate, "backend");
  EXPECT_EQ(MetadataOf(refused, "limit"), "principal_write_rate");
  EXPECT_EQ(QuotaFailureOf(refused).violations(0).subject(), "principal:backend");
  for (const Row& row : kRows) {
    EXPECT_EQ(MetadataOf(limits.TakeCall(row.work, "backend"), "limit"),
              IsWrite(row.work) ? "principal_write_rate" : "principal_read_rate");
  }
}

TEST_F(RateLimitsTest, ATollIsPaidOnceAndGivenBackWhole) {
  RateLimits limits = WithOneTokenIn({Bucket::kMessages, Bucket::kRoomMessages});
  const Tolls tolls = TollsFor(limits, Work::kMessage, kAlice);
  EXPECT_TRUE(limits::Pay(tolls).ok());
  EXPECT_TRUE(limits::Pay(tolls).ok()) << "it was paid already";
  EXPECT_FALSE(Pay(limits, Work::kMessage, kAlice, "!other:example.org").ok());
  EXPECT_FALSE(Pay(limits, Work::kMessage, kBob).ok());
  GiveBack(tolls);
  GiveBack(tolls);
  EXPECT_TRUE(Pay(limits, Work::kMessage, kAlice).ok());
  EXPECT_FALSE(Pay(limits, Work::kMessage, kAlice).ok()) << "it came back once";
}

TEST_F(RateLimitsTest, WhoIsRefusedForTheRoomPaysNothing) {
  RateLimits limits = WithOneTokenIn({Bucket::kMessages, Bucket::kRoomMessages});
  ASSERT_TRUE(Pay(limits, Work::kMessage, kBob).ok());
  EXPECT_EQ(MetadataOf(Pay(limits, Work::kMessage, kAlice), "limit"), "room_message_rate");
  EXPECT_TRUE(Pay(limits, Work::kMessage, kAlice, "!other:example.org").ok());
}

TEST_F(RateLimitsTest, WhatIsNotLimitedHasNoToll) {
  RateLimits limits = WithOneTokenIn({Bucket::kMessages});
  EXPECT_EQ(limits.UserToll(Work::kInvite, kAlice), nullptr);
  EXPECT_EQ(limits.UserToll(Work::kMessage, ""), nullptr);
  EXPECT_NE(limits.UserToll(Work::kMessage, kAlice), nullptr);
  EXPECT_EQ(limits.RoomToll(Work::kMessage, kRoom), nullptr);
}

TEST_F(RateLimitsTest, ObservedRatesAreCountedAndLetThrough) {
  RateLimits limits =
      WithOneTokenIn({Bucket::kMessages, Bucket::kPrincipalWrites}, Enforcement::kObserve);
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(limits.TakeCall(Work::kMessage, "backend").ok());
    EXPECT_TRUE(Pay(limits, Work::kMessage, kAlice).ok());
  }
  EXPECT_THAT(metrics_.observed.values(),
              ElementsAre(Pair("message_rate", 2), Pair("principal_write_rate", 2)));
}

TEST_F(RateLimitsTest, WhatWasOnlyObservedIsNotGivenBack) {
  RateLimits limits = WithOneTokenIn({Bucket::kMessages}, Enforcement::kObserve);
  ASSERT_TRUE(Pay(limits, Work::kMessage, kAlice).ok());
  const auto toll = limits.UserToll(Work::kMessage, kAlice);
  EXPECT_TRUE(toll->Pay().ok());
  toll->GiveBack();
  EXPECT_TRUE(Pay(limits, Work::kMessage, kAlice).ok());
  EXPECT_THAT(metrics_.observed.values(), ElementsAre(Pair("message_rate", 2)));
}

TEST_F(RateLimitsTest, RatesThatAreOffAreNotCounted) {
  RateLimits limits = WithOneTokenIn({Bucket::kMessages}, Enforcement::kOff);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(Pay(limits, Work::kMessage, kAlice).ok());
  EXPECT_TRUE(metrics_.observed.values().empty());
}

}  // namespace
}  // namespace innkeeper::limits
