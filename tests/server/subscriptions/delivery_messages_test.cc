#include "server/subscriptions/delivery_messages.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "innkeeper/v1/event_subscriptions.pb.h"
#include "server/feed/logged_commit.h"
#include "server/subscriptions/buckets.h"

namespace innkeeper::subscriptions {
namespace {

v1::ConsumeEventsResponse Parse(const std::string& message) {
  v1::ConsumeEventsResponse response;
  EXPECT_TRUE(response.ParseFromString(message));
  return response;
}

std::shared_ptr<const feed::LoggedEvent> EventOf(const std::string& room_id, int64_t sequence) {
  v1::RoomEvent event;
  event.set_room_id(room_id);
  event.set_sequence(sequence);
  return std::make_shared<feed::LoggedEvent>(feed::LoggedEvent{
      event, event.SerializeAsString(), static_cast<storage::LogPosition>(sequence)});
}

TEST(DeliveryMessagesTest, EventsCarryTheirAttempts) {
  const std::string long_name(300, 'x');
  const auto response =
      Parse(EventsMessage({{EventOf("!a", 1), 1}, {EventOf(long_name, 2), 300}}, "the cursor"));
  const v1::DeliveredEvents& events = response.events();
  ASSERT_EQ(events.events_size(), 2);
  EXPECT_EQ(events.events(0).event().room_id(), "!a");
  EXPECT_EQ(events.events(0).attempt(), 1);
  EXPECT_EQ(events.events(1).event().room_id(), long_name);
  EXPECT_EQ(events.events(1).event().sequence(), 2);
  EXPECT_EQ(events.events(1).attempt(), 300);
  EXPECT_FALSE(events.events(1).replayed());
  EXPECT_EQ(events.events(0).part(), static_cast<int32_t>(BucketOf("!a")));
  EXPECT_EQ(events.events(1).part(), static_cast<int32_t>(BucketOf(long_name)));
  EXPECT_EQ(events.cursor(), "the cursor");
}

TEST(DeliveryMessagesTest, ReplaysAreMarked) {
  const auto response = Parse(ReplayMessage(EventOf("!a", 7)->bytes, 63, 2, "c"));
  ASSERT_EQ(response.events().events_size(), 1);
  EXPECT_EQ(response.events().events(0).event().sequence(), 7);
  EXPECT_EQ(response.events().events(0).attempt(), 2);
  EXPECT_TRUE(response.events().events(0).replayed());
  EXPECT_EQ(response.events().events(0).part(), 63);
  EXPECT_EQ(response.events().cursor(), "c");
}

TEST(DeliveryMessagesTest, TheOthersSayWhatTheyAreGiven) {
  const auto started = Parse(StartedMessage("id", absl::Milliseconds(1500)));
  EXPECT_EQ(started.started().consumer_id(), "id");
  EXPECT_EQ(started.started().ack_deadline().seconds(), 1);
  EXPECT_EQ(started.started().ack_deadline().nanos(), 500'000'000);
  const auto progress = Parse(ProgressMessage(3, 40));
  EXPECT_EQ(progress.progress().share(), 3);
  EXPECT_EQ(progress.progress().unacknowledged_event_count(), 40);
}

}  // namespace
}  // namespace innkeeper::subscriptions
