// Where subscriptions start and are moved to, at a time: as WatchRoomEvents begins.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "innkeeper/v1/event_subscriptions.pb.h"
#include "server/errors/errors.h"
#include "server/subscriptions/caller.h"
#include "server/values/timestamp.h"
#include "storage/engine.h"
#include "tests/server/subscriptions/test_delivery.h"

namespace innkeeper::subscriptions {
namespace {

const Caller kCaller = {.principal = "watcher"};

class StartPositionTest : public testing::Test {
 protected:
  StartPositionTest() { delivery_.Append({"!a", "!b", "!c", "!d"}); }

  // The sequence that a subscription which starts at `time` counts as acknowledged.
  absl::StatusOr<int64_t> Create(absl::Time time) {
    v1::CreateSubscriptionRequest request;
    request.mutable_subscription()->set_name("created");
    SetTimestamp(absl::ToUnixMicros(time), request.mutable_start_time());
    auto created = delivery_.transactor().RunAndWait(
        delivery_.manager().Create(std::move(request), kCaller, {}));
    if (!created.ok()) return created.status();
    return delivery_.Get("created").acknowledged_sequence();
  }

  // The same for one that is moved there.
  absl::StatusOr<int64_t> Seek(absl::Time time) {
    v1::Subscription subscription;
    subscription.set_name("moved");
    delivery_.Subscribe(subscription);
    v1::SeekSubscriptionRequest request;
    request.set_name("moved");
    SetTimestamp(absl::ToUnixMicros(time), request.mutable_start_time());
    auto moved =
        delivery_.transactor().RunAndWait(delivery_.manager().Seek(std::move(request), kCaller));
    if (!moved.ok()) return moved.status();
    return moved->subscription().acknowledged_sequence();
  }

  TestDelivery delivery_;
};

TEST_F(StartPositionTest, TimeOfAnEventIsRightBeforeIt) {
  const auto time_of = [this](storage::LogPosition position) {
    return delivery_.engine().ReadLog(position, 1, 1).value()[0].commit_time;
  };
  storage::LogPosition first = 4;  // of that microsecond
  while (first > 1 && time_of(first - 1) == time_of(4)) --first;
  EXPECT_EQ(Create(time_of(4)).value(), static_cast<int64_t>(first) - 1);
  EXPECT_EQ(Seek(time_of(4)).value(), static_cast<int64_t>(first) - 1);
}

TEST_F(StartPositionTest, TimeToComeIsNow) {
  EXPECT_EQ(Create(absl::Now() + absl::Hours(1)).value(), 4);
  EXPECT_EQ(Seek(absl::Now() + absl::Hours(1)).value(), 4);
}

TEST_F(StartPositionTest, TimeBeforeTheOldestEventIsTheOldestIfNothingWasRemoved) {
  EXPECT_EQ(Create(absl::UnixEpoch()).value(), 0);
  EXPECT_EQ(Seek(absl::UnixEpoch()).value(), 0);
}

TEST_F(StartPositionTest, TimeBeforeTheOldestEventIsGoneIfSomethingWasRemoved) {
  ASSERT_TRUE(delivery_.engine().TrimLog(3).ok());
  for (const absl::Status& gone :
       {Create(absl::UnixEpoch()).status(), Seek(absl::UnixEpoch()).status()}) {
    EXPECT_EQ(ReasonOf(gone), v1::ERROR_REASON_EVENT_HISTORY_GONE);
    v1::SeekSubscriptionRequest request;
    request.set_name("moved");
    request.set_after_cursor(MetadataOf(gone, "oldest_cursor"));
    delivery_.Seek(std::move(request));
    EXPECT_EQ(delivery_.Get("moved").acknowledged_sequence(), 2);
  }
}

}  // namespace
}  // namespace innkeeper::subscriptions
