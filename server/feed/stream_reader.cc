#include "server/feed/stream_reader.h"

#include <algorithm>
#include <utility>

#include "absl/status/statusor.h"

namespace innkeeper::feed {

StreamReader::StreamReader(const StreamSources& sources, Parameters parameters)
    : sources_(sources),
      parameters_(std::move(parameters)),
      messages_(sources.cursors, parameters_.filter.digest()),
      position_(parameters_.position),
      target_(parameters_.bounds.head) {}

StreamReader::Next StreamReader::TryNext() {
  if (!confirmed_) {
    confirmed_ = true;
    return Message(messages_.Confirmed(position_, parameters_.bounds, parameters_.stream_id,
                                       sources_.retention));
  }
  if (backlog_) return FromBacklog();
  if (HasCaughtUp()) return CaughtUp();
  const std::optional<Stretch> recent =
      sources_.log.ReadRecent(parameters_.filter, position_, parameters_.batch_limits);
  if (!recent) {
    NoteReadingOfLog();
    return {Next::Kind::kMustRead, ""};
  }
  if (sources_.log.MayLackDetail(*recent, parameters_.detail)) return {Next::Kind::kMustRead, ""};
  if (!recent->events.empty()) return Events(*recent);
  MoveBehind(*recent);
  return HasCaughtUp() ? CaughtUp() : Next();
}

bool StreamReader::HasCaughtUp() const { return !caught_up_ && at_end_ && position_ >= target_; }

StreamReader::Next StreamReader::CaughtUp() {
  caught_up_ = true;
  return Message(messages_.CaughtUp(position_));
}

StreamReader::Next StreamReader::FromBacklog() {
  if (std::exchange(fell_behind_, false)) {
    sources_.metrics.fell_behind.Add();
    return Message(messages_.FellBehind(position_, LagSince(backlog_->first_time)));
  }
  const Stretch backlog = *std::exchange(backlog_, std::nullopt);
  if (!backlog.events.empty()) return Events(backlog);
  MoveBehind(backlog);
  return TryNext();
}

StreamReader::Next StreamReader::Events(const Stretch& stretch) {
  MoveBehind(stretch);
  const Lag lag = LagSince(next_time_);
  sources_.metrics.events_sent.Add(stretch.events.size());
  sources_.metrics.lag.Observe(lag.age);
  return Message(messages_.Events(stretch, lag));
}

void StreamReader::MoveBehind(const Stretch& stretch) {
  position_ = stretch.through;
  next_time_ = stretch.next_time;
  at_end_ = stretch.next_time == absl::InfiniteFuture();
}

void StreamReader::NoteReadingOfLog() {
  if (!std::exchange(caught_up_, false)) return;
  fell_behind_ = true;
  at_end_ = false;
  target_ = sources_.log.bounds().head;
}

absl::Status StreamReader::Read() {
  sources_.metrics.log_reads.Add();
  absl::StatusOr<Stretch> stretch =
      sources_.log.Read(parameters_.filter, position_, parameters_.batch_limits, parameters_.detail,
                        LoggedContents::kBytes);
  if (absl::IsOutOfRange(stretch.status())) {
    return sources_.cursors.HistoryGone(parameters_.filter.digest(), sources_.log.bounds());
  }
  if (!stretch.ok()) return stretch.status();
  backlog_ = *std::move(stretch);
  return absl::OkStatus();
}

std::optional<std::string> StreamReader::Progress() const {
  if (!confirmed_) return std::nullopt;
  return messages_.Progress(position_, LagSince(next_time_));
}

Lag StreamReader::LagSince(absl::Time oldest_time) const {
  const storage::LogPosition head = sources_.log.bounds().head;
  if (head <= position_) return {};
  return {head - position_, std::max(sources_.clock() - oldest_time, absl::ZeroDuration())};
}

}  // namespace innkeeper::feed
