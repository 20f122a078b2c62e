#include "server/rooms/upgrade_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/server/rooms/violations.h"

namespace innkeeper::rooms {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<std::string> Errors(const UpgradeOptions& options, absl::string_view version = "12") {
  return Violations(CheckUpgradeOptions(options, *FindRoomVersion(version)));
}

TEST(UpgradeOptionsTest, TheDefaultsGoWithEveryVersion) {
  for (const RoomVersion& version : AllRoomVersions()) {
    EXPECT_TRUE(CheckUpgradeOptions({}, version).ok());
  }
}

TEST(UpgradeOptionsTest, AdditionalCreatorsNeedAVersionThatKnowsThem) {
  for (const RoomVersion& version : AllRoomVersions()) {
    const auto errors = Errors({.additional_creators = {"@bob:x"}}, version.id);
    if (version.creators_have_unbounded_power) {
      EXPECT_THAT(errors, IsEmpty());
    } else {
      EXPECT_THAT(errors, ElementsAre(HasSubstr("additional_creators: is not known in room")));
    }
  }
}

TEST(UpgradeOptionsTest, NamesEveryWrongField) {
  EXPECT_THAT(Errors({.copy_types = {"m.room.topic"}, .additional_creators = {"bob", "@a:x", ""}}),
              ElementsAre(HasSubstr("copy_types: needs `copy_policy`"),
                          HasSubstr("additional_creators[0]: must start with '@'"),
                          HasSubstr("additional_creators[2]: ")));
  EXPECT_THAT(
      Errors({.copy_policy = CopyPolicy::kListed,
              .copy_types = {"a", "", std::string(256, 't'), std::string(255, 't'), "m.room.member",
                             "m.room.tombstone", "m.room.third_party_invite"}}),
      ElementsAre(HasSubstr("copy_types[1]: must be a type of 1 to 255"),
                  HasSubstr("copy_types[2]"), HasSubstr("copy_types[4]: is not for a policy"),
                  HasSubstr("copy_types[5]"), HasSubstr("copy_types[6]")));
}

TEST(UpgradeOptionsTest, ListsAreBounded) {
  UpgradeOptions options{.copy_policy = CopyPolicy::kListed};
  EXPECT_THAT(Errors(options), ElementsAre(HasSubstr("copy_types: must name 1 to 1000")));
  options.copy_types.assign(1000, "a");
  options.additional_creators.assign(100, "@a:x");
  EXPECT_THAT(Errors(options), IsEmpty());
  options.copy_types.emplace_back("a");
  options.additional_creators.emplace_back("@a:x");
  EXPECT_THAT(Errors(options),
              ElementsAre(HasSubstr("copy_types: must name 1 to 1000"),
                          HasSubstr("additional_creators: must have at most 100")));
}

TEST(NewCreatorsTest, AreTheSenderAndTheOthersInOrderEachOnce) {
  EXPECT_THAT(NewCreators("@m:x", {}), ElementsAre("@m:x"));
  EXPECT_THAT(NewCreators("@m:x", {.additional_creators = {"@z:x", "@a:x", "@m:x", "@z:x"}}),
              ElementsAre("@m:x", "@a:x", "@z:x"));
}

}  // namespace
}  // namespace innkeeper::rooms
