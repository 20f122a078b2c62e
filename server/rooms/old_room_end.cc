#include "server/rooms/old_room_end.h"

#include <optional>
#include <utility>

#include "server/rooms/event_types.h"
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
absl::Status AppendOrReport(EventDraft draft, Unmoved::Kind kind, EventChain& chain,
                            UpgradeReport& report) {
  absl::Status appended = chain.Append(std::move(draft));
  Unmoved unmoved{.kind = kind, .name = chain.room_id()};
  if (absl::IsPermissionDenied(appended)) {
    unmoved.reason = Unmoved::Reason::kInsufficientPower;
  } else if (absl::IsInvalidArgument(appended)) {
    unmoved.reason = Unmoved::Reason::kTooLarge;
  } else {
    return appended;
  }
  report.unmoved.Add(std::move(unmoved));
  return absl::OkStatus();
}

absl::Status Lock(const RoomVersion& version, const std::string& sender, EventChain& chain,
                  UpgradeReport& report) {
  constexpr auto kReportedAs = Unmoved::Kind::kOldRoomPowerLevels;
  std::optional<Json> locked = LockedPowerLevels(version, chain.state());
  if (!locked) {
    report.unmoved.Add({.kind = kReportedAs,
                        .name = chain.room_id(),
                        .reason = Unmoved::Reason::kInsufficientPower});
    return absl::OkStatus();
  }
  const StateEntry* const levels = FindState(chain.state(), kPowerLevelsType);
  if (levels != nullptr && levels->content == *locked) return absl::OkStatus();
  return AppendOrReport(Draft(kPowerLevelsType, sender, *std::move(locked)), kReportedAs, chain,
                        report);
}

}  // namespace

absl::Status EndOldRoom(const RoomVersion& version, const std::string& sender,
                        const DividedAlias& alias, absl::string_view new_room_id, EventChain& chain,
                        UpgradeReport& report) {
  absl::Status status = Lock(version, sender, chain, report);
  if (status.ok() && !alias.local.empty()) {
    status = AppendOrReport(Draft("m.room.canonical_alias", sender, alias.remaining),
                            Unmoved::Kind::kOldRoomAlias, chain, report);
  }
  if (!status.ok()) return status;
  return chain.Append(Draft(
      "m.room.tombstone", sender,
      {{"body", "This room has been replaced"}, {"replacement_room", std::string(new_room_id)}}));
}

}  // namespace innkeeper::rooms
