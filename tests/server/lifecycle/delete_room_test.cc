#include "server/lifecycle/delete_room.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "server/errors/errors.h"
#include "server/lifecycle/export_room.h"
#include "server/lifecycle/purge_rooms.h"
#include "server/lifecycle/room_erasure.h"
#include "server/lifecycle/staged_room.h"
#include "storage/keys.h"
#include "tests/server/lifecycle/upgrade_fixture.h"
#include "tests/support/people.h"

namespace innkeeper::lifecycle {
namespace {

using storage::RoomReader;
using testing::IsEmpty;
using testing::SizeIs;

constexpr char kZoe[] = "@zoe:elsewhere.org";
constexpr char kAlias[] = "#room:example.org";

class Died : public std::exception {};

class DeleteRoomTest : public UpgradeFixture {
 protected:
  // Appends events to a room.
  void Append(const std::string& room_id, std::vector<rooms::EventDraft> drafts) {
    const RoomReader reader(engine_);
    RoomEdit edit(reader, **reader.GetRoom(room_id), context_);
    for (rooms::EventDraft& draft : drafts) {
      const absl::Status appended = edit.Append(std::move(draft));
      ASSERT_TRUE(appended.ok()) << appended;
    }
    storage::RoomCommit commit;
    ASSERT_TRUE(edit.Stage(commit).ok());
    ASSERT_TRUE(CommitAndWait(engine_, commit.Take()).status.ok());
  }

  // A public room with an alias that has records in every table that a room can have any in.
  std::string NewFullRoom(int members = 1) {
    rooms::RoomSpec spec = Spec();
    spec.preset = rooms::Preset::kPublicChat;
    spec.is_public = true;
    spec.alias = kAlias;
    spec.name = "first";
    spec.invites = {kZoe};
    std::string room_id = NewRoom(std::move(spec));
    std::vector<rooms::EventDraft> drafts = {
        {.type = "m.room.name", .state_key = "", .sender = kAlice, .content = {{"name", "second"}}},
        {.type = "m.space.child",
         .state_key = "!child:example.org",
         .sender = kAlice,
         .content = {{"via", {"example.org"}}}},
        {.type = "m.room.message",
         .state_key = std::nullopt,
         .sender = kAlice,
         .content = {{"body", "hello"}}}};
    for (int i = 0; i < members; ++i) {
      const std::string user = i == 0 ? kBob : absl::StrCat("@member", i, ":example.org");
      drafts.push_back({.type = "m.room.member",
                        .state_key = user,
                        .sender = user,
                        .content = {{"membership", "join"}}});
    }
    Append(room_id, std::move(drafts));
    storage::RoomCommit keys;
    keys.PutRoomKeys(room_id, {});
    EXPECT_TRUE(CommitAndWait(engine_, keys.Take()).status.ok());
    return room_id;
  }

  static DeleteRoomCommand DeletionOf(const std::string& room_id,
                                      const std::string& request_id = "") {
    return {room_id, AudienceScope::All(), {{"admin", request_id}, "fingerprint"}};
  }

  absl::StatusOr<v1::DeleteRoomResponse> Delete(DeleteRoomCommand command) {
    return transactor_.RunAndWait(deleter_.Delete(std::move(command)));
  }

  void MustDelete(const std::string& room_id) {
    const auto deleted = Delete(DeletionOf(room_id));
    ASSERT_TRUE(deleted.ok()) << deleted.status();
  }

  // Deletes the room at this moment, as another process would.
  void DeleteBehindTheBack(const std::string& room_id) {
    const RoomReader reader(*store_);
    auto room = reader.GetRoom(room_id);
    storage::RoomCommit commit;
    commit.DeleteRoom((*room)->record, (*room)->revision);
    v1::RoomDeleted deleted;
    deleted.set_room_id(room_id);
    commit.AppendLog(EncodeEvent(deleted, {}));
    ASSERT_TRUE(CommitAndWait(*store_, commit.Take()).status.ok());
  }

