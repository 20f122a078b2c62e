#include "server/rooms/upgrade_plan.h"

#include <algorithm>
#include <limits>
#include <utility>

#include <glog/logging.h>

#include "absl/strings/str_cat.h"
#include "server/errors/errors.h"
#include "server/rooms/identifiers.h"
#include "server/rooms/power_levels.h"

namespace innkeeper::rooms {
namespace {

// What is copied besides power levels and join rules, in this order.
constexpr absl::string_view kCopiedTypes[] = {
    "m.room.server_acl",
    "m.room.encryption",
    "m.room.name",
    "m.room.avatar",
    "m.room.topic",
    "m.room.guest_access",
    "m.room.history_visibility",
};

// The content of an m.room.canonical_alias, divided between the two rooms.
struct DividedAlias {
  Json local = Json::object();  // goes to the new room
  Json remote;                  // stays in the old one
};

DividedAlias DivideAlias(const Json& content, absl::string_view server_name) {
  DividedAlias divided{.remote = content};
  const std::string alias = StringOrEmpty(content, "alias");
  if (!alias.empty() && IsLocal(alias, server_name)) {
    divided.local["alias"] = alias;
    divided.remote.erase("alias");
  }
  const auto others = content.find("alt_aliases");
  if (others == content.end() || !others->is_array()) return divided;
  Json local = Json::array();
  Json remote = Json::array();
  for (const Json& other : *others) {
    const bool moves =
        other.is_string() && IsLocal(other.get_ref<const std::string&>(), server_name);
    (moves ? local : remote).push_back(other);
  }
  if (local.empty()) return divided;
  divided.local["alt_aliases"] = std::move(local);
  divided.remote["alt_aliases"] = std::move(remote);
  return divided;
}

// The members of the old room that the new one gets, by user id. Points into
// the old room's state.
struct Members {
  std::vector<const RoomState::value_type*> joining;  // local; without the requester
  std::vector<const RoomState::value_type*> invited;
  std::vector<const RoomState::value_type*> banned;
};

Members SelectMembers(const RoomState& state, absl::string_view requester,
                      absl::string_view server_name) {
  const bool federated = IsFederated(StateContent(state, "m.room.create"));
  Members members;
  for (auto it = state.lower_bound({"m.room.member", ""});
       it != state.end() && it->first.type == "m.room.member"; ++it) {
    const std::string& user = it->first.state_key;
    const bool local = IsLocal(user, server_name);
    if (user == requester || (!local && !federated)) continue;
    const std::string membership = StringOrEmpty(it->second.content, "membership");
    if (membership == "ban") {
      members.banned.push_back(&*it);
    } else if (membership == "join" && local) {
      members.joining.push_back(&*it);
    } else if (membership == "join" || membership == "invite") {
      members.invited.push_back(&*it);
    }
  }
  return members;
}

// Returns the content of a member event with what the user shows of themselves in
// `old_content`.
Json MemberContent(absl::string_view membership, const Json& old_content) {
  Json content = {{"membership", std::string(membership)}};
  for (const char* key : {"avatar_url", "displayname"}) {
    if (old_content.contains(key)) content[key] = old_content[key];
  }
  return content;
}

Json InviteContent(const Json& old_content) {
  Json content = MemberContent("invite", old_content);
  if (old_content.contains("is_direct")) content["is_direct"] = old_content["is_direct"];
  return content;
}

Json BanContent(Json old_content) {
  // Would need a signature of that user's server.
  old_content.erase("join_authorised_via_users_server");
  return old_content;
}

// Appends to both rooms what makes up the upgrade. The first event that is too
// large ends it: its error stays and nothing more is appended.
class UpgradeBuilder {
 public:
  UpgradeBuilder(OldRoom old_room, absl::string_view requester, const RoomVersion& new_version,
                 const BuildContext& context)
      : requester_(requester),
        new_version_(new_version),
        context_(context),
        old_levels_(*old_room.version, old_room.state),
        new_content_(
            UpgradedPowerLevels(*old_room.version, old_room.state, new_version, requester)),
        alias_(DivideAlias(StateContent(old_room.state, "m.room.canonical_alias"),
                           context.server_name)),
        old_(*old_room.version, context, std::move(old_room.tip), std::move(old_room.state)),
        new_(new_version, context) {}

