#include "server/lifecycle/export_room.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/base/executor.h"
#include "server/errors/errors.h"
#include "server/lifecycle/create_room.h"
#include "server/lifecycle/room_records.h"
#include "server/lifecycle/transaction.h"
#include "server/rooms/event.h"
#include "storage/keys.h"
#include "storage/room_store.h"
#include "tests/support/people.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_engine.h"

namespace innkeeper::lifecycle {
namespace {

using testing::AllOf;
using testing::Each;
using testing::Ge;
using testing::Le;
using testing::SizeIs;

class ExportRoomTest : public testing::Test {
 protected:
  ExportRoomTest()
      : engine_(storage::OpenTestEngine(dir_.File("data"))),
        clock_(SystemClock()),
        random_(SecureRandom()),
        executor_(1, 10),
        transactor_(*engine_, executor_, clock_, {.request_retention = absl::Hours(24)}),
        creator_(clock_, random_, {.server_name = "example.org"}),
        key_{"example.org", "ed25519:a_1", rooms::Ed25519Key(std::string(32, 'k'))},
        exporter_(*engine_, key_) {}

  // A room with `entries` state events beside its own, each about as long as `bytes`.
  storage::RoomRecord NewRoom(int entries, size_t bytes) {
    CreateRoomCommand command;
    command.spec.creator = kAlice;
    command.spec.version = rooms::FindRoomVersion("11");
    for (int i = 0; i < entries; ++i) {
      command.spec.initial_state.push_back(
          {"org.example.x", absl::StrCat(i), {{"text", std::string(bytes, 'x')}}});
    }
    auto created = transactor_.RunAndWait(creator_.Create(std::move(command)));
    EXPECT_TRUE(created.ok()) << created.status();
    return Room(created->room().room_id());
  }

  storage::RoomRecord Room(const std::string& room_id) {
    return storage::RoomReader(*engine_).GetRoom(room_id)->value().record;
  }

  // The keys and values that hold the room's events.
  std::vector<std::pair<std::string, std::string>> EventRecords(const std::string& room_id) {
    const std::string prefix = storage::KeyBuilder(storage::Table::kEvent).Str(room_id).Build();
    std::vector<std::pair<std::string, std::string>> records;
    const absl::Status scanned = engine_->NewSnapshot()->Scan(
        prefix, storage::PrefixEnd(prefix),
        [&](absl::string_view key, absl::string_view value, storage::Revision) {
          records.emplace_back(key, value);
          return true;
        });
    EXPECT_TRUE(scanned.ok()) << scanned;
    return records;
  }

  static v1::ExportRoomRequest Request(const std::string& room_id,
                                       const std::string& requester = "") {
    v1::ExportRoomRequest request;
    request.set_room_id(room_id);
    request.set_requester(requester);
    return request;
  }

  RoomExport Begin(const std::string& room_id) {
    auto begun = exporter_.Begin(Request(room_id), AudienceScope::All());
    EXPECT_TRUE(begun.ok()) << begun.status();
    return *std::move(begun);
  }

  // The messages behind the header.
  static std::vector<v1::ExportedEvents> Batches(RoomExport& room_export) {
    EXPECT_TRUE(room_export.Next()->value().has_header());
    std::vector<v1::ExportedEvents> batches;
    while (true) {
      auto next = room_export.Next();
      EXPECT_TRUE(next.ok()) << next.status();
      if (!next.ok() || !next->has_value()) return batches;
      batches.push_back((*next)->events());
    }
  }

  // The numbers that the events' place in the room gave them.
  static std::vector<int64_t> Depths(const std::vector<v1::ExportedEvents>& batches) {
    std::vector<int64_t> depths;
    for (const auto& batch : batches) {
      for (const auto& pdu : batch.pdus()) depths.push_back((*rooms::ParseJson(pdu))["depth"]);
    }
    return depths;
  }

  static std::vector<int64_t> UpTo(int64_t count) {
    std::vector<int64_t> numbers;
    for (int64_t number = 1; number <= count; ++number) numbers.push_back(number);
    return numbers;
  }

