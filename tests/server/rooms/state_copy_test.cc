#include "server/rooms/state_copy.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

namespace innkeeper::rooms {
namespace {

constexpr auto kOwn = StateFate::kOwnRule;
constexpr auto kCopied = StateFate::kCopied;
constexpr auto kLeft = StateFate::kLeftBehind;
constexpr auto kRoom = StateFate::kBelongsToOldRoom;
constexpr auto kUser = StateFate::kBelongsToUser;

struct CopyRow {
  std::string type;
  std::string state_key;
  // Under each policy; kListed with the types of kListedTypes.
  StateFate recommended;
  StateFate everything;
  StateFate listed;
};

const char* const kListedTypes[] = {"m.room.topic", "org.example.custom", "m.beacon_info"};

const CopyRow kCopies[] = {
    // What has a rule of its own.
    {"m.room.create", "", kOwn, kOwn, kOwn},
    {"m.room.member", "@bob:x", kOwn, kOwn, kOwn},
    {"m.room.power_levels", "", kOwn, kOwn, kOwn},
    {"m.room.join_rules", "", kOwn, kOwn, kOwn},
    {"m.room.canonical_alias", "", kOwn, kOwn, kOwn},
    {"m.room.tombstone", "", kOwn, kOwn, kOwn},
    // The same types in the wrong place.
    {"m.room.create", "x", kRoom, kRoom, kRoom},
    {"m.room.power_levels", "x", kRoom, kRoom, kRoom},
    {"m.room.join_rules", "x", kRoom, kRoom, kRoom},
    {"m.room.canonical_alias", "x", kRoom, kRoom, kRoom},
    {"m.room.tombstone", "x", kRoom, kRoom, kRoom},
    // What guards the room.
    {"m.room.server_acl", "", kCopied, kCopied, kCopied},
    {"m.room.encryption", "", kCopied, kCopied, kCopied},
    {"m.room.guest_access", "", kCopied, kCopied, kCopied},
    {"m.room.history_visibility", "", kCopied, kCopied, kCopied},
    {"m.room.encryption", "x", kLeft, kCopied, kLeft},
    // The rest of what is recommended.
    {"m.room.name", "", kCopied, kCopied, kLeft},
    {"m.room.avatar", "", kCopied, kCopied, kLeft},
    {"m.room.topic", "", kCopied, kCopied, kCopied},
    {"m.room.topic", "x", kLeft, kCopied, kCopied},
    // Others.
    {"m.room.pinned_events", "", kLeft, kCopied, kLeft},
    {"org.example.custom", "", kLeft, kCopied, kCopied},
    {"org.example.custom", "key", kLeft, kCopied, kCopied},
    {"org.example.custom", "_@bob:x_key", kLeft, kCopied, kCopied},
    // What nobody but its user could set.
    {"m.beacon_info", "@bob:x", kLeft, kUser, kUser},
    {"m.beacon_info", "@alice:x", kLeft, kCopied, kCopied},
    {"m.beacon_info", "@", kLeft, kUser, kUser},
    // What means nothing in another room.
    {"m.room.third_party_invite", "token", kRoom, kRoom, kRoom},
    {"m.room.aliases", "x", kRoom, kRoom, kRoom},
    // Links.
    {"m.space.parent", "!space:x", kCopied, kCopied, kCopied},
    {"m.space.child", "!child:x", kLeft, kCopied, kLeft},
};

UpgradeOptions OptionsOf(CopyPolicy policy) {
  UpgradeOptions options{.copy_policy = policy};
  if (policy == CopyPolicy::kListed) {
    options.copy_types.assign(std::begin(kListedTypes), std::end(kListedTypes));
  }
  return options;
}

StateFate StateFateOf(CopyPolicy policy, const CopyRow& row, const Json& content,
                      const Json& create = Json::object()) {
  return StateCopyRule(OptionsOf(policy), create, "@alice:x")
      .FateOf({row.type, row.state_key}, content);
}

TEST(StateCopyRuleTest, DecidesByTheTable) {
  for (const CopyRow& row : kCopies) {
    SCOPED_TRACE(absl::StrCat(row.type, " ", row.state_key));
    const Json content = {{"a", 1}};
    EXPECT_EQ(StateFateOf(CopyPolicy::kRecommended, row, content), row.recommended);
    EXPECT_EQ(StateFateOf(CopyPolicy::kEverything, row, content), row.everything);
    EXPECT_EQ(StateFateOf(CopyPolicy::kListed, row, content), row.listed);
  }
}

TEST(StateCopyRuleTest, WhatIsEmptyAndStaysIsNoLoss) {
  for (const CopyRow& row : kCopies) {
    // A link that is no link any more is nothing; m.space.child is one in spaces only. Nor
    // is a description that was taken back.
    const bool is_nothing = row.type == "m.space.parent" || row.type == "m.room.name" ||
                            row.type == "m.room.avatar" || row.type == "m.room.topic";
    for (const auto& [policy, fate] : {std::pair(CopyPolicy::kRecommended, row.recommended),
                                       std::pair(CopyPolicy::kEverything, row.everything),
                                       std::pair(CopyPolicy::kListed, row.listed)}) {
      const bool stays = fate != kCopied || is_nothing;
      EXPECT_EQ(StateFateOf(policy, row, Json::object()), stays ? kOwn : kCopied)
          << row.type << " " << row.state_key;
    }
  }
}

TEST(StateCopyRuleTest, ASpaceKeepsItsChildrenWhateverThePolicy) {
  const Json space = {{"type", "m.space"}};
  const CopyRow child = {"m.space.child", "!child:x", kCopied, kCopied, kCopied};
  for (const CopyPolicy policy :
       {CopyPolicy::kRecommended, CopyPolicy::kEverything, CopyPolicy::kListed}) {
    EXPECT_EQ(StateFateOf(policy, child, {{"via", {"x"}}}, space), kCopied);
    EXPECT_EQ(StateFateOf(policy, child, Json::object(), space), kOwn);
  }
}

TEST(MayBeCopiedTest, IsFalseForWhatNoPolicyCopies) {
  for (const CopyRow& row : kCopies) {
    const bool may = row.everything != kOwn && row.everything != kRoom;
    EXPECT_EQ(MayBeCopied(row.type), may) << row.type;
  }
}

}  // namespace
}  // namespace innkeeper::rooms
