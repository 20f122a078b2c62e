// What is special about rooms in a sealed store: each has a secret of its own, and nobody can
// read the room any more once that is destroyed.

#include <cstdint>
#include <filesystem>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "storage/room_secret_ids.h"
#include "storage/sealing/forget_rooms.h"
#include "storage/sealing/key_rotation.h"
#include "storage/sealing/value_sealer.h"
#include "tests/storage/sealing/sealing_fixture.h"
#include "tests/support/hooked_engine.h"

namespace innkeeper::storage {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

namespace fs = std::filesystem;

std::string RoomKey(const std::string& room) { return KeyBuilder(Table::kRoom).Str(room).Build(); }

std::string StateKey(const std::string& room, const std::string& name) {
  return KeyBuilder(Table::kState).Str(room).Str("m.room.member").Str(name).Build();
}

CommitRequest CreationOf(const std::string& room) {
  CommitRequest request;
  request.preconditions.push_back(Precondition::Absent(RoomKey(room)));
  request.writes.push_back({RoomKey(room), absl::StrCat("head of ", room)});
  request.writes.push_back({StateKey(room, "@alice"), absl::StrCat("alice in ", room)});
  return request;
}

class SealedRoomsTest : public SealingFixture {
 protected:
  void Create(const std::string& room) {
    const CommitResult result = CommitAndWait(engine(), CreationOf(room));
    ASSERT_TRUE(result.status.ok()) << result.status;
  }

  // The ids of the secrets that the room has, as the store notes them.
  std::vector<uint64_t> NotedSecrets(const std::string& room) {
    std::vector<uint64_t> ids;
    const std::string prefix = KeyBuilder(Table::kRoomKey).Str(room).Build();
    EXPECT_TRUE(engine()
                    .unsealed()
                    .NewSnapshot()
                    ->Scan(prefix, PrefixEnd(prefix),
                           [&](absl::string_view key, absl::string_view, Revision) {
                             KeyReader reader(key);
                             reader.Str();
                             ids.push_back(*reader.U64());
                             return true;
                           })
                    .ok());
    return ids;
  }

  absl::Status DestroySecrets(const std::string& room) {
    return engine().DestroyRoomSecrets(room, NotedSecrets(room));
  }

  // Destroys the room's secrets, and has the store itself be as old as before.
  void DestroySecretsBehindABackup(const std::string& room) {
    Close();
    Copy("store", "backup");
    Open("a");
    ASSERT_TRUE(DestroySecrets(room).ok());
    Close();
    Copy("backup", "store");
    Open("a");
  }

  // The ids of the secrets that the room's values are really sealed with.
  std::set<uint64_t> SecretsInUse(const std::string& room) {
    std::set<uint64_t> ids;
    EXPECT_TRUE(engine()
                    .unsealed()
                    .NewSnapshot()
                    ->Scan(absl::string_view("\0", 1), "\xFF",
                           [&](absl::string_view key, absl::string_view value, Revision) {
                             const auto id = SealingSecretId(value);
                             const std::string encoded = KeyBuilder(Table::kRoom).Str(room).Build();
                             if (id && RoomOf(key) == encoded.substr(1)) ids.insert(*id);
                             return true;
                           })
                    .ok());
    return ids;
  }

  // The keys, as they are stored, that have `room` in them.
  std::vector<std::string> KeysWith(const std::string& room) {
    std::vector<std::string> keys;
    EXPECT_TRUE(engine()
                    .unsealed()
                    .NewSnapshot()
                    ->Scan(absl::string_view("\0", 1), "\xFF",
                           [&](absl::string_view key, absl::string_view, Revision) {
                             if (absl::StrContains(key, room)) keys.emplace_back(key);
                             return true;
                           })
                    .ok());
    return keys;
  }

  std::vector<std::string> ValuesInScan(Table table) {
    std::vector<std::string> values;
    const std::string prefix = KeyBuilder(table).Build();
    const absl::Status scanned = engine().NewSnapshot()->Scan(
        prefix, PrefixEnd(prefix), [&](absl::string_view, absl::string_view value, Revision) {
          values.emplace_back(value);
          return true;
        });
    EXPECT_TRUE(scanned.ok()) << scanned;
    return values;
  }