  absl::StatusOr<UpgradePlan> Build() {
    // Each room refers to the other: the tombstone to the new room's id, and the
    // new room's first event to the tombstone, unless the id is its hash.
    const bool tombstone_first = new_version_.predecessor_has_event_id;
    const std::string old_room_id = old_.room_id();
    Json predecessor = {{"room_id", old_room_id}};
    if (tombstone_first) {
      CloseOldRoom();
      if (!status_.ok()) return status_;
      predecessor["event_id"] = old_.events().back().event_id;
    }
    members_ = SelectMembers(old_.state(), requester_, context_.server_name);
    OpenNewRoom(std::move(predecessor));
    CopyState();
    CopyMembers();
    SettleNewRoom();
    UpgradePlan plan{.joined_member_count = static_cast<int64_t>(members_.joining.size()) + 1,
                     .invited_member_count = static_cast<int64_t>(members_.invited.size()),
                     .banned_member_count = static_cast<int64_t>(members_.banned.size())};
    if (!tombstone_first) CloseOldRoom();
    if (!status_.ok()) return status_;
    plan.new_room = {
        .room_id = new_.room_id(), .events = new_.TakeEvents(), .state = new_.TakeState()};
    plan.old_room_events = old_.TakeEvents();
    plan.old_room_state = old_.TakeState();
    return plan;
  }

 private:
  // Takes the local aliases out of the old room and puts the tombstone onto it.
  void CloseOldRoom() {
    const bool may_change_alias =
        old_levels_.OfUser(requester_) >= old_levels_.ForStateEvent("m.room.canonical_alias");
    if (!alias_.local.empty() && may_change_alias) {
      Add(old_, "m.room.canonical_alias", "", requester_, alias_.remote);
    }
    Add(old_, "m.room.tombstone", "", requester_,
        {{"body", "This room has been replaced"}, {"replacement_room", new_.room_id()}});
  }

  void OpenNewRoom(Json predecessor) {
    const Json& old_create = StateContent(old_.state(), "m.room.create");
    Json create = {{"predecessor", std::move(predecessor)}};
    if (!IsFederated(old_create)) create["m.federate"] = false;
    if (old_create.contains("type")) create["type"] = old_create["type"];
    AddToNew("m.room.create", "",
             CreateContent(new_version_, requester_, std::move(create), context_));
    AddToNew("m.room.member", requester_,
             MemberContent("join", StateContent(old_.state(), "m.room.member", requester_)));
    working_levels_ = !RequesterCarriesAll();
    AddToNew(
        "m.room.power_levels", "",
        working_levels_ ? Json({{"users", {{requester_, kMaxCanonicalInteger}}}}) : new_content_);
  }

  void CopyState() {
    for (const absl::string_view type : kCopiedTypes) CopyIfPresent(type);
    if (HasPublicJoinRule()) CopyIfPresent("m.room.join_rules");
    if (!alias_.local.empty()) AddToNew("m.room.canonical_alias", "", alias_.local);
  }

  void CopyMembers() {
    for (const auto* member : members_.banned) {
      AddToNew("m.room.member", member->first.state_key, BanContent(member->second.content));
    }
    const bool invite_first = !HasPublicJoinRule();
    for (const auto* member : members_.joining) {
      const std::string& user = member->first.state_key;
      const Json& old_content = member->second.content;
      if (invite_first) AddToNew("m.room.member", user, InviteContent(old_content));
      Add(new_, "m.room.member", user, user, MemberContent("join", old_content));
    }
    for (const auto* member : members_.invited) {
      AddToNew("m.room.member", member->first.state_key, InviteContent(member->second.content));
    }
  }

