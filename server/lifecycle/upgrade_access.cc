#include "server/lifecycle/upgrade_access.h"

#include <utility>
#include <vector>

#include "server/lifecycle/joined_member.h"
#include "server/lifecycle/room_errors.h"
#include "server/lifecycle/room_records.h"
#include "server/rooms/power_levels.h"

namespace innkeeper::lifecycle {
namespace {

using storage::RoomReader;
using storage::RoomRecord;

absl::Status AddMembers(const RoomReader& reader, const RoomRecord& room,
                        std::vector<std::string> users, rooms::OldRoom& old_room) {
  std::vector<rooms::StateKey> members;
  members.reserve(users.size());
  for (std::string& user : users) members.push_back({"m.room.member", std::move(user)});
  absl::StatusOr<rooms::RoomState> state = LoadState(reader, room, members);
  if (!state.ok()) return state.status();
  old_room.state.merge(*state);
  return absl::OkStatus();
}

// Adds a user of this server who may replace the room because everybody may, if there is one.
absl::Status AddAnySender(const RoomReader& reader, const RoomRecord& room,
                          const std::string& server_name, rooms::OldRoom& old_room) {
  const rooms::PowerLevels levels(*old_room.version, old_room.state);
  const int64_t required = levels.ForStateEvent("m.room.tombstone");
  if (levels.OfAnybody() < required) return absl::OkStatus();
  auto user = FindJoinedMember(reader, room, server_name, levels, required);
  if (!user.ok() || user->empty()) return user.status();
  return AddMembers(reader, room, {*std::move(user)}, old_room);
}

}  // namespace

absl::StatusOr<storage::Stored<RoomRecord>> ReadKnownRoom(const RoomReader& reader,
                                                          const std::string& room_id,
                                                          const UpgradeActor& actor) {
  auto found = reader.GetRoomOfUser(room_id, actor.requester);
  if (!found.ok()) return found.status();
  const bool is_member = found->user_room && found->user_room->membership() == "join";
  if (!found->room || !(is_member || actor.may_know_of.Includes(found->room->record.audience()))) {
    return RoomNotFound(room_id);
  }
  return *std::move(found->room);
}

absl::Status AddNamedMembers(const RoomReader& reader, const RoomRecord& room,
                             const UpgradeActor& actor, const rooms::UpgradeOptions& options,
                             const std::string& server_name, rooms::OldRoom& old_room) {
  absl::Status added = AddMembers(
      reader, room,
      rooms::NamedMembers(*old_room.version, old_room.state, actor.requester, options), old_room);
  if (!added.ok() || !actor.as_administrator) return added;
  const bool has_sender =
      rooms::ChooseSender(old_room, actor.requester, actor.as_administrator, server_name).ok();
  return has_sender ? absl::OkStatus() : AddAnySender(reader, room, server_name, old_room);
}

absl::StatusOr<std::string> Permit(const rooms::OldRoom& old_room, const UpgradeActor& actor,
                                   const rooms::UpgradeOptions& options,
                                   const std::string& server_name) {
  auto sender = rooms::ChooseSender(old_room, actor.requester, actor.as_administrator, server_name);
  if (!sender.ok()) return sender.status();
  absl::Status possible = rooms::CheckNewCreators(old_room, options);
  if (!possible.ok()) return possible;
  return sender;
}

absl::StatusOr<std::string> PermitUpgrade(const RoomReader& reader, const RoomRecord& room,
                                          const UpgradeActor& actor,
                                          const rooms::UpgradeOptions& options,
                                          const std::string& server_name) {
  auto state = LoadState(reader, room, {{"m.room.create", ""}, {"m.room.power_levels", ""}});
  if (!state.ok()) return state.status();
  rooms::OldRoom old_room{&VersionOf(room), TipOf(room), *std::move(state)};
  absl::Status added = AddNamedMembers(reader, room, actor, options, server_name, old_room);
  if (!added.ok()) return added;
  return Permit(old_room, actor, options, server_name);
}

}  // namespace innkeeper::lifecycle
