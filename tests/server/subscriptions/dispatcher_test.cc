#include "server/subscriptions/dispatcher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "server/base/audience.h"
#include "server/errors/errors.h"
#include "server/feed/stream_access.h"
#include "server/subscriptions/subscription_errors.h"
#include "server/subscriptions/survey.h"
#include "storage/room_store.h"
#include "tests/server/subscriptions/test_delivery.h"

namespace innkeeper::subscriptions {
namespace {

using storage::CommitAndWait;
using storage::CommitRequest;
using storage::RoomCommit;
using storage::RoomReader;
using testing::ElementsAre;

constexpr char kName[] = "orders";

v1::Subscription Named(const std::string& name = kName) {
  v1::Subscription subscription;
  subscription.set_name(name);
  subscription.mutable_retry_delay();
  return subscription;
}

v1::ConsumeEventsRequest Consume(const std::string& name = kName, int max_batch_events = 0) {
  v1::ConsumeEventsRequest request;
  request.set_name(name);
  request.set_max_batch_events(max_batch_events);
  return request;
}

// What a consumer may see, until it may not consume any more.
class TestAccess final : public feed::StreamAccess {
 public:
  explicit TestAccess(AudienceScope scope, const std::atomic<bool>* is_revoked = nullptr)
      : scope_(std::move(scope)), is_revoked_(is_revoked) {}

  absl::StatusOr<bool> Refresh() override {
    if (is_revoked_ != nullptr && *is_revoked_) return absl::PermissionDeniedError("no longer");
    return !std::exchange(refreshed_, true);
  }
  const AudienceScope& scope() const override { return scope_; }
  feed::EventDetail detail() const override { return feed::EventDetail::kAsLogged; }
  absl::Status CheckAudience(absl::string_view) const override { return absl::OkStatus(); }

 private:
  const AudienceScope scope_;
  const std::atomic<bool>* const is_revoked_;
  bool refreshed_ = false;
};

Dispatcher::Options Impatient() {
  Dispatcher::Options options;
  options.delivery.stall_timeout = absl::Milliseconds(50);
  options.delivery.access_check_interval = absl::Milliseconds(10);
  options.delivery.idle_update_interval = absl::Milliseconds(10);
  return options;
}

TEST(DispatcherTest, WhatIsNotAcknowledgedComesAgainAfterARestart) {
  TestDelivery delivery;
  delivery.Append({"!a", "!b", "!c"});
  delivery.Subscribe(Named());
  {
    TestConsumer consumer(delivery, Consume(kName, 2));
    EXPECT_THAT(consumer.NextEvents(2), ElementsAre(1, 2));
    EXPECT_EQ(*consumer.Ack(), 2);
    EXPECT_THAT(consumer.NextEvents(), ElementsAre(3));
  }
  delivery.Reopen();
  TestConsumer consumer(delivery, Consume());
  EXPECT_THAT(consumer.NextEvents(), ElementsAre(3));
  EXPECT_EQ(*consumer.Ack(), 1);
}

TEST(DispatcherTest, EventsComeAsTheyHappen) {
  TestDelivery delivery;
  delivery.Subscribe(Named());
  TestConsumer consumer(delivery, Consume());
  ASSERT_TRUE(consumer.Next()->has_started());
  for (int64_t sequence = 1; sequence <= 5; ++sequence) {
    delivery.Append({"!a"});
    EXPECT_THAT(consumer.NextEvents(), ElementsAre(sequence));
  }
}

TEST(DispatcherTest, ALongBacklogIsReadFromTheLog) {
  TestDelivery delivery;
  delivery.Append(std::vector<std::string>(700, "!a"));
  delivery.Reopen();
  delivery.Subscribe(Named());
  TestConsumer consumer(delivery, Consume());
  int64_t last = 0;
  while (last < 700) {
    for (const int64_t sequence : consumer.NextEvents()) ASSERT_EQ(sequence, ++last);
    ASSERT_TRUE(consumer.Ack().ok());
  }
}

TEST(DispatcherTest, AcknowledgementsThatComeTogetherShareACommit) {
  TestDelivery delivery;
  delivery.Append({"!a", "!b", "!c", "!d"});
  delivery.Subscribe(Named());
  TestConsumer consumer(delivery, Consume(kName, 1));
  ASSERT_THAT(consumer.NextEvents(), ElementsAre(1));
  ASSERT_THAT(consumer.NextEvents(), ElementsAre(2));
  absl::Mutex mutex;
  bool may_go_on = false;
  std::atomic<int> commits = 0;
  delivery.engine().SetHook([&](const CommitRequest& request) {
    ++commits;
    EXPECT_EQ(request.writes.size(), 1u) << "one small record";
    absl::MutexLock lock(&mutex, absl::Condition(&may_go_on));
  });
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] { EXPECT_TRUE(consumer.Ack().ok()); });
    while (i == 0 && commits == 0) {
    }
  }
  {
    absl::MutexLock lock(&mutex);
    may_go_on = true;
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(commits, 1) << "the others had nothing to add";
  delivery.engine().SetHook([](const CommitRequest&) {});
  EXPECT_EQ(delivery.Get(kName).acknowledged_sequence(), 2);
}