  // Sets what would have been in the way before.
  void SettleNewRoom() {
    if (!HasPublicJoinRule()) CopyIfPresent("m.room.join_rules");
    if (working_levels_) AddToNew("m.room.power_levels", "", new_content_);
  }

  // True if the requester's level in the new room suffices for all that they send
  // there.
  bool RequesterCarriesAll() const {
    const PowerLevels levels(new_version_, {requester_}, new_content_);
    const int64_t own = levels.OfUser(requester_);
    const auto carries = [&](absl::string_view type) {
      return FindState(old_.state(), type) == nullptr || own >= levels.ForStateEvent(type);
    };
    const bool invites =
        !members_.invited.empty() || (!members_.joining.empty() && !HasPublicJoinRule());
    return own >= levels.ForStateEvent("m.room.power_levels") &&
           std::all_of(std::begin(kCopiedTypes), std::end(kCopiedTypes), carries) &&
           carries("m.room.join_rules") &&
           (alias_.local.empty() || carries("m.room.canonical_alias")) &&
           (!invites || own >= levels.ForAction("invite")) &&
           (members_.banned.empty() || own >= levels.ForAction("ban")) &&
           std::all_of(members_.banned.begin(), members_.banned.end(), [&](const auto* member) {
             return levels.OfUser(member->first.state_key) < own;
           });
  }

  bool HasPublicJoinRule() const {
    return StringOrEmpty(StateContent(old_.state(), "m.room.join_rules"), "join_rule") == "public";
  }

  void CopyIfPresent(absl::string_view type) {
    const StateEntry* const entry = FindState(old_.state(), type);
    if (entry != nullptr) AddToNew(type, "", entry->content);
  }

  // Appends an event of the requester to the new room.
  void AddToNew(absl::string_view type, const std::string& state_key, Json content) {
    Add(new_, type, state_key, requester_, std::move(content));
  }

  void Add(EventChain& chain, absl::string_view type, const std::string& state_key,
           const std::string& sender, Json content) {
    if (!status_.ok()) return;
    status_ = chain.Append({.type = std::string(type),
                            .state_key = state_key,
                            .sender = sender,
                            .content = std::move(content),
                            .source_field = "room_id"});
  }

  const std::string requester_;
  const RoomVersion& new_version_;
  const BuildContext& context_;
  const PowerLevels old_levels_;
  const Json new_content_;  // of the new room's m.room.power_levels in the end
  const DividedAlias alias_;
  EventChain old_;
  EventChain new_;
  Members members_;
  bool working_levels_ = false;
  absl::Status status_;
};

}  // namespace

absl::Status CheckMayUpgrade(const OldRoom& old_room, absl::string_view requester) {
  const PowerLevels levels(*old_room.version, old_room.state);
  const int64_t required = levels.ForStateEvent("m.room.tombstone");
  const int64_t actual = levels.OfUser(requester);
  const bool joined = Membership(old_room.state, requester) == "join";
  if (joined && actual >= required) return absl::OkStatus();
  return MakeError(absl::StatusCode::kPermissionDenied, v1::ERROR_REASON_INSUFFICIENT_POWER,
                   joined ? "the requester's power level does not suffice to replace the room"
                          : "the requester must be joined to the room to replace it",
                   {{"required", absl::StrCat(required)}, {"actual", absl::StrCat(actual)}});
}

absl::StatusOr<UpgradePlan> PlanUpgrade(OldRoom old_room, absl::string_view requester,
                                        const RoomVersion& new_version,
                                        const BuildContext& context) {
  CHECK(old_room.version != nullptr) << "a room without a version";
  return UpgradeBuilder(std::move(old_room), requester, new_version, context).Build();
}

}  // namespace innkeeper::rooms
