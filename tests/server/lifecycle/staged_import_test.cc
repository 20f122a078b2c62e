#include "server/lifecycle/staged_import.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "server/errors/errors.h"
#include "server/lifecycle/export_room.h"
#include "server/lifecycle/import_room.h"
#include "server/lifecycle/purge_rooms.h"
#include "server/lifecycle/room_erasure.h"
#include "storage/room_store.h"
#include "tests/server/rooms/forked_room.h"
#include "tests/server/rooms/signed_pdus.h"
#include "tests/support/hooked_engine.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_engine.h"

namespace innkeeper::lifecycle {
namespace {

using rooms::ForkedRoom;
using rooms::kAlice;
using rooms::kBob;
using rooms::KeyOf;
using storage::RoomReader;
using testing::IsEmpty;
using testing::SizeIs;

constexpr int kMessages = 120;
// The commits of an import are its parts and the last one. There are several parts before
// and behind this.
constexpr int kInTheMiddle = 3;

// A room of two servers that takes several parts.
ForkedRoom LargeRoom(absl::string_view version) {
  ForkedRoom room(version);
  room.Begin();
  room.Join("JoinBob", kBob);
  room.Add("Child", {.sender = kAlice,
                     .type = "m.space.child",
                     .state_key = "!child:a.example",
                     .content = {{"via", {"a.example"}}}});
  for (int i = 0; i < kMessages; ++i) {
    room.Add(absl::StrCat("Message", i),
             {.sender = kBob,
              .type = "m.room.message",
              .state_key = std::nullopt,
              .content = {{"msgtype", "m.text"}, {"body", std::string(5000, 'x')}}});
  }
  room.Topic("Topic", kAlice);
  return room;
}

// The store of the server a.example, and a room that it does not have.
class StagedImportTest : public testing::Test {
 protected:
  StagedImportTest()
      : store_(storage::OpenTestEngine(dir_.File("data"))),
        engine_(*store_),
        clock_([this] { return now_; }),
        importer_(MakeImporter("instance-1")) {}

  std::unique_ptr<RoomImporter> MakeImporter(const std::string& instance) {
    return std::make_unique<RoomImporter>(
        engine_, clock_, key_,
        RoomImporter::Options{.staging = {.instance_name = instance, .lease = absl::Seconds(30)}});
  }

  // Imports the room, or what comes of its first events.
  absl::Status Import(size_t first = SIZE_MAX) {
    v1::ImportRoomRequest header;
    header.mutable_header()->set_room_id(room_id_);
    header.mutable_header()->set_room_version(std::string(room_.version().id));
    for (const char* server : {"a.example", "b.example"}) {
      v1::VerifyKey& key = *header.mutable_header()->add_verify_keys();
      key.set_server_name(server);
      key.set_key_id("ed25519:1");
      key.set_public_key(rooms::Base64(KeyOf(server).key.public_key()));
    }
    v1::ImportRoomRequest events;
    for (size_t i = 0; i < std::min(first, pdus_.size()); ++i) {
      events.mutable_events()->add_pdus(pdus_[i]);
    }
    RoomUpload upload = importer_->Begin();
    for (const v1::ImportRoomRequest& message : {header, events}) {
      absl::Status taken = upload.Take(message);
      if (!taken.ok()) return taken;
    }
    return upload.Finish().status();
  }

  bool IsThere() { return RoomReader(*store_).GetRoom(room_id_)->has_value(); }

  // The PDUs of the room as it stands in the store.
  std::vector<std::string> Export() {
    const RoomExporter exporter(engine_, key_);
    v1::ExportRoomRequest request;
    request.set_room_id(room_id_);
    RoomExport room_export = exporter.Begin(request, AudienceScope::All()).value();
    std::vector<std::string> pdus;
    while (true) {
      auto next = room_export.Next();
      if (!next.ok() || !next->has_value()) return pdus;
      pdus.insert(pdus.end(), (*next)->events().pdus().begin(), (*next)->events().pdus().end());
    }
  }

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

  // Calls `act` before the `number`th commit from now on.
  template <typename Act>
  void BeforeCommit(int number, Act act) {
    engine_.SetHook([this, number, act](const storage::CommitRequest&) mutable {
      if (--number > 0) return;
      engine_.SetHook(nullptr);
      act();
    });
  }

