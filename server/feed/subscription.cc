#include "server/feed/subscription.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "server/base/clock.h"
#include "server/feed/stream_errors.h"

namespace innkeeper::feed {

Subscription::Subscription(Owner& owner, SubscriptionSink& sink, metrics::FeedMetrics& metrics,
                           StreamReader reader, Parameters parameters)
    : owner_(owner),
      sink_(sink),
      metrics_(metrics),
      parameters_(parameters),
      reader_(std::move(reader)),
      progress_due_(MonotonicNow() + parameters_.progress_interval),
      age_due_(MonotonicNow() + parameters_.max_age),
      snapshot_due_(reader_.InSnapshot() ? MonotonicNow() + parameters_.snapshot_timeout
                                         : absl::InfiniteDuration()),
      stall_due_(absl::InfiniteDuration()) {}

void Subscription::Start() { GoOn(); }

void Subscription::Sent(bool ok) {
  {
    absl::MutexLock lock(&mutex_);
    cancelled_ = cancelled_ || !ok;
    metrics_.queued_bytes.Add(-std::exchange(sending_bytes_, 0));
    sent_meanwhile_ = reading_ahead_;
    if (reading_ahead_) return;
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

void Subscription::Wake() {
  Step step;
  {
    absl::MutexLock lock(&mutex_);
    if (state_ == State::kIdle) {
      step = NextStep();
    } else if (state_ == State::kSending && !reading_ahead_ && handing_over_ == 0) {
      step = CheckReader();
    }
  }
  Perform(std::move(step));
}

void Subscription::Drain() {
  {
    absl::MutexLock lock(&mutex_);
    farewell_ = ShuttingDownError();
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
  // What is overdue waits for the sink, not for us.
  const absl::Duration progress =
      progress_due_ > now ? progress_due_ : now + parameters_.progress_interval;
  const absl::Duration age = age_due_ > now ? age_due_ : absl::InfiniteDuration();
  const absl::Duration snapshot = snapshot_due_ > now ? snapshot_due_ : absl::InfiniteDuration();
  return std::min({progress, age, snapshot, now + parameters_.stall_timeout / 4,
                   break_.ok() ? absl::InfiniteDuration() : now + parameters_.break_grace});
}

// Reads what the stream needs from the database. For the executor: blocks.
void Subscription::Read() {
  absl::Status read = reader_.Read();
  {
    absl::MutexLock lock(&mutex_);
    error_.Update(read);
    // Of a message that was not even handed over the reader can't know.
    if (reading_ahead_ && handing_over_ == 0) reader_.NotePace(/*reader_waited=*/sent_meanwhile_);
    const bool is_sending = reading_ahead_ && !sent_meanwhile_;
    reading_ahead_ = false;
    sent_meanwhile_ = false;
    if (is_sending) return;
  }
  GoOn(Thread::kExecutor);
}

void Subscription::GoOn(Thread thread) {
  Step step;
  {
    absl::MutexLock lock(&mutex_);
    step = NextStep();
  }
  Perform(std::move(step), thread);
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

void Subscription::Perform(Step step, Thread thread) {
  switch (step.action) {
    case Step::Action::kWait:
      break;
    case Step::Action::kSend:
      SendAndReadAhead(std::move(step), thread);
      break;
    case Step::Action::kRead:
      if (!TrySubmitRead()) {
        absl::MutexLock lock(&mutex_);
        state_ = State::kIdle;
        owner_.WakeSoon();
      }
      break;
    case Step::Action::kEnd:
      owner_.Ended(parameters_.id);
      sink_.End(std::move(step.status));
      break;
    case Step::Action::kBreak:
      sink_.Break(std::move(step.status));
      break;
    case Step::Action::kForget:
      owner_.Ended(parameters_.id);
      break;
  }
}

void Subscription::HandOver(DraftMessage message) {
  const auto self = shared_from_this();  // the stream may end meanwhile
  sink_.Send(reader_.Complete(std::move(message)));
  absl::MutexLock lock(&mutex_);
  --handing_over_;
  // What it waited for before that is not for its reader to answer for.
  stall_due_ = MonotonicNow() + parameters_.stall_timeout;
}

void Subscription::SendAndReadAhead(Step step, Thread thread) {
  // Whoever reads the log reads on at once, if another thread can send: reading takes longest.
  const bool elsewhere = step.reads_ahead && thread == Thread::kExecutor && owner_.HasIdleThread();
  if (step.reads_ahead) StartReadingAhead();
  if (elsewhere) return HandOverElsewhere(std::move(step.message));
  HandOver(std::move(step.message));
}

// Has another thread of the executor hand the message over, behind what was submitted before.
void Subscription::HandOverElsewhere(DraftMessage message) {
  Executor::Task task = [self = shared_from_this(), message = std::move(message)]() mutable {
    self->HandOver(std::move(message));
  };
  if (owner_.TrySubmit(std::move(task))) return;
  task();  // it was not taken: NOLINT(bugprone-use-after-move)
}

bool Subscription::TrySubmitRead() {
  return owner_.TrySubmit([self = shared_from_this()] { self->Read(); });
}

void Subscription::StartReadingAhead() {
  if (TrySubmitRead()) return;
  absl::MutexLock lock(&mutex_);
  reading_ahead_ = false;
}

Subscription::Step Subscription::NextStep() {
  if (!break_.ok()) {
    state_ = State::kEnded;
    return {.action = Step::Action::kForget};
  }
  if (cancelled_) return End(absl::CancelledError());
  error_.Update(FindError());
  if (!error_.ok()) return End(error_);
  if (farewell_.ok() && MonotonicNow() >= age_due_) farewell_ = StreamAgedError();
  return farewell_.ok() ? Follow() : SayFarewell();
}

Subscription::Step Subscription::SayFarewell() {
  std::optional<std::string> progress = reader_.Progress();
  if (farewell_sent_ || !progress) return End(farewell_);
  farewell_sent_ = true;
  return Send({.bytes = *std::move(progress)});
}

Subscription::Step Subscription::Follow() {
  StreamReader::Next next = reader_.TryNext();
  if (next.kind == StreamReader::Next::Kind::kMessage) {
    Step step = Send(std::move(next.message));
    reading_ahead_ = step.reads_ahead = reader_.CanReadAhead();
    return step;
  }
  if (MonotonicNow() >= progress_due_) {
    std::optional<std::string> progress = reader_.Progress();
    if (progress) return Send({.bytes = *std::move(progress)});
  }
  const bool must_read = next.kind == StreamReader::Next::Kind::kMustRead;
  state_ = must_read ? State::kReading : State::kIdle;
  return {.action = must_read ? Step::Action::kRead : Step::Action::kWait};
}

// Why the stream can't go on although nothing went wrong; OK if it can.
absl::Status Subscription::FindError() {
  if (reader_.InSnapshot() && MonotonicNow() >= snapshot_due_) {
    return SnapshotTooSlowError(parameters_.snapshot_timeout);
  }
  return reader_.RefreshAccess();
}

// What is to be done about a reader while a message is being sent to it.
Subscription::Step Subscription::CheckReader() {
  const bool is_due = MonotonicNow() >= stall_due_;
  if (!break_.ok()) {
    if (is_due) sink_.Abort();
    return {};
  }
  break_ = is_due ? StreamStalledError(parameters_.stall_timeout) : FindError();
  if (break_.ok()) return {};
  reader_.Release();
  stall_due_ = MonotonicNow() + parameters_.break_grace;
  return {.action = Step::Action::kBreak, .status = break_};
}

Subscription::Step Subscription::Send(DraftMessage message) {
  state_ = State::kSending;
  ++handing_over_;
  progress_due_ = MonotonicNow() + parameters_.progress_interval;
  sending_bytes_ = static_cast<int64_t>(message.bytes.size());
  metrics_.queued_bytes.Add(sending_bytes_);
  metrics_.bytes_sent.Add(message.bytes.size());
  return {.action = Step::Action::kSend, .message = std::move(message)};
}

Subscription::Step Subscription::End(absl::Status status) {
  state_ = State::kEnded;
  reader_.Release();
  return {.action = Step::Action::kEnd, .status = std::move(status)};
}

}  // namespace innkeeper::feed
