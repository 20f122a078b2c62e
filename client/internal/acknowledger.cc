#include "client/internal/acknowledger.h"

#include <utility>

#include "client/internal/retry.h"
#include "grpcpp/client_context.h"

namespace innkeeper::client_internal {

Acknowledger::Acknowledger(const Connection& connection,
                           const std::shared_ptr<grpc::Channel>& channel, Options options,
                           std::function<void()> on_failure)
    : connection_(connection),
      stub_(v1::EventSubscriptions::NewStub(channel)),
      options_(std::move(options)),
      on_failure_(std::move(on_failure)),
      thread_([this] { Run(); }) {}

Acknowledger::~Acknowledger() {
  {
    absl::MutexLock lock(&mutex_);
    ending_ = true;
  }
  stopper_.Stop();
  Flush(absl::ZeroDuration());
  thread_.join();
}

void Acknowledger::Acknowledge(std::string cursor) {
  absl::MutexLock lock(&mutex_);
  cursor_ = std::move(cursor);
}

void Acknowledger::Flush(absl::Duration limit) {
  absl::MutexLock lock(&mutex_);
  if (!std::exchange(hurries_, true)) hurry_.Notify();
  const auto is_flushed = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    return !failure_.ok() || (!cursor_ && !sending_);
  };
  mutex_.AwaitWithTimeout(absl::Condition(&is_flushed), limit);
}

absl::Status Acknowledger::failure() const {
  absl::MutexLock lock(&mutex_);
  return failure_;
}

bool Acknowledger::has_succeeded() const {
  absl::MutexLock lock(&mutex_);
  return has_succeeded_;
}

void Acknowledger::Run() {
  const ClientSurroundings& surroundings = connection_.surroundings();
  while (const std::optional<std::string> cursor = AwaitCursor()) {
    const absl::Status sent = CallWithRetries(
        connection_.options().backoff, surroundings, surroundings.now() + options_.timeout,
        [&] { return Send(*cursor); }, hurry_);
    {
      absl::MutexLock lock(&mutex_);
      sending_ = false;
      failure_ = sent;
      has_succeeded_ = has_succeeded_ || sent.ok();
    }
    if (!sent.ok()) return on_failure_();
    if (options_.interval > absl::ZeroDuration()) surroundings.sleep(options_.interval, hurry_);
  }
}

std::optional<std::string> Acknowledger::AwaitCursor() {
  const auto has_work = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return cursor_ || ending_; };
  absl::MutexLock lock(&mutex_, absl::Condition(&has_work));
  if (ending_) return std::nullopt;
  sending_ = true;
  return std::exchange(cursor_, std::nullopt);
}

absl::Status Acknowledger::Send(const std::string& cursor) {
  v1::AckEventsRequest request;
  request.set_name(options_.subscription);
  request.set_consumer_id(options_.consumer_id);
  request.set_cursor(cursor);
  v1::AckEventsResponse response;
  grpc::ClientContext context;
  const Stopper::Scope scope(stopper_, context);
  return connection_.Attempt("AckEvents", context,
                             connection_.surroundings().now() + options_.timeout,
                             [&] { return stub_->AckEvents(&context, request, &response); });
}

}  // namespace innkeeper::client_internal
