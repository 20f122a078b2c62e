// What may be chosen about an upgrade, and what it tells of itself.

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "google/protobuf/util/message_differencer.h"
#include "tests/e2e/e2e_test.h"

namespace innkeeper {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class UpgradeOptionsTest : public E2eTest {
 protected:
  // A space of `creator` with state of every sort.
  v1::Room FurnishedRoom(const std::string& creator) {
    v1::CreateRoomRequest request = FromJson<v1::CreateRoomRequest>(R"({
        "roomVersion": "10", "name": "Lobby", "creationContent": {"type": "m.space"},
        "initialState": [
          {"type": "m.room.join_rules", "content": {"join_rule": "knock_restricted",
             "allow": [{"type": "m.room_membership", "room_id": "!club:example.org"}]}},
          {"type": "m.room.history_visibility", "content": {"history_visibility": "joined"}},
          {"type": "m.space.child", "stateKey": "!child:example.org",
           "content": {"via": ["example.org"], "order": "a"}},
          {"type": "m.room.pinned_events", "content": {"pinned": ["$one"]}},
          {"type": "im.vector.modular.widgets", "stateKey": "clock", "content": {"url": "https://x"}},
          {"type": "m.room.third_party_invite", "stateKey": "token",
           "content": {"display_name": "b...", "key_validity_url": "https://x", "public_key": "k"}}]})");
    request.set_creator(creator);
    request.set_alias(Alias("lobby"));
    request.add_invites(User("bob"));
    return backend().Create(request);
  }
};

std::vector<std::string> Names(const google::protobuf::RepeatedPtrField<v1::StatePlace>& places) {
  std::vector<std::string> names;
  for (const v1::StatePlace& place : places) {
    names.push_back(absl::StrCat(place.type(), "|", place.state_key()));
  }
  return names;
}

TEST_F(UpgradeOptionsTest, ValidateOnlyReturnsTheWholePlan) {
  const std::string alice = User("alice");
  const v1::Room room = FurnishedRoom(alice);
  v1::UpgradeRoomRequest request = UpgradeRequest(room.room_id(), alice, "9");
  request.set_validate_only(true);
  const auto reply = backend().UpgradeRoom(request);
  ASSERT_TRUE(reply.ok()) << reply.status.error_message();
  const v1::UpgradePlan& plan = reply.response.plan();
  EXPECT_EQ(plan.sender(), alice);
  EXPECT_THAT(
      Names(plan.copied_state()),
      ElementsAre("m.room.power_levels|", "m.room.guest_access|", "m.room.history_visibility|",
                  "m.room.name|", "m.space.child|!child:example.org", "m.room.join_rules|",
                  "m.room.canonical_alias|"));
  EXPECT_EQ(plan.copied_state_count(), 7);
  EXPECT_THAT(Names(plan.left_state()),
              ElementsAre("im.vector.modular.widgets|clock", "m.room.pinned_events|"));
  EXPECT_EQ(plan.left_state_count(), 2);
  EXPECT_THAT(plan.joined_members(), ElementsAre(alice));
  EXPECT_THAT(plan.invited_members(), ElementsAre(User("bob")));
  EXPECT_EQ(plan.left_member_count(), 0);
  EXPECT_EQ(plan.old_power_levels().fields().at("invite").number_value(), 0);
  EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(plan.old_power_levels(),
                                                                 plan.new_power_levels()));
  EXPECT_THAT(reply.response.moved_aliases(), ElementsAre(Alias("lobby")));
  const std::vector<std::string> unmoved = UnmovedIn(reply.response);
  EXPECT_THAT(unmoved,
              ElementsAre("STATE_EVENT m.room.third_party_invite|token BELONGS_TO_OLD_ROOM",
                          "JOIN_RULE knock_restricted| ROOM_VERSION"));

  // What is then done is what was planned.
  request.set_validate_only(false);
  const auto done = backend().UpgradeRoom(request);
  ASSERT_TRUE(done.ok()) << done.status.error_message();
  EXPECT_FALSE(done.response.has_plan());
  EXPECT_EQ(UnmovedIn(done.response), unmoved);
  EXPECT_EQ(done.response.joined_member_count(), reply.response.joined_member_count());
  EXPECT_EQ(done.response.invited_member_count(), reply.response.invited_member_count());
  const auto state = reader().State(done.response.room().room_id());
  for (const v1::StatePlace& place : plan.copied_state()) {
    EXPECT_EQ(state.count({place.type(), place.state_key()}), 1u) << place.type();
  }
  for (const v1::StatePlace& place : plan.left_state()) {
    EXPECT_EQ(state.count({place.type(), place.state_key()}), 0u) << place.type();
  }
  EXPECT_EQ(ContentOf(state.at({"m.room.join_rules", ""})),
            R"({"allow":[{"room_id":"!club:example.org","type":"m.room_membership"}],)"
            R"("join_rule":"restricted"})");
}

