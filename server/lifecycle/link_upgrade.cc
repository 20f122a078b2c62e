#include "server/lifecycle/link_upgrade.h"

#include "absl/strings/str_cat.h"
#include "server/errors/errors.h"
#include "server/events/event_codec.h"
#include "server/lifecycle/room_errors.h"
#include "server/lifecycle/room_records.h"
#include "server/lifecycle/room_staging.h"
#include "server/lifecycle/room_status.h"
#include "server/lifecycle/upgrade_response.h"
#include "server/rooms/canonical_alias.h"
#include "server/rooms/identifiers.h"
#include "server/rooms/old_room_end.h"

namespace innkeeper::lifecycle {
namespace {

using storage::RoomCommit;
using storage::RoomReader;
using storage::RoomRecord;

bool IsTombstoned(const RoomRecord& room) {
  return room.status() == storage::ROOM_STATUS_RECORD_TOMBSTONED;
}

absl::Status CheckCommand(const LinkUpgradeCommand& command, const std::string& server_name) {
  FieldErrors errors;
  if (command.old_room_id == command.new_room_id) {
    errors.Add("new_room_id", "must be another room than old_room_id");
  }
  if (!rooms::IsLocal(command.actor.requester, server_name)) {
    errors.Add("requester", absl::StrCat("must be a user of this server, ", server_name));
  }
  return errors.ToStatus();
}

// Whether the rooms refer to each other as a room and its successor do.
absl::Status CheckLinked(const RoomRecord& old_room, const RoomRecord& new_room) {
  if (new_room.predecessor_room_id() != old_room.room_id()) {
    return MakeError(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_ROOMS_NOT_LINKED,
                     "the new room's m.room.create does not name the old room as predecessor");
  }
  if (IsTombstoned(old_room) && old_room.successor_room_id() != new_room.room_id()) {
    return RoomTombstoned(old_room);
  }
  return absl::OkStatus();
}

// Whether both rooms are in a state in which they can be linked.
absl::Status CheckStatus(const RoomRecord& old_room, const RoomRecord& new_room) {
  if (old_room.has_upgrade()) return UpgradeInProgress();
  return CheckWritable(new_room);
}

// Ends the old room as an upgrade does, if it is not tombstoned yet.
absl::Status StageOldRoomEnd(RoomCommit& commit, const RoomReader& reader,
                             const RoomSuccession& succession, const EditContext& context,
                             RoomRecord& room, rooms::UpgradeReport& report) {
  if (IsTombstoned(room)) return absl::OkStatus();
  auto state = LoadState(reader, room,
                         {{"m.room.canonical_alias", ""},
                          {"m.room.create", ""},
                          {"m.room.member", succession.sender},
                          {"m.room.power_levels", ""}});
  if (!state.ok()) return state.status();
  const rooms::RoomVersion& version = VersionOf(room);
  const rooms::DividedAlias alias = rooms::DivideAlias(
      rooms::StateContent(*state, "m.room.canonical_alias"), context.server_name);
  rooms::EventChain chain(version,
                          {context.server_name, absl::ToUnixMillis(context.clock()),
                           context.random(rooms::kNonceBytes)},
                          TipOf(room), *std::move(state));
  absl::Status ended =
      rooms::EndOldRoom(version, succession.sender, alias, succession.new_room_id, chain, report);
  if (!ended.ok()) return ended;
  absl::Status staged =
      StageNewEvents(commit, reader, room, chain.TakeEvents(), context.server_name);
  if (!staged.ok()) return staged;
  LockForUpgrade(room, {});
  Tombstone(room, succession.new_room_id);
  return absl::OkStatus();
}

}  // namespace

Write<v1::LinkUpgradeResponse> UpgradeLinker::Link(LinkUpgradeCommand command) const {
  Write<v1::LinkUpgradeResponse> write;
  write.identity = command.identity;
  write.room_id = command.old_room_id;
  write.attempt = [this, command = std::move(command),
                   links = LinkRepairs()](const RoomReader& reader) mutable {
    links.NoteLost(reader);  // if there was an attempt before
    return Try(command, reader, links);
  };
  return write;
}

absl::StatusOr<Outcome<v1::LinkUpgradeResponse>> UpgradeLinker::Try(
    const LinkUpgradeCommand& command, const RoomReader& reader, LinkRepairs& links) const {
  absl::Status status = CheckCommand(command, context_.server_name);
  if (!status.ok()) return status;
  auto old_room = ReadKnownRoom(reader, command.old_room_id, command.actor);
  if (!old_room.ok()) return old_room.status();
  // Whoever may know of every room is not for that in this one.
  UpgradeActor member = command.actor;
  member.may_know_of =
      command.actor.as_administrator ? AudienceScope::All() : AudienceScope::Nothing();
  auto new_room = ReadKnownRoom(reader, command.new_room_id, member);
  if (!new_room.ok()) return new_room.status();
  auto sender = PermitUpgrade(reader, old_room->record, command.actor, {}, context_.server_name);
  if (!sender.ok()) return sender.status();
  status = CheckLinked(old_room->record, new_room->record);
  if (status.ok()) status = CheckStatus(old_room->record, new_room->record);
  if (!status.ok()) return status;

  const RoomSuccession succession{command.old_room_id, command.new_room_id, *std::move(sender)};
  const int64_t now_us = absl::ToUnixMicros(context_.clock());
  Outcome<v1::LinkUpgradeResponse> outcome;
  RoomCommit& commit = outcome.commit.emplace();
  rooms::UpgradeReport report;
  Touch(old_room->record, now_us);
  Touch(new_room->record, now_us);
  status = StageOldRoomEnd(commit, reader, succession, context_, old_room->record, report);
  if (!status.ok()) return status;
  if (old_room->record.is_public()) new_room->record.set_is_public(true);
  old_room->record.set_is_public(false);
  commit.UpdateRoom(old_room->record, old_room->revision);
  commit.UpdateRoom(new_room->record, new_room->revision);
  commit.AppendLog(
      EncodeEvent(UpgradedEvent(old_room->record, new_room->record), LabelsOf(old_room->record)));
  auto aliases = StageAliasMoves(commit, reader, succession);
  if (!aliases.ok()) return aliases.status();
  status = links.Stage(commit, reader, succession, context_, report);
  if (!status.ok()) return status;

  *outcome.response.mutable_old_room() = ToProto(old_room->record);
  *outcome.response.mutable_new_room() = ToProto(new_room->record);
  outcome.response.mutable_moved_aliases()->Assign(aliases->begin(), aliases->end());
  SetReport(report, &outcome.response);
  return outcome;
}

}  // namespace innkeeper::lifecycle