  void Copy(const std::string& from, const std::string& to) {
    fs::remove_all(dir_.File(to));
    fs::copy(dir_.File(from), dir_.File(to), fs::copy_options::recursive);
  }
};

TEST_F(SealedRoomsTest, EachHasASecretOfItsOwn) {
  Create("!one");
  Create("!two");
  ASSERT_THAT(NotedSecrets("!one"), SizeIs(1));
  ASSERT_THAT(NotedSecrets("!two"), SizeIs(1));
  EXPECT_NE(NotedSecrets("!one"), NotedSecrets("!two"));
  EXPECT_THAT(SecretsInUse("!one"), ElementsAre(NotedSecrets("!one")[0]));
  EXPECT_EQ(Value(RoomKey("!one")), "head of !one");
  EXPECT_EQ(Value(StateKey("!two", "@alice")), "alice in !two");
}

TEST_F(SealedRoomsTest, KeepItWhenTheStoreIsOpenedAgain) {
  Create("!one");
  const auto noted = NotedSecrets("!one");
  Close();
  Open("a");
  EXPECT_EQ(Value(RoomKey("!one")), "head of !one");
  Put(engine(), StateKey("!one", "@bob"), "bob");
  EXPECT_EQ(NotedSecrets("!one"), noted);
  EXPECT_THAT(SecretsInUse("!one"), ElementsAre(noted[0]));
}

// What is kept is not opened again, which shows in that it is in the same place.
TEST_F(SealedRoomsTest, AreKeptOpenedWhileTheyAreRead) {
  const auto head = [&] {
    return engine().GetValues({RoomKey("!one")}, ReadTier::kAll).value()[0];
  };
  Create("!one");
  const auto first = head();
  EXPECT_EQ(*first, "head of !one");
  EXPECT_EQ(head(), first);
  Put(engine(), RoomKey("!two"), "another");
  EXPECT_EQ(head(), first);

  Put(engine(), RoomKey("!one"), "new head");
  const auto second = head();
  EXPECT_EQ(*second, "new head");
  EXPECT_EQ(head(), second);

  ASSERT_TRUE(DestroySecrets("!one").ok());
  EXPECT_EQ(head(), nullptr);
}

TEST_F(SealedRoomsTest, ReadAsIfTheyWereNotThereOnceItIsDestroyed) {
  Create("!one");
  Create("!two");
  ASSERT_TRUE(DestroySecrets("!one").ok());
  for (int run = 0; run < 2; ++run) {
    EXPECT_EQ(Value(RoomKey("!one")), "(none)");
    EXPECT_THAT(ValuesInScan(Table::kRoom), ElementsAre("head of !two"));
    EXPECT_THAT(ValuesInScan(Table::kState), ElementsAre("alice in !two"));
    const auto values =
        engine().NewSnapshot()->MultiGet({RoomKey("!one"), StateKey("!two", "@alice")});
    ASSERT_TRUE(values.ok()) << values.status();
    EXPECT_FALSE((*values)[0].has_value());
    EXPECT_TRUE((*values)[1].has_value());
    Close();
    Open("a");
  }
  EXPECT_TRUE(DestroySecrets("!one").ok());  // once more
  EXPECT_TRUE(engine().DestroyRoomSecrets("!never", {}).ok());
}

TEST_F(SealedRoomsTest, CantBeReadInABackupOnceItIsDestroyed) {
  Create("!one");
  Create("!two");
  Close();
  Copy("store", "backup");
  Copy("room-keys", "backup-of-room-keys");
  Open("a");
  ASSERT_TRUE(DestroySecrets("!one").ok());
  Close();

  Copy("backup", "store");
  Open("a");
  EXPECT_EQ(Value(RoomKey("!one")), "(none)");
  EXPECT_EQ(Value(StateKey("!one", "@alice")), "(none)");
  EXPECT_EQ(Value(RoomKey("!two")), "head of !two");
  Close();

  // With its secret the backup could be read: that is all that was missing.
  Copy("backup-of-room-keys", "room-keys");
  Open("a");
  EXPECT_EQ(Value(RoomKey("!one")), "head of !one");
}

TEST_F(SealedRoomsTest, AreForgottenByAStoreThatIsOlderThanTheirDeletion) {
  for (const std::string room : {"!one", "!two"}) {
    Create(room);
    const std::string alias = absl::StrCat("#alias of ", room);
    Put(engine(), KeyBuilder(Table::kAlias).Str(alias).Build(), room);
    Put(engine(), KeyBuilder(Table::kRoomAlias).Str(room).Str(alias).Build(), "");
    Put(engine(), KeyBuilder(Table::kListedRoom).U64(1).Str(room).Build(), "");
    Put(engine(), KeyBuilder(Table::kUserRoom).Str("@alice").Str(room).Build(), "join");
    Put(engine(), KeyBuilder(Table::kLockedRoom).Str(room).Build(), "");
  }
  DestroySecretsBehindABackup("!one");
  EXPECT_EQ(*ForgetDestroyedRooms(engine()), 1);
  EXPECT_EQ(*ForgetDestroyedRooms(engine()), 0);
  EXPECT_THAT(KeysWith("!one"), IsEmpty());
  EXPECT_THAT(KeysWith("!two"), SizeIs(7));
  EXPECT_EQ(Value(KeyBuilder(Table::kAlias).Str("#alias of !one").Build()), "(none)");
  EXPECT_EQ(Value(KeyBuilder(Table::kAlias).Str("#alias of !two").Build()), "!two");
  Create("!one");
  EXPECT_EQ(*ForgetDestroyedRooms(engine()), 0);
  EXPECT_EQ(Value(RoomKey("!one")), "head of !one");
}

TEST_F(SealedRoomsTest, KeepTheirRecordsThatNameAForgottenOne) {
  const auto link = [](const std::string& from, const std::string& to) {
    return KeyBuilder(Table::kLink).Str(to).Str(from).Str("m.space.child").Str(to).Build();
  };
  Create("!one");
  Create("!two");
  const std::vector<std::string> kept = {
      link("!two", "!one"),
      KeyBuilder(Table::kState).Str("!two").Str("!one").Str("").Build(),
      KeyBuilder(Table::kStateHistory).Str("!two").Str("!one").Str("").U64(1).Build(),
      KeyBuilder(Table::kEventId).Str("!two").Str("!one").U64(1).Build(),
      KeyBuilder(Table::kSetting).Str("!one").Build(),
      KeyBuilder(Table::kApproval).Str("!one").Build()};
  for (const std::string& key : kept) Put(engine(), key, "value");
  Put(engine(), link("!one", "!two"), "value");
  DestroySecretsBehindABackup("!one");
  EXPECT_EQ(*ForgetDestroyedRooms(engine()), 1);
  for (const std::string& key : kept) EXPECT_EQ(Value(key), "value") << DescribeKey(key);
  EXPECT_EQ(Value(link("!one", "!two")), "(none)");
}

TEST_F(SealedRoomsTest, GetAnotherOneIfTheyComeAgain) {
  Create("!one");
  const auto before = NotedSecrets("!one");
  ASSERT_TRUE(DestroySecrets("!one").ok());
  Put(engine(), StateKey("!one", "@bob"), "bob");
  EXPECT_EQ(Value(StateKey("!one", "@bob")), "bob");
  EXPECT_THAT(NotedSecrets("!one"), SizeIs(2));
  EXPECT_THAT(ValuesInScan(Table::kState), ElementsAre("bob"));
  // The second one goes, too.
  ASSERT_TRUE(DestroySecrets("!one").ok());
  EXPECT_THAT(ValuesInScan(Table::kState), IsEmpty());
}

// Whoever was just looking up the secret must not leave it to later writers.
TEST_F(SealedRoomsTest, GetAnotherOneAlsoIfItWasLookedUpWhenItWasDestroyed) {
  Create("!one");
  Close();
  const auto stored =
      SealedEngine::Open(OpenUnsealed("room-keys"), nullptr, Keys("s"), absl::Now());
  auto hooked = std::make_unique<HookedEngine>(**stored);
  HookedEngine& hooks = *hooked;
  auto secrets = RoomSecrets::Open(std::move(hooked));
  auto engine = *SealedEngine::Open(OpenUnsealed(), *std::move(secrets), Keys("a"), absl::Now());
  const auto noted = ReadRoomSecretIds(*engine->unsealed().NewSnapshot(),
                                       KeyBuilder(Table::kRoomKey).Str("!one").Build());
  ASSERT_TRUE(noted.ok()) << noted.status();
  hooks.SetSnapshotHook([&] { ASSERT_TRUE(engine->DestroyRoomSecrets("!one", *noted).ok()); });
  Put(*engine, StateKey("!one", "@bob"), "bob");
  Put(*engine, StateKey("!one", "@carol"), "carol");
  const auto carol =
      engine->unsealed().Get(engine->seal().names().SealKey(StateKey("!one", "@carol")));
  EXPECT_NE(SealingSecretId((*carol)->value), noted->front());
  EXPECT_FALSE((*engine->Get(StateKey("!one", "@bob"))).has_value());
}

TEST_F(SealedRoomsTest, ACommitThatFailsTakesNone) {
  Create("!one");
  EXPECT_TRUE(absl::IsAborted(CommitAndWait(engine(), CreationOf("!one")).status));
  EXPECT_THAT(NotedSecrets("!one"), SizeIs(1));
  // What it had drawn is another one's: they are drawn in the order of their ids, backwards.
  Create("!two");
  Create("!three");
  EXPECT_EQ(NotedSecrets("!two")[0], NotedSecrets("!one")[0] - 1);
  EXPECT_EQ(NotedSecrets("!three")[0], NotedSecrets("!one")[0] - 2);
}

TEST_F(SealedRoomsTest, EverySecretInUseIsNoted) {
  // Two commits on their way at once don't know of each other.
  CommitRequest first;
  first.writes.push_back({StateKey("!one", "@alice"), "alice"});
  CommitRequest second;
  second.writes.push_back({StateKey("!one", "@bob"), "bob"});
  engine().Commit(std::move(first), [](const CommitResult&) {});
  ASSERT_TRUE(CommitAndWait(engine(), std::move(second)).status.ok());
  const auto noted = NotedSecrets("!one");
  EXPECT_EQ(SecretsInUse("!one"), std::set<uint64_t>(noted.begin(), noted.end()));
  ASSERT_TRUE(DestroySecrets("!one").ok());
  EXPECT_THAT(ValuesInScan(Table::kState), IsEmpty());
}

TEST_F(SealedRoomsTest, TheirStoreOpensWithTheirSecretsOnly) {
  Create("!one");
  Close();
  for (const bool with_others : {false, true}) {
    const auto refused =
        SealedEngine::Open(OpenUnsealed(), with_others ? OpenSecrets("other-room-keys") : nullptr,
                           Keys("a"), absl::Now());
    EXPECT_TRUE(absl::IsFailedPrecondition(refused.status())) << refused.status();
    EXPECT_THAT(refused.status().message(), HasSubstr("secrets of its rooms"));
  }
  Open("a");
  EXPECT_EQ(Value(RoomKey("!one")), "head of !one");
}

TEST_F(SealedRoomsTest, NoticeEveryChangedByteOfAValue) {
  Create("!one");
  const std::string key = RoomKey("!one");
  const std::string kept = (*engine().unsealed().Get(key))->value;
  for (size_t i = 0; i < kept.size(); ++i) {
    std::string changed = kept;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    Put(engine().unsealed(), key, changed);
    EXPECT_TRUE(absl::IsDataLoss(engine().Get(key).status())) << i;
  }
}

TEST_F(SealedRoomsTest, KeepTheirSecretsWhenTheStoresKeysChange) {
  Create("!one");
  Create("!two");
  const auto noted = NotedSecrets("!one");
  ASSERT_TRUE(DestroySecrets("!two").ok());
  KeyRotation rotation(engine());
  ASSERT_TRUE(rotation.Rotate(Keys("ba"), absl::Now()).ok());
  const auto step = rotation.Continue(1000);
  ASSERT_TRUE(step.ok()) << step.status();
  EXPECT_TRUE(step->done);
  EXPECT_EQ(step->resealed, 2);  // what can still be read
  EXPECT_EQ(step->data_keys, 1);
  EXPECT_EQ(SealingKeyId((*engine().unsealed().Get(RoomKey("!one")))->value), 2);
  EXPECT_THAT(SecretsInUse("!one"), ElementsAre(noted[0]));
  EXPECT_EQ(Value(RoomKey("!one")), "head of !one");
  EXPECT_EQ(Value(RoomKey("!two")), "(none)");
}

}  // namespace
}  // namespace innkeeper::storage
