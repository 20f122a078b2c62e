// Upgrades of rooms that are too large for one commit.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "server/errors/errors.h"
#include "server/lifecycle/room_errors.h"
#include "server/lifecycle/staged_room.h"
#include "storage/keys.h"
#include "tests/server/lifecycle/upgrade_fixture.h"

namespace innkeeper::lifecycle {
namespace {

using storage::RoomReader;
using testing::Each;
using testing::ElementsAre;
using testing::Ge;
using testing::IsEmpty;
using testing::SizeIs;

constexpr int kMembers = 2000;  // half of them on another server

class StagedUpgradeTest : public UpgradeFixture {
 protected:
  static std::string Member(int i) {
    return absl::StrCat("@member", i, i % 2 == 0 ? ":example.org" : ":elsewhere.org");
  }

  // A public room with kMembers members besides alice, which a space refers to.
  std::string NewLargeRoom() {
    rooms::RoomSpec spec = Spec();
    spec.preset = rooms::Preset::kPublicChat;
    const std::string room_id = NewRoom(std::move(spec));
    const RoomReader reader(engine_);
    auto room = reader.GetRoom(room_id);
    RoomEdit edit(reader, **room, context_);
    for (int i = 0; i < kMembers; ++i) {
      const std::string user = Member(i);
      EXPECT_TRUE(edit.Append({.type = "m.room.member",
                               .state_key = user,
                               .sender = user,
                               .content = {{"membership", "join"}, {"displayname", user}}})
                      .ok());
    }
    storage::RoomCommit commit;
    EXPECT_TRUE(edit.Stage(commit).ok());
    EXPECT_TRUE(CommitAndWait(engine_, commit.Take()).status.ok());
    return room_id;
  }

  // Whatever is stored, but for the heads of rooms, which count their revisions.
  std::map<std::string, std::string> Records() {
    std::map<std::string, std::string> records;
    EXPECT_TRUE(engine_.NewSnapshot()
                    ->Scan("\x01", "\xff",
                           [&](absl::string_view key, absl::string_view value, storage::Revision) {
                             if (key[0] != static_cast<char>(storage::Table::kRoom)) {
                               records.emplace(key, value);
                             }
                             return true;
                           })
                    .ok());
    return records;
  }

  std::vector<std::string> StagedRooms() {
    std::vector<std::string> staged;
    EXPECT_TRUE(RoomReader(*store_)
                    .ScanStagedRooms([&](std::string room_id, const auto&) {
                      staged.push_back(std::move(room_id));
                      return true;
                    })
                    .ok());
    return staged;
  }

  // Calls `act` before the `number`th commit from now on.
  template <typename Act>
  void BeforeCommit(int number, Act act) {
    engine_.SetHook([this, number, act](const storage::CommitRequest&) mutable {
      if (--number > 0) return;
      engine_.SetHook(nullptr);
      act();
    });
  }

