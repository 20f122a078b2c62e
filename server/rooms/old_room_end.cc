#include "server/rooms/old_room_end.h"

#include <optional>
#include <utility>

#include "server/rooms/power_levels.h"

namespace innkeeper::rooms {
namespace {

EventDraft Draft(const char* type, const std::string& sender, Json content) {
  return {.type = type,
          .state_key = "",
          .sender = sender,
          .content = std::move(content),
          .source_field = "room_id"};
}

// Appends an event that the end can do without.
absl::Status AppendOrReport(EventDraft draft, bool is_allowed, Unmoved::Kind kind,
                            EventChain& chain, UpgradeReport& report) {
  Unmoved unmoved{.kind = kind, .name = chain.room_id()};
  if (!is_allowed) {
    unmoved.reason = Unmoved::Reason::kInsufficientPower;
    report.unmoved.Add(std::move(unmoved));
    return absl::OkStatus();
  }
  absl::Status appended = chain.Append(std::move(draft));
  if (!absl::IsInvalidArgument(appended)) return appended;
  unmoved.reason = Unmoved::Reason::kTooLarge;
  report.unmoved.Add(std::move(unmoved));
  return absl::OkStatus();
}

absl::Status Lock(const RoomVersion& version, const std::string& sender, EventChain& chain,
                  UpgradeReport& report) {
  const PowerLevels levels(version, chain.state());
  const int64_t own = levels.OfUser(sender);
  std::optional<RoomLock> lock = LockOf(version, chain.state());
  const bool is_locked = lock && FindState(chain.state(), "m.room.power_levels") != nullptr &&
                         lock->content == StateContent(chain.state(), "m.room.power_levels");
  if (is_locked) return absl::OkStatus();
  const bool is_allowed =
      lock && own >= lock->level && own >= levels.ForStateEvent("m.room.power_levels");
  return AppendOrReport(
      Draft("m.room.power_levels", sender, lock ? std::move(lock->content) : Json::object()),
      is_allowed, Unmoved::Kind::kOldRoomPowerLevels, chain, report);
}

absl::Status TakeOutAliases(const RoomVersion& version, const std::string& sender,
                            const DividedAlias& alias, EventChain& chain, UpgradeReport& report) {
  if (alias.local.empty()) return absl::OkStatus();
  const PowerLevels levels(version, chain.state());
  const bool is_allowed = levels.OfUser(sender) >= levels.ForStateEvent("m.room.canonical_alias");
  return AppendOrReport(Draft("m.room.canonical_alias", sender, alias.remaining), is_allowed,
                        Unmoved::Kind::kOldRoomAlias, chain, report);
}

}  // namespace

absl::Status EndOldRoom(const RoomVersion& version, const std::string& sender,
                        const DividedAlias& alias, absl::string_view new_room_id, EventChain& chain,
                        UpgradeReport& report) {
  absl::Status status = Lock(version, sender, chain, report);
  if (!status.ok()) return status;
  status = TakeOutAliases(version, sender, alias, chain, report);
  if (!status.ok()) return status;
  return chain.Append(Draft(
      "m.room.tombstone", sender,
      {{"body", "This room has been replaced"}, {"replacement_room", std::string(new_room_id)}}));
}

}  // namespace innkeeper::rooms
