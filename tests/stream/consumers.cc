#include "tests/stream/consumers.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "client/event_consumer.h"
#include "client/innkeeper_client.h"
#include "client/options.h"
#include "tests/client/tcp_proxy.h"
#include "tests/support/test_client.h"
#include "tests/support/test_server.h"

namespace innkeeper::stream {
namespace {

// Who consumes; the subscription is this principal's.
constexpr char kPrincipal[] = "watcher";

ClientOptions OptionsFor(const std::string& endpoint) {
  return {.endpoint = endpoint,
          .tls = std::nullopt,
          .token = FixedToken(TestToken(kPrincipal)),
          .backoff = {.initial = absl::Milliseconds(1), .maximum = absl::Milliseconds(50)}};
}

}  // namespace

// One consumer, with a network of its own.
class Consumers::Member {
 public:
  Member(Consumers& group, const std::string& address)
      : proxy_(address),
        consumer_(
            Client(OptionsFor(proxy_.address())),
            ConsumerOptions{.subscription = group.options_.subscription,
                            .max_batch_events = group.options_.max_batch_events,
                            .progress_interval = absl::Seconds(5)},
            [&group](const v1::DeliveredEvent& event) { return group.DealWith(event); },
            [&group](const absl::Status& status) {
              absl::MutexLock lock(&group.mutex_);
              if (!absl::IsCancelled(status)) group.failure_ = status.ToString();
            }) {}

  void Connect(const std::string& address) { proxy_.SetServer(address); }
  void Interrupt() { proxy_.Cut(); }

  // The server hears nothing more of it.
  void Sever() {
    proxy_.SetServer("");
    proxy_.Cut();
  }

 private:
  TcpProxy proxy_;
  EventConsumer consumer_;
};

Consumers::Consumers(Options options) : options_(std::move(options)) {}

Consumers::~Consumers() = default;

bool Consumers::Connect(const std::string& address) {
  address_ = address;
  client_ = std::make_unique<TestClient>(address, TestToken(kPrincipal));
  for (const auto& consumer : consumers_) consumer->Connect(address);
  if (std::exchange(created_, true)) return true;
  v1::CreateSubscriptionRequest request;
  v1::Subscription& subscription = *request.mutable_subscription();
  subscription.set_name(options_.subscription);
  *subscription.mutable_filter() = options_.filter;
  subscription.set_max_delivery_attempts(options_.max_delivery_attempts);
  subscription.mutable_retry_delay()->set_nanos(10'000'000);
  request.set_position(v1::START_POSITION_OLDEST);
  if (!client_->CreateSubscription(request).ok()) return false;
  for (size_t i = 0; i < options_.count; ++i) {
    consumers_.push_back(std::make_unique<Member>(*this, address));
  }
  return true;
}

void Consumers::Kill(size_t index) {
  consumers_[index]->Sever();
  consumers_[index] = std::make_unique<Member>(*this, address_);
}

void Consumers::Interrupt(size_t index) { consumers_[index]->Interrupt(); }

absl::Status Consumers::DealWith(const v1::DeliveredEvent& event) {
  const int64_t sequence = event.event().sequence();
  const auto is_one_in = [sequence](int64_t n) { return n > 0 && sequence % n == 0; };
  absl::MutexLock lock(&mutex_);
  ++calls_;
  const bool fails = is_one_in(options_.fails_one_in) ||
                     (is_one_in(options_.fails_twice_one_in) && event.attempt() <= 2);
  if (fails && !none_fails_) {
    // The death of a consumer is the last attempt's failure, and that of the server undoes it.
    if (event.attempt() >= options_.max_delivery_attempts - 1) nearly_parked_.insert(sequence);
    return absl::InternalError("it fails in this test");
  }
  done_.push_back(sequence);
  return absl::OkStatus();
}

v1::Subscription Consumers::Get() const {
  v1::GetSubscriptionRequest request;
  request.set_name(options_.subscription);
  return client_->GetSubscription(request).response.subscription();
}

std::set<int64_t> Consumers::Parked() const {
  std::set<int64_t> parked;
  v1::ListParkedEventsRequest request;
  request.set_name(options_.subscription);
  request.set_page_size(1000);
  do {
    const auto page = client_->ListParkedEvents(request).response;
    for (const v1::ParkedEvent& event : page.parked_events()) {
      parked.insert(event.event().sequence());
    }
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  return parked;
}

bool Consumers::AwaitAcknowledged(int64_t sequence, absl::Duration timeout) const {
  int64_t acknowledged = 0;
  absl::Time deadline = absl::Now() + timeout;
  while (acknowledged < sequence && absl::Now() < deadline) {
    const int64_t before = std::exchange(acknowledged, Get().acknowledged_sequence());
    if (acknowledged > before) deadline = absl::Now() + timeout;
  }
  return acknowledged >= sequence;
}

bool Consumers::AwaitReplays(absl::Duration timeout) {
  once_parked_.merge(Parked());
  {
    absl::MutexLock lock(&mutex_);
    none_fails_ = true;
  }
  const absl::Time deadline = absl::Now() + timeout;
  v1::ReplayParkedEventsRequest request;
  request.set_name(options_.subscription);
  request.set_all(true);
  while (Get().parked_event_count() > 0) {
    if (absl::Now() > deadline) return false;
    client_->ReplayParkedEvents(request);
  }
  return true;
}

Consumption Consumers::consumption() {
  Consumption consumption{.subscription = options_.subscription, .filter = options_.filter};
  consumption.acknowledged = Get().acknowledged_sequence();
  {
    absl::MutexLock lock(&mutex_);
    consumption.done = done_;
    once_parked_.insert(nearly_parked_.begin(), nearly_parked_.end());
  }
  consumption.parked = Parked();
  once_parked_.merge(std::set<int64_t>(consumption.parked));
  consumption.once_parked = once_parked_;
  return consumption;
}

std::string Consumers::failure() const {
  absl::MutexLock lock(&mutex_);
  return failure_;
}

int64_t Consumers::calls() const {
  absl::MutexLock lock(&mutex_);
  return calls_;
}

}  // namespace innkeeper::stream