TEST(DispatcherTest, AnAcknowledgementIsAddedToWhatSomebodyElseWrote) {
  TestDelivery delivery;
  delivery.Append({"!a", "!b"});
  delivery.Subscribe(Named());
  TestConsumer consumer(delivery, Consume());
  ASSERT_THAT(consumer.NextEvents(2), ElementsAre(1, 2));
  delivery.engine().SetHook([&](const CommitRequest&) {
    delivery.engine().SetHook([](const CommitRequest&) {});
    auto progress = **RoomReader(delivery.engine()).GetSubscriptionProgress(kName);
    progress.record.set_positions(0, 100);
    RoomCommit commit;
    commit.UpdateSubscriptionProgress(kName, progress.record, progress.revision);
    ASSERT_TRUE(CommitAndWait(delivery.engine(), commit.Take()).status.ok());
  });
  EXPECT_EQ(*consumer.Ack(), 2);
  const auto progress = **RoomReader(delivery.engine()).GetSubscriptionProgress(kName);
  EXPECT_EQ(progress.record.positions(0), 100u);
  EXPECT_EQ(delivery.Get(kName).acknowledged_sequence(), 2);
}

TEST(DispatcherTest, ASubscriptionThatIsGoneEndsItsStreams) {
  TestDelivery delivery;
  delivery.Append({"!a"});
  delivery.Subscribe(Named());
  TestConsumer consumer(delivery, Consume());
  ASSERT_THAT(consumer.NextEvents(), ElementsAre(1));
  // The delivery may write down its progress in between.
  absl::Status deleted = absl::AbortedError("");
  while (absl::IsAborted(deleted)) {
    const RoomReader reader(delivery.engine());
    RoomCommit commit;
    commit.DeleteSubscription(kName, (*reader.GetSubscription(kName))->revision,
                              (*reader.GetSubscriptionProgress(kName))->revision);
    deleted = CommitAndWait(delivery.engine(), commit.Take()).status;
  }
  ASSERT_TRUE(deleted.ok());
  EXPECT_EQ(consumer.Ack().status(), SubscriptionNotFound(kName));
  EXPECT_EQ(consumer.AwaitEnd(), SubscriptionNotFound(kName));
}

TEST(DispatcherTest, WhatTheFilterLeavesOutIsWrittenDownNowAndThen) {
  TestDelivery delivery(Impatient());
  v1::Subscription subscription = Named();
  subscription.mutable_filter()->add_room_ids("!none:example.org");
  delivery.Subscribe(subscription);
  TestConsumer consumer(delivery, Consume());
  ASSERT_TRUE(consumer.Next()->has_started());
  delivery.Append({"!a", "!b"});
  while (delivery.Get(kName).acknowledged_sequence() < 2) {
  }
  EXPECT_EQ(delivery.Get(kName).lag().events(), 0);
}

