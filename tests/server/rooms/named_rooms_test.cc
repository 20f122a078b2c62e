#include "server/rooms/named_rooms.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace innkeeper::rooms {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr char kNamedRoom[] = "!a:example.org";

TEST(NamedRoomsTest, ChildrenAndParentsOfSpacesCountWhileTheyAreInForce) {
  const Json in_force = {{"via", {"example.org"}}};
  EXPECT_THAT(RoomsNamedIn("m.space.child", kNamedRoom, in_force), ElementsAre(kNamedRoom));
  EXPECT_THAT(RoomsNamedIn("m.space.parent", kNamedRoom, in_force), ElementsAre(kNamedRoom));
  EXPECT_THAT(RoomsNamedIn("m.space.child", kNamedRoom, Json::object()), IsEmpty());
  EXPECT_THAT(RoomsNamedIn("m.space.parent", kNamedRoom, {{"canonical", true}}), IsEmpty());
}

TEST(NamedRoomsTest, RoomsWhoseMembersMayJoinCountOnceInOrder) {
  const Json content = {{"join_rule", "restricted"},
                        {"allow",
                         {{{"type", "m.room_membership"}, {"room_id", "!b:example.org"}},
                          {{"type", "m.room_membership"}, {"room_id", kNamedRoom}},
                          {{"type", "org.example.other"}, {"room_id", "!b:example.org"}}}}};
  EXPECT_THAT(RoomsNamedIn("m.room.join_rules", "", content),
              ElementsAre(kNamedRoom, "!b:example.org"));
}

TEST(NamedRoomsTest, MalformedJoinRulesNameNothing) {
  for (const Json& allow :
       {Json(), Json(kNamedRoom), Json({{"room_id", kNamedRoom}}), Json::array({kNamedRoom}),
        Json::array({{{"room_id", 1}}}), Json::array({{{"room_id", ""}}}),
        Json::array({{{"room_id", std::string(256, '!')}}}), Json::array()}) {
    EXPECT_THAT(RoomsNamedIn("m.room.join_rules", "", {{"allow", allow}}), IsEmpty()) << allow;
  }
  EXPECT_THAT(RoomsNamedIn("m.room.join_rules", "", {{"join_rule", "public"}}), IsEmpty());
}

TEST(NamedRoomsTest, OtherStateNamesNothing) {
  const Json content = {{"via", {"example.org"}}, {"allow", {{{"room_id", kNamedRoom}}}}};
  for (const char* type : {"m.room.create", "m.room.tombstone", "org.example.child"}) {
    EXPECT_THAT(RoomsNamedIn(type, kNamedRoom, content), IsEmpty()) << type;
  }
}

}  // namespace
}  // namespace innkeeper::rooms
