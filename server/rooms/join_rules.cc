#include "server/rooms/join_rules.h"

#include <string>

namespace innkeeper::rooms {
namespace {

// The rule closest to `rule` that `version` has and that lets in nobody more.
std::string ClosestRule(const RoomVersion& version, const std::string& rule) {
  if (rule == "knock_restricted" && !version.knock_restricted_joins) {
    return ClosestRule(version, version.restricted_joins ? "restricted" : "knock");
  }
  if (rule == "restricted" && !version.restricted_joins) return "invite";
  if (rule == "knock" && !version.knocking) return "invite";
  return rule;
}

bool IsRestricted(const std::string& rule) {
  return rule == "restricted" || rule == "knock_restricted";
}

// True if a join that somebody vouched for stays good when it is redacted.
bool VouchedJoinsLast(const RoomVersion& version) {
  return version.restricted_joins && version.redaction_rules != RedactionRules::kR3;
}

Json AllowMembersOf(absl::string_view room_id, absl::string_view rule) {
  const Json members = {{"type", "m.room_membership"}, {"room_id", std::string(room_id)}};
  return {{"join_rule", std::string(rule)}, {"allow", Json::array({members})}};
}

}  // namespace

Json JoinRulesFor(const RoomVersion& version, Json content) {
  const std::string rule = StringOrEmpty(content, "join_rule");
  const std::string closest = ClosestRule(version, rule);
  if (closest == rule) return content;
  content["join_rule"] = closest;
  if (!IsRestricted(closest)) content.erase("allow");
  return content;
}

JoinPlan PlanJoins(const RoomVersion& version, const Json& final_content,
                   absl::string_view old_room_id) {
  if (final_content.is_null()) return {};
  const std::string rule = StringOrEmpty(final_content, "join_rule");
  if (rule == "public") {
    return {.way = JoinPlan::Way::kAsAnybody, .content = final_content, .is_final = true};
  }
  const bool knocks = rule == "knock" || rule == "knock_restricted";
  if (VouchedJoinsLast(version) && IsRestricted(rule)) {
    return {JoinPlan::Way::kVouched, final_content, /*is_final=*/true, knocks};
  }
  if (knocks && !version.knock_restricted_joins) {
    return {JoinPlan::Way::kInvited, final_content, /*is_final=*/true, /*takes_knocks=*/true};
  }
  if (VouchedJoinsLast(version)) {
    return {.way = JoinPlan::Way::kVouched,
            .content = AllowMembersOf(old_room_id, knocks ? "knock_restricted" : "restricted"),
            .takes_knocks = knocks};
  }
  return {};
}

}  // namespace innkeeper::rooms
