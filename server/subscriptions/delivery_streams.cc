// The parts of Delivery that are about one stream.

#include <algorithm>

#include "innkeeper/v1/room_event.pb.h"
#include "server/feed/stream_errors.h"
#include "server/subscriptions/ack_cursor.h"
#include "server/subscriptions/buckets.h"
#include "server/subscriptions/delivery.h"
#include "server/subscriptions/delivery_messages.h"
#include "storage/room_store.h"

namespace innkeeper::subscriptions {
namespace {

using storage::RoomReader;

// One read of the log, and how many of them a consumer gets before others have their
// turn.
constexpr size_t kReadEvents = 256;
constexpr int kReadsPerTurn = 8;

// How long a stream that ends has to take the message that is being sent.
constexpr absl::Duration kFarewell = absl::Seconds(5);

}  // namespace

void Delivery::Admit(const std::shared_ptr<Consumer>& consumer) {
  if (!failure_.ok() && streams_.empty() && !writing_) StartOver();
  const Consumer::Parameters& parameters = consumer->parameters();
  Stream& stream = streams_[parameters.number];
  stream.consumer = consumer;
  if (parameters.access != nullptr) stream.scope = AudienceScope::Nothing();
  const absl::Duration now = MonotonicNow();
  stream.progress_due = now + parameters.progress_interval;
  stream.age_due = now + parameters.max_age;
  if (!consumer->Attach(shared_from_this())) {
    stream.end = absl::CancelledError();
  } else if (!failure_.ok() || !closed_.ok()) {
    stream.end = failure_.ok() ? closed_ : failure_;
  } else {
    ledger_->Join(parameters.number, parameters.max_unacknowledged);
  }
}

void Delivery::End(ConsumerNumber number, Stream& stream, absl::Status status, bool broke_off) {
  if (stream.end) return;
  stream.end = std::move(status);
  const absl::Duration now = MonotonicNow();
  stream.stall_due = std::min(stream.stall_due, now + kFarewell);
  if (ledger_->Leave(number, broke_off, now)) environment_.metrics.failed_attempts.Add("broke_off");
}

void Delivery::EndStreams() {
  for (auto entry = streams_.begin(); entry != streams_.end();) {
    Stream& stream = entry->second;
    if (!stream.end || stream.busy) {
      ++entry;
      continue;
    }
    if (!stream.broken) stream.consumer->End(*std::move(stream.end));
    entry = streams_.erase(entry);
  }
}

// Ends a stream whose message is not taken: first with the reason why, which the reader
// may yet get, then without.
void Delivery::Break(Stream& stream, absl::Duration now) {
  if (std::exchange(stream.broken, true)) {
    stream.stall_due = absl::InfiniteDuration();
    stream.consumer->Abort();
  } else {
    stream.stall_due = now + kFarewell;
    stream.consumer->Break(*stream.end);
  }
}

// Returns whether there is more to do at once.
bool Delivery::Serve(ConsumerNumber number, Stream& stream, absl::Duration now) {
  if (!stream.end) Check(number, stream, now);
  if (stream.busy && now >= stream.stall_due) {
    End(number, stream, feed::StreamStalledError(options_.stall_timeout));
    Break(stream, now);
  }
  if (stream.busy || stream.end) return false;
  if (!std::exchange(stream.started, true)) {
    Send(stream, StartedMessage(ConsumerId(number), settings_.ack_deadline), now);
    return false;
  }
  if (SendReplay(number, stream, now)) return false;
  const bool more = SendEvents(number, stream, now);
  if (!stream.busy && !stream.end && now >= stream.progress_due) {
    Send(stream, ProgressMessage(ledger_->ShareOf(number), ledger_->UnacknowledgedBy(number)), now);
  }
  return more;
}

void Delivery::Check(ConsumerNumber number, Stream& stream, absl::Duration now) {
  if (now < stream.check_due) return;
  stream.check_due = now + options_.access_check_interval;
  feed::StreamAccess* const access = stream.consumer->parameters().access.get();
  const absl::StatusOr<bool> changed = access == nullptr ? false : access->Refresh();
  if (!changed.ok()) return End(number, stream, changed.status());
  if (*changed) stream.scope = access->scope();
  if (now >= stream.age_due) End(number, stream, feed::StreamAgedError());
}

// Returns whether a message is being sent.
bool Delivery::SendReplay(ConsumerNumber number, Stream& stream, absl::Duration now) {
  while (const std::optional<int64_t> sequence = ledger_->NextReplay(number, now)) {
    auto parked = RoomReader(environment_.engine).GetParkedEvent(name_, *sequence);
    if (!parked.ok()) {
      Fail(parked.status());
      return false;
    }
    v1::RoomEvent event;
    if (!parked->has_value() || !event.ParseFromString((*parked)->record.event()) ||
        !stream.scope.Includes(event.audience())) {
      ledger_->DropReplay(*sequence);
      continue;
    }
    const Ledger::SentReplay sent = ledger_->SendReplay(number, *sequence, now);
    Count(1, sent.attempt > 1 ? 1 : 0);
    Send(stream,
         ReplayMessage((*parked)->record.event(), BucketOf(event.room_id()), sent.attempt,
                       CursorOf(number, sent.ordinal)),
         now);
    return true;
  }
  return false;
}

// Returns whether there is more to look at before it is known whether there is anything
// to send.
bool Delivery::SendEvents(ConsumerNumber number, Stream& stream, absl::Duration now) {
  for (int reads = 0; reads < kReadsPerTurn && !stream.end; ++reads) {
    const std::optional<storage::LogPosition> after = ledger_->NextRead(number, now);
    if (!after) return false;
    absl::StatusOr<feed::Stretch> stretch = Read(*after);
    if (!stretch.ok()) {
      Fail(stretch.status());
      return true;
    }
    if (stretch->through <= *after) return false;
    std::erase_if(stretch->events, [&](const auto& event) {
      return !stream.scope.Includes(event->event.audience());
    });
    Ledger::Taken taken =
        ledger_->Take(number, *stretch, stream.consumer->parameters().max_batch_events, now);
    std::move(taken.given_up.begin(), taken.given_up.end(), std::back_inserter(given_up_));
    if (taken.events.empty()) continue;
    const auto redelivered = std::count_if(taken.events.begin(), taken.events.end(),
                                           [](const auto& sent) { return sent.attempt > 1; });
    Count(taken.events.size(), static_cast<size_t>(redelivered));
    Send(stream, EventsMessage(taken.events, CursorOf(number, taken.ordinal)), now);
    return false;
  }
  return true;
}

void Delivery::Count(size_t sent, size_t redelivered) const {
  environment_.metrics.sent_events.Add(sent);
  environment_.metrics.redelivered_events.Add(redelivered);
}

void Delivery::Send(Stream& stream, std::string message, absl::Duration now) {
  stream.busy = true;
  stream.progress_due = now + stream.consumer->parameters().progress_interval;
  stream.stall_due = now + options_.stall_timeout;
  stream.consumer->Send(std::move(message));
}

absl::StatusOr<feed::Stretch> Delivery::Read(storage::LogPosition after) const {
  const feed::StretchLimits limits = {kReadEvents, options_.max_batch_bytes};
  std::optional<feed::Stretch> recent = environment_.log.ReadRecent(filter_, after, limits);
  if (recent) return *std::move(recent);
  absl::StatusOr<feed::Stretch> stretch = environment_.log.Read(filter_, after, limits);
  if (!absl::IsOutOfRange(stretch.status())) return stretch;
  return environment_.cursors.HistoryGone(filter_.digest(), environment_.log.bounds());
}

std::string Delivery::CursorOf(ConsumerNumber number, Ordinal ordinal) const {
  return EncodeAckCursor(environment_.signer, uid_, number, ordinal);
}

}  // namespace innkeeper::subscriptions