  // Whatever is stored.
  std::map<std::string, std::string> Records() {
    std::map<std::string, std::string> records;
    EXPECT_TRUE(store_->NewSnapshot()
                    ->Scan("\x01", "\xff",
                           [&](absl::string_view key, absl::string_view value, storage::Revision) {
                             records.emplace(key, value);
                             return true;
                           })
                    .ok());
    return records;
  }

  // The letters of the tables in which keys have the room's id.
  std::string TablesWith(const std::string& room_id) {
    std::string tables;
    for (const auto& [key, value] : Records()) {
      if (!absl::StrContains(key, room_id)) continue;
      if (!absl::StrContains(tables, key.substr(0, 1))) tables += key[0];
    }
    return tables;
  }

  bool IsThere(const std::string& room_id) {
    return RoomReader(*store_).GetRoom(room_id)->has_value();
  }

  bool IsBeingPurged(const std::string& room_id) {
    auto note = RoomReader(*store_).GetStagedRoom(room_id);
    return note->has_value() && (*note)->record.is_deleted();
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

  const RoomDeleter deleter_{engine_};
  RoomPurger purger_{engine_};
};

TEST_F(DeleteRoomTest, OneCommitHidesTheRoomForGood) {
  const std::string room_id = NewFullRoom();
  const storage::RoomRecord record = Room(room_id);
  int commits = 0;
  bool used_reserve = false;
  engine_.SetHook([&](const storage::CommitRequest& request) {
    ++commits;
    used_reserve = request.may_use_reserve;
  });
  const auto deleted = Delete(DeletionOf(room_id));
  engine_.SetHook(nullptr);
  ASSERT_TRUE(deleted.ok()) << deleted.status();
  EXPECT_EQ(commits, 1);
  EXPECT_TRUE(used_reserve) << "a deletion makes room on a full disk";
  EXPECT_EQ(deleted->room().SerializeAsString(), ToProto(record).SerializeAsString());

  const RoomReader reader(*store_);
  EXPECT_FALSE(IsThere(room_id));
  EXPECT_TRUE(IsBeingPurged(room_id));
  EXPECT_FALSE((*reader.GetAlias(kAlias)).has_value());
  EXPECT_EQ(*reader.CountRoomsCreatedBy(kAlice, 10), 0);
  EXPECT_TRUE(reader
                  .ScanListedRooms(std::nullopt,
                                   [](const RoomReader::ListedRoom& room) {
                                     ADD_FAILURE() << room.room_id;
                                     return true;
                                   })
                  .ok());
  const v1::RoomEvent event = Events().back();
  EXPECT_EQ(event.type(), "room.deleted");
  EXPECT_EQ(event.room_id(), room_id);
  EXPECT_EQ(event.audience(), kAudience);
  EXPECT_EQ(event.creator(), kAlice);
  EXPECT_EQ(event.room_deleted().room_id(), room_id);
}

TEST_F(DeleteRoomTest, NothingOfItIsLeftInTheStore) {
  const std::string other_id = NewRoom("#other:example.org");
  Append(other_id, {{.type = "m.space.child",
                     .state_key = "!child:example.org",
                     .sender = kAlice,
                     .content = {{"via", {"example.org"}}}}});
  const std::map<std::string, std::string> before = Records();
  const std::string room_id = NewFullRoom();
  ASSERT_EQ(TablesWith(room_id), "BCDEHKNRSUVY") << "whatever a room can have";
  ASSERT_NE(Records(), before);
  MustDelete(room_id);
  purger_.Purge(now_);
  EXPECT_EQ(TablesWith(room_id), "");
  EXPECT_EQ(Records(), before);
}

TEST_F(DeleteRoomTest, TheAliasIsFreeAtOnce) {
  MustDelete(NewFullRoom());
  const std::string room_id = NewFullRoom();
  EXPECT_EQ((*RoomReader(*store_).GetAlias(kAlias))->record.room_id(), room_id);
  purger_.Purge(now_);
  EXPECT_EQ((*RoomReader(*store_).GetAlias(kAlias))->record.room_id(), room_id);
}

TEST_F(DeleteRoomTest, APurgeTakesSmallCommitsAndGoesOnWhereAnotherDied) {
  const std::string room_id = NewFullRoom(2000);
  MustDelete(room_id);
  BeforeCommit(3, [] { throw Died(); });
  EXPECT_THROW(RoomPurger(engine_).Purge(now_), Died);
  EXPECT_TRUE(IsBeingPurged(room_id));
  EXPECT_NE(TablesWith(room_id), "");

  int commits = 0;
  engine_.SetHook([&](const storage::CommitRequest& request) {
    ++commits;
    EXPECT_LE(request.writes.size(), 1500u);
    EXPECT_THAT(request.log_entries, IsEmpty());
  });
  purger_.Purge(now_);
  engine_.SetHook(nullptr);
  EXPECT_GT(commits, 5);
  EXPECT_EQ(TablesWith(room_id), "");
}

TEST_F(DeleteRoomTest, APurgeStopsWhenItIsTold) {
  const std::string room_id = NewFullRoom(2000);
  MustDelete(room_id);
  int commits = 0;
  engine_.SetHook([&](const storage::CommitRequest&) {
    if (++commits == 2) purger_.Stop();
  });
  purger_.Purge(now_);
  purger_.Purge(now_);
  engine_.SetHook(nullptr);
  EXPECT_EQ(commits, 2);
  EXPECT_TRUE(IsBeingPurged(room_id));
  RoomPurger(engine_).Purge(now_);
  EXPECT_EQ(TablesWith(room_id), "");
}

TEST_F(DeleteRoomTest, WhatFailsIsTriedAgainLaterAndHoldsUpNoOther) {
  const std::vector<std::string> room_ids = {NewRoom(), NewRoom(), NewRoom()};
  const std::string damaged = *std::ranges::min_element(room_ids);  // the first to be purged
  const std::string key =
      storage::KeyBuilder(storage::Table::kState).Str(damaged).Str("m.space.child").Str("").Build();
  const auto set = [&](std::optional<std::string> value) {
    storage::CommitRequest request;
    request.writes.push_back({key, std::move(value)});
    ASSERT_TRUE(CommitAndWait(*store_, std::move(request)).status.ok());
  };
  for (const std::string& room_id : room_ids) MustDelete(room_id);
  set("damaged");
  purger_.Purge(now_);
  for (const std::string& room_id : room_ids) {
    EXPECT_EQ(IsBeingPurged(room_id), room_id == damaged);
  }
  set(std::nullopt);
  purger_.Purge(now_ + absl::Seconds(10) - absl::Microseconds(1));
  EXPECT_TRUE(IsBeingPurged(damaged));
  purger_.Purge(now_ + absl::Seconds(10));
  EXPECT_EQ(TablesWith(damaged), "");
}

TEST_F(DeleteRoomTest, OnlyWhatWasDeletedIsPurged) {
  const std::string room_id = NewRoom();
  storage::RoomCommit commit;
  storage::StagedRoomRecord import;
  import.set_instance("instance-1");
  commit.BeginStaging("!import:example.org", import);
  ASSERT_TRUE(CommitAndWait(engine_, commit.Take()).status.ok());
  const auto before = Records();
  purger_.Purge(now_);
  ASSERT_TRUE(PurgeRoom(engine_, "!import:example.org").ok());
  ASSERT_TRUE(PurgeRoom(engine_, room_id).ok());
  EXPECT_EQ(Records(), before);
}

// As a change of the store's keys does.
TEST_F(DeleteRoomTest, APurgeGoesOnThoughItsNoteWasWrittenAnew) {
  const std::string room_id = NewFullRoom();
  MustDelete(room_id);
  BeforeCommit(1, [&] {
    const std::string key = storage::KeyBuilder(storage::Table::kStagedRoom).Str(room_id).Build();
    storage::CommitRequest request;
    request.writes.push_back({key, (*store_->Get(key))->value});
    ASSERT_TRUE(CommitAndWait(*store_, std::move(request)).status.ok());
  });
  ASSERT_TRUE(PurgeRoom(engine_, room_id).ok());
  EXPECT_FALSE(IsBeingPurged(room_id));
  EXPECT_EQ(TablesWith(room_id), "");
}

TEST_F(DeleteRoomTest, WhatUpgradesLeftBehindIsDiscardedAndTheRestIsNot) {
  const std::string room_id = NewFullRoom();
  MustDelete(room_id);
  ASSERT_TRUE(DiscardAbandonedUpgrades(engine_).ok());
  EXPECT_TRUE(IsBeingPurged(room_id));
}

TEST_F(DeleteRoomTest, ARoomThatIsBeingUpgradedIsRefusedAtOnce) {
  const std::string room_id = NewRoom();
  LockAndDie(room_id, *upgrader_);
  const size_t events = Events().size();
  const auto turn = transactor_.WaitForTurn(room_id);  // the upgrade's
  const auto refused = Delete(DeletionOf(room_id));
  EXPECT_EQ(ReasonOf(refused.status()), v1::ERROR_REASON_ROOM_UPGRADE_IN_PROGRESS);
  EXPECT_TRUE(IsThere(room_id));
  EXPECT_THAT(Events(), SizeIs(events));
}

TEST_F(DeleteRoomTest, TakesItsTurnAtTheRoom) {
  const std::string room_id = NewRoom();
  std::optional<Transactor::Turn> turn = *transactor_.WaitForTurn(room_id);
  absl::Notification answered;
  transactor_.Run<v1::DeleteRoomResponse>(
      deleter_.Delete(DeletionOf(room_id)),
      [&](const absl::StatusOr<v1::DeleteRoomResponse>& deleted) {
        EXPECT_TRUE(deleted.ok()) << deleted.status();
        answered.Notify();
      });
  NewRoom();  // behind which everything that was committed before is there
  EXPECT_FALSE(answered.HasBeenNotified());
  EXPECT_TRUE(IsThere(room_id));
  turn.reset();
  answered.WaitForNotification();
  EXPECT_FALSE(IsThere(room_id));
}

TEST_F(DeleteRoomTest, ARoomThatWasReplacedGoesAndItsSuccessorStays) {
  const std::string old_id = NewRoom(kAlias);
  const auto upgraded = upgrader_->Upgrade(Command(old_id));
  ASSERT_TRUE(upgraded.ok()) << upgraded.status();
  const std::string& new_id = upgraded->room().room_id();
  MustDelete(old_id);
  purger_.Purge(now_);
  EXPECT_FALSE(IsThere(old_id));
  EXPECT_EQ(Room(new_id).predecessor_room_id(), old_id);
  EXPECT_EQ((*RoomReader(*store_).GetAlias(kAlias))->record.room_id(), new_id);
  UpgradeRoomCommand again = Command(new_id);
  again.new_version = "12";
  const auto next = upgrader_->Upgrade(again);
  EXPECT_TRUE(next.ok()) << next.status();
}

TEST_F(DeleteRoomTest, TheSecondTimeThereIsNoSuchRoomUnlessItIsTheSameRequest) {
  const std::string room_id = NewRoom();
  const auto deleted = Delete(DeletionOf(room_id, "request"));
  ASSERT_TRUE(deleted.ok()) << deleted.status();
  const auto repeated = Delete(DeletionOf(room_id, "request"));
  ASSERT_TRUE(repeated.ok()) << repeated.status();
  EXPECT_EQ(repeated->SerializeAsString(), deleted->SerializeAsString());
  for (const char* id : {"", "another"}) {
    EXPECT_EQ(ReasonOf(Delete(DeletionOf(room_id, id)).status()), v1::ERROR_REASON_ROOM_NOT_FOUND);
  }
  EXPECT_EQ(std::ranges::count(EventTypes(), "room.deleted"), 1);
}

TEST_F(DeleteRoomTest, OfAnotherAudienceItIsNotThere) {
  const std::string room_id = NewRoom();
  DeleteRoomCommand command = DeletionOf(room_id);
  command.may_know_of = AudienceScope::Of({"elsewhere"});
  EXPECT_EQ(ReasonOf(Delete(command).status()), v1::ERROR_REASON_ROOM_NOT_FOUND);
  EXPECT_TRUE(IsThere(room_id));
  command.may_know_of = AudienceScope::Of({kAudience});
  EXPECT_TRUE(Delete(command).ok());
}

TEST_F(DeleteRoomTest, WhatChangesMeanwhileIsDeletedToo) {
  const std::string room_id = NewFullRoom();
  BeforeCommit(1, [&] { TouchRoom(room_id); });
  const auto deleted = Delete(DeletionOf(room_id));
  ASSERT_TRUE(deleted.ok()) << deleted.status();
  EXPECT_EQ(deleted->room().revision(), 3);
  purger_.Purge(now_);
  EXPECT_EQ(TablesWith(room_id), "");
}

TEST_F(DeleteRoomTest, AWriteThatComesMeanwhileIsNotMade) {
  const std::string room_id = NewRoom();
  BeforeCommit(2, [&] { DeleteBehindTheBack(room_id); });  // the first is the lock
  const auto upgraded = upgrader_->Upgrade(Command(room_id));
  EXPECT_FALSE(upgraded.ok());
  EXPECT_FALSE(IsThere(room_id));
  EXPECT_EQ(EventTypes().back(), "room.deleted");
}

TEST_F(DeleteRoomTest, IsTheLastThatTheLogHasOfTheRoom) {
  const std::string room_id = NewRoom();
  UpgradeRoomCommand refused = Command(room_id);
  refused.new_version = "no version";
  BeforeCommit(1, [&] { DeleteBehindTheBack(room_id); });  // that of the refusal's event
  EXPECT_EQ(ReasonOf(upgrader_->Upgrade(refused).status()),
            v1::ERROR_REASON_ROOM_VERSION_UNSUPPORTED);
  EXPECT_EQ(EventTypes().back(), "room.deleted");
}

TEST_F(DeleteRoomTest, ARefusedUpgradeIsToldOfThoughTheRoomChanges) {
  const std::string room_id = NewRoom();
  UpgradeRoomCommand refused = Command(room_id);
  refused.new_version = "no version";
  BeforeCommit(1, [&] { TouchRoom(room_id); });
  EXPECT_FALSE(upgrader_->Upgrade(refused).ok());
  EXPECT_EQ(LastFailure(), v1::UPGRADE_FAILURE_REASON_VERSION_UNSUPPORTED);
}

TEST_F(DeleteRoomTest, AnExportThatIsUnderWayEnds) {
  const std::string room_id = NewRoom();
  const rooms::SigningKey key = {kServer, "ed25519:1", rooms::Ed25519Key(std::string(32, 'k'))};
  const RoomExporter exporter(engine_, key);
  v1::ExportRoomRequest request;
  request.set_room_id(room_id);
  RoomExport room_export = exporter.Begin(request, AudienceScope::All()).value();
  ASSERT_TRUE(room_export.Next().ok());  // the header
  MustDelete(room_id);
  EXPECT_EQ(ReasonOf(room_export.Next().status()), v1::ERROR_REASON_ROOM_NOT_FOUND);
}

}  // namespace
}  // namespace innkeeper::lifecycle
