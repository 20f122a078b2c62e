#include "server/rooms/old_room.h"

#include <algorithm>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "server/errors/errors.h"
#include "server/rooms/identifiers.h"
#include "server/rooms/power_levels.h"

namespace innkeeper::rooms {
namespace {

constexpr absl::string_view kTombstone = "m.room.tombstone";

absl::Status InsufficientPower(absl::string_view message, int64_t required, int64_t actual) {
  return MakeError(absl::StatusCode::kPermissionDenied, v1::ERROR_REASON_INSUFFICIENT_POWER,
                   message,
                   {{"required", absl::StrCat(required)}, {"actual", absl::StrCat(actual)}});
}

// Returns the joined user of `server_name` who comes first as ChooseSender has it;
// "" if there is none.
std::string MostPowerful(const OldRoom& old_room, const PowerLevels& levels,
                         absl::string_view server_name) {
  const std::vector<std::string> creators = Creators(*old_room.version, old_room.state);
  const auto rank = [&](const std::string& user) {
    const bool creator = std::find(creators.begin(), creators.end(), user) != creators.end();
    return std::tuple(levels.OfUser(user), creator);
  };
  std::string best;
  for (auto it = old_room.state.lower_bound({"m.room.member", ""});
       it != old_room.state.end() && it->first.type == "m.room.member"; ++it) {
    const std::string& user = it->first.state_key;
    if (!IsLocal(user, server_name)) continue;
    if (StringViewOrEmpty(it->second.content, "membership") != "join") continue;
    if (best.empty() || rank(user) > rank(best)) best = user;
  }
  return best;
}

}  // namespace

std::vector<std::string> NamedMembers(const RoomVersion& version, const RoomState& state,
                                      absl::string_view requester, const UpgradeOptions& options) {
  std::vector<std::string> users = Creators(version, state);
  users.emplace_back(requester);
  users.insert(users.end(), options.additional_creators.begin(), options.additional_creators.end());
  const Json* const named = FindMember(StateContent(state, "m.room.power_levels"), "users");
  if (named != nullptr && named->is_object()) {
    for (const auto& [user, level] : named->items()) users.push_back(user);
  }
  std::sort(users.begin(), users.end());
  users.erase(std::unique(users.begin(), users.end()), users.end());
  return users;
}

absl::Status CheckNewCreators(const OldRoom& old_room, const UpgradeOptions& options) {
  FieldErrors errors;
  for (size_t i = 0; i < options.additional_creators.size(); ++i) {
    if (Membership(old_room.state, options.additional_creators[i]) == "ban") {
      errors.Add(absl::StrCat("additional_creators[", i, "]"),
                 "must not be banned from the room; unban them first or leave them out");
    }
  }
  return errors.ToStatus();
}

absl::Status CheckMayUpgrade(const OldRoom& old_room, absl::string_view user_id) {
  const PowerLevels levels(*old_room.version, old_room.state);
  const int64_t required = levels.ForStateEvent(kTombstone);
  const int64_t actual = levels.OfUser(user_id);
  const bool joined = Membership(old_room.state, user_id) == "join";
  if (joined && actual >= required) return absl::OkStatus();
  return InsufficientPower(joined
                               ? "the requester's power level does not suffice to replace the room"
                               : "the requester must be joined to the room to replace it",
                           required, actual);
}

absl::StatusOr<std::string> ChooseSender(const OldRoom& old_room, absl::string_view requester,
                                         bool as_administrator, absl::string_view server_name) {
  absl::Status own = CheckMayUpgrade(old_room, requester);
  if (own.ok()) return std::string(requester);
  if (!as_administrator) return own;
  const PowerLevels levels(*old_room.version, old_room.state);
  std::string sender = MostPowerful(old_room, levels, server_name);
  if (!sender.empty() && CheckMayUpgrade(old_room, sender).ok()) return sender;
  return InsufficientPower(
      "no user of this server is joined to the room with the power to replace it",
      levels.ForStateEvent(kTombstone), sender.empty() ? 0 : levels.OfUser(sender));
}

}  // namespace innkeeper::rooms
