#include "tests/server/subscriptions/test_delivery.h"

#include <glog/logging.h>

#include <utility>

#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "server/subscriptions/caller.h"
#include "tests/server/feed/test_feed.h"
#include "tests/support/test_engine.h"

namespace innkeeper::subscriptions {
namespace {

Caller TestCaller() { return {.principal = "watcher"}; }

}  // namespace

TestDelivery::TestDelivery(Dispatcher::Options options) : options_(std::move(options)) { Open(); }

TestDelivery::~TestDelivery() { Close(); }

void TestDelivery::Open() {
  store_ = storage::OpenTestEngine(dir_.File("data"));
  engine_ = std::make_unique<storage::HookedEngine>(*store_);
  executor_ = std::make_unique<Executor>(2, 1000);
  transactor_ = std::make_unique<lifecycle::Transactor>(*engine_, *executor_, clock_,
                                                        lifecycle::Transactor::Options());
  feed_ = std::make_unique<feed::EventFeed>(*engine_, signer_, *executor_, random_);
  dispatcher_ = std::make_unique<Dispatcher>(*engine_, *feed_, *transactor_, *executor_, clock_,
                                             signer_, random_, options_);
  manager_ = std::make_unique<SubscriptionManager>(*engine_, feed_->log(), feed_->cursors(),
                                                   signer_, clock_, random_, *dispatcher_);
}

void TestDelivery::Close() {
  dispatcher_->Stop();
  executor_->Stop();
  feed_->Stop();
  CHECK(store_->Close().ok());
  manager_.reset();
  dispatcher_.reset();
  feed_.reset();
  transactor_.reset();
  executor_.reset();
  engine_.reset();
  store_.reset();
}

DeliveryEnvironment TestDelivery::environment() {
  return {*engine_,   feed_->log(), feed_->cursors(), *transactor_,
          *executor_, clock_,       signer_,          metrics_};
}

void TestDelivery::Reopen() {
  Close();
  Open();
}

void TestDelivery::Append(const std::vector<std::string>& room_ids) {
  for (const std::string& room_id : room_ids) feed::AppendRooms(*engine_, {room_id});
}

void TestDelivery::Subscribe(const v1::Subscription& subscription) {
  v1::CreateSubscriptionRequest request;
  *request.mutable_subscription() = subscription;
  request.set_position(v1::START_POSITION_OLDEST);
  auto created = transactor_->RunAndWait(manager_->Create(std::move(request), TestCaller(), {}));
  CHECK(created.ok()) << created.status();
}

void TestDelivery::Seek(v1::SeekSubscriptionRequest request) {
  const std::string name = request.name();
  auto sought = transactor_->RunAndWait(manager_->Seek(std::move(request), TestCaller()));
  CHECK(sought.ok()) << sought.status();
  dispatcher_->Refresh(name);
}

v1::Subscription TestDelivery::Get(const std::string& name) const {
  v1::GetSubscriptionRequest request;
  request.set_name(name);
  auto got = manager_->Get(request, TestCaller());
  CHECK(got.ok()) << got.status();
  return got->subscription();
}

TestConsumer::TestConsumer(TestDelivery& delivery, const v1::ConsumeEventsRequest& request,
                           std::unique_ptr<feed::StreamAccess> access)
    : delivery_(delivery), name_(request.name()) {
  ConsumerSink& sink = *this;
  auto consumer = delivery.dispatcher().Consume(request, TestCaller(), std::move(access), sink);
  CHECK(consumer.ok()) << consumer.status();
  consumer_ = *std::move(consumer);
}

TestConsumer::~TestConsumer() {
  consumer_->Cancel();
  AwaitEnd().IgnoreError();
}

std::optional<v1::ConsumeEventsResponse> TestConsumer::Next() {
  std::optional<v1::ConsumeEventsResponse> message;
  {
    absl::MutexLock lock(&mutex_, absl::Condition(this, &TestConsumer::HasMessageOrEnded));
    message.swap(message_);
  }
  if (!message) return std::nullopt;
  if (message->has_started()) consumer_id_ = message->started().consumer_id();
  if (message->has_events()) cursor_ = message->events().cursor();
  consumer_->Sent(true);
  return message;
}

std::vector<int64_t> TestConsumer::NextEvents(size_t least) {
  std::vector<int64_t> sequences;
  while (sequences.size() < least) {
    const auto message = Next();
    if (!message) break;
    for (const v1::DeliveredEvent& event : message->events().events()) {
      sequences.push_back(event.event().sequence());
    }
  }
  return sequences;
}

void TestConsumer::AwaitMessage() {
  absl::MutexLock lock(&mutex_, absl::Condition(this, &TestConsumer::HasMessageOrEnded));
}

absl::StatusOr<int64_t> TestConsumer::Ack() {
  v1::AckEventsRequest request;
  request.set_name(name_);
  request.set_consumer_id(consumer_id_);
  request.set_cursor(cursor_);
  absl::StatusOr<int64_t> result;
  absl::Notification done;
  delivery_.dispatcher().Acknowledge(request, TestCaller(), [&](absl::StatusOr<int64_t> count) {
    result = std::move(count);
    done.Notify();
  });
  done.WaitForNotification();
  return result;
}

void TestConsumer::Reject(int64_t sequence) {
  v1::RejectEventRequest request;
  request.set_name(name_);
  request.set_consumer_id(consumer_id_);
  request.set_sequence(sequence);
  absl::Notification done;
  delivery_.dispatcher().Reject(request, TestCaller(), [&](const auto& response) {
    CHECK(response.ok() && response->rejected());
    done.Notify();
  });
  done.WaitForNotification();
}

absl::Status TestConsumer::AwaitEnd() {
  while (Next()) {
  }
  absl::MutexLock lock(&mutex_);
  return *end_;
}

bool TestConsumer::broken() const {
  absl::MutexLock lock(&mutex_);
  return broken_;
}

void TestConsumer::Send(std::string message) {
  v1::ConsumeEventsResponse parsed;
  CHECK(parsed.ParseFromString(message));
  absl::MutexLock lock(&mutex_);
  CHECK(!message_ && !end_) << "a message while another is being sent, or behind the end";
  message_ = std::move(parsed);
}

void TestConsumer::End(absl::Status status) {
  absl::MutexLock lock(&mutex_);
  CHECK(!message_ && !end_) << "the end while a message is being sent, or twice";
  end_ = std::move(status);
}

void TestConsumer::Break(absl::Status status) {
  absl::MutexLock lock(&mutex_);
  CHECK(message_ && !end_);
  broken_ = true;
  end_ = std::move(status);
}

void TestConsumer::Abort() {
  absl::MutexLock lock(&mutex_);
  broken_ = true;
}

}  // namespace innkeeper::subscriptions
