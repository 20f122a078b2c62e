#include "server/rooms/upgrade_plan.h"

#include <utility>

#include <glog/logging.h>

#include "server/rooms/event_types.h"
#include "server/rooms/genesis.h"
#include "server/rooms/old_room_end.h"
#include "server/rooms/power_levels.h"
#include "server/rooms/state_copy.h"

namespace innkeeper::rooms {
namespace {

constexpr char kCreate[] = "m.room.create";
constexpr char kCanonicalAlias[] = "m.room.canonical_alias";

const RoomVersion& VersionOf(const OldRoom& old_room) {
  CHECK(old_room.version != nullptr) << "a room without a version";
  return *old_room.version;
}

Json NewJoinRules(const RoomVersion& new_version, const RoomState& old_state) {
  const StateEntry* const entry = FindState(old_state, kJoinRulesType);
  return entry == nullptr ? Json() : JoinRulesFor(new_version, entry->content);
}

}  // namespace

UpgradePlanner::UpgradePlanner(OldRoom old_room, std::string sender, const RoomVersion& new_version,
                               UpgradeOptions options, BuildContext context)
    : sender_(std::move(sender)),
      old_version_(VersionOf(old_room)),
      new_version_(new_version),
      options_(std::move(options)),
      creators_(NewCreators(sender_, options_)),
      context_(std::move(context)),
      had_power_levels_(FindState(old_room.state, kPowerLevelsType) != nullptr),
      alias_(DivideAlias(StateContent(old_room.state, kCanonicalAlias), context_.server_name)),
      join_rules_(NewJoinRules(new_version, old_room.state)),
      joins_(PlanJoins(new_version, join_rules_, old_room.tip.room_id)),
      member_rules_{.policy = options_.member_policy,
                    .server_name = context_.server_name,
                    .is_federated = IsFederated(StateContent(old_room.state, kCreate)),
                    .takes_knocks = joins_.takes_knocks},
      old_(old_version_, context_, std::move(old_room.tip), std::move(old_room.state)),
      new_(new_version_, context_) {
  report_.sender = sender_;
  report_.old_power_levels = StateContent(old_.state(), kPowerLevelsType);
  report_.new_power_levels =
      UpgradedPowerLevels(old_version_, old_.state(), new_version_, creators_);
  for (const std::string& alias : alias_.remote) {
    report_.unmoved.Add(
        {.kind = Unmoved::Kind::kAlias, .name = alias, .reason = Unmoved::Reason::kOtherServer});
  }
}

absl::StatusOr<std::vector<Event>> UpgradePlanner::Open() {
  if (new_version_.predecessor_has_event_id) EndTheOldRoom();
  AddCreate();
  AddToNew({kMemberType, sender_}, JoinContent(StateContent(old_.state(), kMemberType, sender_)));
  report_.joined.Add(sender_);
  if (SenderCarriesAll()) AddPowerLevels();
  CopyState();
  if (joins_.is_final) AddJoinRules();
  if (!status_.ok()) return status_;
  return new_.TakeEvents();
}

absl::StatusOr<std::vector<Event>> UpgradePlanner::AddMembers(absl::Span<const OldMember> members) {
  for (const OldMember& member : members) {
    if (member.user_id == sender_) continue;
    AddMember(member);
    new_.Forget({kMemberType, member.user_id});
    if (!status_.ok()) return status_;
  }
  return new_.TakeEvents();
}

absl::StatusOr<UpgradePlanner::Closing> UpgradePlanner::Close() {
  if (!joins_.is_final && !join_rules_.is_null()) AddJoinRules();
  if (!alias_.local.empty()) {
    AddToNew({kCanonicalAlias, ""}, alias_.local);
    report_.copied.Add({kCanonicalAlias, ""});
  }
  if (!levels_are_set_) AddPowerLevels();
  if (!new_version_.predecessor_has_event_id) EndTheOldRoom();
  if (!status_.ok()) return status_;
  Closing closing{.new_room_events = new_.TakeEvents(),
                  .old_room_events = old_.TakeEvents(),
                  .new_room = Summarise(new_.state())};
  closing.new_room.joined_member_count = report_.joined.count();
  closing.new_room.invited_member_count = report_.invited.count();
  return closing;
}

void UpgradePlanner::EndTheOldRoom() {
  if (!status_.ok()) return;
  status_ = EndOldRoom(old_version_, sender_, alias_, new_.room_id(), old_, report_);
}

void UpgradePlanner::AddCreate() {
  const Json& old_content = StateContent(old_.state(), kCreate);
  Json content = {{"predecessor", {{"room_id", old_.room_id()}}}};
  if (new_version_.predecessor_has_event_id && status_.ok()) {
    content["predecessor"]["event_id"] = old_.events().back().event_id;
  }
  if (!member_rules_.is_federated) content["m.federate"] = false;
  if (old_content.contains("type")) content["type"] = old_content["type"];
  if (creators_.size() > 1) {
    content["additional_creators"] =
        std::vector<std::string>(creators_.begin() + 1, creators_.end());
  }
  AddToNew({kCreate, ""}, CreateContent(new_version_, sender_, std::move(content), context_));
}

void UpgradePlanner::AddPowerLevels() {
  AddToNew({kPowerLevelsType, ""}, report_.new_power_levels);
  levels_are_set_ = true;
  if (had_power_levels_) report_.copied.Add({kPowerLevelsType, ""});
}

void UpgradePlanner::AddJoinRules() {
  AddToNew({kJoinRulesType, ""}, join_rules_);
  report_.copied.Add({kJoinRulesType, ""});
  const Json& old_content = StateContent(old_.state(), kJoinRulesType);
  if (join_rules_ == old_content) return;
  report_.unmoved.Add({.kind = Unmoved::Kind::kJoinRule,
                       .name = StringOrEmpty(old_content, "join_rule"),
                       .reason = Unmoved::Reason::kRoomVersion});
}

void UpgradePlanner::CopyState() {
  const StateCopyRule rule(options_, StateContent(old_.state(), kCreate), sender_);
  const auto report = [this](const StateKey& key, Unmoved::Reason reason) {
    report_.unmoved.Add({Unmoved::Kind::kStateEvent, key.type, key.state_key, reason});
  };
  for (const auto& [key, entry] : old_.state()) {
    switch (rule.FateOf(key, entry.content)) {
      case StateFate::kOwnRule:
        break;
      case StateFate::kCopied:
        CopyEntry(key, entry.content);
        break;
      case StateFate::kLeftBehind:
        report_.left_behind.Add(key);
        break;
      case StateFate::kBelongsToOldRoom:
        report(key, Unmoved::Reason::kBelongsToOldRoom);
        break;
      case StateFate::kBelongsToUser:
        report(key, Unmoved::Reason::kBelongsToUser);
        break;
    }
  }
}

void UpgradePlanner::CopyEntry(const StateKey& key, const Json& content) {
  if (GuardsRoom(key)) {
    AddToNew(key, content);
    report_.copied.Add(key);
    return;
  }
  EventDraft draft{
      .type = key.type, .state_key = key.state_key, .sender = sender_, .content = content};
  Unmoved unmoved{.kind = Unmoved::Kind::kStateEvent, .name = key.type, .state_key = key.state_key};
  if (AddIfItFits(std::move(draft), std::move(unmoved))) report_.copied.Add(key);
}

bool UpgradePlanner::SenderCarriesAll() const {
  const PowerLevels levels(new_version_, creators_, report_.new_power_levels);
  const int64_t own = levels.OfUser(sender_);
  const auto may_set = [&](absl::string_view type) { return own >= levels.ForStateEvent(type); };
  if (own < levels.ForAction("invite") || own < levels.ForAction("ban")) return false;
  if (!join_rules_.is_null() && !may_set(kJoinRulesType)) return false;
  if (!alias_.local.empty() && !may_set(kCanonicalAlias)) return false;
  // Users whom no level names may be banned too.
  if (levels.OfAnybody() >= own) return false;

  const StateCopyRule rule(options_, StateContent(old_.state(), kCreate), sender_);
  for (const auto& [key, entry] : old_.state()) {
    const bool bannable = key.type != kMemberType || levels.OfUser(key.state_key) < own ||
                          StringViewOrEmpty(entry.content, "membership") != "ban";
    const bool settable =
        rule.FateOf(key, entry.content) != StateFate::kCopied || may_set(key.type);
    if (!bannable || !settable) return false;
  }
  return true;
}

void UpgradePlanner::AddMember(const OldMember& member) {
  const MemberFate fate = FateOf(member, member_rules_);
  switch (fate.kind) {
    case MemberFate::Kind::kNothing:
      break;
    case MemberFate::Kind::kJoins:
      Join(member);
      break;
    case MemberFate::Kind::kIsInvited:
      if (SetMember(member, sender_, InviteContent(member.content), fate.reported_as)) {
        report_.invited.Add(member.user_id);
      }
      break;
    case MemberFate::Kind::kIsBanned:
      if (SetMember(member, sender_, BanContent(member.content), fate.reported_as)) {
        ++report_.banned_count;
      }
      break;
    case MemberFate::Kind::kKnocks:
      LetMembersIn();
      if (SetMember(member, member.user_id, KnockContent(member.content), fate.reported_as)) {
        ++report_.knock_count;
      }
      break;
    case MemberFate::Kind::kLeftBehind:
      ++report_.left_behind_member_count;
      break;
    case MemberFate::Kind::kUnmoved:
      report_.unmoved.Add(
          {.kind = fate.reported_as, .name = member.user_id, .reason = fate.reason});
      break;
  }
}

void UpgradePlanner::Join(const OldMember& member) {
  constexpr auto kReportedAs = Unmoved::Kind::kMember;
  LetMembersIn();
  Json content = JoinContent(member.content);
  if (joins_.way == JoinPlan::Way::kVouched) {
    content["join_authorised_via_users_server"] = sender_;
  }
  if (joins_.way == JoinPlan::Way::kInvited &&
      !SetMember(member, sender_, InviteContent(member.content), kReportedAs)) {
    return;
  }
  if (SetMember(member, member.user_id, std::move(content), kReportedAs)) {
    report_.joined.Add(member.user_id);
  }
}

void UpgradePlanner::LetMembersIn() {
  if (members_are_let_in_) return;
  members_are_let_in_ = true;
  if (!joins_.is_final && !joins_.content.is_null()) AddToNew({kJoinRulesType, ""}, joins_.content);
}

bool UpgradePlanner::SetMember(const OldMember& member, const std::string& sender, Json content,
                               Unmoved::Kind reported_as) {
  return AddIfItFits({.type = kMemberType,
                      .state_key = member.user_id,
                      .sender = sender,
                      .content = std::move(content)},
                     {.kind = reported_as, .name = member.user_id});
}

void UpgradePlanner::AddToNew(const StateKey& key, Json content) {
  if (!status_.ok()) return;
  status_ = new_.Append({.type = key.type,
                         .state_key = key.state_key,
                         .sender = sender_,
                         .content = std::move(content),
                         .source_field = "room_id"});
}

// Appends an event that the upgrade can do without; one that is too large, or has
// numbers that the new version does not take, is reported. Returns true if it was
// appended.
bool UpgradePlanner::AddIfItFits(EventDraft draft, Unmoved unmoved) {
  if (!status_.ok()) return false;
  const bool is_canonical = CheckCanonical(draft.content, "", kMaxContentDepth).ok();
  absl::Status appended = new_.Append(std::move(draft));
  if (appended.ok()) return true;
  if (absl::IsInvalidArgument(appended)) {
    unmoved.reason = is_canonical ? Unmoved::Reason::kTooLarge : Unmoved::Reason::kRoomVersion;
    report_.unmoved.Add(std::move(unmoved));
  } else {
    status_ = std::move(appended);
  }
  return false;
}

}  // namespace innkeeper::rooms
