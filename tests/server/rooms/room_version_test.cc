#include "server/rooms/room_version.h"

#include <gtest/gtest.h>

#include <string>

namespace innkeeper::rooms {
namespace {

TEST(RoomVersionTest, KnowsVersions1To12InOrder) {
  ASSERT_EQ(AllRoomVersions().size(), 12u);
  for (int number = 1; number <= 12; ++number) {
    const RoomVersion& version = AllRoomVersions()[number - 1];
    EXPECT_EQ(version.id, std::to_string(number));
    EXPECT_EQ(FindRoomVersion(version.id), &version);
  }
  for (const char* unknown : {"", "0", "13", "01", "1 ", "org.matrix.msc2432", "11.0"}) {
    EXPECT_EQ(FindRoomVersion(unknown), nullptr) << unknown;
  }
}

// Each switch is thrown by one version and never back.
TEST(RoomVersionTest, SwitchesAreThrownByTheVersionsOfTheSpecification) {
  for (int number = 1; number <= 12; ++number) {
    SCOPED_TRACE(number);
    const RoomVersion& version = AllRoomVersions()[number - 1];
    EXPECT_EQ(version.event_id_format, number <= 2   ? EventIdFormat::kOpaque
                                       : number == 3 ? EventIdFormat::kBase64
                                                     : EventIdFormat::kBase64UrlSafe);
    EXPECT_EQ(version.room_id_format,
              number <= 11 ? RoomIdFormat::kOpaque : RoomIdFormat::kCreateHash);
    EXPECT_EQ(version.redaction_rules, number <= 5    ? RedactionRules::kR1
                                       : number <= 7  ? RedactionRules::kR2
                                       : number <= 8  ? RedactionRules::kR3
                                       : number <= 10 ? RedactionRules::kR4
                                                      : RedactionRules::kR5);
    EXPECT_EQ(version.event_references_carry_hashes, number <= 2);
    EXPECT_EQ(version.creator_in_create_content, number <= 10);
    EXPECT_EQ(version.creators_have_unbounded_power, number >= 12);
    EXPECT_EQ(version.create_event_implied, number >= 12);
    EXPECT_EQ(version.predecessor_has_event_id, number <= 11);
    EXPECT_EQ(version.integer_power_levels, number >= 10);
    EXPECT_EQ(version.strict_canonical_json, number >= 6);
    EXPECT_EQ(version.redacts_in_content, number >= 11);
    EXPECT_EQ(version.servers_set_aliases, number <= 5);
    EXPECT_EQ(version.redactions_need_power, number <= 2);
    EXPECT_EQ(version.notification_levels_checked, number >= 6);
    EXPECT_EQ(version.knocking, number >= 7);
    EXPECT_EQ(version.restricted_joins, number >= 8);
    EXPECT_EQ(version.knock_restricted_joins, number >= 10);
    EXPECT_EQ(version.state_resolution, number == 1    ? StateResolution::kV1
                                        : number <= 11 ? StateResolution::kV2
                                                       : StateResolution::kV2_1);
  }
}

}  // namespace
}  // namespace innkeeper::rooms
