#include "server/lifecycle/room_succession.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/server/lifecycle/upgrade_fixture.h"

namespace innkeeper::lifecycle {
namespace {

using storage::RoomReader;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

// Upgrades of a room that others refer to.
class RoomSuccessionTest : public UpgradeFixture {
 protected:
  // Makes a room of `creator`'s whose state refers to another.
  std::string NewLinkingRoom(const std::string& creator, const std::string& type,
                             const std::string& state_key, rooms::Json content) {
    rooms::RoomSpec spec = Spec();
    spec.creator = creator;
    spec.initial_state = {{type, state_key, std::move(content)}};
    return NewRoom(std::move(spec));
  }

  std::string NewSpace(const std::string& creator, const std::string& child) {
    return NewLinkingRoom(creator, "m.space.child", child,
                          {{"via", {"elsewhere.org"}}, {"order", "a"}, {"suggested", true}});
  }

  // Makes spaces that refer to a room, in which alice is not. Their ids come before those of
  // other rooms.
  void AddStrangersSpaces(const std::string& child, int count) {
    const std::string model = NewSpace("@bob:example.org", child);
    const storage::StatePosition create{"m.room.create", ""};
    const storage::StatePosition link{"m.space.child", child};
    const RoomReader reader(engine_);
    storage::RoomCommit commit;
    for (int i = 0; i < count; ++i) {
      storage::RoomRecord room = Room(model);
      room.set_room_id(absl::StrCat("!!", i, ":example.org"));
      commit.CreateRoom(room);
      for (const storage::StatePosition& place : {create, link}) {
        commit.PutState(room.room_id(), place,
                        **reader.GetState(model, place.type, place.state_key), std::nullopt);
      }
      commit.SetLink(child, room.room_id(), link, true);
    }
    ASSERT_TRUE(CommitAndWait(engine_, commit.Take()).status.ok());
  }

  // Has somebody else change `room_id()` before each last commit of an upgrade.
  void ChangeBeforeLastCommits(std::function<std::string()> room_id) {
    engine_.SetHook([this, room_id = std::move(room_id)](const storage::CommitRequest& request) {
      if (request.log_entries.size() >= 2) TouchRoom(room_id());
    });
  }

  std::string Content(const std::string& room_id, const std::string& type,
                      const std::string& state_key) {
    auto state = RoomReader(engine_).GetState(room_id, type, state_key);
    EXPECT_TRUE(state.ok());
    return *state ? (*state)->content() : "";
  }

  static std::string Describe(const v1::RepairedLink& link) {
    return link.room_id() + " " + link.type();
  }

