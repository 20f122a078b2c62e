#include "server/subscriptions/delivery.h"

#include <algorithm>

#include "innkeeper/v1/room_event.pb.h"
#include "innkeeper/v1/room_lifecycle.pb.h"
#include "server/errors/errors.h"
#include "server/subscriptions/ack_cursor.h"
#include "server/subscriptions/subscription_errors.h"
#include "storage/room_store.h"

namespace innkeeper::subscriptions {
namespace {

using storage::RoomReader;
using storage::SubscriptionProgressRecord;
using storage::SubscriptionRecord;

// The filter was checked when the subscription was made.
feed::EventFilter FilterOf(const SubscriptionRecord& record) {
  v1::RoomEventFilter filter;
  filter.ParseFromString(record.filter());
  FieldErrors errors;
  return feed::EventFilter::FromProto(filter, errors);
}

DeliverySettings SettingsOf(const SubscriptionRecord& record) {
  return {absl::Microseconds(record.ack_deadline_us()), record.max_delivery_attempts(),
          absl::Microseconds(record.retry_delay_us())};
}

}  // namespace

Delivery::Delivery(Owner& owner, const DeliveryEnvironment& environment, DeliveryOptions options,
                   const SubscriptionRecord& record)
    : owner_(owner),
      environment_(environment),
      options_(options),
      name_(record.name()),
      principal_(record.owner()),
      uid_(record.uid()),
      filter_(FilterOf(record)),
      settings_(SettingsOf(record)) {}

void Delivery::Join(std::shared_ptr<Consumer> consumer) {
  Post([this, consumer = std::move(consumer)] { Admit(consumer); });
}

void Delivery::Acknowledge(ConsumerNumber number, Ordinal ordinal, CountDone done) {
  Post([this, number, ordinal, done = std::move(done)]() mutable {
    if (!failure_.ok()) return done(failure_);
    if (!ledger_->HasConsumer(number)) return done(ConsumerNotFound(ConsumerId(number)));
    const size_t count = ledger_->Acknowledge(number, ordinal);
    waiters_.push_back({static_cast<int64_t>(count), std::move(done)});
  });
}

void Delivery::Reject(ConsumerNumber number, int64_t sequence, std::string error, RejectDone done) {
  Post([this, number, sequence, error = std::move(error), done = std::move(done)]() mutable {
    if (!failure_.ok()) return done(failure_);
    if (!ledger_->HasConsumer(number)) return done(ConsumerNotFound(ConsumerId(number)));
    const Ledger::Rejection rejection = ledger_->Reject(number, sequence, error, MonotonicNow());
    if (rejection.was_out) environment_.metrics.failed_attempts.Add("rejected");
    v1::RejectEventResponse response;
    response.set_rejected(rejection.was_out);
    if (rejection.taken_back_through) {
      response.set_last_cursor(CursorOf(number, *rejection.taken_back_through));
    }
    done(std::move(response));
  });
}

void Delivery::Refresh() {
  Post([this] {
    if (!failure_.ok()) return;
    absl::Status followed = Follow();
    if (!followed.ok()) Fail(followed);
  });
}

void Delivery::Close(const absl::Status& status) {
  Post([this, status] {
    closed_ = status;
    for (auto& [number, stream] : streams_) End(number, stream, status);
  });
}

void Delivery::AbortAll() {
  Post([this] {
    for (auto& [number, stream] : streams_) stream.consumer->Abort();
  });
}

void Delivery::Sent(ConsumerNumber number, bool ok) {
  Post([this, number, ok] {
    Stream& stream = streams_.at(number);
    stream.busy = false;
    if (!ok) End(number, stream, absl::CancelledError(), /*broke_off=*/true);
    if (!stream.end) ledger_->NoteWritten(number);
  });
}

void Delivery::Cancel(ConsumerNumber number) {
  Post([this, number] {
    const auto stream = streams_.find(number);
    if (stream == streams_.end()) return;
    End(number, stream->second, absl::CancelledError(), /*broke_off=*/true);
  });
}

void Delivery::Wake() {
  absl::MutexLock lock(&mutex_);
  woken_ = true;
  Schedule();
}

size_t Delivery::consumer_count() const {
  absl::MutexLock lock(&mutex_);
  return consumer_count_;
}

bool Delivery::HasTasks() const {
  absl::MutexLock lock(&mutex_);
  return !tasks_.empty();
}

void Delivery::Post(Task task) {
  absl::MutexLock lock(&mutex_);
  tasks_.push_back(std::move(task));
  Schedule();
}

void Delivery::Schedule() {
  if (std::exchange(scheduled_, true)) return;
  environment_.executor.Submit([self = shared_from_this()] { self->TakeTurn(); });
}

void Delivery::TakeTurn() {
  std::vector<Task> tasks;
  {
    absl::MutexLock lock(&mutex_);
    tasks.swap(tasks_);
    woken_ = false;
  }
  if (!ledger_ && failure_.ok()) Load();
  for (Task& task : tasks) task();
  const bool more = Work();
  const bool forgotten = !more && IsOver(MonotonicNow()) && owner_.TryForget(*this);
  absl::MutexLock lock(&mutex_);
  consumer_count_ = ledger_ ? ledger_->consumer_count() : 0;
  scheduled_ = false;
  // What was posted meanwhile has to be answered in any case.
  if (!tasks_.empty() || (!forgotten && (more || woken_))) Schedule();
}

// Returns whether there is more to do at once.
bool Delivery::Work() {
  const absl::Duration now = MonotonicNow();
  if (failure_.ok()) {
    environment_.metrics.failed_attempts.Add("lapsed", ledger_->FailLapsed(now));
    ledger_->Rebalance();
  }
  bool more = false;
  for (auto& [number, stream] : streams_) more = Serve(number, stream, now) || more;
  EndStreams();
  if (failure_.ok()) WriteProgress(now);
  if (!streams_.empty()) forget_due_ = now + options_.failure_retention;
  owner_.SetAlarm(*this, NextDue(now));
  return more;
}

void Delivery::Load() {
  const RoomReader reader(environment_.engine);
  // The record that this was made with may have been changed before there was anybody to tell.
  absl::Status settled = ReadSettings(reader);
  if (!settled.ok()) return Fail(settled);
  auto progress = reader.GetSubscriptionProgress(name_);
  if (!progress.ok()) return Fail(progress.status());
  if (!progress->has_value() || (*progress)->record.uid() != uid_) {
    return Fail(SubscriptionNotFound(name_));
  }
  const absl::StatusOr<Positions> positions = PositionsIn((*progress)->record);
  if (!positions.ok()) return Fail(positions.status());
  ledger_.emplace(settings_, *positions,
                  kMaxParkedEvents - (*progress)->record.parked_event_count());
  written_positions_ = *positions;
  seek_count_ = (*progress)->record.seek_count();
  absl::Status followed = FollowReplays(reader);
  if (!followed.ok()) Fail(followed);
}

// Forgets a failure that ended all streams: whoever joins now may not meet it any more.
void Delivery::StartOver() {
  failure_ = absl::OkStatus();
  given_up_.clear();
  replay_ends_.clear();
  ledger_.reset();
  Load();
}

absl::Status Delivery::ReadSettings(const RoomReader& reader) {
  auto record = reader.GetSubscription(name_);
  if (!record.ok()) return record.status();
  if (!record->has_value() || (*record)->record.uid() != uid_) return SubscriptionNotFound(name_);
  settings_ = SettingsOf((*record)->record);
  return absl::OkStatus();
}

absl::Status Delivery::Follow() {
  const RoomReader reader(environment_.engine);
  absl::Status settled = ReadSettings(reader);
  if (!settled.ok()) return settled;
  ledger_->set_settings(settings_);
  auto progress = reader.GetSubscriptionProgress(name_);
  if (!progress.ok()) return progress.status();
  absl::Status followed = FollowProgress((*progress)->record);
  if (!followed.ok()) return followed;
  return FollowReplays(reader);
}

absl::Status Delivery::FollowProgress(const SubscriptionProgressRecord& progress) {
  const auto unwritten = static_cast<int64_t>(given_up_.size() + being_parked_);
  ledger_->set_parkable(kMaxParkedEvents - progress.parked_event_count() - unwritten);
  if (progress.seek_count() <= seek_count_) return absl::OkStatus();
  const absl::StatusOr<Positions> positions = PositionsIn(progress);
  if (!positions.ok()) return positions.status();
  seek_count_ = progress.seek_count();
  ledger_->Seek(*positions);
  written_positions_ = *positions;
  return absl::OkStatus();
}

absl::Status Delivery::FollowReplays(const RoomReader& reader) {
  return reader.ScanParkedEvents(
      name_, 0, [&](int64_t sequence, const storage::ParkedEventRecord& record) {
        const bool is_ending =
            std::any_of(replay_ends_.begin(), replay_ends_.end(),
                        [&](const Ledger::ReplayEnd& end) { return end.sequence == sequence; });
        v1::RoomEvent event;
        if (record.replaying() && !is_ending && event.ParseFromString(record.event())) {
          ledger_->AddReplay(sequence, BucketOf(event.room_id()));
        }
        return true;
      });
}

void Delivery::Fail(const absl::Status& status) {
  failure_ = status;
  for (auto& [number, stream] : streams_) End(number, stream, status);
  for (Waiter& waiter : std::exchange(waiters_, {})) waiter.done(status);
}

void Delivery::WriteProgress(absl::Duration now) {
  if (writing_) return;
  replay_ends_ = ledger_->TakeReplayEnds();
  const bool is_waited_for = !waiters_.empty() || !given_up_.empty() || !replay_ends_.empty();
  const bool is_due = now >= idle_update_due_ || streams_.empty();
  if (!is_waited_for && !(is_due && IsUnwritten())) return;
  writing_ = true;
  idle_update_due_ = now + options_.idle_update_interval;
  auto update = std::make_shared<ProgressUpdate>();
  update->name = name_;
  update->uid = uid_;
  update->seek_count = seek_count_;
  update->positions = ledger_->positions();
  update->given_up = std::exchange(given_up_, {});
  being_parked_ = update->given_up.size();
  update->replay_ends = replay_ends_;
  environment_.transactor.Run<SubscriptionProgressRecord>(
      {.identity = {},
       .attempt =
           [update, &clock = environment_.clock](const RoomReader& reader) {
             return UpdateProgress(*update, reader, clock());
           },
       .room_id = TurnOf(name_)},
      [self = shared_from_this(), update, waiters = std::exchange(waiters_, {})](
          absl::StatusOr<SubscriptionProgressRecord> progress) mutable {
        Delivery& delivery = *self;
        for (Waiter& waiter : waiters) delivery.Answer(waiter, progress.status());
        delivery.Post([&delivery, update, progress = std::move(progress)] {
          delivery.Written(*update, progress);
        });
      });
}

void Delivery::Answer(Waiter& waiter, const absl::Status& status) const {
  if (!status.ok()) return waiter.done(status);
  environment_.metrics.acknowledged_events.Add(static_cast<uint64_t>(waiter.count));
  waiter.done(waiter.count);
}

void Delivery::Written(const ProgressUpdate& update,
                       const absl::StatusOr<SubscriptionProgressRecord>& progress) {
  writing_ = false;
  being_parked_ = 0;
  replay_ends_.clear();
  if (!failure_.ok()) return;
  if (!progress.ok()) return Fail(progress.status());
  environment_.metrics.parked_events.Add(update.given_up.size());
  if (update.seek_count == seek_count_) written_positions_ = update.positions;
  absl::Status followed = FollowProgress(*progress);
  if (!followed.ok()) Fail(followed);
}

absl::Duration Delivery::NextDue(absl::Duration now) const {
  absl::Duration due = absl::InfiniteDuration();
  for (const auto& [number, stream] : streams_) {
    if (stream.busy) due = std::min(due, stream.stall_due);
    if (!stream.busy && stream.started) due = std::min(due, stream.progress_due);
    if (!stream.end) due = std::min(due, stream.check_due);
  }
  if (!failure_.ok()) return due;
  if (IsUnwritten() && !writing_) due = std::min(due, idle_update_due_);
  if (streams_.empty()) due = std::min(due, forget_due_);
  return std::min(due, ledger_->NextDue(now));
}

bool Delivery::IsOver(absl::Duration now) const {
  if (!streams_.empty() || writing_) return false;
  if (!failure_.ok()) return true;
  if (!waiters_.empty() || IsUnwritten()) return false;
  return !closed_.ok() || !ledger_->HasFailures() || now >= forget_due_;
}

}  // namespace innkeeper::subscriptions
