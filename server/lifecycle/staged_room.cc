#include "server/lifecycle/staged_room.h"

#include <glog/logging.h>

#include <utility>

#include "absl/status/statusor.h"
#include "server/base/log_word.h"
#include "server/events/event_codec.h"
#include "server/lifecycle/room_records.h"
#include "server/lifecycle/room_staging.h"
#include "server/rooms/named_rooms.h"

namespace innkeeper::lifecycle {
namespace {

using storage::RoomCommit;
using storage::RoomReader;

constexpr char kMember[] = "m.room.member";

// How many records are discarded in one commit.
constexpr int kDiscardedAtOnce = 500;

// Erases an entry of the state, and what is found by it.
absl::Status StageErasure(RoomCommit& commit, const std::string& room_id,
                          const storage::StatePosition& position,
                          const storage::StateRecord& state) {
  commit.EraseState(room_id, position);
  if (position.type == kMember) {
    commit.SetUserRoom(position.state_key, room_id, "");
    commit.ForgetPendingInvite(room_id, position.state_key);
    return absl::OkStatus();
  }
  absl::StatusOr<rooms::StateEntry> entry = ToStateEntry(state);
  if (!entry.ok()) return entry.status();
  for (const std::string& linked :
       rooms::RoomsNamedIn(position.type, position.state_key, entry->content)) {
    commit.SetLink(linked, room_id, position, false);
  }
  return absl::OkStatus();
}

// Gathers the erasure of some of the room's state, or once there is none of some of its
// events. Nothing if there are none either.
absl::StatusOr<RoomCommit> StageErasures(const RoomReader& reader, const std::string& room_id) {
  RoomCommit commit;
  int erased = 0;
  absl::Status status;
  absl::Status scanned =
      reader.ScanState({.room_id = room_id, .revision = 1},
                       [&](const storage::StatePosition& position, const auto& state) {
                         status = StageErasure(commit, room_id, position, state);
                         return status.ok() && ++erased < kDiscardedAtOnce;
                       });
  if (!scanned.ok()) return scanned;
  if (!status.ok()) return status;
  if (erased > 0) return commit;
  scanned = reader.ScanEvents(room_id, 1, [&](int64_t number, const storage::EventRecord& event) {
    commit.EraseEvent(room_id, number, event.event_id());
    return ++erased < kDiscardedAtOnce;
  });
  if (!scanned.ok()) return scanned;
  return commit;
}

// Whether the upgrade that staged a room goes on.
absl::StatusOr<bool> IsUnderWay(const RoomReader& reader, const storage::StagedRoomRecord& note) {
  auto old_room = reader.GetRoom(note.old_room_id());
  if (!old_room.ok()) return old_room.status();
  return old_room->has_value() && (*old_room)->record.upgrade().upgrade_id() == note.upgrade_id();
}

}  // namespace

void StagedRoom::Append(std::vector<rooms::Event> events) {
  for (rooms::Event& event : events) {
    part_bytes_ += event.canonical_content.size() + kEventOverheadBytes;
    part_.push_back(std::move(event));
  }
  if (room_id_.empty() && !part_.empty()) {
    room_id_ = part_.front().room_id;
    creator_ = part_.front().sender;
  }
}

void StagedRoom::StagePart(RoomCommit& commit, int64_t now_us) {
  if (!has_parts_) commit.BeginStaging(room_id_, note_);
  has_parts_ = true;
  StageEvents(commit, now_us);
  for (const rooms::Event& event : part_) {
    if (event.state_key && event.type != kMember) rooms::ApplyEvent(state_, version_, event);
  }
  event_count_ += static_cast<int64_t>(part_.size());
  latest_ = std::move(part_.back());
  part_.clear();
  part_bytes_ = 0;
}

storage::RoomRecord StagedRoom::StageLastPart(RoomCommit& commit, rooms::RoomSummary summary,
                                              const storage::RoomRecord& old_room, int64_t now_us) {
  const rooms::Event& latest = part_.empty() ? latest_ : part_.back();
  storage::RoomRecord room =
      NewRoomRecord(version_, creator_, std::move(summary), latest,
                    event_count_ + static_cast<int64_t>(part_.size()), now_us);
  room.set_is_public(old_room.is_public());
  room.set_audience(old_room.audience());
  StageEvents(commit, now_us);
  if (has_parts_) commit.EndStaging(room_id_);
  commit.CreateRoom(room);
  return room;
}

void StagedRoom::LogPendingInvites(RoomCommit& commit, const RoomLabels& labels) const {
  v1::RoomInvitePending pending;
  pending.set_room_id(room_id_);
  for (const PendingInvite& invite : invites_) {
    pending.set_user_id(invite.user_id);
    pending.set_event_id(invite.event_id);
    commit.AppendLog(EncodeEvent(pending, labels));
  }
}

void StagedRoom::StageEvents(RoomCommit& commit, int64_t now_us) {
  std::vector<v1::RoomInvitePending> invites = PendingInvitesIn(room_id_, part_, server_name_);
  const bool are_logged = invites_.size() + invites.size() <= kMaxInvitesLogged;
  if (are_logged) {
    for (v1::RoomInvitePending& invite : invites) {
      invites_.push_back(
          {std::move(*invite.mutable_user_id()), std::move(*invite.mutable_event_id())});
    }
  }
  StageFirstEvents(commit,
                   {.version = version_,
                    .room_id = room_id_,
                    .events = part_,
                    .events_before = event_count_,
                    .state_before = state_,
                    .announce_time_us = are_logged ? now_us : 0},
                   server_name_);
}

absl::Status DiscardStagedRoom(storage::Engine& engine, const std::string& room_id,
                               storage::Revision revision) {
  while (true) {
    absl::StatusOr<RoomCommit> commit = StageErasures(RoomReader(engine), room_id);
    if (!commit.ok()) return commit.status();
    const bool is_last = commit->empty();
    if (is_last) commit->EndStaging(room_id);
    if (revision != 0) commit->RequireStaging(room_id, revision);
    const storage::CommitResult result = CommitAndWait(engine, commit->Take());
    if (!result.status.ok() || is_last) return result.status;
  }
}

absl::Status DiscardAbandonedUpgrades(storage::Engine& engine) {
  std::vector<std::string> abandoned;
  {
    const RoomReader reader(engine);
    absl::Status status;
    absl::Status scanned = reader.ScanStagedRooms([&](std::string room_id, const auto& staged) {
      if (staged.record.old_room_id().empty()) return true;
      absl::StatusOr<bool> under_way = IsUnderWay(reader, staged.record);
      status = under_way.status();
      if (status.ok() && !*under_way) abandoned.push_back(std::move(room_id));
      return status.ok();
    });
    if (!scanned.ok()) return scanned;
    if (!status.ok()) return status;
  }
  for (const std::string& room_id : abandoned) {
    LOG(WARNING) << "room=" << LogWord(room_id) << " is discarded: its upgrade did not end";
    absl::Status discarded = DiscardStagedRoom(engine, room_id);
    if (!discarded.ok()) return discarded;
  }
  return absl::OkStatus();
}

}  // namespace innkeeper::lifecycle
