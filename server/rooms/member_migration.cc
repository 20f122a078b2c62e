#include "server/rooms/member_migration.h"

#include <initializer_list>
#include <optional>

#include "server/rooms/identifiers.h"

namespace innkeeper::rooms {
namespace {

using Kind = MemberFate::Kind;

std::optional<Unmoved::Kind> ReportedAs(absl::string_view membership) {
  if (membership == "join") return Unmoved::Kind::kMember;
  if (membership == "invite") return Unmoved::Kind::kInvite;
  if (membership == "ban") return Unmoved::Kind::kBan;
  if (membership == "knock") return Unmoved::Kind::kKnock;
  return std::nullopt;
}

Kind MovedAs(absl::string_view membership, bool is_local, MemberPolicy policy) {
  if (membership == "ban") return Kind::kIsBanned;
  if (membership == "knock") return Kind::kKnocks;
  if (policy == MemberPolicy::kNone) return Kind::kLeftBehind;
  const bool joins = membership == "join" && is_local && policy == MemberPolicy::kJoinLocal;
  return joins ? Kind::kJoins : Kind::kIsInvited;
}

void CopyString(const char* key, const Json& from, Json& to) {
  const Json* const value = FindMember(from, key);
  if (value != nullptr && value->is_string()) to[key] = *value;
}

Json ContentOf(absl::string_view membership, const Json& old_content,
               std::initializer_list<const char*> copied) {
  Json content = {{"membership", std::string(membership)}};
  for (const char* key : copied) CopyString(key, old_content, content);
  return content;
}

}  // namespace

MemberFate FateOf(const OldMember& member, const MemberRules& rules) {
  const absl::string_view membership = StringViewOrEmpty(member.content, "membership");
  const std::optional<Unmoved::Kind> reported_as = ReportedAs(membership);
  if (!reported_as) return {};
  const bool is_local = IsLocal(member.user_id, rules.server_name);
  const auto unmoved = [&](Unmoved::Reason reason) {
    return MemberFate{Kind::kUnmoved, *reported_as, reason};
  };
  const Kind moved = MovedAs(membership, is_local, rules.policy);
  if (moved == Kind::kLeftBehind) return {moved, *reported_as};
  if (!is_local && !rules.is_federated) return unmoved(Unmoved::Reason::kNotFederated);
  if (moved == Kind::kKnocks && !is_local) return unmoved(Unmoved::Reason::kOtherServer);
  if (moved == Kind::kKnocks && !rules.takes_knocks) return unmoved(Unmoved::Reason::kJoinRule);
  return {moved, *reported_as};
}

Json JoinContent(const Json& old_content) {
  return ContentOf("join", old_content, {"avatar_url", "displayname"});
}

Json InviteContent(const Json& old_content) {
  Json content = ContentOf("invite", old_content, {"avatar_url", "displayname"});
  const Json* const direct = FindMember(old_content, "is_direct");
  if (direct != nullptr && direct->is_boolean()) content["is_direct"] = *direct;
  return content;
}

Json KnockContent(const Json& old_content) {
  return ContentOf("knock", old_content, {"avatar_url", "displayname", "reason"});
}

Json BanContent(const Json& old_content) { return ContentOf("ban", old_content, {"reason"}); }

}  // namespace innkeeper::rooms