  // The commits of an upgrade are its lock, the parts and the last one. There are several
  // parts before this.
  static constexpr int kInTheMiddle = 4;
};

TEST_F(StagedUpgradeTest, NobodySeesTheNewRoomBeforeTheLastCommit) {
  const std::string old_id = NewLargeRoom();
  int commits = 0;
  size_t most_staged = 0;
  engine_.SetHook([&](const storage::CommitRequest&) {
    ++commits;
    const std::vector<std::string> staged = StagedRooms();
    most_staged = std::max(most_staged, staged.size());
    const RoomReader reader(*store_);
    for (const std::string& room_id : staged) EXPECT_FALSE((*reader.GetRoom(room_id)).has_value());
    const auto status = Room(old_id).status();
    EXPECT_EQ(status == storage::ROOM_STATUS_RECORD_UPGRADING, commits > 1);
  });
  auto response = upgrader_->Upgrade(Command(old_id));
  engine_.SetHook(nullptr);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_GT(commits, kInTheMiddle + 1);
  EXPECT_EQ(most_staged, 1u);
  EXPECT_THAT(StagedRooms(), IsEmpty());
  EXPECT_EQ(response->joined_member_count(), 1 + kMembers / 2);
  EXPECT_EQ(response->invited_member_count(), kMembers / 2);
  EXPECT_EQ(response->unmoved_count(), 0);
  EXPECT_EQ(response->room().joined_member_count(), 1 + kMembers / 2);

  const std::string& new_id = response->room().room_id();
  const RoomReader reader(engine_);
  for (int i = 0; i < kMembers; ++i) {
    const auto state = *reader.GetState(new_id, "m.room.member", Member(i));
    ASSERT_TRUE(state.has_value()) << Member(i);
    EXPECT_EQ(state->revision(), 1);
    const char* const membership = i % 2 == 0 ? "join" : "invite";
    EXPECT_THAT(state->content(), testing::HasSubstr(membership));
    EXPECT_EQ((*reader.GetRoomOfUser(new_id, Member(i))).user_room->membership(), membership);
    EXPECT_EQ((*reader.GetPendingInvite(new_id, Member(i))).has_value(), i % 2 == 1);
  }
}

TEST_F(StagedUpgradeTest, EveryEventComesBehindTheOneBeforeIt) {
  auto response = upgrader_->Upgrade(Command(NewLargeRoom()));
  ASSERT_TRUE(response.ok()) << response.status();
  const storage::RoomRecord room = Room(response->room().room_id());
  std::string latest;
  int64_t count = 0;
  const RoomReader reader(engine_);
  ASSERT_TRUE(reader
                  .ScanEvents(room.room_id(), 1,
                              [&](int64_t number, const storage::EventRecord& event) {
                                EXPECT_EQ(number, ++count);
                                EXPECT_EQ(event.depth(), count);
                                EXPECT_EQ(event.prev_events_size(), count == 1 ? 0 : 1);
                                for (const auto& previous : event.prev_events()) {
                                  EXPECT_EQ(previous.event_id(), latest);
                                }
                                latest = event.event_id();
                                return true;
                              })
                  .ok());
  EXPECT_EQ(room.latest_event_number(), count);
  EXPECT_EQ(room.latest_event().event_id(), latest);
  EXPECT_EQ(room.depth(), count);
}

TEST_F(StagedUpgradeTest, StateComesInPartsToo) {
  constexpr size_t kEntries = 40;
  rooms::RoomSpec spec = Spec();
  for (size_t i = 0; i < kEntries; ++i) {
    spec.initial_state.push_back(
        {"org.example.x", absl::StrCat(i), {{"text", std::string(kStagedPartBytes / 2, 'x')}}});
  }
  UpgradeRoomCommand command = Command(NewRoom(std::move(spec)));
  command.options.copy_policy = rooms::CopyPolicy::kEverything;
  size_t largest = 0;
  engine_.SetHook([&](const storage::CommitRequest& request) {
    size_t bytes = 0;
    for (const storage::Write& write : request.writes) {
      bytes += write.value.has_value() ? write.value->size() : 0;
    }
    largest = std::max(largest, bytes);
  });
  auto response = upgrader_->Upgrade(command);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_LT(largest, 4 * kStagedPartBytes) << "each event is there, and stands in the state";
  const RoomReader reader(engine_);
  for (size_t i = 0; i < kEntries; ++i) {
    const auto state =
        reader.GetState(response->room().room_id(), "org.example.x", absl::StrCat(i));
    ASSERT_TRUE(state.ok() && state->has_value());
    EXPECT_EQ((*state)->revision(), 1);
  }
}

TEST_F(StagedUpgradeTest, TellsHowFarItIs) {
  const std::string room_id = NewLargeRoom();
  std::vector<int64_t> seen;
  engine_.SetHook([&](const storage::CommitRequest&) {
    const storage::RoomRecord room = Room(room_id);
    if (room.has_upgrade()) seen.push_back(room.upgrade().processed_member_count());
  });
  ASSERT_TRUE(upgrader_->Upgrade(Command(room_id)).ok());
  EXPECT_THAT(seen, SizeIs(Ge(kInTheMiddle)));
  EXPECT_THAT(seen, testing::WhenSorted(testing::ContainerEq(seen)));
  EXPECT_GT(seen.back(), kMembers / 2);

  std::vector<int64_t> told;
  for (const v1::RoomEvent& event : Events()) {
    if (event.type() != kRoomUpgradeProgressType) continue;
    EXPECT_EQ(event.room_id(), room_id);
    EXPECT_EQ(event.room_upgrade_progress().new_version(), "11");
    EXPECT_EQ(event.room_upgrade_progress().member_count(), kMembers + 1);
    told.push_back(event.room_upgrade_progress().processed_member_count());
  }
  EXPECT_THAT(told, SizeIs(Ge(2u)));
  EXPECT_THAT(told, SizeIs(testing::Le(10u)));
}

TEST_F(StagedUpgradeTest, HandsTheAudienceOnAndTellsItWithEveryEvent) {
  const std::string room_id = NewLargeRoom();
  auto response = upgrader_->Upgrade(Command(room_id));
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->room().audience(), kAudience);
  EXPECT_EQ(Room(response->room().room_id()).audience(), kAudience);
  for (const v1::RoomEvent& event : Events()) {
    EXPECT_EQ(event.audience(), kAudience) << event.type();
    EXPECT_EQ(event.creator(), kAlice) << event.type();
  }
  EXPECT_THAT(EventTypes(), testing::IsSupersetOf({kRoomUpgradeProgressType, kRoomCreatedType,
                                                   kRoomUpgradedType, kRoomInvitePendingType}));
}

TEST_F(StagedUpgradeTest, AReleasedLockIsToldOfWithTheLabelsOfTheRoom) {
  const std::string room_id = NewRoom();
  LockAndDie(room_id, *upgrader_);
  ASSERT_TRUE(upgrader_->RecoverOwn().ok());
  EXPECT_EQ(LastFailure(), v1::UPGRADE_FAILURE_REASON_INTERRUPTED);
  EXPECT_EQ(Events().back().audience(), kAudience);
  EXPECT_EQ(Events().back().creator(), kAlice);
}

TEST_F(StagedUpgradeTest, CancelledItLeavesNothing) {
  const std::string room_id = NewLargeRoom();
  const auto before = Records();
  absl::StatusOr<v1::CancelUpgradeResponse> cancelled;
  BeforeCommit(kInTheMiddle, [&] {
    cancelled = transactor_.RunAndWait(upgrader_->Cancel({room_id, {.requester = kAlice}}));
  });
  auto response = upgrader_->Upgrade(Command(room_id));
  EXPECT_EQ(response.status().code(), absl::StatusCode::kAborted);
  EXPECT_EQ(ReasonOf(response.status()), v1::ERROR_REASON_ROOM_UPGRADE_CANCELLED);
  ASSERT_TRUE(cancelled.ok()) << cancelled.status();
  EXPECT_EQ(cancelled->room().status(), v1::ROOM_STATUS_ACTIVE);
  EXPECT_EQ(Room(room_id).status(), storage::ROOM_STATUS_RECORD_ACTIVE);
  EXPECT_EQ(LastFailure(), v1::UPGRADE_FAILURE_REASON_CANCELLED);
  EXPECT_EQ(Records(), before);
  EXPECT_TRUE(upgrader_->Upgrade(Command(room_id)).ok());
}

TEST_F(StagedUpgradeTest, CancelNeedsAnUpgradeAndLeave) {
  const std::string room_id = NewLargeRoom();
  const auto reason_for = [&](const UpgradeActor& actor) {
    return ReasonOf(transactor_.RunAndWait(upgrader_->Cancel({room_id, actor})).status());
  };
  EXPECT_EQ(reason_for({.requester = kAlice}), v1::ERROR_REASON_ROOM_NOT_UPGRADING);
  BeforeCommit(kInTheMiddle, [&] {
    EXPECT_EQ(reason_for({.requester = "@mallory:example.org"}), v1::ERROR_REASON_ROOM_NOT_FOUND);
    EXPECT_EQ(reason_for({.requester = Member(0)}), v1::ERROR_REASON_INSUFFICIENT_POWER);
    EXPECT_EQ(reason_for({"@root:example.org", true, AudienceScope::All()}),
              v1::ERROR_REASON_UNSPECIFIED);
  });
  EXPECT_EQ(ReasonOf(upgrader_->Upgrade(Command(room_id)).status()),
            v1::ERROR_REASON_ROOM_UPGRADE_CANCELLED);
  ASSERT_TRUE(upgrader_->Upgrade(Command(room_id)).ok());
  EXPECT_EQ(reason_for({.requester = kAlice}), v1::ERROR_REASON_ROOM_TOMBSTONED);
}

TEST_F(StagedUpgradeTest, DiesAndTheNextStartLeavesNothing) {
  const std::string room_id = NewLargeRoom();
  const auto before = Records();
  struct Died {};
  BeforeCommit(kInTheMiddle, [] { throw Died(); });
  EXPECT_THROW(upgrader_->Upgrade(Command(room_id)).IgnoreError(), Died);
  EXPECT_THAT(StagedRooms(), SizeIs(1));

  auto next = MakeUpgrader("instance-1");
  ASSERT_TRUE(next->RecoverOwn().ok());
  EXPECT_EQ(Room(room_id).status(), storage::ROOM_STATUS_RECORD_ACTIVE);
  ASSERT_TRUE(next->RecoverExpired().ok());
  EXPECT_EQ(Records(), before);
}

TEST_F(StagedUpgradeTest, OthersLeaveARunningUpgradeAlone) {
  const std::string room_id = NewLargeRoom();
  BeforeCommit(kInTheMiddle,
               [&] { ASSERT_TRUE(MakeUpgrader("instance-2")->RecoverExpired().ok()); });
  EXPECT_TRUE(upgrader_->Upgrade(Command(room_id)).ok());
}

TEST_F(StagedUpgradeTest, KeepsItsLeaseWhileItGoesOn) {
  const std::string room_id = NewLargeRoom();
  auto other = MakeUpgrader("instance-2");
  engine_.SetHook([&](const storage::CommitRequest&) {
    if (!Room(room_id).has_upgrade()) return;
    now_ += absl::Seconds(10);  // of a lease of 30
    ASSERT_TRUE(other->RecoverExpired().ok());
  });
  EXPECT_TRUE(upgrader_->Upgrade(Command(room_id)).ok());
}

TEST_F(StagedUpgradeTest, StartsAgainWhenSomethingChangesAndLeavesOneRoom) {
  const std::string room_id = NewLargeRoom();
  BeforeCommit(kInTheMiddle, [&] { TouchRoom(room_id); });
  auto response = upgrader_->Upgrade(Command(room_id));
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_THAT(StagedRooms(), IsEmpty());
  const std::string member = storage::KeyBuilder(storage::Table::kUserRoom).Str(Member(0)).Build();
  int rooms_of_member = 0;
  for (const auto& [key, value] : Records()) rooms_of_member += key.rfind(member, 0) == 0 ? 1 : 0;
  EXPECT_EQ(rooms_of_member, 2);
}

TEST_F(StagedUpgradeTest, WritesToTheRoomWaitAndOthersDoNot) {
  const std::string room_id = NewLargeRoom();
  absl::Notification answered;
  absl::Status answer;
  BeforeCommit(kInTheMiddle, [&] {
    Write<v1::CancelUpgradeResponse> write;  // of whatever kind
    write.room_id = room_id;
    write.attempt =
        [&](const RoomReader& reader) -> absl::StatusOr<Outcome<v1::CancelUpgradeResponse>> {
      return CheckWritable((*reader.GetRoom(room_id))->record);
    };
    transactor_.Run<v1::CancelUpgradeResponse>(std::move(write), [&](const auto& result) {
      answer = result.status();
      answered.Notify();
    });
    EXPECT_FALSE(answered.HasBeenNotified());
    NewRoom();
  });
  ASSERT_TRUE(upgrader_->Upgrade(Command(room_id)).ok());
  answered.WaitForNotification();
  EXPECT_EQ(ReasonOf(answer), v1::ERROR_REASON_ROOM_TOMBSTONED);
}

TEST_F(StagedUpgradeTest, APreviewCountsEverybodyAndWritesNothing) {
  UpgradeRoomCommand command = Command(NewLargeRoom());
  const auto before = Records();
  command.validate_only = true;
  auto response = upgrader_->Upgrade(command);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->joined_member_count(), 1 + kMembers / 2);
  EXPECT_EQ(response->room().invited_member_count(), kMembers / 2);
  EXPECT_EQ(Records(), before);
}

}  // namespace
}  // namespace innkeeper::lifecycle
