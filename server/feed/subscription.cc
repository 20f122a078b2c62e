#include "server/feed/subscription.h"

#include <utility>

#include "server/base/clock.h"
#include "server/feed/stream_errors.h"

namespace innkeeper::feed {
Subscription::Subscription(Owner& owner, SubscriptionSink& sink, const EventLog& log,
                           const CursorCodec& cursors, Parameters parameters)
    : owner_(owner),
      sink_(sink),
      log_(log),
      cursors_(cursors),
      parameters_(std::move(parameters)),
      messages_(cursors, parameters_.filter.digest()),
      position_(parameters_.position) {}

void Subscription::Start() {
  Step step;
  {
    absl::MutexLock lock(&mutex_);
    step = Send(messages_.Confirmed(position_, parameters_.bounds));
  }
  Perform(std::move(step));
}

void Subscription::Sent(bool ok) {
  {
    absl::MutexLock lock(&mutex_);
    cancelled_ = cancelled_ || !ok;
  }
  GoOn();
}

void Subscription::Cancel() {
  {
    absl::MutexLock lock(&mutex_);
    cancelled_ = true;
  }
  GoOnIfIdle();
}

void Subscription::Wake() { GoOnIfIdle(); }

void Subscription::Drain() {
  {
    absl::MutexLock lock(&mutex_);
    draining_ = true;
  }
  GoOnIfIdle();
}

void Subscription::Abort() {
  absl::MutexLock lock(&mutex_);
  if (state_ != State::kEnded) sink_.Abort();
}

absl::Duration Subscription::NextWake() const {
  const absl::Duration now = MonotonicNow();
  absl::MutexLock lock(&mutex_);
  // A message that is overdue waits for the sink, not for us.
  return progress_due_ > now ? progress_due_ : now + parameters_.progress_interval;
}

void Subscription::ReadLog() {
  storage::LogPosition position;
  {
    absl::MutexLock lock(&mutex_);
    position = position_;
  }
  absl::StatusOr<Stretch> stretch =
      log_.Read(parameters_.filter, position, parameters_.batch_limits);
  {
    absl::MutexLock lock(&mutex_);
    if (stretch.ok()) {
      backlog_ = *std::move(stretch);
    } else if (absl::IsOutOfRange(stretch.status())) {
      read_error_ = cursors_.HistoryGone(parameters_.filter.digest(), log_.bounds());
    } else {
      read_error_ = stretch.status();
    }
  }
  GoOn();
}

void Subscription::GoOn() {
  Step step;
  {
    absl::MutexLock lock(&mutex_);
    step = NextStep();
  }
  Perform(std::move(step));
}

void Subscription::GoOnIfIdle() {
  Step step;
  {
    absl::MutexLock lock(&mutex_);
    if (state_ != State::kIdle) return;
    step = NextStep();
  }
  Perform(std::move(step));
}

void Subscription::Perform(Step step) {
  switch (step.action) {
    case Step::Action::kWait:
      break;
    case Step::Action::kSend:
      sink_.Send(std::move(step.message));
      break;
    case Step::Action::kReadLog:
      if (!owner_.TrySubmitRead(shared_from_this())) {
        absl::MutexLock lock(&mutex_);
        state_ = State::kIdle;
        owner_.WakeSoon();
      }
      break;
    case Step::Action::kEnd:
      owner_.Ended(parameters_.id);
      sink_.End(std::move(step.status));
      break;
  }
}

Subscription::Step Subscription::NextStep() {
  if (cancelled_) return End(absl::CancelledError());
  if (!read_error_.ok()) return End(read_error_);
  if (draining_ && farewell_sent_) return End(ShuttingDownError());
  if (draining_) {
    farewell_sent_ = true;
    return Send(messages_.Progress(position_));
  }
  return FollowLog();
}

Subscription::Step Subscription::FollowLog() {
  const std::optional<Stretch> stretch = NextStretch();
  if (stretch) position_ = stretch->through;
  if (stretch && !stretch->events.empty()) return Send(messages_.Events(*stretch));
  if (stretch && !caught_up_ && position_ >= parameters_.bounds.head) {
    caught_up_ = true;
    return Send(messages_.CaughtUp(position_));
  }
  if (MonotonicNow() >= progress_due_) return Send(messages_.Progress(position_));
  state_ = stretch ? State::kIdle : State::kBusy;
  return Step{stretch ? Step::Action::kWait : Step::Action::kReadLog, "", absl::OkStatus()};
}

// Returns nothing if what comes next must be read from the log.
std::optional<Stretch> Subscription::NextStretch() {
  if (backlog_) {
    Stretch backlog = *std::exchange(backlog_, std::nullopt);
    if (!backlog.events.empty()) return backlog;
    position_ = backlog.through;
  }
  return log_.ReadRecent(parameters_.filter, position_, parameters_.batch_limits);
}

Subscription::Step Subscription::Send(std::string message) {
  state_ = State::kBusy;
  progress_due_ = MonotonicNow() + parameters_.progress_interval;
  return Step{Step::Action::kSend, std::move(message), absl::OkStatus()};
}

Subscription::Step Subscription::End(absl::Status status) {
  state_ = State::kEnded;
  return Step{Step::Action::kEnd, "", std::move(status)};
}

}  // namespace innkeeper::feed