  v1::UpgradeRoomResponse Upgrade(const std::string& room_id) {
    auto response = upgrader_->Upgrade(Command(room_id));
    EXPECT_TRUE(response.ok()) << response.status();
    return *response;
  }
};

TEST_F(RoomSuccessionTest, RoomsThatReferToTheOldRoomReferToTheNewOne) {
  const std::string old_id = NewRoom();
  const std::string space = NewSpace(kAlice, old_id);
  const std::string child =
      NewLinkingRoom(kAlice, "m.space.parent", old_id, {{"via", {kServer}}, {"canonical", true}});
  const std::string restricted =
      NewLinkingRoom(kAlice, "m.room.join_rules", "",
                     {{"join_rule", "restricted"},
                      {"allow", {{{"type", "m.room_membership"}, {"room_id", old_id}}}}});
  const v1::UpgradeRoomResponse response = Upgrade(old_id);
  const std::string& new_id = response.room().room_id();

  EXPECT_THAT(response.unmoved(), ElementsAre());
  EXPECT_EQ(response.repaired_link_count(), 3);
  std::vector<std::string> repaired;
  for (const auto& link : response.repaired_links()) repaired.push_back(Describe(link));
  EXPECT_THAT(repaired, UnorderedElementsAre(space + " m.space.child", child + " m.space.parent",
                                             restricted + " m.room.join_rules"));
  EXPECT_EQ(Content(space, "m.space.child", old_id), "{}");
  EXPECT_EQ(Content(space, "m.space.child", new_id),
            R"({"order":"a","suggested":true,"via":["example.org","elsewhere.org"]})");
  EXPECT_EQ(Content(child, "m.space.parent", old_id), "{}");
  EXPECT_EQ(Content(child, "m.space.parent", new_id),
            R"({"canonical":true,"via":["example.org"]})");
  EXPECT_THAT(Content(restricted, "m.room.join_rules", ""), HasSubstr(new_id));
}

TEST_F(RoomSuccessionTest, LinksAreFoundAgainAtTheNextUpgrade) {
  const std::string first = NewRoom();
  const std::string space = NewSpace(kAlice, first);
  const std::string second = Upgrade(first).room().room_id();
  const v1::UpgradeRoomResponse response = Upgrade(second);
  EXPECT_EQ(response.repaired_link_count(), 1);
  EXPECT_EQ(Content(space, "m.space.child", second), "{}");
  EXPECT_NE(Content(space, "m.space.child", response.room().room_id()), "");
}

TEST_F(RoomSuccessionTest, WhereTheSenderMayNotTheLinkStaysAndIsReported) {
  const std::string old_id = NewRoom();
  const std::string space = NewSpace("@bob:example.org", old_id);
  const v1::UpgradeRoomResponse response = Upgrade(old_id);
  EXPECT_EQ(response.repaired_link_count(), 0);
  ASSERT_EQ(response.unmoved_size(), 1);
  EXPECT_EQ(response.unmoved(0).kind(), v1::UNMOVED_KIND_SPACE_CHILD);
  EXPECT_EQ(response.unmoved(0).name(), space);
  EXPECT_EQ(response.unmoved(0).reason(), v1::UNMOVED_REASON_NOT_JOINED);
  EXPECT_THAT(Content(space, "m.space.child", old_id), HasSubstr("elsewhere.org"));
}

TEST_F(RoomSuccessionTest, ARoomThatIsBeingUpgradedItselfIsReported) {
  const std::string old_id = NewRoom();
  const std::string space = NewSpace(kAlice, old_id);
  LockAndDie(space, *upgrader_);
  const v1::UpgradeRoomResponse response = Upgrade(old_id);
  ASSERT_EQ(response.unmoved_size(), 1);
  EXPECT_EQ(response.unmoved(0).name(), space);
  EXPECT_EQ(response.unmoved(0).reason(), v1::UNMOVED_REASON_UPGRADE_IN_PROGRESS);
}

TEST_F(RoomSuccessionTest, ATombstonedRoomIsLeftAlone) {
  const std::string old_id = NewRoom();
  const std::string space = NewSpace(kAlice, old_id);
  Upgrade(space);
  const v1::UpgradeRoomResponse response = Upgrade(old_id);
  EXPECT_THAT(response.unmoved(), ElementsAre());
  EXPECT_THAT(Content(space, "m.space.child", old_id), HasSubstr("elsewhere.org"));
}

TEST_F(RoomSuccessionTest, ALinkThatChangesMeanwhileIsRepairedAsItIsThen) {
  const std::string old_id = NewRoom();
  const std::string space = NewSpace(kAlice, old_id);
  engine_.SetHook([&](const storage::CommitRequest& request) {
    if (request.log_entries.size() < 2) return;  // not the last commit
    engine_.SetHook(nullptr);
    const RoomReader reader(*store_);
    RoomEdit edit(reader, **reader.GetRoom(space), context_);
    ASSERT_TRUE(edit.Append({.type = "m.space.child",
                             .state_key = old_id,
                             .sender = kAlice,
                             .content = {{"via", {"later.org"}}}})
                    .ok());
    storage::RoomCommit commit;
    ASSERT_TRUE(edit.Stage(commit).ok());
    ASSERT_TRUE(CommitAndWait(*store_, commit.Take()).status.ok());
  });
  const std::string new_id = Upgrade(old_id).room().room_id();
  EXPECT_EQ(Content(space, "m.space.child", new_id), R"({"via":["example.org","later.org"]})");
}

TEST_F(RoomSuccessionTest, RoomsThatStayAsTheyAreDoNotCountAsChanged) {
  const std::string old_id = NewRoom();
  const std::string space = NewSpace(kAlice, old_id);
  AddStrangersSpaces(old_id, 1000);
  const v1::UpgradeRoomResponse response = Upgrade(old_id);
  ASSERT_EQ(response.repaired_links_size(), 1);
  EXPECT_EQ(response.repaired_links(0).room_id(), space);
  EXPECT_EQ(response.unmoved(0).reason(), v1::UNMOVED_REASON_NOT_JOINED);
}

TEST_F(RoomSuccessionTest, NotEveryRoomIsLookedAt) {
  const std::string old_id = NewRoom();
  NewSpace(kAlice, old_id);
  AddStrangersSpaces(old_id, 10'000);
  const v1::UpgradeRoomResponse response = Upgrade(old_id);
  EXPECT_EQ(response.repaired_links_size(), 0);
  EXPECT_EQ(response.unmoved_count(), 10'002);
}

TEST_F(RoomSuccessionTest, ARoomThatGoesOnChangingIsLeftAloneAtLast) {
  const std::string old_id = NewRoom();
  const std::string busy = NewSpace(kAlice, old_id);
  const std::string quiet = NewSpace(kAlice, old_id);
  ChangeBeforeLastCommits([&] { return busy; });
  const v1::UpgradeRoomResponse response = Upgrade(old_id);
  ASSERT_EQ(response.repaired_links_size(), 1);
  EXPECT_EQ(response.repaired_links(0).room_id(), quiet);
  ASSERT_EQ(response.unmoved_size(), 1);
  EXPECT_EQ(response.unmoved(0).name(), busy);
  EXPECT_EQ(response.unmoved(0).reason(), v1::UNMOVED_REASON_TOO_MANY);
}

TEST_F(RoomSuccessionTest, ManyRoomsThatChangeNowAndThenDoNotKeepItFromEnding) {
  const std::string old_id = NewRoom();
  std::vector<std::string> spaces;
  for (int i = 0; i < 10; ++i) spaces.push_back(NewSpace(kAlice, old_id));
  size_t next = 0;
  ChangeBeforeLastCommits([&] { return spaces[next++]; });
  const v1::UpgradeRoomResponse response = Upgrade(old_id);
  EXPECT_EQ(next, 5u);
  EXPECT_EQ(response.repaired_links_size(), 0);
  EXPECT_EQ(response.unmoved_size(), 10);
}

TEST_F(RoomSuccessionTest, APreviewTellsOfLinksAndChangesNone) {
  const std::string old_id = NewRoom();
  const std::string space = NewSpace(kAlice, old_id);
  UpgradeRoomCommand command = Command(old_id);
  command.validate_only = true;
  auto response = upgrader_->Upgrade(command);
  ASSERT_TRUE(response.ok()) << response.status();
  ASSERT_EQ(response->repaired_links_size(), 1);
  EXPECT_EQ(response->repaired_links(0).room_id(), space);
  EXPECT_THAT(Content(space, "m.space.child", old_id), HasSubstr("elsewhere.org"));
}

}  // namespace
}  // namespace innkeeper::lifecycle
