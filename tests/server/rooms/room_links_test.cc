#include "server/rooms/room_links.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/server/rooms/test_room.h"

namespace innkeeper::rooms {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

using Kind = Unmoved::Kind;
using Reason = Unmoved::Reason;

constexpr char kOld[] = "!old:example.org";
constexpr char kNew[] = "!new:example.org";

Replacement OldToNew() { return {kOld, kNew, kServer}; }

Json Allow(const std::vector<std::string>& room_ids) {
  Json allow = Json::array();
  for (const std::string& room_id : room_ids) {
    allow.push_back({{"type", "m.room_membership"}, {"room_id", room_id}});
  }
  return allow;
}

// Repairs the room, of which no more is known than what stands at LinkPositions.
LinkRepair Repair(const TestRoom& room, const std::string& sender = kAlice) {
  LinkingRoom linking{&room.version(), room.room_id(), {}};
  for (const StateKey& key : LinkPositions(kOld, sender)) {
    const auto entry = room.state().find(key);
    if (entry != room.state().end()) linking.state.insert(*entry);
  }
  return RepairLinks(linking, sender, OldToNew());
}

// A room in which everything names the old room.
TestRoom TiedRoom(const RoomVersion& version) {
  TestRoom room(version, {{"type", "m.space"}});
  room.Set("m.space.child", kOld,
           {{"via", {"elsewhere", kServer}}, {"order", "a"}, {"suggested", true}});
  room.Set("m.space.child", "!other:x", {{"via", {"x"}}});
  room.Set("m.space.parent", kOld, {{"via", {"elsewhere"}}, {"canonical", true}});
  room.Set("m.room.join_rules", "",
           {{"join_rule", "restricted"}, {"allow", Allow({"!other:x", kOld})}, {"a", 1}});
  return room;
}

TEST(RoomLinksTest, EveryLinkComesToNameTheNewRoomByAllowedEvents) {
  for (const RoomVersion& version : AllRoomVersions()) {
    SCOPED_TRACE(version.id);
    TestRoom room = TiedRoom(version);
    const LinkRepair repair = Repair(room);
    EXPECT_THAT(repair.unmoved, IsEmpty());
    for (const EventDraft& draft : repair.events) {
      room.Set(draft.type, *draft.state_key, draft.content, draft.sender);
    }
    const RoomState& state = room.state();
    EXPECT_EQ(StateContent(state, "m.space.child", kNew),
              Json({{"via", {kServer, "elsewhere"}}, {"order", "a"}, {"suggested", true}}));
    EXPECT_EQ(StateContent(state, "m.space.child", kOld), Json::object());
    EXPECT_EQ(StateContent(state, "m.space.child", "!other:x"), Json({{"via", {"x"}}}));
    EXPECT_EQ(StateContent(state, "m.space.parent", kNew),
              Json({{"via", {kServer, "elsewhere"}}, {"canonical", true}}));
    EXPECT_EQ(StateContent(state, "m.space.parent", kOld), Json::object());
    EXPECT_EQ(StateContent(state, "m.room.join_rules"),
              Json({{"join_rule", "restricted"}, {"allow", Allow({"!other:x", kNew})}, {"a", 1}}));
    EXPECT_THAT(Repair(room).events, IsEmpty()) << "nothing is left to repair";
  }
}

TEST(RoomLinksTest, TheNewLinkIsThereBeforeTheOldOneGoes) {
  std::vector<std::string> places;
  for (const EventDraft& draft : Repair(TiedRoom(Version("11"))).events) {
    places.push_back(absl::StrCat(draft.type, " ", *draft.state_key));
  }
  EXPECT_THAT(places,
              ElementsAre("m.space.child !new:example.org", "m.space.child !old:example.org",
                          "m.space.parent !new:example.org", "m.space.parent !old:example.org",
                          "m.room.join_rules "));
}

TEST(RoomLinksTest, LinksThatTheSenderMayNotChangeAreReported) {
  TestRoom room = TiedRoom(Version("12"));
  room.Join(kBob);
  const std::string id = room.room_id();
  EXPECT_THAT(Repair(room, kHal).unmoved,
              ElementsAre(Unmoved{Kind::kSpaceChild, id, "", Reason::kNotJoined},
                          Unmoved{Kind::kSpaceParent, id, "", Reason::kNotJoined},
                          Unmoved{Kind::kAllowedRoom, id, "", Reason::kNotJoined}));
  EXPECT_THAT(Repair(room, kHal).events, IsEmpty());
  room.Set(
      "m.room.power_levels", "",
      {{"users", {{kBob, 60}}},
       {"events", {{"m.room.join_rules", 61}, {"m.space.parent", 60}, {"m.space.child", 61}}}});
  const LinkRepair repair = Repair(room, kBob);
  EXPECT_THAT(repair.unmoved,
              ElementsAre(Unmoved{Kind::kSpaceChild, id, "", Reason::kInsufficientPower},
                          Unmoved{Kind::kAllowedRoom, id, "", Reason::kInsufficientPower}));
  ASSERT_EQ(repair.events.size(), 2u);
  EXPECT_EQ(repair.events[0].type, "m.space.parent");
  EXPECT_EQ(repair.events[0].sender, kBob);
}

TEST(RoomLinksTest, RoomsThatDoNotNameTheOldOneAreLeftInPeace) {
  TestRoom room(Version("11"));
  room.Set("m.space.child", kOld, Json::object());
  room.Set("m.space.parent", "!other:x", {{"via", {"x"}}});
  for (const Json& rules : {Json::object(), Json({{"allow", "x"}}), Json({{"allow", {kOld, 5}}}),
                            Json({{"join_rule", "restricted"}, {"allow", Allow({"!other:x"})}})}) {
    room.Set("m.room.join_rules", "", rules);
    const LinkRepair repair = Repair(room, kHal);
    EXPECT_THAT(repair.events, IsEmpty());
    EXPECT_THAT(repair.unmoved, IsEmpty());
  }
}

TEST(RoomLinksTest, TheNewRoomIsAllowedOnce) {
  TestRoom room(Version("11"));
  room.Set("m.room.join_rules", "",
           {{"join_rule", "restricted"}, {"allow", Allow({kNew, "!x:x", kOld, kOld})}});
  const LinkRepair repair = Repair(room);
  ASSERT_EQ(repair.events.size(), 1u);
  EXPECT_EQ(repair.events[0].content["allow"], Allow({kNew, "!x:x"}));
}

TEST(RoomLinksTest, ALinkWithoutServersGetsOurs) {
  for (const Json& via : {Json(nullptr), Json("x"), Json::array()}) {
    TestRoom room(Version("11"));
    room.Set("m.space.child", kOld, {{"via", via}, {"order", "a"}});
    const LinkRepair repair = Repair(room);
    ASSERT_EQ(repair.events.size(), 2u);
    EXPECT_EQ(repair.events[0].content, Json({{"via", {kServer}}, {"order", "a"}}));
  }
}

TEST(LinkedRoomsTest, AreParentsAndChildrenEachOnce) {
  TestRoom room(Version("11"), {{"type", "m.space"}});
  EXPECT_THAT(LinkedRooms(room.state()), IsEmpty());
  room.Set("m.space.child", "!child:x", {{"via", {"x"}}});
  room.Set("m.space.child", "!both:x", {{"via", {"x"}}});
  room.Set("m.space.child", "!gone:x", Json::object());
  room.Set("m.space.parent", "!both:x", {{"via", {"x"}}});
  room.Set("m.space.parent", "!a-parent:x", {{"via", {"x"}}});
  EXPECT_THAT(LinkedRooms(room.state()), ElementsAre("!a-parent:x", "!both:x", "!child:x"));
}

}  // namespace
}  // namespace innkeeper::rooms
