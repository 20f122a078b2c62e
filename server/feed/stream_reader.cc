#include "server/feed/stream_reader.h"

#include <algorithm>
#include <utility>

#include "absl/status/statusor.h"

namespace innkeeper::feed {
namespace {

// What all streams together may have sent that their readers have not taken, for them to get
// larger messages.
constexpr int64_t kFewQueuedBytes = 64 << 20;

StretchLimits Twice(StretchLimits limits, StretchLimits most) {
  return {std::min(2 * limits.events, most.events), std::min(2 * limits.bytes, most.bytes)};
}

StretchLimits Half(StretchLimits limits, StretchLimits least) {
  return {std::max(limits.events / 2, least.events), std::max(limits.bytes / 2, least.bytes)};
}

}  // namespace

StreamReader::StreamReader(const StreamSources& sources, Parameters parameters)
    : sources_(sources),
      parameters_(std::move(parameters)),
      filter_(parameters_.filter),
      messages_(sources.cursors, parameters_.filter.digest()),
      begun_(parameters_.start.kind == StreamStart::Kind::kBehind),
      position_(parameters_.start.position),
      read_limits_(parameters_.batch_limits),
      target_(parameters_.bounds.head) {}

absl::Status StreamReader::RefreshAccess() {
  StreamAccess* const access = parameters_.access.get();
  if (access == nullptr) return absl::OkStatus();
  const absl::StatusOr<bool> changed = access->Refresh();
  if (!changed.ok()) return changed.status();
  if (!*changed) return absl::OkStatus();
  absl::StatusOr<EventFilter> seen = SeenThrough(*access, filter_);
  if (!seen.ok()) return seen.status();
  filter_ = *std::move(seen);
  detail_ = access->detail();
  // What was read with the old permission is read, or looked at, again.
  backlog_.reset();
  std::erase_if(rooms_, [this](const v1::Room& room) { return !filter_.Matches(room); });
  return absl::OkStatus();
}

StreamReader::Next StreamReader::TryNext() {
  if (!begun_) return MustRead();
  if (!confirmed_) return Confirmed();
  if (InSnapshot()) return FromSnapshot();
  if (fell_behind_ && !in_commit_) return FellBehind();
  if (backlog_) return FromBacklog();
  if (HasCaughtUp()) return CaughtUp();
  const std::optional<Stretch> recent =
      sources_.log.ReadRecent(filter_, position_, parameters_.batch_limits);
  if (!recent) {
    NoteReadingOfLog();
    return MustRead();
  }
  if (sources_.log.MayLackDetail(*recent, detail_)) return MustRead();
  EncodedStretch encoded = Encode(*recent);
  if (!encoded.events.empty()) return Events(std::move(encoded));
  MoveBehind(encoded);
  return HasCaughtUp() ? CaughtUp() : Next();
}

StreamReader::Next StreamReader::Confirmed() {
  confirmed_ = true;
  const auto cursor_position = InSnapshot() ? std::nullopt : std::make_optional(position_);
  return Message(messages_.Confirmed(cursor_position, position_ + 1, parameters_.bounds,
                                     parameters_.stream_id, sources_.retention));
}

StreamReader::Next StreamReader::FromSnapshot() {
  if (!rooms_.empty()) return Message(messages_.Snapshot(std::exchange(rooms_, {})));
  if (!snapshot_->done()) return MustRead();
  snapshot_.reset();
  snapshot_said_ = true;
  return Message(messages_.SnapshotEnd(position_));
}

bool StreamReader::HasCaughtUp() const { return !caught_up_ && at_end_ && position_ >= target_; }

StreamReader::Next StreamReader::CaughtUp() {
  caught_up_ = true;
  read_limits_ = parameters_.batch_limits;
  return Message(messages_.CaughtUp(position_));
}

StreamReader::Next StreamReader::FellBehind() {
  fell_behind_ = false;
  sources_.metrics.fell_behind.Add();
  return Message(
      messages_.FellBehind(position_, LagSince(backlog_ ? backlog_->first_time : next_time_)));
}

StreamReader::Next StreamReader::FromBacklog() {
  EncodedStretch backlog = *std::exchange(backlog_, std::nullopt);
  if (!backlog.events.empty()) return Events(std::move(backlog));
  MoveBehind(backlog);
  return TryNext();
}

StreamReader::Next StreamReader::Events(EncodedStretch stretch) {
  MoveBehind(stretch);
  const Lag lag = LagSince(next_time_);
  sources_.metrics.events_sent.Add(stretch.events.count());
  sources_.metrics.lag.Observe(lag.age);
  return {Next::Kind::kMessage, messages_.Events(std::move(stretch), lag)};
}

void StreamReader::MoveBehind(const EncodedStretch& stretch) {
  position_ = stretch.through;
  in_commit_ = stretch.commit_continues;
  next_time_ = stretch.next_time;
  at_end_ = stretch.next_time == absl::InfiniteFuture();
}

void StreamReader::NoteReadingOfLog() {
  if (!std::exchange(caught_up_, false)) return;
  fell_behind_ = true;
  at_end_ = false;
  target_ = sources_.log.bounds().head;
}

bool StreamReader::CanReadAhead() const {
  const bool is_under_way = begun_ && confirmed_ && !InSnapshot() && !caught_up_ && !at_end_;
  return is_under_way && !backlog_ && !sources_.log.IsRecent(position_);
}

absl::Status StreamReader::Read() {
  if (!begun_) return Begin();
  return InSnapshot() ? ReadRooms() : ReadEvents();
}

absl::Status StreamReader::Begin() {
  absl::Status found = FindStart();
  if (absl::IsOutOfRange(found)) return HistoryGone();
  if (!found.ok()) return found;
  parameters_.bounds = sources_.log.bounds();
  target_ = parameters_.bounds.head;
  begun_ = true;
  return absl::OkStatus();
}

absl::Status StreamReader::FindStart() {
  if (parameters_.start.kind == StreamStart::Kind::kAtTime) {
    const auto first = sources_.log.FirstSince(parameters_.start.time);
    if (first.ok()) position_ = *first - 1;
    return first.status();
  }
  snapshot_.emplace(sources_.engine, filter_);
  const auto head = snapshot_->log_head();
  if (head.ok()) position_ = *head;
  return head.status();
}

absl::Status StreamReader::ReadRooms() {
  auto page = snapshot_->NextPage(filter_, parameters_.batch_limits);
  if (!page.ok()) return page.status();
  rooms_ = *std::move(page);
  return absl::OkStatus();
}

absl::Status StreamReader::ReadEvents() {
  sources_.metrics.log_reads.Add();
  if (!MayReadMore()) read_limits_ = parameters_.batch_limits;
  absl::StatusOr<EncodedStretch> stretch =
      sources_.log.ReadEncoded(filter_, position_, read_limits_, detail_);
  if (absl::IsOutOfRange(stretch.status())) return HistoryGone();
  if (!stretch.ok()) return stretch.status();
  backlog_ = *std::move(stretch);
  return absl::OkStatus();
}

bool StreamReader::MayReadMore() const {
  return sources_.metrics.queued_bytes.value() < kFewQueuedBytes;
}

void StreamReader::NotePace(bool reader_waited) {
  read_limits_ = reader_waited && MayReadMore() ? Twice(read_limits_, parameters_.catch_up_limits)
                                                : Half(read_limits_, parameters_.batch_limits);
}

absl::Status StreamReader::HistoryGone() const {
  return sources_.cursors.HistoryGone(filter_.digest(), sources_.log.bounds());
}

std::string StreamReader::Complete(DraftMessage message) const {
  if (!message.gaps.empty()) messages_.PutCursors(message);
  return std::move(message.bytes);
}

void StreamReader::Release() {
  snapshot_.reset();
  rooms_.clear();
  backlog_.reset();
}

std::optional<std::string> StreamReader::Progress() const {
  if (!confirmed_ || InSnapshot()) return std::nullopt;
  return messages_.Progress(position_, LagSince(next_time_));
}

Lag StreamReader::LagSince(absl::Time oldest_time) const {
  const storage::LogPosition head = sources_.log.bounds().head;
  if (head <= position_) return {};
  return {head - position_, std::max(sources_.clock() - oldest_time, absl::ZeroDuration())};
}

}  // namespace innkeeper::feed
