#include "server/lifecycle/staged_room.h"

#include <glog/logging.h>

#include <utility>

#include "absl/status/statusor.h"
#include "server/base/log_word.h"
#include "server/events/event_codec.h"
#include "server/lifecycle/room_erasure.h"
#include "server/lifecycle/room_records.h"
#include "server/lifecycle/room_staging.h"
#include "server/rooms/event_types.h"

namespace innkeeper::lifecycle {
namespace {

using rooms::kMemberType;
using storage::RoomCommit;
using storage::RoomReader;

// Whether the upgrade that staged a room goes on.
absl::StatusOr<bool> IsUnderWay(const RoomReader& reader, const storage::StagedRoomRecord& note) {
  auto old_room = reader.GetRoom(note.old_room_id());
  if (!old_room.ok()) return old_room.status();
  return old_room->has_value() && (*old_room)->record.upgrade().upgrade_id() == note.upgrade_id();
}

}  // namespace

void StagedRoom::Append(rooms::Event event) {
  if (room_id_.empty()) {
    room_id_ = event.room_id;
    creator_ = event.sender;
  }
  part_bytes_ += event.canonical_content.size() + kEventOverheadBytes;
  part_.push_back(std::move(event));
}

void StagedRoom::StagePart(RoomCommit& commit, int64_t now_us) {
  if (!has_parts_) commit.BeginStaging(room_id_, note_);
  has_parts_ = true;
  StageEvents(commit, now_us);
  for (const rooms::Event& event : part_) {
    if (event.state_key && event.type != kMemberType) rooms::ApplyEvent(state_, version_, event);
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
  RoomErasure erasure(engine, room_id, revision);
  while (true) {
    const absl::StatusOr<bool> done = erasure.EraseSome();
    if (!done.ok() || *done) return done.status();
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