TEST_F(UpgradeOptionsTest, MemberPolicyDecidesWhoComesAlong) {
  const std::string alice = User("alice");
  const auto upgrade = [&](v1::MemberPolicy policy) {
    v1::CreateRoomRequest create = RoomRequest(alice);
    create.add_invites(User("bob"));
    v1::UpgradeRoomRequest request =
        UpgradeRequest(backend().Create(create).room_id(), alice, "12");
    request.set_member_policy(policy);
    request.set_validate_only(true);
    return backend().UpgradeRoom(request).response;
  };
  EXPECT_EQ(upgrade(v1::MEMBER_POLICY_JOIN_LOCAL).invited_member_count(), 1);
  EXPECT_EQ(upgrade(v1::MEMBER_POLICY_INVITE_ALL).invited_member_count(), 1);
  const v1::UpgradeRoomResponse alone = upgrade(v1::MEMBER_POLICY_NONE);
  EXPECT_EQ(alone.joined_member_count(), 1);
  EXPECT_EQ(alone.invited_member_count(), 0);
  EXPECT_EQ(alone.plan().left_member_count(), 1);
}

TEST_F(UpgradeOptionsTest, AdditionalCreatorsAreCreatorsInVersion12Only) {
  const std::string alice = User("alice");
  const v1::Room room = backend().Create(RoomRequest(alice));
  v1::UpgradeRoomRequest request = UpgradeRequest(room.room_id(), alice, "11");
  request.add_additional_creators(User("zoe"));
  request.add_additional_creators("@bob:elsewhere.example");
  EXPECT_THAT(backend().UpgradeRoom(request).status, IsInvalid({"additional_creators"}));
  request.set_new_version("12");
  const auto reply = backend().UpgradeRoom(request);
  ASSERT_TRUE(reply.ok()) << reply.status.error_message();
  const auto state = reader().State(reply.response.room().room_id());
  EXPECT_THAT(ContentOf(state.at({"m.room.create", ""})),
              HasSubstr(absl::StrCat(R"("additional_creators":["@bob:elsewhere.example",")",
                                     User("zoe"), "\"]")));
}

TEST_F(UpgradeOptionsTest, TheOldRoomIsLocked) {
  const std::string alice = User("alice");
  const v1::Room room = backend().Create(RoomRequest(alice));
  ASSERT_TRUE(backend().UpgradeRoom(UpgradeRequest(room.room_id(), alice, "12")).ok());
  const auto levels =
      reader().State(room.room_id()).at({"m.room.power_levels", ""}).content().fields();
  EXPECT_EQ(levels.at("events_default").number_value(), 50);
  EXPECT_EQ(levels.at("invite").number_value(), 50);
}

TEST_F(UpgradeOptionsTest, AnAdministratorUpgradesARoomOfOthers) {
  const std::string alice = User("alice");
  const v1::Room room = backend().Create(RoomRequest(alice));
  v1::UpgradeRoomRequest request = UpgradeRequest(room.room_id(), User("mallory"), "12");
  EXPECT_THAT(admin().UpgradeRoom(request).status,
              IsError(grpc::StatusCode::PERMISSION_DENIED, "INSUFFICIENT_POWER"))
      << "the power of an administrator has to be asked for";
  request.set_as_administrator(true);
  EXPECT_THAT(backend().UpgradeRoom(request).status,
              IsError(grpc::StatusCode::PERMISSION_DENIED, "ROLE_MISSING"));
  const auto reply = admin().UpgradeRoom(request);
  ASSERT_TRUE(reply.ok()) << reply.status.error_message();
  EXPECT_EQ(reply.response.room().creator(), alice);
  const auto state = reader().State(reply.response.room().room_id());
  EXPECT_EQ(state.count({"m.room.member", User("mallory")}), 0u);
  for (const auto& [place, event] : state) EXPECT_EQ(event.sender(), alice) << place.first;
  EXPECT_EQ(reader().State(room.room_id()).at({"m.room.tombstone", ""}).sender(), alice);
}

TEST_F(UpgradeOptionsTest, NamesEveryWrongOption) {
  const std::string room_id = backend().Create(RoomRequest(User("alice"))).room_id();
  v1::UpgradeRoomRequest request = UpgradeRequest(room_id, User("alice"), "12");
  request.set_copy_policy(static_cast<v1::CopyPolicy>(4));
  request.set_member_policy(static_cast<v1::MemberPolicy>(-1));
  EXPECT_THAT(backend().UpgradeRoom(request).status, IsInvalid({"copy_policy", "member_policy"}));
  request.set_copy_policy(v1::COPY_POLICY_LISTED);
  request.set_member_policy(v1::MEMBER_POLICY_NONE);
  EXPECT_THAT(backend().UpgradeRoom(request).status, IsInvalid({"copy_types"}));
  request.add_copy_types("m.room.topic");
  request.add_copy_types("m.room.member");
  request.add_additional_creators("bob");
  const int64_t head = LogHead();
  EXPECT_THAT(backend().UpgradeRoom(request).status,
              IsInvalid({"copy_types[1]", "additional_creators[0]"}));
  request.clear_copy_policy();
  EXPECT_THAT(backend().UpgradeRoom(request).status,
              IsInvalid({"copy_types", "additional_creators[0]"}));
  EXPECT_EQ(LogHead(), head);
}

}  // namespace
}  // namespace innkeeper
