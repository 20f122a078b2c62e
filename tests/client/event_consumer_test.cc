// EventConsumer does what its comments promise, against the real server.

#include "client/event_consumer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "client/error_info.h"
#include "client/innkeeper_client.h"
#include "server/store.h"
#include "storage/engine.h"
#include "tests/client/tcp_proxy.h"
#include "tests/client/test_clients.h"
#include "tests/support/people.h"
#include "tests/support/test_client.h"
#include "tests/support/test_server.h"

namespace innkeeper {
namespace {

using testing::ElementsAre;
using testing::SizeIs;

constexpr char kName[] = "orders";

// An application: it notes the events that it was called with, in the order in which it was
// done with them.
class Application {
 public:
  // What it does with an event before it is done; nothing by default.
  explicit Application(EventConsumer::OnEvent deal_with = nullptr)
      : deal_with_(std::move(deal_with)) {}

  EventConsumer::OnEvent on_event() {
    return [this](const v1::DeliveredEvent& event) {
      absl::Status dealt = deal_with_ ? deal_with_(event) : absl::OkStatus();
      absl::MutexLock lock(&mutex_);
      EXPECT_FALSE(end_) << "an event behind the end";
      if (!dealt.ok()) return dealt;
      done_.push_back(event.event().sequence());
      ++times_done_[event.event().sequence()];
      last_done_[event.event().room_id()].push_back(event.event().sequence());
      return dealt;
    };
  }

  EventConsumer::OnEnd on_end() {
    return [this](const absl::Status& status) {
      absl::MutexLock lock(&mutex_);
      EXPECT_FALSE(end_);
      end_ = status;
    };
  }

  // Waits until that many different events were dealt with; returns all, also those that
  // came twice.
  std::vector<int64_t> AwaitEvents(size_t count) {
    absl::MutexLock lock(&mutex_);
    const auto came = [&]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
      return times_done_.size() >= count;
    };
    EXPECT_TRUE(mutex_.AwaitWithTimeout(absl::Condition(&came), absl::Seconds(60)));
    return done_;
  }

  // For each room the events that it was done with, in that order.
  std::map<std::string, std::vector<int64_t>> by_room() const {
    absl::MutexLock lock(&mutex_);
    return last_done_;
  }

  absl::Status AwaitEnd() {
    absl::MutexLock lock(&mutex_);
    const auto ended = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return end_.has_value(); };
    EXPECT_TRUE(mutex_.AwaitWithTimeout(absl::Condition(&ended), absl::Seconds(60)));
    return end_.value_or(absl::OkStatus());
  }

 private:
  const EventConsumer::OnEvent deal_with_;
  mutable absl::Mutex mutex_;
  std::vector<int64_t> done_ ABSL_GUARDED_BY(mutex_);
  std::map<int64_t, int> times_done_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, std::vector<int64_t>> last_done_ ABSL_GUARDED_BY(mutex_);
  std::optional<absl::Status> end_ ABSL_GUARDED_BY(mutex_);
};

// Counts the interruptions of a consumer.
class Interruptions {
 public:
  std::function<void(const absl::Status&, absl::Duration)> on_interrupted() {
    return [this](const absl::Status& error, absl::Duration) {
      absl::MutexLock lock(&mutex_);
      ++count_;
      last_ = error;
    };
  }

  int count() const {
    absl::MutexLock lock(&mutex_);
    return count_;
  }

  // Waits until there were `count`; returns the last one's error.
  absl::Status Await(int count) {
    absl::MutexLock lock(&mutex_);
    const auto came = [&]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return count_ >= count; };
    EXPECT_TRUE(mutex_.AwaitWithTimeout(absl::Condition(&came), absl::Seconds(60)));
    return last_;
  }

 private:
  mutable absl::Mutex mutex_;
  int count_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::Status last_ ABSL_GUARDED_BY(mutex_);
};