  TempDir dir_;
  std::unique_ptr<storage::Engine> engine_;
  Clock clock_;
  RandomBytes random_;
  Executor executor_;
  Transactor transactor_;
  RoomCreator creator_;
  rooms::SigningKey key_;
  RoomExporter exporter_;
};

TEST_F(ExportRoomTest, BeginsWithWhatItTakesToCheckTheRest) {
  const storage::RoomRecord room = NewRoom(3, 10);
  RoomExport room_export = Begin(room.room_id());
  const auto first = room_export.Next();
  ASSERT_TRUE(first.ok() && *first && (*first)->has_header());
  const v1::RoomExportHeader& header = (*first)->header();
  EXPECT_EQ(header.room_id(), room.room_id());
  EXPECT_EQ(header.room_version(), "11");
  EXPECT_EQ(header.event_count(), room.latest_event_number());
  ASSERT_EQ(header.verify_keys_size(), 1);
  EXPECT_EQ(header.verify_keys(0).server_name(), "example.org");
  EXPECT_EQ(header.verify_keys(0).key_id(), "ed25519:a_1");
  EXPECT_EQ(header.verify_keys(0).public_key(), rooms::Base64(key_.key.public_key()));
}

TEST_F(ExportRoomTest, GivesEveryEventOnceInOrderSignedAndCanonical) {
  const storage::RoomRecord room = NewRoom(250, 10);
  RoomExport room_export = Begin(room.room_id());
  const auto batches = Batches(room_export);
  EXPECT_THAT(batches, SizeIs(3));
  EXPECT_EQ(Depths(batches), UpTo(room.latest_event_number()));
  for (const auto& batch : batches) {
    for (const auto& text : batch.pdus()) {
      const rooms::Json pdu = rooms::ParseJson(text).value();
      EXPECT_EQ(rooms::CanonicalJson(pdu), text);
      const absl::Status checked =
          rooms::CheckEventSignatures(*rooms::FindRoomVersion("11"), pdu,
                                      {{"example.org", {{"ed25519:a_1", key_.key.public_key()}}}});
      EXPECT_TRUE(checked.ok()) << checked;
    }
  }
  EXPECT_FALSE(room_export.Next()->has_value());
}

TEST_F(ExportRoomTest, AMessageHasLittleMoreThanItsShareOfBytes) {
  const storage::RoomRecord room = NewRoom(60, 20'000);
  RoomExport room_export = Begin(room.room_id());
  auto batches = Batches(room_export);
  EXPECT_EQ(Depths(batches), UpTo(room.latest_event_number()));
  std::vector<size_t> sizes;
  sizes.reserve(batches.size());
  for (const auto& batch : batches) sizes.push_back(batch.ByteSizeLong());
  sizes.pop_back();
  EXPECT_THAT(sizes, AllOf(SizeIs(Ge(3u)), Each(Ge(200'000u)), Each(Le(350'000u))));
}

TEST_F(ExportRoomTest, WhatIsWrittenMeanwhileIsLeftOut) {
  const storage::RoomRecord room = NewRoom(150, 10);
  RoomExport room_export = Begin(room.room_id());
  ASSERT_TRUE(room_export.Next()->has_value());
  const auto first = room_export.Next();
  ASSERT_TRUE(first.ok() && *first);

  storage::RoomCommit commit;
  storage::EventRecord later;
  later.set_content("{}");
  commit.PutEvent(room.room_id(), room.latest_event_number() + 1, later);
  ASSERT_TRUE(CommitAndWait(*engine_, commit.Take()).status.ok());
  const auto second = room_export.Next();
  ASSERT_TRUE(second.ok() && *second);
  EXPECT_EQ(Depths({(*first)->events(), (*second)->events()}), UpTo(room.latest_event_number()));
  EXPECT_FALSE(room_export.Next()->has_value());
}

TEST_F(ExportRoomTest, HoldsNothingOfTheStoreBetweenPieces) {
  const storage::RoomRecord room = NewRoom(150, 10);
  RoomExport room_export = Begin(room.room_id());
  ASSERT_TRUE(room_export.Next()->has_value());
  ASSERT_TRUE(room_export.Next()->has_value());
  EXPECT_TRUE(engine_->Close().ok()) << "a snapshot is left";
}

TEST_F(ExportRoomTest, AGapIsAnErrorAndNotTheEnd) {
  const storage::RoomRecord room = NewRoom(10, 20'000);
  const auto records = EventRecords(room.room_id());
  ASSERT_GE(records.size(), 10u);
  for (const auto& [key, value] : {records.front(), records[5], records.back()}) {
    ASSERT_TRUE(CommitAndWait(*engine_, {.preconditions = {}, .writes = {{key, std::nullopt}}})
                    .status.ok());
    RoomExport room_export = Begin(room.room_id());
    absl::Status status;
    while (status.ok()) {
      auto next = room_export.Next();
      status = next.status();
      ASSERT_TRUE(!next.ok() || next->has_value()) << "it ended well without a record";
    }
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
    ASSERT_TRUE(
        CommitAndWait(*engine_, {.preconditions = {}, .writes = {{key, value}}}).status.ok());
  }
}

TEST_F(ExportRoomTest, ForMembersAndReadersOfEverything) {
  const std::string room_id = NewRoom(0, 0).room_id();
  EXPECT_TRUE(exporter_.Begin(Request(room_id, kAlice), AudienceScope::Nothing()).ok());
  for (const v1::ExportRoomRequest& request :
       {Request(room_id, "@mallory:example.org"), Request("!none:example.org"),
        Request("!none:example.org", kAlice)}) {
    EXPECT_EQ(ReasonOf(exporter_.Begin(request, AudienceScope::Nothing()).status()),
              v1::ERROR_REASON_ROOM_NOT_FOUND);
  }
}

}  // namespace
}  // namespace innkeeper::lifecycle
