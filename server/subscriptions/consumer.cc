#include "server/subscriptions/consumer.h"

#include <utility>

#include "server/subscriptions/delivery.h"

namespace innkeeper::subscriptions {

void Consumer::Sent(bool ok) {
  std::shared_ptr<Delivery> delivery;
  {
    absl::MutexLock lock(&mutex_);
    sending_ = false;
    delivery = delivery_;
  }
  delivery->Sent(parameters_.number, ok);
}

void Consumer::Cancel() {
  std::shared_ptr<Delivery> delivery;
  {
    absl::MutexLock lock(&mutex_);
    cancelled_ = true;
    delivery = delivery_;
  }
  if (delivery != nullptr) delivery->Cancel(parameters_.number);
}

bool Consumer::Attach(std::shared_ptr<Delivery> delivery) {
  absl::MutexLock lock(&mutex_);
  delivery_ = std::move(delivery);
  return !cancelled_;
}

void Consumer::Send(std::string message) {
  {
    absl::MutexLock lock(&mutex_);
    sending_ = true;
  }
  sink_.Send(std::move(message));
}

void Consumer::Abort() {
  absl::MutexLock lock(&mutex_);
  if (sending_) sink_.Abort();
}

}  // namespace innkeeper::subscriptions