// Events of a room come in order, but for those that came before: what a room's list has
// anew is larger than all before it.
void ExpectNoneOvertaken(const Application& application) {
  for (const auto& [room_id, sequences] : application.by_room()) {
    int64_t newest = 0;
    std::map<int64_t, int> seen;
    for (const int64_t sequence : sequences) {
      if (seen[sequence]++ > 0) continue;
      EXPECT_GT(sequence, newest) << "of " << room_id;
      newest = sequence;
    }
  }
}

// Each test has a server and so a log of its own, and a proxy between it and the client
// under test.
class EventConsumerTest : public testing::Test {
 protected:
  static ConsumerOptions Options(Interruptions* interruptions = nullptr) {
    ConsumerOptions options{.subscription = kName};
    if (interruptions != nullptr) options.on_interrupted = interruptions->on_interrupted();
    return options;
  }

  // Without going through the proxy.
  std::string Create() { return direct_->Create(RoomRequest(kAlice)).room_id(); }

  void Say(const std::string& room_id) {
    v1::SendEventRequest request;
    request.set_room_id(room_id);
    request.set_requester(kAlice);
    request.set_type("m.room.message");
    (*request.mutable_content()->mutable_fields())["body"].set_string_value("hello");
    (*request.mutable_content()->mutable_fields())["msgtype"].set_string_value("m.text");
    ASSERT_TRUE(direct_->SendEvent(request).ok());
  }

  // A subscription to the whole log.
  void Subscribe(int max_delivery_attempts = 0) {
    v1::CreateSubscriptionRequest request;
    request.mutable_subscription()->set_name(kName);
    request.mutable_subscription()->set_max_delivery_attempts(max_delivery_attempts);
    request.mutable_subscription()->mutable_retry_delay();
    request.set_position(v1::START_POSITION_OLDEST);
    ASSERT_TRUE(direct_->CreateSubscription(request).ok());
  }

  v1::Subscription Get() const {
    v1::GetSubscriptionRequest request;
    request.set_name(kName);
    return direct_->GetSubscription(request).response.subscription();
  }

  // Waits until everything up to `sequence` is acknowledged.
  void AwaitAcknowledged(int64_t sequence) const {
    while (Get().acknowledged_sequence() < sequence) {
    }
  }

  void Stop() {
    proxy_.SetServer("");
    ASSERT_TRUE(server_.Stop().ok());
  }

  void Start() {
    server_.Start();
    direct_ = std::make_unique<TestClient>(server_.address(), TestToken("admin"));
    proxy_.SetServer(server_.address());
  }

  TestServer server_;
  std::unique_ptr<TestClient> direct_ =
      std::make_unique<TestClient>(server_.address(), TestToken("admin"));
  TcpProxy proxy_{server_.address()};
  const Client client_{TestOptions(proxy_.address(), "admin")};
};

TEST_F(EventConsumerTest, DeliversTheLogAndThenWhatHappensAndAcknowledgesIt) {
  Create();
  Create();
  Subscribe();
  Application application;
  EventConsumer consumer(client_, Options(), application.on_event(), application.on_end());
  EXPECT_THAT(application.AwaitEvents(2), ElementsAre(1, 2));
  Create();
  EXPECT_THAT(application.AwaitEvents(3), ElementsAre(1, 2, 3));
  AwaitAcknowledged(3);
}

TEST_F(EventConsumerTest, WhatIsRejectedComesAgainBeforeWhatIsBehindIt) {
  const std::string room_id = Create();
  for (int i = 0; i < 5; ++i) Say(room_id);
  Create();
  Subscribe();
  int calls = 0;
  Application application([&](const v1::DeliveredEvent& event) {
    ++calls;
    const bool fails = event.event().sequence() % 2 == 0 && event.attempt() < 3;
    return fails ? absl::InternalError("not now") : absl::OkStatus();
  });
  {
    EventConsumer consumer(client_, Options(), application.on_event(), application.on_end());
    application.AwaitEvents(7);
    AwaitAcknowledged(7);
  }
  ExpectNoneOvertaken(application);
  EXPECT_GE(calls, 7 + 2 * 3) << "the second, fourth and sixth event each failed twice";
  EXPECT_EQ(Get().parked_event_count(), 0);
}

