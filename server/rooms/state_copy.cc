#include "server/rooms/state_copy.h"

#include <algorithm>
#include <iterator>

#include "absl/strings/match.h"

namespace innkeeper::rooms {
namespace {

constexpr absl::string_view kOwnRules[] = {
    "m.room.canonical_alias", "m.room.create",       "m.room.join_rules",
    "m.room.member",          "m.room.power_levels", "m.room.tombstone",
};
constexpr absl::string_view kGuards[] = {
    "m.room.encryption",
    "m.room.guest_access",
    "m.room.history_visibility",
    "m.room.server_acl",
};
constexpr absl::string_view kDescription[] = {"m.room.avatar", "m.room.name", "m.room.topic"};

template <size_t kSize>
bool IsIn(const absl::string_view (&types)[kSize], absl::string_view type) {
  return std::find(std::begin(types), std::end(types), type) != std::end(types);
}

bool HasRuleOfItsOwn(const StateKey& key) {
  return key.type == "m.room.member" || (key.state_key.empty() && IsIn(kOwnRules, key.type));
}

}  // namespace

StateCopyRule::StateCopyRule(const UpgradeOptions& options, const Json& create_content,
                             absl::string_view sender)
    : policy_(options.copy_policy),
      listed_(options.copy_types.begin(), options.copy_types.end()),
      is_space_(StringOrEmpty(create_content, "type") == "m.space"),
      sender_(sender) {}

StateFate StateCopyRule::FateOf(const StateKey& key, const Json& content) const {
  if (HasRuleOfItsOwn(key)) return StateFate::kOwnRule;
  if (GuardsRoom(key)) return StateFate::kCopied;
  const bool is_link = key.type == "m.space.parent" || (is_space_ && key.type == "m.space.child");
  // Taken back, these are as if they had never been set.
  if (content.empty() && (is_link || IsIn(kDescription, key.type))) return StateFate::kOwnRule;
  if (is_link) return StateFate::kCopied;

  const bool covered = IsCoveredByPolicy(key);
  const bool of_another_user = absl::StartsWith(key.state_key, "@") && key.state_key != sender_;
  if (covered && MayBeCopied(key.type) && !of_another_user) return StateFate::kCopied;
  if (content.empty()) return StateFate::kOwnRule;
  if (!MayBeCopied(key.type)) return StateFate::kBelongsToOldRoom;
  return covered ? StateFate::kBelongsToUser : StateFate::kLeftBehind;
}

bool StateCopyRule::IsCoveredByPolicy(const StateKey& key) const {
  switch (policy_) {
    case CopyPolicy::kRecommended:
      return key.state_key.empty() && IsIn(kDescription, key.type);
    case CopyPolicy::kEverything:
      return true;
    case CopyPolicy::kListed:
      return listed_.contains(key.type);
  }
  return false;
}

bool MayBeCopied(absl::string_view type) {
  return !IsIn(kOwnRules, type) && type != "m.room.aliases" && type != "m.room.third_party_invite";
}

bool GuardsRoom(const StateKey& key) { return key.state_key.empty() && IsIn(kGuards, key.type); }

}  // namespace innkeeper::rooms
