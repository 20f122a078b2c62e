#include "server/feed/watch_messages.h"

#include <utility>
#include <vector>

#include "innkeeper/v1/room_event.pb.h"
#include "innkeeper/v1/room_lifecycle.pb.h"
#include "server/feed/wire_fields.h"
#include "server/values/duration.h"

namespace innkeeper::feed {
namespace {

void SetLag(const Lag& lag, v1::StreamLag* proto) {
  proto->set_events(static_cast<int64_t>(lag.events));
  SetDuration(lag.age, proto->mutable_age());
}

}  // namespace

std::string WatchMessages::Confirmed(std::optional<storage::LogPosition> cursor_position,
                                     storage::LogPosition start, storage::LogBounds bounds,
                                     const std::string& stream_id,
                                     const v1::EventRetention& retention) const {
  v1::WatchRoomEventsResponse response;
  v1::WatchConfirmed& confirmed = *response.mutable_confirmed();
  if (cursor_position) confirmed.set_cursor(CursorAt(*cursor_position));
  confirmed.set_start_sequence(static_cast<int64_t>(start));
  confirmed.set_oldest_sequence(static_cast<int64_t>(bounds.oldest));
  confirmed.set_head_sequence(static_cast<int64_t>(bounds.head));
  confirmed.set_stream_id(stream_id);
  *confirmed.mutable_retention() = retention;
  return response.SerializeAsString();
}

DraftMessage WatchMessages::Events(EncodedStretch stretch, const Lag& lag) const {
  std::string rest;
  AppendFieldHeader(v1::RoomEventBatch::kCursorFieldNumber, kCursorSize, rest);
  const size_t cursor_begin = rest.size();
  rest.append(kCursorSize, '\0');
  v1::RoomEventBatch rest_of_batch;
  rest_of_batch.set_commit_continues(stretch.commit_continues);
  SetLag(lag, rest_of_batch.mutable_lag());
  rest_of_batch.AppendToString(&rest);

  DraftMessage message =
      std::move(stretch.events).Wrap(v1::WatchRoomEventsResponse::kEventsFieldNumber, rest);
  message.gaps.push_back({stretch.through, message.bytes.size() - rest.size() + cursor_begin});
  return message;
}

void WatchMessages::PutCursors(DraftMessage& message) const {
  std::vector<storage::LogPosition> positions;
  positions.reserve(message.gaps.size());
  for (const DraftMessage::Gap& gap : message.gaps) positions.push_back(gap.position);
  const std::string cursors = cursors_.EncodeAll(positions, filter_digest_);
  for (size_t i = 0; i < message.gaps.size(); ++i) {
    cursors.copy(&message.bytes[message.gaps[i].begin], kCursorSize, i * kCursorSize);
  }
  message.gaps.clear();
}

std::string WatchMessages::Snapshot(std::vector<v1::Room> rooms) const {
  v1::WatchRoomEventsResponse response;
  v1::RoomSnapshot& snapshot = *response.mutable_snapshot();
  for (v1::Room& room : rooms) *snapshot.add_rooms() = std::move(room);
  return response.SerializeAsString();
}

std::string WatchMessages::SnapshotEnd(storage::LogPosition position) const {
  v1::WatchRoomEventsResponse response;
  v1::RoomSnapshotEnd& end = *response.mutable_snapshot_end();
  end.set_cursor(CursorAt(position));
  end.set_sequence(static_cast<int64_t>(position));
  return response.SerializeAsString();
}

std::string WatchMessages::CaughtUp(storage::LogPosition position) const {
  v1::WatchRoomEventsResponse response;
  v1::WatchCaughtUp& caught_up = *response.mutable_caught_up();
  caught_up.set_cursor(CursorAt(position));
  caught_up.set_sequence(static_cast<int64_t>(position));
  return response.SerializeAsString();
}

std::string WatchMessages::FellBehind(storage::LogPosition position, const Lag& lag) const {
  v1::WatchRoomEventsResponse response;
  v1::WatchFellBehind& fell_behind = *response.mutable_fell_behind();
  fell_behind.set_cursor(CursorAt(position));
  fell_behind.set_sequence(static_cast<int64_t>(position));
  SetLag(lag, fell_behind.mutable_lag());
  return response.SerializeAsString();
}

std::string WatchMessages::Progress(storage::LogPosition position, const Lag& lag) const {
  v1::WatchRoomEventsResponse response;
  v1::WatchProgress& progress = *response.mutable_progress();
  progress.set_cursor(CursorAt(position));
  progress.set_sequence(static_cast<int64_t>(position));
  SetLag(lag, progress.mutable_lag());
  return response.SerializeAsString();
}

}  // namespace innkeeper::feed