TEST(DispatcherTest, ALostPlaceIsToldAndSeekingIsTheWayOn) {
  TestDelivery delivery;
  delivery.Append({"!a", "!b", "!c"});
  delivery.Subscribe(Named());
  ASSERT_TRUE(delivery.engine().TrimLog(3).ok());
  delivery.Reopen();
  absl::Status status = TestConsumer(delivery, Consume()).AwaitEnd();
  EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_EVENT_HISTORY_GONE);
  EXPECT_EQ(delivery.Get(kName).lag().events(), 3);
  v1::SeekSubscriptionRequest seek;
  seek.set_name(kName);
  seek.set_after_cursor(MetadataOf(status, "oldest_cursor"));
  delivery.Seek(seek);
  TestConsumer consumer(delivery, Consume());
  EXPECT_THAT(consumer.NextEvents(), ElementsAre(3));
}

TEST(DispatcherTest, AnEventThatKillsItsOnlyConsumerIsParked) {
  TestDelivery delivery;
  delivery.Append({"!a", "!a"});
  v1::Subscription subscription = Named();
  subscription.set_max_delivery_attempts(3);
  delivery.Subscribe(subscription);
  for (int attempt = 1; attempt <= 3; ++attempt) {
    TestConsumer consumer(delivery, Consume());
    EXPECT_EQ(consumer.NextEvents().front(), 1);
  }
  TestConsumer consumer(delivery, Consume());
  EXPECT_THAT(consumer.NextEvents(), ElementsAre(2));
  EXPECT_TRUE(consumer.Ack().ok());
  EXPECT_EQ(delivery.Get(kName).parked_event_count(), 1);
}

TEST(DispatcherTest, AStuckConsumerIsBrokenOffAndCostsNobodyAnAttempt) {
  TestDelivery delivery(Impatient());
  delivery.Append({"!a"});
  delivery.Subscribe(Named());
  TestConsumer stuck(delivery, Consume());
  ASSERT_TRUE(stuck.Next()->has_started());
  stuck.AwaitMessage();
  while (!stuck.broken()) {
  }
  TestConsumer other(delivery, Consume());
  ASSERT_TRUE(other.Next()->has_started());
  const auto message = other.Next();
  ASSERT_TRUE(message && message->has_events());
  EXPECT_EQ(message->events().events(0).attempt(), 1);
  EXPECT_EQ(ReasonOf(stuck.AwaitEnd()), v1::ERROR_REASON_STREAM_STALLED);
}

TEST(DispatcherTest, WhoMayNoLongerConsumeDoesNot) {
  TestDelivery delivery(Impatient());
  delivery.Subscribe(Named());
  std::atomic<bool> is_revoked = false;
  TestConsumer consumer(delivery, Consume(),
                        std::make_unique<TestAccess>(AudienceScope::All(), &is_revoked));
  ASSERT_TRUE(consumer.Next()->has_started());
  is_revoked = true;
  EXPECT_EQ(consumer.AwaitEnd(), absl::PermissionDeniedError("no longer"));
}

TEST(DispatcherTest, WhatTheConsumerMayNotSeeIsPassed) {
  TestDelivery delivery(Impatient());
  delivery.Append({"!a", "!b"});
  delivery.Subscribe(Named());
  TestConsumer consumer(delivery, Consume(),
                        std::make_unique<TestAccess>(AudienceScope::Of({"games"})));
  ASSERT_TRUE(consumer.Next()->has_started());
  while (delivery.Get(kName).acknowledged_sequence() < 2) {
  }
}

