// ConsumeEvents, AckEvents and RejectEvent do what their comments promise.

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "tests/e2e/e2e_test.h"
#include "tests/support/consumer_stream.h"
#include "tests/support/people.h"

namespace innkeeper {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::Gt;
using testing::IsEmpty;

constexpr char kName[] = "orders";

std::vector<int64_t> Sequences(const std::vector<v1::DeliveredEvent>& events) {
  std::vector<int64_t> sequences;
  sequences.reserve(events.size());
  for (const v1::DeliveredEvent& event : events) sequences.push_back(event.event().sequence());
  return sequences;
}

// Each test has a log of its own.
class DeliveryTest : public testing::Test {
 protected:
  void Restart() {
    ASSERT_TRUE(server_.Stop().ok());
    server_.Start();
    client_ = std::make_unique<TestClient>(server_.address(), TestToken("admin"));
  }

  // Rooms, of which each is an event.
  std::vector<std::string> CreateRooms(int count) {
    std::vector<std::string> room_ids;
    room_ids.reserve(static_cast<size_t>(count));
    for (int i = 0; i < count; ++i) {
      room_ids.push_back(client_->Create(RoomRequest(kAlice)).room_id());
    }
    return room_ids;
  }

  void Say(const std::string& room_id, const std::string& text) {
    ASSERT_TRUE(client_->SendEvent(SendRequest(room_id, kAlice, text)).ok());
  }

  // A subscription to the whole log, with what `json` says.
  void Subscribe(const std::string& json = "{}", const std::string& name = kName) {
    v1::CreateSubscriptionRequest request;
    *request.mutable_subscription() = FromJson<v1::Subscription>(json);
    request.mutable_subscription()->set_name(name);
    request.set_position(v1::START_POSITION_OLDEST);
    const auto reply = client_->CreateSubscription(request);
    ASSERT_TRUE(reply.ok()) << reply.status.error_message();
  }

  std::unique_ptr<ConsumerStream> Consume(const std::string& json = "{}",
                                          const std::string& name = kName) {
    auto request = FromJson<v1::ConsumeEventsRequest>(json);
    request.set_name(name);
    auto stream = std::make_unique<ConsumerStream>(*client_, request);
    stream->AwaitStart();
    return stream;
  }

  v1::Subscription Get(const std::string& name = kName) {
    v1::GetSubscriptionRequest request;
    request.set_name(name);
    const auto reply = client_->GetSubscription(request);
    EXPECT_TRUE(reply.ok()) << reply.status.error_message();
    return reply.response.subscription();
  }

  std::vector<v1::ParkedEvent> Parked() {
    v1::ListParkedEventsRequest request;
    request.set_name(kName);
    const auto reply = client_->ListParkedEvents(request);
    EXPECT_TRUE(reply.ok()) << reply.status.error_message();
    return {reply.response.parked_events().begin(), reply.response.parked_events().end()};
  }

