#include "server/subscriptions/dispatcher.h"

#include <pthread.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "server/base/jitter.h"
#include "server/feed/stream_errors.h"
#include "server/subscriptions/ack_cursor.h"
#include "server/subscriptions/stored_subscription.h"
#include "server/subscriptions/subscription_errors.h"
#include "storage/room_store.h"

namespace innkeeper::subscriptions {
namespace {

constexpr int kDefaultMaxUnacknowledged = 1000;
constexpr int kDefaultMaxBatch = 100;
constexpr int kDefaultProgressInterval = 30;

// `requested`, or with 0 `fallback`.
int OrDefault(int requested, int fallback) { return requested == 0 ? fallback : requested; }

}  // namespace

Dispatcher::Dispatcher(const storage::Engine& engine, feed::EventFeed& feed,
                       lifecycle::Transactor& transactor, Executor& executor, const Clock& clock,
                       const TokenSigner& signer, const RandomBytes& random, Options options)
    : feed_(feed),
      random_(random),
      options_(std::move(options)),
      environment_{engine,   feed.log(), feed.cursors(), transactor,
                   executor, clock,      signer,         *options_.metrics},
      consumers_(std::make_shared<std::atomic<size_t>>(0)) {
  feed_.SetGrowthListener([this] { WakeAll(); });
  thread_ = std::thread([this] { Run(); });
}

Dispatcher::~Dispatcher() { Stop(); }

absl::StatusOr<std::shared_ptr<Consumer>> Dispatcher::Consume(
    const v1::ConsumeEventsRequest& request, Caller caller,
    std::unique_ptr<feed::StreamAccess> access, ConsumerSink& sink) {
  std::shared_ptr<Consumer> consumer = NewConsumer(request, std::move(access), sink);
  if (*consumers_ > options_.max_consumers) return feed::TooManyStreamsError();
  {
    absl::MutexLock lock(&mutex_);
    if (draining_) return feed::ShuttingDownError();
    ++opening_;
  }
  const bool submitted = environment_.executor.TrySubmit(
      [this, name = request.name(), caller = std::move(caller), consumer] {
        Open(name, caller, consumer);
        EndOpening();
      });
  if (submitted) return consumer;
  EndOpening();
  return feed::TooManyStreamsError();
}

std::shared_ptr<Consumer> Dispatcher::NewConsumer(const v1::ConsumeEventsRequest& request,
                                                  std::unique_ptr<feed::StreamAccess> access,
                                                  ConsumerSink& sink) {
  Consumer::Parameters parameters;
  const std::string number = random_(sizeof(parameters.number));
  std::memcpy(&parameters.number, number.data(), sizeof(parameters.number));
  parameters.max_unacknowledged = static_cast<size_t>(
      OrDefault(request.max_unacknowledged_events(), kDefaultMaxUnacknowledged));
  parameters.max_batch_events =
      static_cast<size_t>(OrDefault(request.max_batch_events(), kDefaultMaxBatch));
  parameters.progress_interval = WithJitter(
      absl::Seconds(OrDefault(request.progress_interval_seconds(), kDefaultProgressInterval)),
      random_);
  parameters.max_age = WithJitter(options_.max_age, random_);
  parameters.access = std::move(access);
  ++*consumers_;
  return {new Consumer(sink, std::move(parameters)), [count = consumers_](Consumer* consumer) {
            delete consumer;
            --*count;
          }};
}

void Dispatcher::Open(const std::string& name, const Caller& caller,
                      std::shared_ptr<Consumer> consumer) {
  auto stored = ReadSubscription(storage::RoomReader(environment_.engine), name, caller);
  if (!stored.ok()) return consumer->End(stored.status());
  Join(stored->record, std::move(consumer));
}

void Dispatcher::Join(const storage::SubscriptionRecord& record,
                      std::shared_ptr<Consumer> consumer) {
  absl::MutexLock lock(&mutex_);
  Entry& entry = entries_[record.uid()];
  if (entry.delivery == nullptr) {
    Delivery::Owner& owner = *this;
    entry.delivery = std::make_shared<Delivery>(owner, environment_, options_.delivery, record);
    uids_[record.name()] = record.uid();
    if (draining_) entry.delivery->Close(feed::ShuttingDownError());
  }
  entry.delivery->Join(std::move(consumer));
}

void Dispatcher::EndOpening() {
  absl::MutexLock lock(&mutex_);
  --opening_;
}

void Dispatcher::Acknowledge(const v1::AckEventsRequest& request, const Caller& caller,
                             Delivery::CountDone done) {
  auto delivery = Find(request.name(), request.consumer_id(), caller);
  if (!delivery.ok()) return done(delivery.status());
  const ConsumerNumber number = *ParseConsumerId(request.consumer_id());
  const absl::StatusOr<Ordinal> ordinal =
      DecodeAckCursor(environment_.signer, request.cursor(), (*delivery)->uid(), number);
  if (!ordinal.ok()) return done(ordinal.status());
  (*delivery)->Acknowledge(number, *ordinal, std::move(done));
}

void Dispatcher::Reject(const v1::RejectEventRequest& request, const Caller& caller,
                        Delivery::RejectDone done) {
  auto delivery = Find(request.name(), request.consumer_id(), caller);
  if (!delivery.ok()) return done(delivery.status());
  (*delivery)->Reject(*ParseConsumerId(request.consumer_id()), request.sequence(), request.error(),
                      std::move(done));
}

absl::StatusOr<std::shared_ptr<Delivery>> Dispatcher::Find(const std::string& name,
                                                           const std::string& consumer_id,
                                                           const Caller& caller) const {
  std::shared_ptr<Delivery> delivery = Find(name);
  if (delivery == nullptr) {
    auto stored = ReadSubscription(storage::RoomReader(environment_.engine), name, caller);
    return stored.ok() ? ConsumerNotFound(consumer_id) : stored.status();
  }
  if (!caller.MayKnowOfThoseOf(delivery->principal())) return SubscriptionNotFound(name);
  if (!ParseConsumerId(consumer_id)) return ConsumerNotFound(consumer_id);
  return delivery;
}

std::shared_ptr<Delivery> Dispatcher::Find(const std::string& name) const {
  absl::MutexLock lock(&mutex_);
  const auto uid = uids_.find(name);
  return uid == uids_.end() ? nullptr : entries_.at(uid->second).delivery;
}

void Dispatcher::Refresh(const std::string& name) {
  if (const std::shared_ptr<Delivery> delivery = Find(name)) delivery->Refresh();
}

size_t Dispatcher::ConsumerCount(const std::string& name) const {
  const std::shared_ptr<Delivery> delivery = Find(name);
  return delivery == nullptr ? 0 : delivery->consumer_count();
}

void Dispatcher::BeginDrain() {
  {
    absl::MutexLock lock(&mutex_);
    draining_ = true;
  }
  ForEach([](Delivery& delivery) { delivery.Close(feed::ShuttingDownError()); });
}

void Dispatcher::Drain(absl::Time deadline) {
  BeginDrain();
  {
    absl::MutexLock lock(&mutex_);
    if (mutex_.AwaitWithDeadline(absl::Condition(this, &Dispatcher::IsIdle), deadline)) return;
  }
  ForEach([](Delivery& delivery) { delivery.AbortAll(); });
}

void Dispatcher::Stop() {
  if (!thread_.joinable()) return;
  Drain(absl::InfinitePast());
  { absl::MutexLock lock(&mutex_, absl::Condition(this, &Dispatcher::IsIdle)); }
  feed_.SetGrowthListener({});
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
    signalled_ = true;
  }
  thread_.join();
}