TEST(DispatcherTest, WhatHappensToEventsIsCounted) {
  Dispatcher::Options options = Impatient();
  const metrics::SubscriptionMetrics& counts = *options.metrics;
  TestDelivery delivery(options);
  delivery.Append({"!a"});
  v1::Subscription subscription = Named();
  subscription.set_max_delivery_attempts(2);
  delivery.Subscribe(subscription);
  { EXPECT_THAT(TestConsumer(delivery, Consume()).NextEvents(), ElementsAre(1)); }
  {
    TestConsumer consumer(delivery, Consume());
    EXPECT_THAT(consumer.NextEvents(), ElementsAre(1));
    consumer.Reject(1);
    while (delivery.Get(kName).parked_event_count() < 1) {
    }
    delivery.Append({"!b"});
    EXPECT_THAT(consumer.NextEvents(), ElementsAre(2));
    EXPECT_TRUE(consumer.Ack().ok());
  }
  EXPECT_EQ(counts.acknowledged_events.value(), 1u);
  EXPECT_EQ(counts.sent_events.value(), 3u);
  EXPECT_EQ(counts.redelivered_events.value(), 1u);
  EXPECT_EQ(counts.parked_events.value(), 1u);
  const auto failed = counts.failed_attempts.values();
  EXPECT_EQ(failed.at(0), std::make_pair(std::string("broke_off"), uint64_t{1}));
  EXPECT_EQ(failed.at(1), std::make_pair(std::string("rejected"), uint64_t{1}));
}

TEST(DispatcherTest, TheSurveyTellsHowSubscriptionsAre) {
  TestDelivery delivery;
  delivery.Append({"!a", "!b"});
  for (const char* name : {"c", "a", "b"}) delivery.Subscribe(Named(name));
  delivery.Append({"!c"});
  TestConsumer consumer(delivery, Consume("a", 1));
  while (consumer.NextEvents() != std::vector<int64_t>{2}) {
  }
  ASSERT_TRUE(consumer.Ack().ok());
  while (delivery.Get("a").acknowledged_sequence() < 2) {
  }
  const auto states =
      Survey(delivery.engine(), delivery.dispatcher(), absl::Now() + absl::Hours(1), 3);
  ASSERT_TRUE(states.ok()) << states.status();
  EXPECT_EQ(states->count, 3u);
  EXPECT_EQ(states->most_lag_events, 3u);
  EXPECT_EQ(states->consumers, 1u);
  std::map<std::string, metrics::SubscriptionState> listed;
  for (const auto& state : states->listed) listed[state.name] = state;
  ASSERT_EQ(listed.size(), 3u);
  EXPECT_EQ(listed["a"].lag_events, 1u);
  EXPECT_EQ(listed["a"].consumers, 1u);
  EXPECT_EQ(listed["b"].lag_events, 3u);
  EXPECT_GT(listed["b"].lag_age, absl::Minutes(59));
  const auto fewer = Survey(delivery.engine(), delivery.dispatcher(), absl::Now(), 2);
  ASSERT_TRUE(fewer.ok()) << fewer.status();
  EXPECT_EQ(fewer->listed.size(), 2u) << "no more than asked for";
}

TEST(DispatcherTest, DrainingEndsStreamsAndRefusesOthers) {
  TestDelivery delivery;
  delivery.Append({"!a"});
  delivery.Subscribe(Named());
  TestConsumer idle(delivery, Consume());
  ASSERT_THAT(idle.NextEvents(), ElementsAre(1));
  delivery.dispatcher().Drain(absl::Now() + absl::Seconds(60));
  EXPECT_EQ(ReasonOf(idle.AwaitEnd()), v1::ERROR_REASON_SHUTTING_DOWN);
  EXPECT_EQ(ReasonOf(idle.Ack().status()), v1::ERROR_REASON_CONSUMER_NOT_FOUND);
}

TEST(DispatcherTest, ThereIsAMostOfConsumers) {
  Dispatcher::Options options;
  options.max_consumers = 1;
  TestDelivery delivery(options);
  delivery.Subscribe(Named());
  const auto refusal = [&] {
    struct Sink : ConsumerSink {
      void Send(std::string) override {}
      void End(absl::Status) override {}
      void Break(absl::Status) override {}
      void Abort() override {}
    } sink;
    return delivery.dispatcher().Consume(Consume(), {}, nullptr, sink).status();
  };
  {
    TestConsumer consumer(delivery, Consume());
    EXPECT_EQ(ReasonOf(refusal()), v1::ERROR_REASON_OVERLOADED);
  }
}

}  // namespace
}  // namespace innkeeper::subscriptions
