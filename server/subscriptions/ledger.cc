#include "server/subscriptions/ledger.h"

#include <glog/logging.h>

#include <algorithm>
#include <limits>

namespace innkeeper::subscriptions {
namespace {

using storage::LogPosition;

constexpr char kLapsed[] = "it was not acknowledged in time";
constexpr char kBrokeOff[] = "the consumer's stream broke off";

}  // namespace

Ledger::Ledger(DeliverySettings settings, const Positions& positions, int64_t parkable)
    : settings_(settings), parkable_(parkable) {
  for (size_t i = 0; i < kBuckets; ++i) buckets_[i].sent = positions[i];
}

void Ledger::Join(ConsumerNumber number, size_t max_unacknowledged) {
  consumers_[number].max_unacknowledged = max_unacknowledged;
}

bool Ledger::Leave(ConsumerNumber number, bool broke_off, absl::Duration now) {
  const Place blamed = broke_off ? FirstOut(number) : Place();
  for (Bucket& bucket : buckets_) {
    if (bucket.heir == number) bucket.heir.reset();
    if (bucket.owner != number) continue;
    if (broke_off) bucket.careful_through = std::max(bucket.careful_through, bucket.sent);
    if (!bucket.out.empty() && bucket.out.front().place() == blamed) {
      Fail(bucket, bucket.out.front().sequence, kBrokeOff, now);
    }
    TakeBack(bucket);
    while (!bucket.replays_out.empty()) {
      const auto replay = bucket.replays_out.begin();
      if (Place{replay->second.ordinal, replay->first} == blamed) {
        FailReplay(bucket, replay, kBrokeOff, now);
      } else {
        TakeBackReplay(bucket, replay, now);
      }
    }
    bucket.owner = std::exchange(bucket.heir, std::nullopt);
  }
  consumers_.erase(number);
  return blamed != Place();
}

Ledger::Place Ledger::FirstOut(ConsumerNumber number) const {
  Place first = {std::numeric_limits<Ordinal>::max(), 0};
  for (const Bucket& bucket : buckets_) {
    if (bucket.owner != number) continue;
    if (!bucket.out.empty()) first = std::min(first, bucket.out.front().place());
    for (const auto& [sequence, replay] : bucket.replays_out) {
      first = std::min(first, Place{replay.ordinal, sequence});
    }
  }
  return first.ordinal <= consumers_.at(number).written_ordinal ? first : Place();
}

void Ledger::Rebalance() {
  if (consumers_.empty()) return;
  std::map<ConsumerNumber, size_t> shares = Shares();
  const auto poorer = [](const auto& a, const auto& b) { return a.second < b.second; };
  for (Bucket& bucket : buckets_) {
    if (bucket.heir && bucket.CountOut() == 0) {
      bucket.owner = std::exchange(bucket.heir, std::nullopt);
    }
    if (bucket.owner) continue;
    const auto poorest = std::min_element(shares.begin(), shares.end(), poorer);
    bucket.owner = poorest->first;
    ++poorest->second;
  }
  while (true) {
    const auto [poorest, richest] = std::minmax_element(shares.begin(), shares.end(), poorer);
    if (richest->second - poorest->second < 2) return;
    Move(richest->first, poorest->first);
    --richest->second;
    ++poorest->second;
  }
}

// How many buckets each consumer has or is going to have.
std::map<ConsumerNumber, size_t> Ledger::Shares() const {
  std::map<ConsumerNumber, size_t> shares;
  for (const auto& [number, consumer] : consumers_) shares[number] = 0;
  for (const Bucket& bucket : buckets_) {
    if (bucket.owner) ++shares[bucket.heir.value_or(*bucket.owner)];
  }
  return shares;
}

// Moves any bucket: those of which nothing is out would be the quickest, but also those
// with the fewest events.
void Ledger::Move(ConsumerNumber from, ConsumerNumber to) {
  const auto bucket = std::find_if(buckets_.begin(), buckets_.end(), [&](const Bucket& candidate) {
    return candidate.owner && candidate.heir.value_or(*candidate.owner) == from;
  });
  CHECK(bucket != buckets_.end());
  bucket->heir.reset();
  if (bucket->CountOut() == 0) {
    bucket->owner = to;
  } else if (bucket->owner != to) {
    bucket->heir = to;
  }
}

size_t Ledger::ShareOf(ConsumerNumber number) const {
  return static_cast<size_t>(
      std::count_if(buckets_.begin(), buckets_.end(),
                    [&](const Bucket& bucket) { return bucket.owner == number; }));
}

size_t Ledger::UnacknowledgedBy(ConsumerNumber number) const {
  return consumers_.at(number).unacknowledged;
}

bool Ledger::CanSend(const Bucket& bucket, ConsumerNumber number, absl::Duration now) {
  return IsOpenTo(bucket, number) && bucket.ready_time <= now &&
         (!bucket.IsCareful() || bucket.out.empty());
}

std::optional<LogPosition> Ledger::NextRead(ConsumerNumber number, absl::Duration now) const {
  if (!HasRoom(consumers_.at(number))) return std::nullopt;
  std::optional<LogPosition> lowest;
  for (const Bucket& bucket : buckets_) {
    if (!CanSend(bucket, number, now)) continue;
    lowest = std::min(bucket.sent, lowest.value_or(bucket.sent));
  }
  return lowest;
}

Ledger::Taken Ledger::Take(ConsumerNumber number, const feed::Stretch& stretch, size_t max_events,
                           absl::Duration now) {
  Consumer& consumer = consumers_.at(number);
  Taken taken;
  taken.ordinal = consumer.last_ordinal + 1;
  LogPosition through = stretch.through;
  for (const auto& event : stretch.events) {
    const LogPosition position = event->position();
    Bucket& bucket = buckets_[BucketOf(event->event.room_id())];
    if (!CanSend(bucket, number, now) || position <= bucket.sent) continue;
    const bool careful = bucket.IsCareful();
    if (taken.events.size() == max_events || !HasRoom(consumer) ||
        (careful && !taken.events.empty())) {
      through = position - 1;
      break;
    }
    bucket.sent = position;
    if (std::optional<Failure> failure = GiveUp(bucket, position)) {
      taken.given_up.push_back({event, failure->count, std::move(failure->error)});
      continue;
    }
    const auto failure = bucket.failures.find(position);
    const int failures = failure == bucket.failures.end() ? 0 : failure->second.count;
    bucket.out.push_back({position, taken.ordinal, now + settings_.ack_deadline});
    ++consumer.unacknowledged;
    taken.events.push_back({event, failures + 1});
    if (!careful) continue;
    through = position;
    break;
  }
  for (Bucket& bucket : buckets_) {
    if (CanSend(bucket, number, now)) bucket.sent = std::max(bucket.sent, through);
  }
  if (!taken.events.empty()) consumer.last_ordinal = taken.ordinal;
  return taken;
}

std::optional<Ledger::Failure> Ledger::GiveUp(Bucket& bucket, LogPosition sequence) {
  const auto failure = bucket.failures.find(sequence);
  if (failure == bucket.failures.end() || failure->second.count < settings_.max_attempts ||
      parkable_ <= 0) {
    return std::nullopt;
  }
  --parkable_;
  Failure last = std::move(failure->second);
  bucket.failures.erase(failure);
  return last;
}

void Ledger::NoteWritten(ConsumerNumber number) {
  Consumer& consumer = consumers_.at(number);
  consumer.written_ordinal = consumer.last_ordinal;
}

size_t Ledger::Acknowledge(ConsumerNumber number, Ordinal ordinal) {
  size_t count = 0;
  for (Bucket& bucket : buckets_) {
    if (bucket.owner != number) continue;
    for (; !bucket.out.empty() && bucket.out.front().ordinal <= ordinal; ++count) {
      bucket.failures.erase(bucket.out.front().sequence);
      bucket.out.pop_front();
    }
    count += std::erase_if(bucket.replays_out, [&](const auto& replay) {
      if (replay.second.ordinal > ordinal) return false;
      replay_ends_.push_back({.sequence = replay.first, .acknowledged = true});
      return true;
    });
  }
  consumers_.at(number).unacknowledged -= count;
  return count;
}

Ledger::Rejection Ledger::Reject(ConsumerNumber number, int64_t sequence, absl::string_view error,
                                 absl::Duration now) {
  const auto position = static_cast<LogPosition>(sequence);
  for (Bucket& bucket : buckets_) {
    if (bucket.owner != number) continue;
    const auto is_it = [&](const Out& out) { return out.sequence == position; };
    if (std::any_of(bucket.out.begin(), bucket.out.end(), is_it)) {
      Fail(bucket, position, error, now);
      return {true, consumers_.at(number).last_ordinal};
    }
    const auto replay = bucket.replays_out.find(sequence);
    if (replay != bucket.replays_out.end()) {
      FailReplay(bucket, replay, error, now);
      return {true, std::nullopt};
    }
  }
  return {};
}

bool Ledger::IsWritten(const Bucket& bucket, Ordinal ordinal) const {
  return ordinal <= consumers_.at(*bucket.owner).written_ordinal;
}

size_t Ledger::FailLapsed(absl::Duration now) {
  size_t count = 0;
  for (Bucket& bucket : buckets_) {
    if (!bucket.out.empty() && bucket.out.front().deadline <= now &&
        IsWritten(bucket, bucket.out.front().ordinal)) {
      Fail(bucket, bucket.out.front().sequence, kLapsed, now);
      ++count;
    }
    for (auto replay = bucket.replays_out.begin(); replay != bucket.replays_out.end();) {
      const auto next = std::next(replay);
      if (replay->second.deadline <= now && IsWritten(bucket, replay->second.ordinal)) {
        FailReplay(bucket, replay, kLapsed, now);
        ++count;
      }
      replay = next;
    }
  }
  return count;
}

void Ledger::Fail(Bucket& bucket, LogPosition sequence, absl::string_view error,
                  absl::Duration now) {
  Failure& failure = bucket.failures[sequence];
  ++failure.count;
  failure.error = std::string(error);
  const bool comes_next = bucket.out.front().sequence == sequence;
  const bool for_good = failure.count >= settings_.max_attempts && parkable_ > 0;
  bucket.ready_time = comes_next && for_good ? now : now + settings_.retry_delay;
  bucket.careful_through = std::max(bucket.careful_through, bucket.sent);
  TakeBack(bucket);
}

void Ledger::TakeBack(Bucket& bucket) {
  if (bucket.out.empty()) return;
  bucket.sent = bucket.Acknowledged();
  consumers_.at(*bucket.owner).unacknowledged -= bucket.out.size();
  bucket.out.clear();
}

void Ledger::Seek(const Positions& positions) {
  for (size_t i = 0; i < kBuckets; ++i) {
    Bucket& bucket = buckets_[i];
    TakeBack(bucket);
    bucket.sent = positions[i];
    bucket.failures.clear();
    bucket.careful_through = 0;
    bucket.ready_time = absl::ZeroDuration();
  }
}

void Ledger::AddReplay(int64_t sequence, size_t bucket) {
  const bool is_over = std::any_of(replay_ends_.begin(), replay_ends_.end(),
                                   [&](const ReplayEnd& end) { return end.sequence == sequence; });
  if (is_over || buckets_[bucket].replays_out.contains(sequence)) return;
  buckets_[bucket].waiting_replays.try_emplace(sequence);
}

void Ledger::DropReplay(int64_t sequence) {
  for (Bucket& bucket : buckets_) {
    bucket.waiting_replays.erase(sequence);
    if (bucket.replays_out.erase(sequence) > 0) --consumers_.at(*bucket.owner).unacknowledged;
  }
}

std::optional<int64_t> Ledger::NextReplay(ConsumerNumber number, absl::Duration now) const {
  if (!HasRoom(consumers_.at(number))) return std::nullopt;
  for (const Bucket& bucket : buckets_) {
    if (!IsOpenTo(bucket, number)) continue;
    for (const auto& [sequence, replay] : bucket.waiting_replays) {
      if (replay.ready_time <= now) return sequence;
    }
  }
  return std::nullopt;
}

Ledger::SentReplay Ledger::SendReplay(ConsumerNumber number, int64_t sequence, absl::Duration now) {
  Consumer& consumer = consumers_.at(number);
  for (Bucket& bucket : buckets_) {
    auto waiting = bucket.waiting_replays.extract(sequence);
    if (waiting.empty()) continue;
    Replay& replay = waiting.mapped();
    replay.ordinal = ++consumer.last_ordinal;
    replay.deadline = now + settings_.ack_deadline;
    ++consumer.unacknowledged;
    const SentReplay sent = {replay.failure.count + 1, replay.ordinal};
    bucket.replays_out.insert(std::move(waiting));
    return sent;
  }
  LOG(FATAL) << "no such replay";
}

void Ledger::FailReplay(Bucket& bucket, Replays::iterator replay, absl::string_view error,
                        absl::Duration now) {
  Failure& failure = replay->second.failure;
  ++failure.count;
  failure.error = std::string(error);
  if (failure.count < settings_.max_attempts) {
    return TakeBackReplay(bucket, replay, now + settings_.retry_delay);
  }
  replay_ends_.push_back({replay->first, false, failure.count, std::move(failure.error)});
  bucket.replays_out.erase(replay);
  --consumers_.at(*bucket.owner).unacknowledged;
}

void Ledger::TakeBackReplay(Bucket& bucket, Replays::iterator replay, absl::Duration ready_time) {
  replay->second.ready_time = ready_time;
  bucket.waiting_replays.insert(bucket.replays_out.extract(replay));
  --consumers_.at(*bucket.owner).unacknowledged;
}

Positions Ledger::positions() const {
  Positions positions;
  for (size_t i = 0; i < kBuckets; ++i) positions[i] = buckets_[i].Acknowledged();
  return positions;
}

absl::Duration Ledger::NextDue(absl::Duration now) const {
  absl::Duration due = absl::InfiniteDuration();
  for (const Bucket& bucket : buckets_) {
    if (!bucket.owner) continue;
    if (bucket.ready_time > now) due = std::min(due, bucket.ready_time);
    if (!bucket.out.empty() && IsWritten(bucket, bucket.out.front().ordinal)) {
      due = std::min(due, bucket.out.front().deadline);
    }
    for (const auto& [sequence, replay] : bucket.replays_out) {
      if (IsWritten(bucket, replay.ordinal)) due = std::min(due, replay.deadline);
    }
    for (const auto& [sequence, replay] : bucket.waiting_replays) {
      if (replay.ready_time > now) due = std::min(due, replay.ready_time);
    }
  }
  return due;
}

bool Ledger::HasFailures() const {
  return std::any_of(buckets_.begin(), buckets_.end(),
                     [](const Bucket& bucket) { return !bucket.failures.empty(); });
}

}  // namespace innkeeper::subscriptions
