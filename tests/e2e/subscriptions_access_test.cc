// What a consumer is delivered that is kept to audiences, also when that changes.

#include <set>
#include <string>
#include <vector>

#include "tests/e2e/e2e_test.h"
#include "tests/e2e/tenant_test.h"
#include "tests/support/consumer_stream.h"

namespace innkeeper {
namespace {

using grpc::StatusCode;

class SubscriptionsAccessTest : public TenantTest {
 protected:
  static constexpr char kName[] = "orders";

  SubscriptionsAccessTest() {
    SetTenant({"watch"}, {"tenant-*"});
    AwaitAudience("tenant-7");
  }

  Reply<v1::CreateSubscriptionResponse> Subscribe(const v1::RoomEventFilter& filter = {}) const {
    v1::CreateSubscriptionRequest request;
    request.mutable_subscription()->set_name(kName);
    *request.mutable_subscription()->mutable_filter() = filter;
    request.mutable_subscription()->set_max_delivery_attempts(1);
    request.set_position(v1::START_POSITION_OLDEST);
    return tenant_.CreateSubscription(request);
  }

  static v1::ConsumeEventsRequest Consume() {
    v1::ConsumeEventsRequest request;
    request.set_name(kName);
    request.set_max_batch_events(1);
    return request;
  }

  static std::string RoomOf(const std::vector<v1::DeliveredEvent>& events) {
    return events.size() == 1 ? events[0].event().room_id() : "";
  }

  v1::Subscription Get() const {
    v1::GetSubscriptionRequest request;
    request.set_name(kName);
    return tenant_.GetSubscription(request).response.subscription();
  }
};

TEST_F(SubscriptionsAccessTest, OnlyEventsOfTheConsumersAudiencesAreDelivered) {
  const std::string first = CreateFor("tenant-7");
  CreateFor("other");
  CreateFor("");
  const std::string second = CreateFor("tenant-8");
  CreateFor("other");
  ASSERT_TRUE(Subscribe().ok());
  ConsumerStream consumer(tenant_, Consume());
  EXPECT_THAT(
      (std::vector<std::string>{RoomOf(consumer.NextEvents(1)), RoomOf(consumer.NextEvents(1))}),
      testing::UnorderedElementsAre(first, second));
  EXPECT_EQ(consumer.Ack().response.acknowledged_event_count(), 2);
  // Those of others are passed, and hold up nothing.
  while (Get().acknowledged_sequence() < 5) {
  }
  EXPECT_EQ(Get().lag().events(), 0);
}

TEST_F(SubscriptionsAccessTest, ForeignAudiencesMustNotBeAskedFor) {
  v1::RoomEventFilter filter;
  filter.add_topics("audiences/other/events");
  EXPECT_THAT(Subscribe(filter).status,
              IsError(StatusCode::PERMISSION_DENIED, "AUDIENCE_NOT_ALLOWED"));
  filter.set_topics(0, "audiences/tenant-7/events");
  EXPECT_TRUE(Subscribe(filter).ok());
}

TEST_F(SubscriptionsAccessTest, ChangedAudiencesAreInForceDuringTheStream) {
  ASSERT_TRUE(Subscribe().ok());
  ConsumerStream consumer(tenant_, Consume());
  const std::string before = CreateFor("tenant-7");
  EXPECT_EQ(RoomOf(consumer.NextEvents(1)), before);
  ASSERT_TRUE(consumer.Ack().ok());
  SetTenant({"watch"}, {"other"});
  AwaitAudience("other");
  // The stream looks within a second; what comes meanwhile goes by what was so before.
  std::set<std::string> others;
  std::string delivered;
  do {
    CreateFor("tenant-7");
    others.insert(CreateFor("other"));
    delivered = RoomOf(consumer.NextEvents(1));
    ASSERT_TRUE(consumer.Ack().ok());
  } while (!others.contains(delivered));
}

TEST_F(SubscriptionsAccessTest, ParkedEventsAreShownByAudience) {
  ASSERT_TRUE(Subscribe().ok());
  CreateFor("tenant-7");
  ConsumerStream consumer(tenant_, Consume());
  const auto events = consumer.NextEvents(1);
  ASSERT_EQ(events.size(), 1u);
  ASSERT_TRUE(consumer.Reject(events[0].event().sequence(), "no").ok());
  while (Get().parked_event_count() < 1) {
  }
  v1::ListParkedEventsRequest list;
  list.set_name(kName);
  EXPECT_EQ(tenant_.ListParkedEvents(list).response.parked_events_size(), 1);
  SetTenant({"watch"}, {"other"});
  AwaitAudience("other");
  EXPECT_EQ(tenant_.ListParkedEvents(list).response.parked_events_size(), 0);
  EXPECT_EQ(admin_.ListParkedEvents(list).response.parked_events_size(), 1);
}

TEST_F(SubscriptionsAccessTest, ALostRoleEndsTheStream) {
  ASSERT_TRUE(Subscribe().ok());
  ConsumerStream consumer(tenant_, Consume());
  consumer.AwaitStart();
  SetTenant({"read-all"}, {"tenant-*"});
  EXPECT_THAT(consumer.Finish(), IsError(StatusCode::PERMISSION_DENIED, "ROLE_MISSING"));
}

}  // namespace
}  // namespace innkeeper
