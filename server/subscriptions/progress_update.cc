#include "server/subscriptions/progress_update.h"

#include <algorithm>
#include <optional>

#include "absl/strings/str_cat.h"
#include "server/subscriptions/subscription_errors.h"
#include "storage/subscription_hold.h"

namespace innkeeper::subscriptions {
namespace {

using storage::ParkedEventRecord;
using storage::RoomCommit;
using storage::RoomReader;
using storage::SubscriptionProgressRecord;

// Raises the record's positions. Returns whether any rose.
bool Raise(const Positions& positions, absl::Time now, SubscriptionProgressRecord& record) {
  const storage::LogPosition before = storage::PositionOf(record);
  bool rose = false;
  for (size_t i = 0; i < kBuckets; ++i) {
    uint64_t& stored = *record.mutable_positions()->Mutable(static_cast<int>(i));
    rose = rose || positions[i] > stored;
    stored = std::max(stored, positions[i]);
  }
  if (storage::PositionOf(record) > before) record.set_move_time_us(absl::ToUnixMicros(now));
  return rose;
}

absl::Status Park(const std::string& name, const Ledger::GivenUp& given_up,
                  const RoomReader& reader, absl::Time now, SubscriptionProgressRecord& progress,
                  RoomCommit& commit) {
  const int64_t sequence = given_up.event->event.sequence();
  auto stored = reader.GetParkedEvent(name, sequence);
  if (!stored.ok()) return stored.status();
  if (!stored->has_value()) progress.set_parked_event_count(progress.parked_event_count() + 1);
  ParkedEventRecord record;
  record.set_event(given_up.event->bytes);
  record.set_attempts(given_up.attempts);
  record.set_last_error(given_up.error);
  record.set_park_time_us(absl::ToUnixMicros(now));
  commit.PutParkedEvent(name, sequence, record);
  return absl::OkStatus();
}

// Whether the event was parked anew: delivered both as a replay and, after the
// subscription was moved back, from the log.
bool IsGivenUp(const ProgressUpdate& update, int64_t sequence) {
  return std::any_of(update.given_up.begin(), update.given_up.end(),
                     [&](const Ledger::GivenUp& given_up) {
                       return given_up.event->event.sequence() == sequence;
                     });
}

absl::Status EndReplay(const std::string& name, const Ledger::ReplayEnd& end,
                       const RoomReader& reader, SubscriptionProgressRecord& progress,
                       RoomCommit& commit) {
  auto stored = reader.GetParkedEvent(name, end.sequence);
  if (!stored.ok()) return stored.status();
  if (!stored->has_value()) return absl::OkStatus();
  if (end.acknowledged) {
    progress.set_parked_event_count(progress.parked_event_count() - 1);
    commit.EraseParkedEvent(name, end.sequence);
    return absl::OkStatus();
  }
  ParkedEventRecord& record = (*stored)->record;
  record.set_attempts(record.attempts() + end.attempts);
  record.set_last_error(end.error);
  record.set_replaying(false);
  commit.PutParkedEvent(name, end.sequence, record);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<lifecycle::Outcome<SubscriptionProgressRecord>> UpdateProgress(
    const ProgressUpdate& update, const RoomReader& reader, absl::Time now) {
  auto stored = reader.GetSubscriptionProgress(update.name);
  if (!stored.ok()) return stored.status();
  if (!stored->has_value() || (*stored)->record.uid() != update.uid) {
    return SubscriptionNotFound(update.name);
  }
  SubscriptionProgressRecord& progress = (*stored)->record;
  if (absl::Status whole = PositionsIn(progress).status(); !whole.ok()) return whole;
  RoomCommit commit;
  bool changed =
      progress.seek_count() == update.seek_count && Raise(update.positions, now, progress);
  for (const Ledger::GivenUp& given_up : update.given_up) {
    absl::Status parked = Park(update.name, given_up, reader, now, progress, commit);
    if (!parked.ok()) return parked;
  }
  for (const Ledger::ReplayEnd& end : update.replay_ends) {
    if (IsGivenUp(update, end.sequence)) continue;
    absl::Status ended = EndReplay(update.name, end, reader, progress, commit);
    if (!ended.ok()) return ended;
  }
  changed = changed || !commit.empty();
  lifecycle::Outcome<SubscriptionProgressRecord> outcome;
  outcome.response = progress;
  if (!changed) return outcome;
  commit.UpdateSubscriptionProgress(update.name, progress, (*stored)->revision);
  outcome.commit = std::move(commit);
  return outcome;
}

std::string TurnOf(const std::string& name) { return absl::StrCat("subscription ", name); }

absl::StatusOr<Positions> PositionsIn(const SubscriptionProgressRecord& record) {
  if (record.positions_size() != static_cast<int>(kBuckets)) {
    return absl::DataLossError("a subscription's progress is damaged");
  }
  Positions positions;
  std::copy(record.positions().begin(), record.positions().end(), positions.begin());
  return positions;
}

}  // namespace innkeeper::subscriptions