void Dispatcher::WakeAll() {
  ForEach([](Delivery& delivery) { delivery.Wake(); });
}

void Dispatcher::ForEach(const std::function<void(Delivery&)>& act) const {
  absl::MutexLock lock(&mutex_);
  for (const auto& [uid, entry] : entries_) act(*entry.delivery);
}

void Dispatcher::SetAlarm(Delivery& delivery, absl::Duration time) {
  absl::MutexLock lock(&mutex_);
  const auto entry = FindEntry(delivery);
  if (entry == entries_.end()) return;
  if (time < FirstAlarm()) signalled_ = true;
  SetAlarm(delivery.uid(), entry->second, time);
}

void Dispatcher::SetAlarm(uint64_t uid, Entry& entry, absl::Duration time) {
  alarms_.erase({entry.alarm, uid});
  entry.alarm = time;
  alarms_.emplace(time, uid);
}

bool Dispatcher::TryForget(Delivery& delivery) {
  absl::MutexLock lock(&mutex_);
  if (delivery.HasTasks()) return false;
  const auto entry = FindEntry(delivery);
  if (entry == entries_.end()) return true;
  const auto uid = uids_.find(delivery.name());
  if (uid != uids_.end() && uid->second == delivery.uid()) uids_.erase(uid);
  alarms_.erase({entry->second.alarm, delivery.uid()});
  entries_.erase(entry);
  return true;
}

// None for a delivery that was forgotten already; another may have its place.
std::map<uint64_t, Dispatcher::Entry>::iterator Dispatcher::FindEntry(const Delivery& delivery) {
  const auto entry = entries_.find(delivery.uid());
  if (entry != entries_.end() && entry->second.delivery.get() != &delivery) return entries_.end();
  return entry;
}

void Dispatcher::Run() {
  pthread_setname_np(pthread_self(), "subscriptions");
  absl::MutexLock lock(&mutex_);
  while (true) {
    mutex_.AwaitWithTimeout(absl::Condition(&signalled_), FirstAlarm() - MonotonicNow());
    signalled_ = false;
    if (stopping_) return;
    while (FirstAlarm() <= MonotonicNow()) {
      const uint64_t uid = alarms_.begin()->second;
      Entry& entry = entries_.at(uid);
      SetAlarm(uid, entry, absl::InfiniteDuration());
      entry.delivery->Wake();
    }
  }
}

absl::Duration Dispatcher::FirstAlarm() const {
  return alarms_.empty() ? absl::InfiniteDuration() : alarms_.begin()->first;
}

}  // namespace innkeeper::subscriptions
