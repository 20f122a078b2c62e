#include "server/lifecycle/link_upgrade.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "server/errors/errors.h"
#include "tests/server/lifecycle/upgrade_fixture.h"

namespace innkeeper::lifecycle {
namespace {

using storage::RoomReader;
using testing::ElementsAre;

class LinkUpgradeTest : public UpgradeFixture {
 protected:
  // Makes a room by hand that says that it replaces another.
  std::string NewSuccessor(const std::string& old_id) {
    rooms::RoomSpec spec = Spec();
    spec.creation_content = {{"predecessor", {{"room_id", old_id}}}};
    return NewRoom(std::move(spec));
  }

  absl::StatusOr<v1::LinkUpgradeResponse> Link(const std::string& old_id, const std::string& new_id,
                                               const std::string& requester = kAlice) {
    return transactor_.RunAndWait(linker_.Link({old_id, new_id, {.requester = requester}, {}}));
  }

  const UpgradeLinker linker_{context_};
};

TEST_F(LinkUpgradeTest, TheOldRoomIsTombstonedAndWhatPointsAtItMoves) {
  rooms::RoomSpec spec = Spec();
  spec.alias = "#lobby:example.org";
  spec.is_public = true;
  const std::string old_id = NewRoom(std::move(spec));
  spec = Spec();
  spec.initial_state = {{"m.space.child", old_id, {{"via", {kServer}}}}};
  const std::string space = NewRoom(std::move(spec));
  const std::string new_id = NewSuccessor(old_id);
  auto response = Link(old_id, new_id);
  ASSERT_TRUE(response.ok()) << response.status();

  EXPECT_EQ(response->old_room().status(), v1::ROOM_STATUS_TOMBSTONED);
  EXPECT_EQ(response->old_room().successor_room_id(), new_id);
  EXPECT_FALSE(response->old_room().is_public());
  EXPECT_TRUE(response->new_room().is_public());
  EXPECT_THAT(response->moved_aliases(), ElementsAre("#lobby:example.org"));
  ASSERT_EQ(response->repaired_links_size(), 1);
  EXPECT_EQ(response->repaired_links(0).room_id(), space);
  const RoomReader reader(engine_);
  EXPECT_EQ((*reader.GetAlias("#lobby:example.org"))->record.room_id(), new_id);
  EXPECT_THAT((*reader.GetState(old_id, "m.room.tombstone", ""))->content(),
              testing::HasSubstr(new_id));
  EXPECT_EQ(Room(old_id).status(), storage::ROOM_STATUS_RECORD_TOMBSTONED);
  EXPECT_TRUE(Room(new_id).is_public());
  const v1::RoomEvent told = Events()[3];
  EXPECT_EQ(told.type(), kRoomUpgradedType);
  EXPECT_EQ(told.room_upgraded().new_room_id(), new_id);
}

TEST_F(LinkUpgradeTest, ANewRoomThatNamesNoPredecessorMovesNothing) {
  const std::string old_id = NewRoom("#lobby:example.org");
  const std::string new_id = NewRoom();
  const absl::Status status = Link(old_id, new_id).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_ROOMS_NOT_LINKED);
  EXPECT_EQ(Room(old_id).status(), storage::ROOM_STATUS_RECORD_ACTIVE);
  EXPECT_THAT(*RoomReader(engine_).ListAliases(old_id), ElementsAre("#lobby:example.org"));
}

TEST_F(LinkUpgradeTest, AnOldRoomThatNamesAnotherSuccessorKeepsIt) {
  const std::string old_id = NewRoom();
  const std::string new_id = NewSuccessor(old_id);
  ASSERT_TRUE(upgrader_->Upgrade(Command(old_id)).ok());
  const absl::Status status = Link(old_id, new_id).status();
  EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_ROOM_TOMBSTONED);
  EXPECT_EQ(MetadataOf(status, "successor_room_id"), Room(old_id).successor_room_id());
}

TEST_F(LinkUpgradeTest, LinkingAgainMovesWhatCameSince) {
  const std::string old_id = NewRoom();
  const std::string new_id = NewSuccessor(old_id);
  ASSERT_TRUE(Link(old_id, new_id).ok());
  auto again = Link(old_id, new_id);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->old_room().successor_room_id(), new_id);
  EXPECT_THAT(again->moved_aliases(), ElementsAre());
}

TEST_F(LinkUpgradeTest, ARoomThatGoesOnChangingIsLeftAloneAtLast) {
  const std::string old_id = NewRoom();
  rooms::RoomSpec spec = Spec();
  spec.initial_state = {{"m.space.child", old_id, {{"via", {kServer}}}}};
  const std::string busy = NewRoom(std::move(spec));
  const std::string new_id = NewSuccessor(old_id);
  engine_.SetHook([&](const storage::CommitRequest&) { TouchRoom(busy); });
  auto response = Link(old_id, new_id);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->repaired_links_size(), 0);
  ASSERT_EQ(response->unmoved_size(), 1);
  EXPECT_EQ(response->unmoved(0).name(), busy);
  EXPECT_EQ(response->unmoved(0).reason(), v1::UNMOVED_REASON_TOO_MANY);
}

TEST_F(LinkUpgradeTest, WhoMayNotUpgradeMayNotLink) {
  const std::string old_id = NewRoom();
  const std::string new_id = NewSuccessor(old_id);
  EXPECT_EQ(ReasonOf(Link(old_id, new_id, "@mallory:example.org").status()),
            v1::ERROR_REASON_ROOM_NOT_FOUND);
  EXPECT_EQ(ReasonOf(Link(old_id, old_id).status()), v1::ERROR_REASON_INVALID_REQUEST);
  EXPECT_EQ(ReasonOf(Link(old_id, new_id, "@alice:elsewhere.org").status()),
            v1::ERROR_REASON_INVALID_REQUEST);
}

TEST_F(LinkUpgradeTest, RoomsThatAreBeingUpgradedAreNotLinked) {
  const std::string old_id = NewRoom();
  const std::string new_id = NewSuccessor(old_id);
  LockAndDie(new_id, *upgrader_);
  EXPECT_EQ(ReasonOf(Link(old_id, new_id).status()), v1::ERROR_REASON_ROOM_UPGRADE_IN_PROGRESS);
  EXPECT_EQ(Room(old_id).status(), storage::ROOM_STATUS_RECORD_ACTIVE);
}

}  // namespace
}  // namespace innkeeper::lifecycle