TEST_F(EventConsumerTest, WhatFailsForGoodIsParkedWithTheErrorAndTheRestGoesOn) {
  const std::string room_id = Create();
  Say(room_id);
  Say(room_id);
  Subscribe(/*max_delivery_attempts=*/2);
  const std::string reason = absl::StrCat(std::string(1023, 'x'), "é is cut off whole");
  Application application([&](const v1::DeliveredEvent& event) {
    return event.event().sequence() == 2 ? absl::UnknownError(reason) : absl::OkStatus();
  });
  EventConsumer consumer(client_, Options(), application.on_event(), application.on_end());
  application.AwaitEvents(2);
  AwaitAcknowledged(3);
  ExpectNoneOvertaken(application);
  v1::ListParkedEventsRequest request;
  request.set_name(kName);
  const auto parked = client_.ListParkedEvents(request);
  ASSERT_TRUE(parked.ok()) << parked.status();
  ASSERT_THAT(parked->parked_events(), SizeIs(1));
  EXPECT_EQ(parked->parked_events(0).event().sequence(), 2);
  EXPECT_EQ(parked->parked_events(0).last_error(), std::string(1023, 'x'));
}

TEST_F(EventConsumerTest, NothingIsLostWhereverConnectionsBreak) {
  constexpr int kRooms = 5;
  constexpr int kEvents = 200;
  std::mt19937 random(1);  // the same each time
  proxy_.CutEachAfter([&] { return std::uniform_int_distribution<size_t>(0, 6000)(random); });
  // What breaks off must not count against the event.
  Subscribe(/*max_delivery_attempts=*/1000);
  const std::jthread writer([&] {
    std::vector<std::string> room_ids;
    room_ids.reserve(kRooms);
    for (int i = 0; i < kRooms; ++i) room_ids.push_back(Create());
    for (size_t i = kRooms; i < kEvents; ++i) Say(room_ids[i % kRooms]);
  });
  Application application;
  Interruptions interruptions;
  ConsumerOptions options = Options(&interruptions);
  options.max_batch_events = 10;
  {
    EventConsumer consumer(client_, options, application.on_event(), application.on_end());
    application.AwaitEvents(kEvents);
    AwaitAcknowledged(kEvents);
  }
  ExpectNoneOvertaken(application);
  EXPECT_GT(interruptions.count(), 10);
  EXPECT_EQ(Get().parked_event_count(), 0);
}

TEST_F(EventConsumerTest, GoesOnAcrossARestartOfTheServer) {
  Create();
  Subscribe();
  Application application;
  Interruptions interruptions;
  EventConsumer consumer(client_, Options(&interruptions), application.on_event(),
                         application.on_end());
  application.AwaitEvents(1);
  AwaitAcknowledged(1);
  Stop();
  interruptions.Await(1).IgnoreError();
  Start();
  Create();
  EXPECT_THAT(application.AwaitEvents(2), ElementsAre(1, 2)) << "acknowledged, so not again";
}

TEST_F(EventConsumerTest, ASilentServerIsTakenForDead) {
  Subscribe();
  Application application;
  Interruptions interruptions;
  ConsumerOptions options = Options(&interruptions);
  options.silence_limit = absl::Milliseconds(300);
  EventConsumer consumer(client_, options, application.on_event(), application.on_end());
  proxy_.AwaitConnections(1);
  proxy_.Hold();
  Create();
  // Two times: it isn't heard on a new connection either.
  EXPECT_EQ(interruptions.Await(2).code(), absl::StatusCode::kUnavailable);
  proxy_.Release();
  EXPECT_THAT(application.AwaitEvents(1), ElementsAre(1));
}