  TestServer server_;
  std::unique_ptr<TestClient> client_ =
      std::make_unique<TestClient>(server_.address(), TestToken("admin"));
};

TEST_F(DeliveryTest, WhatIsAcknowledgedIsDeliveredOnceAndTheRestAgain) {
  CreateRooms(3);
  Subscribe();
  auto consumer = Consume(R"({"maxBatchEvents": 1})");
  EXPECT_NE(consumer->consumer_id(), "");
  EXPECT_THAT(Sequences(consumer->NextEvents(2)), ElementsAre(1, 2));
  const auto acknowledged = consumer->Ack();
  ASSERT_TRUE(acknowledged.ok()) << acknowledged.status.error_message();
  EXPECT_EQ(acknowledged.response.acknowledged_event_count(), 2);
  EXPECT_THAT(Sequences(consumer->NextEvents(1)), ElementsAre(3));
  EXPECT_EQ(consumer->Ack().response.acknowledged_event_count(), 1);
  EXPECT_EQ(consumer->Ack().response.acknowledged_event_count(), 0) << "the same once more";
  CreateRooms(1);
  EXPECT_THAT(Sequences(consumer->NextEvents(1)), ElementsAre(4));

  Restart();
  EXPECT_THAT(consumer->Finish(), IsError(grpc::StatusCode::UNAVAILABLE, "SHUTTING_DOWN"));
  CreateRooms(1);
  consumer = Consume();
  EXPECT_THAT(Sequences(consumer->NextEvents(2)), ElementsAre(4, 5));
  EXPECT_EQ(Get().acknowledged_sequence(), 3);
  EXPECT_EQ(consumer->Ack().response.acknowledged_event_count(), 2);
  EXPECT_EQ(Get().acknowledged_sequence(), 5);
  EXPECT_EQ(Get().lag().events(), 0);
}

TEST_F(DeliveryTest, TheFilterChoosesAndWhatItLeavesOutIsPassed) {
  const std::vector<std::string> room_ids = CreateRooms(3);
  Subscribe(absl::StrCat(R"({"filter": {"roomIds": [")", room_ids[1], R"("]}})"));
  const auto consumer = Consume();
  const auto events = consumer->NextEvents(1);
  ASSERT_THAT(Sequences(events), ElementsAre(2));
  EXPECT_EQ(events[0].event().room_id(), room_ids[1]);
  EXPECT_EQ(events[0].event().cursor(), "");
  ASSERT_TRUE(consumer->Ack().ok());
  EXPECT_EQ(Get().acknowledged_sequence(), 3);
}

TEST_F(DeliveryTest, NoMoreThanTheConsumerTakesIsSent) {
  CreateRooms(5);
  Subscribe();
  const auto consumer = Consume(R"({"maxUnacknowledgedEvents": 2, "progressIntervalSeconds": 1})");
  EXPECT_THAT(Sequences(consumer->NextEvents(2)), ElementsAre(1, 2));
  const auto next = consumer->Next();
  ASSERT_TRUE(next && next->has_progress()) << next->ShortDebugString();
  EXPECT_EQ(next->progress().unacknowledged_event_count(), 2);
  EXPECT_EQ(next->progress().share(), 64);
  ASSERT_TRUE(consumer->Ack().ok());
  EXPECT_THAT(Sequences(consumer->NextEvents(2)), ElementsAre(3, 4));
}

TEST_F(DeliveryTest, ConsumersShareTheRoomsAndKeepTheirOrder) {
  constexpr int kRooms = 40;
  constexpr int kRounds = 10;
  Subscribe();
  const std::vector<std::string> room_ids = CreateRooms(kRooms);
  absl::Mutex mutex;
  std::map<std::string, std::vector<int64_t>> seen;  // sequences by room
  std::map<int64_t, int> deliveries;                 // by sequence
  std::vector<size_t> counts(3);
  size_t acknowledged = 0;
  const auto consume = [&](size_t index, ConsumerStream& consumer) {
    while (const auto message = consumer.Next()) {
      {
        absl::MutexLock lock(&mutex);
        counts[index] += static_cast<size_t>(message->events().events_size());
        for (const v1::DeliveredEvent& event : message->events().events()) {
          seen[event.event().room_id()].push_back(event.event().sequence());
          ++deliveries[event.event().sequence()];
        }
      }
      EXPECT_TRUE(!message->has_events() || consumer.Ack().ok());
      absl::MutexLock lock(&mutex);
      acknowledged += static_cast<size_t>(message->events().events_size());
    }
  };
  const size_t total = size_t{kRooms} * (1 + kRounds);
  const auto all_acknowledged = [&] { return acknowledged == total; };

  std::vector<std::unique_ptr<ConsumerStream>> consumers;
  std::vector<std::thread> threads;
  for (size_t i = 0; i < counts.size(); ++i) {
    consumers.push_back(Consume(R"({"maxBatchEvents": 7})"));
    threads.emplace_back(consume, i, std::ref(*consumers.back()));
  }
  for (int round = 0; round < kRounds; ++round) {
    for (const std::string& room_id : room_ids) Say(room_id, "hello");
  }
  {
    absl::MutexLock lock(&mutex);
    EXPECT_TRUE(mutex.AwaitWithTimeout(absl::Condition(&all_acknowledged), absl::Seconds(60)));
  }
  for (const auto& consumer : consumers) consumer->Cancel();
  for (std::thread& thread : threads) thread.join();

  for (const auto& [sequence, count] : deliveries) EXPECT_EQ(count, 1) << sequence;
  for (const auto& [room_id, sequences] : seen) {
    EXPECT_TRUE(std::is_sorted(sequences.begin(), sequences.end())) << room_id;
    EXPECT_EQ(sequences.size(), 1u + kRounds);
  }
  EXPECT_THAT(counts, Each(Gt(0u)));
}

TEST_F(DeliveryTest, AnotherConsumerGetsWhatOneThatLeavesHad) {
  const std::vector<std::string> room_ids = CreateRooms(1);
  Say(room_ids[0], "one");
  Subscribe(R"({"retryDelay": "0s"})");
  auto first = Consume();
  EXPECT_EQ(first->NextEvents(2).size(), 2u);
  const auto second = Consume();
  while (Get().consumer_count() != 2) {
  }
  first.reset();
  // What may have killed a consumer comes one by one.
  EXPECT_THAT(Sequences(second->NextEvents(1)), ElementsAre(1));
  ASSERT_TRUE(second->Ack().ok());
  EXPECT_THAT(Sequences(second->NextEvents(1)), ElementsAre(2));
}

TEST_F(DeliveryTest, WhatIsNotAcknowledgedInTimeIsDeliveredAgain) {
  CreateRooms(1);
  Subscribe(R"({"ackDeadline": "1s", "retryDelay": "0s"})");
  const auto consumer = Consume();
  const auto first = consumer->NextEvents(1);
  ASSERT_THAT(Sequences(first), ElementsAre(1));
  EXPECT_EQ(first[0].attempt(), 1);
  const auto second = consumer->NextEvents(1);
  ASSERT_THAT(Sequences(second), ElementsAre(1));
  EXPECT_EQ(second[0].attempt(), 2);
  EXPECT_EQ(consumer->Ack().response.acknowledged_event_count(), 1);
}

TEST_F(DeliveryTest, AnEventThatIsRejectedForGoodIsParkedAndReplayed) {
  const std::vector<std::string> room_ids = CreateRooms(1);
  Say(room_ids[0], "one");
  Subscribe(R"({"maxDeliveryAttempts": 2, "retryDelay": "0s"})");
  auto consumer = Consume(R"({"maxBatchEvents": 1})");
  for (const int attempt : {1, 2}) {
    const auto events = consumer->NextEvents(attempt == 1 ? 2 : 1);
    ASSERT_EQ(events[0].event().sequence(), 1);
    EXPECT_EQ(events[0].attempt(), attempt);
    const auto rejected = consumer->Reject(1, absl::StrCat("failure ", attempt));
    EXPECT_TRUE(rejected.ok() && rejected.response.rejected());
  }
  EXPECT_THAT(Sequences(consumer->NextEvents(1)), ElementsAre(2));
  ASSERT_TRUE(consumer->Ack().ok());
  EXPECT_FALSE(consumer->Reject(1, "").response.rejected());

  auto parked = Parked();
  ASSERT_EQ(parked.size(), 1u);
  EXPECT_EQ(parked[0].event().sequence(), 1);
  EXPECT_EQ(parked[0].event().room_id(), room_ids[0]);
  EXPECT_EQ(parked[0].attempts(), 2);
  EXPECT_EQ(parked[0].last_error(), "failure 2");
  EXPECT_GT(parked[0].park_time().seconds(), 0);
  EXPECT_EQ(Get().parked_event_count(), 1);
  EXPECT_EQ(Get().acknowledged_sequence(), 2);

  Restart();
  consumer.reset();
  consumer = Consume();
  v1::ReplayParkedEventsRequest replay;
  replay.set_name(kName);
  replay.add_sequences(1);
  replay.add_sequences(99);
  EXPECT_EQ(client_->ReplayParkedEvents(replay).response.replayed_event_count(), 1);
  const auto events = consumer->NextEvents(1);
  ASSERT_EQ(Sequences(events), std::vector<int64_t>{1});
  EXPECT_TRUE(events[0].replayed());
  EXPECT_EQ(events[0].attempt(), 1);
  EXPECT_EQ(client_->ReplayParkedEvents(replay).response.replayed_event_count(), 0);
  EXPECT_EQ(consumer->Ack().response.acknowledged_event_count(), 1);
  EXPECT_THAT(Parked(), IsEmpty());
  EXPECT_EQ(Get().parked_event_count(), 0);
}

TEST_F(DeliveryTest, AReplayThatFailsStaysParkedUntilItIsDropped) {
  CreateRooms(1);
  Subscribe(R"({"maxDeliveryAttempts": 1})");
  const auto consumer = Consume();
  ASSERT_EQ(consumer->NextEvents(1).size(), 1u);
  ASSERT_TRUE(consumer->Reject(1, "no").ok());
  while (Get().parked_event_count() == 0) {
  }
  v1::ReplayParkedEventsRequest replay;
  replay.set_name(kName);
  replay.set_all(true);
  ASSERT_EQ(client_->ReplayParkedEvents(replay).response.replayed_event_count(), 1);
  ASSERT_EQ(consumer->NextEvents(1).size(), 1u);
  EXPECT_TRUE(Parked()[0].replaying());
  ASSERT_TRUE(consumer->Reject(1, "still not").ok());
  while (Parked()[0].replaying()) {
  }
  EXPECT_EQ(Parked()[0].attempts(), 2);
  EXPECT_EQ(Parked()[0].last_error(), "still not");
  v1::DropParkedEventsRequest drop;
  drop.set_name(kName);
  drop.set_all(true);
  EXPECT_EQ(client_->DropParkedEvents(drop).response.dropped_event_count(), 1);
  EXPECT_EQ(client_->DropParkedEvents(drop).response.dropped_event_count(), 0);
  EXPECT_THAT(Parked(), IsEmpty());
  EXPECT_EQ(Get().parked_event_count(), 0);
}

TEST_F(DeliveryTest, CursorsAreOfOneConsumerOfOneSubscription) {
  CreateRooms(2);
  Subscribe("{}", "one");
  Subscribe("{}", "two");
  const auto one = Consume("{}", "one");
  auto two = Consume("{}", "two");
  one->NextEvents(2);
  two->NextEvents(2);
  v1::AckEventsRequest request;
  request.set_name("one");
  request.set_consumer_id(one->consumer_id());
  request.set_cursor(two->cursor());
  const auto refused = client_->AckEvents(request);
  EXPECT_THAT(refused.status, IsError(grpc::StatusCode::INVALID_ARGUMENT, "CURSOR_INVALID"));
  EXPECT_EQ(MetadataOf(refused.status)["cause"], "other-subscription");
  EXPECT_THAT(FieldsOf(refused.status), ElementsAre("cursor"));
  request.set_consumer_id(two->consumer_id());
  EXPECT_THAT(client_->AckEvents(request).status,
              IsError(grpc::StatusCode::INVALID_ARGUMENT, "CURSOR_INVALID"));
  EXPECT_EQ(Get("one").acknowledged_sequence(), 0);

  request.set_name("two");
  two.reset();
  while (Get("two").consumer_count() != 0) {
  }
  EXPECT_THAT(client_->AckEvents(request).status,
              IsError(grpc::StatusCode::NOT_FOUND, "CONSUMER_NOT_FOUND"));
  request.set_name("three");
  EXPECT_THAT(client_->AckEvents(request).status,
              IsError(grpc::StatusCode::NOT_FOUND, "SUBSCRIPTION_NOT_FOUND"));
}

TEST_F(DeliveryTest, DeletingEndsTheStreams) {
  Subscribe();
  const auto consumer = Consume();
  v1::DeleteSubscriptionRequest request;
  request.set_name(kName);
  ASSERT_TRUE(client_->DeleteSubscription(request).ok());
  EXPECT_THAT(consumer->Finish(), IsError(grpc::StatusCode::NOT_FOUND, "SUBSCRIPTION_NOT_FOUND"));
  // Its name can be had again, by another subscription.
  CreateRooms(1);
  Subscribe();
  EXPECT_THAT(Sequences(Consume()->NextEvents(1)), ElementsAre(1));
}

TEST_F(DeliveryTest, SeekingMovesConsumersToo) {
  CreateRooms(3);
  Subscribe();
  const auto consumer = Consume();
  ASSERT_EQ(consumer->NextEvents(3).size(), 3u);
  ASSERT_TRUE(consumer->Ack().ok());
  v1::SeekSubscriptionRequest request;
  request.set_name(kName);
  request.set_position(v1::START_POSITION_OLDEST);
  const auto back = client_->SeekSubscription(request);
  ASSERT_TRUE(back.ok()) << back.status.error_message();
  EXPECT_EQ(back.response.subscription().acknowledged_sequence(), 0);
  EXPECT_THAT(Sequences(consumer->NextEvents(3)), ElementsAre(1, 2, 3));
  request.set_position(v1::START_POSITION_NOW);
  ASSERT_TRUE(client_->SeekSubscription(request).ok());
  EXPECT_EQ(consumer->Ack().response.acknowledged_event_count(), 0);
  EXPECT_EQ(Get().acknowledged_sequence(), 3);
  *request.mutable_start_time() = client_->AllEvents()[1].commit_time();
  ASSERT_TRUE(client_->SeekSubscription(request).ok());
  EXPECT_THAT(Sequences(consumer->NextEvents(2)), ElementsAre(2, 3));
}

TEST_F(DeliveryTest, ARevokedTokenEndsTheStream) {
  Subscribe();
  const auto consumer = Consume();
  server_.dir().Write("tokens.json", R"({"principals": []})");
  EXPECT_THAT(consumer->Finish(),
              IsError(grpc::StatusCode::UNAUTHENTICATED, "CREDENTIALS_INVALID"));
}

}  // namespace
}  // namespace innkeeper