  // Leaves parts behind, as a process would that dies in the middle.
  void Die() {
    struct Died {};
    BeforeCommit(kInTheMiddle, [] { throw Died(); });
    EXPECT_THROW(Import().IgnoreError(), Died);
    ASSERT_THAT(Records(), testing::Not(IsEmpty()));
  }

  TempDir dir_;
  absl::Time now_ = absl::FromUnixSeconds(1'700'000'000);
  const std::unique_ptr<storage::Engine> store_;
  storage::HookedEngine engine_;
  const Clock clock_;
  const rooms::SigningKey key_ = KeyOf("a.example");
  const std::unique_ptr<RoomImporter> importer_;
  const ForkedRoom room_ = LargeRoom("11");
  const std::string room_id_ = room_.graph().event(0).room_id;
  const std::vector<std::string> pdus_ = rooms::SignedPdus(room_);
};

TEST_F(StagedImportTest, NobodySeesTheRoomBeforeItIsWhole) {
  std::vector<size_t> sizes;
  engine_.SetHook([&](const storage::CommitRequest& request) {
    EXPECT_FALSE(IsThere());
    EXPECT_EQ(store_->log_bounds().head, 0u);
    size_t size = 0;
    for (const storage::Write& write : request.writes) size += write.value.value_or("").size();
    sizes.push_back(size);
  });
  const absl::Status imported = Import();
  engine_.SetHook(nullptr);
  ASSERT_TRUE(imported.ok()) << imported;
  EXPECT_GT(sizes.size(), size_t{kInTheMiddle + 1});
  for (const size_t size : sizes) EXPECT_LT(size, size_t{150} << 10);
  EXPECT_EQ(store_->log_bounds().head, 1u);
  EXPECT_EQ(Export(), pdus_);

  const RoomReader reader(*store_);
  EXPECT_EQ((*reader.GetRoom(room_id_))->record.topic(), "Topic");
  EXPECT_TRUE((*reader.GetRoomOfUser(room_id_, kBob)).user_room.has_value());
  EXPECT_TRUE(reader
                  .ScanStagedRooms([](const std::string& room_id, const auto&) {
                    ADD_FAILURE() << room_id;
                    return true;
                  })
                  .ok());
}

TEST_F(StagedImportTest, DiesAndTheNextStartLeavesNothing) {
  Die();
  ASSERT_TRUE(MakeImporter("instance-1")->RecoverOwn().ok());
  EXPECT_THAT(Records(), IsEmpty());
  EXPECT_TRUE(Import().ok());
  EXPECT_EQ(Export(), pdus_);
}

TEST_F(StagedImportTest, OthersWaitForTheLease) {
  Die();
  const auto other = MakeImporter("instance-2");
  now_ += absl::Seconds(30) - absl::Microseconds(1);
  ASSERT_TRUE(other->RecoverOwn().ok() && other->RecoverExpired().ok());
  EXPECT_EQ(ReasonOf(Import()), v1::ERROR_REASON_ROOM_EXISTS);
  now_ += absl::Microseconds(1);
  ASSERT_TRUE(other->RecoverExpired().ok());
  EXPECT_THAT(Records(), IsEmpty());
  EXPECT_TRUE(Import().ok());
}

TEST_F(StagedImportTest, KeepsItsLeaseWhileItGoesOn) {
  const auto other = MakeImporter("instance-2");
  engine_.SetHook([&](const storage::CommitRequest&) {
    now_ += absl::Seconds(10);  // of a lease of 30
    ASSERT_TRUE(other->RecoverExpired().ok());
  });
  EXPECT_TRUE(Import().ok());
}

TEST_F(StagedImportTest, OneThatIsTakenForDeadWritesNothingMore) {
  BeforeCommit(kInTheMiddle, [&] {
    now_ += absl::Seconds(31);
    ASSERT_TRUE(MakeImporter("instance-2")->RecoverExpired().ok());
    EXPECT_THAT(Records(), IsEmpty());
  });
  EXPECT_EQ(ReasonOf(Import()), v1::ERROR_REASON_CONFLICT);
  EXPECT_THAT(Records(), IsEmpty());
}

TEST_F(StagedImportTest, OneThatIsTakenForDeadLeavesItsSuccessorAlone) {
  BeforeCommit(kInTheMiddle, [&] {
    now_ += absl::Seconds(31);
    ASSERT_TRUE(MakeImporter("instance-2")->RecoverExpired().ok());
    ASSERT_TRUE(Import().ok());
  });
  EXPECT_EQ(ReasonOf(Import()), v1::ERROR_REASON_CONFLICT);
  EXPECT_EQ(Export(), pdus_);
}

TEST_F(StagedImportTest, OneThatCannotEndLeavesNothing) {
  std::map<std::string, std::string> records_of_others;
  engine_.SetHook([&](const storage::CommitRequest& request) {
    const bool is_last = !request.log_entries.empty();
    if (!is_last) return;
    engine_.SetHook(nullptr);
    const auto before = Records();
    storage::RoomRecord room;
    room.set_room_id(room_id_);
    storage::RoomCommit commit;
    commit.CreateRoom(room);
    ASSERT_TRUE(CommitAndWait(*store_, commit.Take()).status.ok());
    for (const auto& record : Records()) {
      if (!before.contains(record.first)) records_of_others.insert(record);
    }
  });
  EXPECT_EQ(ReasonOf(Import()), v1::ERROR_REASON_CONFLICT);
  EXPECT_THAT(records_of_others, SizeIs(1));
  EXPECT_EQ(Records(), records_of_others);
}

// Deletes the room, of which everything is left then.
storage::Revision Delete(storage::Engine& engine, const std::string& room_id) {
  const auto room = RoomReader(engine).GetRoom(room_id);
  storage::RoomCommit commit;
  commit.DeleteRoom((*room)->record, (*room)->revision);
  const storage::CommitResult result = CommitAndWait(engine, commit.Take());
  EXPECT_TRUE(result.status.ok()) << result.status;
  return result.revision;
}

TEST_F(StagedImportTest, ARoomThatWasDeletedIsPurgedFirst) {
  ASSERT_TRUE(Import().ok());
  const auto as_imported = Records();
  Delete(*store_, room_id_);
  ASSERT_TRUE(Import().ok());
  EXPECT_EQ(Records(), as_imported);
  EXPECT_EQ(Export(), pdus_);
}

TEST_F(StagedImportTest, APurgeThatIsLateLeavesTheNewRoomAlone) {
  ASSERT_TRUE(Import().ok());
  RoomErasure late(*store_, room_id_, Delete(*store_, room_id_));
  ASSERT_TRUE(late.EraseSome().ok());
  ASSERT_TRUE(Import().ok());
  EXPECT_TRUE(absl::IsAborted(late.EraseSome().status()));
  EXPECT_EQ(Export(), pdus_);

  // Also while it is being imported.
  RoomErasure later(*store_, room_id_, Delete(*store_, room_id_));
  BeforeCommit(5, [&] { EXPECT_TRUE(absl::IsAborted(later.EraseSome().status())); });
  ASSERT_TRUE(Import().ok());
  EXPECT_EQ(Export(), pdus_);
}

TEST_F(StagedImportTest, OthersMayFinishThePurge) {
  ASSERT_TRUE(Import().ok());
  Delete(*store_, room_id_);
  BeforeCommit(1, [&] { RoomPurger(*store_).Purge(now_); });  // the first of the import's purge
  ASSERT_TRUE(Import().ok());
  EXPECT_EQ(Export(), pdus_);
}

TEST_F(StagedImportTest, ARoomThatIsBeingPurgedIsNoDeadImport) {
  ASSERT_TRUE(Import().ok());
  Delete(*store_, room_id_);
  const auto before = Records();
  now_ += absl::Hours(1);
  ASSERT_TRUE(MakeImporter("")->RecoverOwn().ok());
  ASSERT_TRUE(MakeImporter("instance-2")->RecoverExpired().ok());
  EXPECT_EQ(Records(), before);
}

TEST_F(StagedImportTest, ASmallImportOfTheSameRoomDoesNotGetInBetween) {
  BeforeCommit(kInTheMiddle, [&] { EXPECT_EQ(ReasonOf(Import(5)), v1::ERROR_REASON_ROOM_EXISTS); });
  ASSERT_TRUE(Import().ok());
  EXPECT_EQ(Export(), pdus_);
}

}  // namespace
}  // namespace innkeeper::lifecycle