TEST_F(EventConsumerTest, StopAcknowledgesWhatIsDone) {
  for (int i = 0; i < 5; ++i) Create();
  Subscribe();
  ConsumerOptions options = Options();
  options.max_batch_events = 1;
  // So long that only the end makes it acknowledge more than the first.
  options.ack_interval = absl::Hours(1);
  absl::Mutex mutex;
  std::optional<EventConsumer> consumer;
  Application application([&](const v1::DeliveredEvent& event) {
    absl::MutexLock lock(&mutex);
    if (event.event().sequence() == 3) consumer->Stop();
    return absl::OkStatus();
  });
  {
    absl::MutexLock lock(&mutex);
    consumer.emplace(client_, options, application.on_event(), application.on_end());
  }
  EXPECT_EQ(application.AwaitEnd().code(), absl::StatusCode::kCancelled);
  EXPECT_THAT(application.AwaitEvents(3), ElementsAre(1, 2, 3));
  EXPECT_EQ(Get().acknowledged_sequence(), 3);
}

TEST_F(EventConsumerTest, StopsAlsoWhileThereIsNoServer) {
  Subscribe();
  Stop();
  Application application;
  Interruptions interruptions;
  EventConsumer consumer(client_, Options(&interruptions), application.on_event(),
                         application.on_end());
  interruptions.Await(3).IgnoreError();
  consumer.Stop();
  EXPECT_EQ(application.AwaitEnd().code(), absl::StatusCode::kCancelled);
}

TEST_F(EventConsumerTest, SeveralShareTheRooms) {
  constexpr size_t kEvents = 60;
  std::vector<std::string> room_ids;
  room_ids.reserve(20);
  for (int i = 0; i < 20; ++i) room_ids.push_back(Create());
  for (size_t i = 20; i < kEvents; ++i) Say(room_ids[i % 20]);
  Subscribe();
  Application application;
  Application end_of_other;
  EventConsumer one(client_, Options(), application.on_event(), application.on_end());
  EventConsumer other(client_, Options(), application.on_event(), end_of_other.on_end());
  application.AwaitEvents(kEvents);
  AwaitAcknowledged(kEvents);
  ExpectNoneOvertaken(application);
}

TEST_F(EventConsumerTest, EndsWithoutASubscription) {
  Application application;
  EventConsumer consumer(client_, Options(), application.on_event(), application.on_end());
  const absl::Status end = application.AwaitEnd();
  EXPECT_EQ(ErrorReasonOf(end), v1::ERROR_REASON_SUBSCRIPTION_NOT_FOUND) << end;
}

TEST_F(EventConsumerTest, EndsWhenTheSubscriptionHasLostItsPlace) {
  for (int i = 0; i < 5; ++i) Create();
  Subscribe();
  Stop();
  auto engine = std::move(OpenStore(server_.config())->engine);
  ASSERT_TRUE(engine->TrimLog(4).ok());
  ASSERT_TRUE(engine->Close().ok());
  engine.reset();
  Start();
  Application lost;
  EventConsumer consumer(client_, Options(), lost.on_event(), lost.on_end());
  const absl::Status end = lost.AwaitEnd();
  ASSERT_EQ(ErrorReasonOf(end), v1::ERROR_REASON_EVENT_HISTORY_GONE) << end;
  v1::SeekSubscriptionRequest request;
  request.set_name(kName);
  request.set_after_cursor(ErrorMetadataOf(end, "oldest_cursor"));
  ASSERT_TRUE(client_.SeekSubscription(request).ok());
  Application application;
  EventConsumer later(client_, Options(), application.on_event(), application.on_end());
  EXPECT_THAT(application.AwaitEvents(2), ElementsAre(4, 5));
}

}  // namespace
}  // namespace innkeeper
