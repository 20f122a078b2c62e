// A delivery by itself: what a dispatcher can't be made to do at a given moment.

#include "server/subscriptions/delivery.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "innkeeper/v1/error_reason.pb.h"
#include "server/errors/errors.h"
#include "storage/records.pb.h"
#include "tests/server/subscriptions/test_delivery.h"

namespace innkeeper::subscriptions {
namespace {

// Lets go of its delivery, and has something else happen just before.
class ForgetfulOwner final : public Delivery::Owner {
 public:
  explicit ForgetfulOwner(std::function<void(Delivery&)> before) : before_(std::move(before)) {}

  void SetAlarm(Delivery&, absl::Duration) override {}

  bool TryForget(Delivery& delivery) override {
    if (before_) std::exchange(before_, nullptr)(delivery);
    return true;
  }

 private:
  std::function<void(Delivery&)> before_;
};

TEST(DeliveryTest, AnAcknowledgementThatMeetsTheEndIsAnswered) {
  absl::Notification answered;
  absl::StatusOr<int64_t> answer = 0;
  ForgetfulOwner owner([&](Delivery& delivery) {
    delivery.Acknowledge(1, 1, [&](absl::StatusOr<int64_t> count) {
      answer = std::move(count);
      answered.Notify();
    });
  });
  TestDelivery parts;                  // ends its threads before the owner goes
  storage::SubscriptionRecord record;  // of a subscription that is not there any more
  record.set_name("orders");
  record.set_uid(7);
  const auto delivery =
      std::make_shared<Delivery>(owner, parts.environment(), DeliveryOptions(), record);
  delivery->Wake();
  ASSERT_TRUE(answered.WaitForNotificationWithTimeout(absl::Seconds(30)));
  EXPECT_EQ(ReasonOf(answer.status()), v1::ERROR_REASON_SUBSCRIPTION_NOT_FOUND);
}

}  // namespace
}  // namespace innkeeper::subscriptions
