#include "server/lifecycle/import_room.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "google/rpc/error_details.pb.h"
#include "server/errors/errors.h"
#include "server/events/event_codec.h"
#include "server/lifecycle/export_room.h"
#include "server/lifecycle/room_edit.h"
#include "server/lifecycle/room_records.h"
#include "server/rooms/room_import.h"
#include "storage/room_store.h"
#include "tests/server/rooms/forked_room.h"
#include "tests/server/rooms/random_room.h"
#include "tests/server/rooms/signed_pdus.h"
#include "tests/server/rooms/violations.h"
#include "tests/support/hooked_engine.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_engine.h"

namespace innkeeper::lifecycle {
namespace {

using rooms::CanonicalJson;
using rooms::ForkedRoom;
using rooms::Json;
using rooms::kAlice;
using rooms::kBob;
using rooms::kCarol;
using rooms::KeyOf;
using rooms::SignedPdus;
using storage::RoomReader;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr char kServer[] = "a.example";

std::string RoomIdOf(const ForkedRoom& room) { return room.graph().event(0).room_id; }

v1::VerifyKey VerifyKeyOf(const std::string& server) {
  v1::VerifyKey key;
  key.set_server_name(server);
  key.set_key_id("ed25519:1");
  key.set_public_key(rooms::Base64(KeyOf(server).key.public_key()));
  return key;
}

v1::RoomImportHeader HeaderFor(const ForkedRoom& room) {
  v1::RoomImportHeader header;
  header.set_room_id(RoomIdOf(room));
  header.set_room_version(std::string(room.version().id));
  for (const char* server : {"a.example", "b.example", "c.example"}) {
    *header.add_verify_keys() = VerifyKeyOf(server);
  }
  return header;
}

v1::ImportRoomRequest Message(const v1::RoomImportHeader& header) {
  v1::ImportRoomRequest message;
  *message.mutable_header() = header;
  return message;
}

v1::ImportRoomRequest Message(const std::vector<std::string>& pdus) {
  v1::ImportRoomRequest message;
  message.mutable_events()->mutable_pdus()->Assign(pdus.begin(), pdus.end());
  return message;
}

// The store of the server a.example.
class ImportRoomTest : public testing::Test {
 protected:
  ImportRoomTest()
      : store_(storage::OpenTestEngine(dir_.File("data"))),
        engine_(*store_),
        clock_([this] { return now_; }),
        random_(SecureRandom()),
        key_(KeyOf(kServer)),
        importer_(engine_, clock_, key_, {}) {}

  absl::StatusOr<v1::ImportRoomResponse> Import(const v1::RoomImportHeader& header,
                                                const std::vector<std::string>& pdus) {
    RoomUpload upload = importer_.Begin();
    absl::Status taken = upload.Take(Message(header));
    if (taken.ok() && !pdus.empty()) taken = upload.Take(Message(pdus));
    if (!taken.ok()) return taken;
    return upload.Finish();
  }

  absl::StatusOr<v1::ImportRoomResponse> Import(const ForkedRoom& room) {
    return Import(HeaderFor(room), SignedPdus(room));
  }

  v1::ImportRoomResponse MustImport(const ForkedRoom& room) {
    auto response = Import(room);
    EXPECT_TRUE(response.ok()) << response.status();
    return *std::move(response);
  }

  storage::RoomRecord Room(const std::string& room_id) {
    return RoomReader(engine_).GetRoom(room_id)->value().record;
  }

  bool IsThere(const std::string& room_id) {
    return RoomReader(engine_).GetRoom(room_id)->has_value();
  }

  std::vector<std::string> Export(const std::string& room_id) { return Export(engine_, room_id); }

  std::vector<std::string> Export(const storage::Engine& engine, const std::string& room_id) {
    const RoomExporter exporter(engine, key_);
    v1::ExportRoomRequest request;
    request.set_room_id(room_id);
    RoomExport room_export = exporter.Begin(request, AudienceScope::All()).value();
    exported_header_ = room_export.Next()->value().header();
    std::vector<std::string> pdus;
    while (true) {
      auto next = room_export.Next();
      EXPECT_TRUE(next.ok()) << next.status();
      if (!next.ok() || !next->has_value()) return pdus;
      pdus.insert(pdus.end(), (*next)->events().pdus().begin(), (*next)->events().pdus().end());
    }
  }

  // The servers whose keys are in the header of the latest Export.
  std::vector<std::string> ExportedKeys() const {
    std::vector<std::string> servers;
    for (const auto& key : exported_header_.verify_keys()) servers.push_back(key.server_name());
    return servers;
  }

  // Writes into a room as its other use cases do.
  absl::Status Edit(storage::Engine& engine, const std::string& room_id,
                    const std::function<absl::Status(const RoomReader&, RoomEdit&)>& change) {
    const RoomReader reader(engine);
    RoomEdit edit(reader, reader.GetRoom(room_id)->value(), {clock_, random_, kServer});
    absl::Status status = change(reader, edit);
    if (!status.ok()) return status;
    storage::RoomCommit commit;
    status = edit.Stage(commit);
    if (!status.ok()) return status;
    return CommitAndWait(engine, commit.Take()).status;
  }

  absl::Status SetName(const std::string& room_id, const std::string& name) {
    return SetName(engine_, room_id, name);
  }

  absl::Status SetName(storage::Engine& engine, const std::string& room_id,
                       const std::string& name) {
    return Edit(engine, room_id, [&](const RoomReader&, RoomEdit& edit) {
      return edit.Append(
          {.type = "m.room.name", .state_key = "", .sender = kAlice, .content = {{"name", name}}});
    });
  }

  TempDir dir_;
  absl::Time now_ = absl::FromUnixSeconds(1'700'000'000);
  std::unique_ptr<storage::Engine> store_;
  storage::HookedEngine engine_;
  Clock clock_;
  RandomBytes random_;
  rooms::SigningKey key_;
  RoomImporter importer_;
  v1::RoomExportHeader exported_header_;
};

// Of RichRoom.
constexpr int64_t kRichEvents = 10;
constexpr size_t kRichState = 9;

// A room of all three servers, with something of what is found by a room's state.
ForkedRoom RichRoom(absl::string_view version) {
  ForkedRoom room(version);
  room.Begin();
  room.Join("JoinBob", kBob);
  room.Add("Child", {.sender = kAlice,
                     .type = "m.space.child",
                     .state_key = "!child:a.example",
                     .content = {{"via", {"a.example"}}}});
  room.Add("InviteCarol", {.sender = kAlice,
                           .type = "m.room.member",
                           .state_key = kCarol,
                           .content = {{"membership", "invite"}}});
  room.Add("Name", {.sender = kAlice, .type = "m.room.name", .content = {{"name", "Lobby"}}});
  room.Message("Hello", kBob);
  room.Topic("Topic", kAlice);
  return room;
}

class EveryVersionTest : public ImportRoomTest,
                         public testing::WithParamInterface<rooms::RoomVersion> {};

INSTANTIATE_TEST_SUITE_P(Versions, EveryVersionTest, testing::ValuesIn(rooms::AllRoomVersions()),
                         [](const auto& test) { return std::string(test.param.id); });

TEST_P(EveryVersionTest, TheRoomIsThereAsItWas) {
  const ForkedRoom room = RichRoom(GetParam().id);
  const std::string room_id = RoomIdOf(room);
  const v1::ImportRoomResponse response = MustImport(room);
  EXPECT_EQ(response.event_count(), kRichEvents);
  EXPECT_THAT(response.refused_events(), IsEmpty());
  EXPECT_THAT(response.unverified_servers(), IsEmpty());

  const storage::RoomRecord record = Room(room_id);
  EXPECT_EQ(response.room().SerializeAsString(), ToProto(record).SerializeAsString());
  EXPECT_EQ(record.room_id(), room_id);
  EXPECT_EQ(record.room_version(), GetParam().id);
  EXPECT_EQ(record.creator(), kAlice);
  EXPECT_EQ(record.status(), storage::ROOM_STATUS_RECORD_ACTIVE);
  EXPECT_EQ(record.revision(), 1);
  EXPECT_EQ(record.create_time_us(), room.graph().event(0).origin_server_ts * 1000);
  EXPECT_EQ(record.update_time_us(), absl::ToUnixMicros(now_));
  EXPECT_EQ(record.name(), "Lobby");
  EXPECT_EQ(record.topic(), "Topic");
  EXPECT_EQ(record.joined_member_count(), 2);
  EXPECT_EQ(record.invited_member_count(), 1);
  EXPECT_EQ(record.latest_event_number(), kRichEvents);
  EXPECT_EQ(record.depth(), room.graph().event(room.Index("Topic")).depth);
  EXPECT_EQ(record.latest_event().event_id(), room.graph().event(room.Index("Topic")).event_id);
  EXPECT_THAT(record.other_latest_events(), IsEmpty());

  const RoomReader reader(engine_);
  const rooms::RoomState state = LoadState(reader, record).value();
  EXPECT_EQ(state.size(), kRichState);
  for (const auto& [key, entry] : state) {
    const rooms::Event& event = room.graph().event(*room.graph().Find(entry.reference.event_id));
    EXPECT_EQ(entry.reference, ReferenceTo(room.version(), event));
    EXPECT_EQ(entry.content, event.content);
    EXPECT_EQ(entry.sender, event.sender);
    EXPECT_EQ(entry.origin_server_ts, event.origin_server_ts);
    const int64_t number = reader.GetEventNumber(room_id, event.event_id)->value();
    EXPECT_EQ(reader.GetEvent(room_id, number)->value().event_id(), event.event_id);
  }
}

TEST_P(EveryVersionTest, ItIsExportedToTheByteAsItCame) {
  const ForkedRoom room = RichRoom(GetParam().id);
  MustImport(room);
  EXPECT_EQ(Export(RoomIdOf(room)), SignedPdus(room));
  EXPECT_THAT(ExportedKeys(), ElementsAre("a.example", "b.example"));
}

TEST_P(EveryVersionTest, WhatIsWrittenLaterIsAcceptedByOthers) {
  const ForkedRoom room = RichRoom(GetParam().id);
  const std::string room_id = RoomIdOf(room);
  MustImport(room);
  ASSERT_EQ(SetName(room_id, "New name"), absl::OkStatus());
  rooms::RoomImport elsewhere(room.version(), room_id, rooms::KeysOf({"a.example", "b.example"}));
  for (const std::string& pdu : Export(room_id)) elsewhere.Add(pdu);
  const rooms::ImportedRoom imported = std::move(elsewhere).Finish().value();
  EXPECT_THAT(imported.refused, IsEmpty());
  EXPECT_EQ(imported.events.size(), kRichEvents + 1);
  EXPECT_EQ(StateContent(imported.state, "m.room.name")["name"], "New name");
  EXPECT_EQ(Room(room_id).revision(), 2);
}

TEST_F(ImportRoomTest, TheRoomIsFoundByItsMembersAndByRoomsThatItNames) {
  const ForkedRoom room = RichRoom("11");
  const std::string room_id = RoomIdOf(room);
  MustImport(room);
  const RoomReader reader(engine_);
  EXPECT_EQ(reader.GetRoomOfUser(room_id, kAlice)->user_room.value().membership(), "join");
  EXPECT_EQ(reader.GetRoomOfUser(room_id, kBob)->user_room.value().membership(), "join");
  EXPECT_EQ(reader.GetRoomOfUser(room_id, kCarol)->user_room.value().membership(), "invite");
  std::vector<std::string> links;
  ASSERT_TRUE(reader
                  .ScanLinks("!child:a.example",
                             [&](const std::string& from, const storage::StatePosition& position) {
                               links.push_back(absl::StrCat(from, " ", position.type));
                               return true;
                             })
                  .ok());
  EXPECT_THAT(links, ElementsAre(room_id + " m.space.child"));
  EXPECT_FALSE(reader.GetPendingInvite(room_id, kCarol)->has_value());
}

TEST_F(ImportRoomTest, OneEventOfTheStreamTellsOfIt) {
  const ForkedRoom room = RichRoom("9");
  MustImport(room);
  const auto entries = engine_.ReadLog(1, 100, 1 << 20);
  ASSERT_THAT(*entries, SizeIs(1));
  const v1::RoomEvent event = DecodeEvent(entries->front()).value();
  EXPECT_EQ(event.type(), "room.imported");
  EXPECT_EQ(event.room_id(), RoomIdOf(room));
  EXPECT_EQ(event.room_imported().room_version(), "9");
  EXPECT_EQ(event.room_imported().creator_id(), kAlice);
}

TEST_F(ImportRoomTest, WhatIsSaidOfTheRoomComesFromItsState) {
  ForkedRoom room("11");
  room.Add("Create", {.sender = kAlice,
                      .type = "m.room.create",
                      .content = {{"room_version", "11"},
                                  {"type", "m.space"},
                                  {"predecessor", {{"room_id", "!old:a.example"}}}}});
  room.Join("JoinAlice", kAlice);
  room.Add("Encryption", {.sender = kAlice,
                          .type = "m.room.encryption",
                          .content = {{"algorithm", "m.megolm.v1.aes-sha2"}}});
  room.Add("Alias", {.sender = kAlice,
                     .type = "m.room.canonical_alias",
                     .content = {{"alias", "#lobby:a.example"}}});
  const v1::Room imported = MustImport(room).room();
  EXPECT_EQ(imported.room_type(), "m.space");
  EXPECT_EQ(imported.predecessor_room_id(), "!old:a.example");
  EXPECT_EQ(imported.encryption_algorithm(), "m.megolm.v1.aes-sha2");
  EXPECT_EQ(imported.canonical_alias(), "#lobby:a.example");
  EXPECT_FALSE(imported.is_public());
  // The alias itself is no matter of events.
  EXPECT_FALSE(RoomReader(engine_).GetAlias("#lobby:a.example")->has_value());
}

TEST_F(ImportRoomTest, ARoomThatNamesItsSuccessorIsTombstoned) {
  const std::vector<std::pair<Json, std::string>> cases = {
      {{{"replacement_room", "!next:a.example"}}, "!next:a.example"},
      {Json::object(), ""},
      {{{"replacement_room", 1}}, ""},
      {{{"replacement_room", "next"}}, ""},
      {{{"replacement_room", "!room:a.example"}}, ""}};
  for (const auto& [content, successor] : cases) {
    SCOPED_TRACE(content.dump());
    ForkedRoom room("11");
    room.Begin();
    room.Add("Tombstone", {.sender = kAlice, .type = "m.room.tombstone", .content = content});
    v1::RoomImportHeader header = HeaderFor(room);
    header.set_validate_only(true);
    const v1::Room imported = Import(header, SignedPdus(room))->room();
    EXPECT_EQ(imported.successor_room_id(), successor);
    EXPECT_EQ(imported.status(),
              successor.empty() ? v1::ROOM_STATUS_ACTIVE : v1::ROOM_STATUS_TOMBSTONED);
  }
}

TEST_P(EveryVersionTest, TheNextEventBringsBranchesTogether) {
  ForkedRoom room(GetParam().id);
  room.Begin();
  room.Join("JoinBob", kBob);
  room.Message("Left", kBob, {"JoinBob"});
  room.Topic("Right", kAlice, {"JoinBob"});
  room.Message("RightAgain", kAlice, {"Right"});
  const std::string room_id = RoomIdOf(room);
  MustImport(room);
  const auto reference = [&](const char* name) {
    return ReferenceTo(room.version(), room.graph().event(room.Index(name)));
  };
  EXPECT_THAT(TipOf(Room(room_id)).latest_events,
              ElementsAre(reference("RightAgain"), reference("Left")));

  ASSERT_EQ(SetName(room_id, "One"), absl::OkStatus());
  ASSERT_EQ(SetName(room_id, "Two"), absl::OkStatus());
  const int64_t count = Room(room_id).latest_event_number();
  const RoomReader reader(engine_);
  const rooms::Event one = ToEvent(room_id, **reader.GetEvent(room_id, count - 1)).value();
  EXPECT_THAT(one.prev_events, ElementsAre(reference("RightAgain"), reference("Left")));
  EXPECT_EQ(one.depth, room.graph().event(room.Index("RightAgain")).depth + 1);
  const rooms::Event two = ToEvent(room_id, **reader.GetEvent(room_id, count)).value();
  ASSERT_THAT(two.prev_events, SizeIs(1));
  EXPECT_EQ(two.prev_events[0].event_id, one.event_id);
  EXPECT_THAT(TipOf(Room(room_id)).latest_events, SizeIs(1));

  // Others find it right.
  rooms::RoomImport elsewhere(room.version(), room_id, rooms::KeysOf({"a.example", "b.example"}));
  for (const std::string& pdu : Export(room_id)) elsewhere.Add(pdu);
  EXPECT_THAT(std::move(elsewhere).Finish()->refused, IsEmpty());
}

// What is written behind branches is judged by the state that they come to, here and
// elsewhere.
TEST_P(EveryVersionTest, RoomsThatBranchAtRandomGoOn) {
  int written = 0;
  for (uint32_t seed = 0; seed < 4; ++seed) {
    SCOPED_TRACE(seed);
    const rooms::RandomRoom random(GetParam().id, seed, 40);
    const ForkedRoom& room = random.room();
    const std::string room_id = RoomIdOf(room);
    const auto store = storage::OpenTestEngine(dir_.File(absl::StrCat("data", seed)));
    RoomImporter importer(*store, clock_, key_, {});
    RoomUpload upload = importer.Begin();
    ASSERT_EQ(upload.Take(Message(HeaderFor(room))), absl::OkStatus());
    ASSERT_EQ(upload.Take(Message(SignedPdus(room))), absl::OkStatus());
    const auto response = upload.Finish();
    ASSERT_EQ(response.status(), absl::OkStatus());
    EXPECT_THAT(response->refused_events(), IsEmpty());
    for (int i = 0; i < 3; ++i) written += SetName(*store, room_id, "New").ok() ? 1 : 0;

    rooms::RoomImport elsewhere(room.version(), room_id, {});
    for (const std::string& pdu : Export(*store, room_id)) elsewhere.Add(pdu);
    const rooms::ImportedRoom imported = std::move(elsewhere).Finish().value();
    EXPECT_THAT(imported.refused, IsEmpty());
    const RoomReader reader(*store);
    const rooms::RoomState state =
        LoadState(reader, reader.GetRoom(room_id)->value().record).value();
    ASSERT_EQ(state.size(), imported.state.size());
    for (const auto& [key, entry] : state) {
      EXPECT_EQ(entry.reference, imported.state.at(key).reference) << key.type << key.state_key;
    }
  }
  EXPECT_GT(written, 0);
}

TEST_F(ImportRoomTest, ARoomHasNoMoreBranchesThanOneEventBringsTogether) {
  ForkedRoom room("11");
  room.Begin();
  for (int i = 0; i < 20; ++i) room.Message(absl::StrCat("M", i), kAlice, {"JR"});
  const std::string room_id = RoomIdOf(room);
  MustImport(room);
  EXPECT_THAT(TipOf(Room(room_id)).latest_events, SizeIs(20));
  ASSERT_EQ(SetName(room_id, "Name"), absl::OkStatus());
  EXPECT_THAT(TipOf(Room(room_id)).latest_events, SizeIs(1));
}

TEST_F(ImportRoomTest, ARoomOfMoreBranchesIsRefused) {
  ForkedRoom room("11");
  room.Begin();
  for (int i = 0; i < 21; ++i) room.Message(absl::StrCat("M", i), kAlice, {"JR"});
  const absl::Status refused = Import(room).status();
  EXPECT_EQ(ReasonOf(refused), v1::ERROR_REASON_INVALID_REQUEST);
  EXPECT_THAT(rooms::Violations(refused),
              ElementsAre(HasSubstr("events.pdus: ends in 21 branches")));
  EXPECT_FALSE(IsThere(RoomIdOf(room)));
}

TEST_F(ImportRoomTest, WhatAnEventMayHaveIsKeptAndComesOutAgain) {
  ForkedRoom room("5");
  room.Begin();
  rooms::Event event = room.graph().event(room.Index("JR"));
  event.origin_server_ts = INT64_MIN;
  for (int i = 1; i < 64; ++i) event.content = {{"join_rule", "public"}, {"deep", event.content}};
  FinishEvent(room.version(), event);
  event.other_fields = {
      {"hashes", {{"sha256", rooms::Base64(event.content_hash)}, {"sha512", "aGFzaA"}}}};
  IdentifyEvent(room.version(), event);
  std::vector<std::string> pdus = SignedPdus(room);
  pdus.back() = CanonicalJson(SignedPdu(room.version(), event));
  const auto response = Import(HeaderFor(room), pdus);
  ASSERT_EQ(response.status(), absl::OkStatus());
  EXPECT_THAT(response->refused_events(), IsEmpty());
  EXPECT_EQ(Export(RoomIdOf(room)), pdus);
  const auto record = RoomReader(engine_).GetState(RoomIdOf(room), "m.room.join_rules", "");
  const v1::StateEvent shown = ToProto({"m.room.join_rules", ""}, **record).value();
  EXPECT_EQ(shown.origin_server_time().seconds(), -62'135'596'800);  // the first of year 1
}

TEST_F(ImportRoomTest, ARoomIsNoOlderThanTime) {
  ForkedRoom room("5");
  room.Add("Create", {.sender = kAlice,
                      .type = "m.room.create",
                      .content = {{"room_version", "5"}, {"creator", kAlice}},
                      .timestamp = INT64_MIN});
  EXPECT_EQ(MustImport(room).room().create_time().seconds(), 0);
}

TEST_F(ImportRoomTest, FieldsWithoutANameHereAndNumbersOfOldVersionsComeOutAgain) {
  ForkedRoom room("5");
  room.Begin();
  rooms::Event event = room.graph().event(room.Index("JR"));
  event.content["share"] = 0.5;
  event.content["huge"] = 18446744073709551615u;
  event.other_fields = {{"origin", "a.example"}, {"prev_state", Json::array()}, {"extra", 1e-7}};
  FinishEvent(room.version(), event);
  std::vector<std::string> pdus = SignedPdus(room);
  pdus.back() = CanonicalJson(SignedPdu(room.version(), event));
  ASSERT_EQ(Import(HeaderFor(room), pdus).status(), absl::OkStatus());
  EXPECT_EQ(Export(RoomIdOf(room)), pdus);
  const RoomReader reader(engine_);
  const auto record = reader.GetState(RoomIdOf(room), "m.room.join_rules", "");
  const v1::StateEvent shown = ToProto({"m.room.join_rules", ""}, **record).value();
  EXPECT_EQ(shown.content().fields().at("share").number_value(), 0.5);
}

TEST_F(ImportRoomTest, ARedactionHereLeavesWhatOthersSigned) {
  ForkedRoom room("9");
  room.Begin();
  room.Join("JoinBob", kBob);
  rooms::Event event = room.graph().event(room.Index("JoinBob"));
  event.content["displayname"] = "Abuse";
  event.other_fields = {{"origin", "b.example"}, {"extra", "Abuse"}};
  FinishEvent(room.version(), event);
  std::vector<std::string> pdus = SignedPdus(room);
  pdus.back() = CanonicalJson(SignedPdu(room.version(), event));
  ASSERT_EQ(Import(HeaderFor(room), pdus).status(), absl::OkStatus());

  const std::string room_id = RoomIdOf(room);
  ASSERT_EQ(Edit(engine_, room_id,
                 [&](const RoomReader& reader, RoomEdit& edit) {
                   absl::Status sent = edit.Append(
                       {.type = "m.room.redaction", .sender = kAlice, .redacts = event.event_id});
                   edit.Redact(5, **reader.GetEvent(room_id, 5));
                   return sent;
                 }),
            absl::OkStatus());
  const std::vector<std::string> exported = Export(room_id);
  for (const std::string& pdu : exported) EXPECT_THAT(pdu, testing::Not(HasSubstr("Abuse")));
  EXPECT_EQ(rooms::ParseJson(exported[4])->at("origin"), "b.example");
  rooms::RoomImport elsewhere(room.version(), room_id, rooms::KeysOf({"a.example", "b.example"}));
  for (const std::string& pdu : exported) elsewhere.Add(pdu);
  const rooms::ImportedRoom imported = std::move(elsewhere).Finish().value();
  ASSERT_THAT(imported.refused, IsEmpty());
  EXPECT_EQ(imported.events[4].event.event_id, event.event_id);
}

TEST_F(ImportRoomTest, ARedactionInTheExportIsKnownHere) {
  ForkedRoom room("11");
  room.Begin();
  room.Topic("Topic", kAlice);
  const std::string target = room.graph().event(room.Index("Topic")).event_id;
  room.Add("Redaction", {.sender = kAlice,
                         .type = "m.room.redaction",
                         .state_key = std::nullopt,
                         .content = {{"redacts", target}}});
  const v1::Room imported = MustImport(room).room();
  EXPECT_EQ(imported.topic(), "");
  const RoomReader reader(engine_);
  const storage::EventRecord record = reader.GetEvent(imported.room_id(), 5)->value();
  EXPECT_EQ(record.content(), "{}");
  EXPECT_EQ(record.redacted_by(), room.graph().event(room.Index("Redaction")).event_id);
  EXPECT_EQ(reader.GetState(imported.room_id(), "m.room.topic", "")->value().content(), "{}");
}

TEST_F(ImportRoomTest, OurOwnUsersEventsMustBeSigned) {
  ForkedRoom room("11");
  room.Begin();
  room.Message("Hello", kAlice);
  std::vector<std::string> pdus = SignedPdus(room);
  Json forged = rooms::ParseJson(pdus.back()).value();
  forged["signatures"] = Json::object();
  pdus.back() = CanonicalJson(forged);
  v1::RoomImportHeader header = HeaderFor(room);
  header.clear_verify_keys();
  const auto response = Import(header, pdus);
  ASSERT_EQ(response.status(), absl::OkStatus());
  ASSERT_EQ(response->refused_event_count(), 1);
  EXPECT_EQ(response->refused_events(0).position(), 4);
  EXPECT_EQ(response->refused_events(0).event_id(),
            room.graph().event(room.Index("Hello")).event_id);
  EXPECT_EQ(response->refused_events(0).reason(), "has no signature of a.example");
}

// The server lost its key, and has another one now.
TEST_F(ImportRoomTest, AnOldKeyOfOursIsTrustedIfItIsGivenAndOurEventsAreSignedAnew) {
  key_ = KeyOf("another seed");
  key_.server_name = kServer;
  key_.key_id = "ed25519:new";
  const ForkedRoom room = RichRoom("11");
  v1::RoomImportHeader header = HeaderFor(room);
  header.clear_verify_keys();
  EXPECT_EQ(ReasonOf(Import(header, SignedPdus(room)).status()), v1::ERROR_REASON_INVALID_REQUEST);

  ASSERT_EQ(Import(room).status(), absl::OkStatus());
  const std::vector<std::string> exported = Export(RoomIdOf(room));
  EXPECT_THAT(ExportedKeys(), ElementsAre("a.example", "b.example"));
  rooms::VerifyKeys keys = rooms::KeysOf({"b.example"});
  keys[kServer]["ed25519:new"] = key_.key.public_key();
  const std::vector<std::string> came = SignedPdus(room);
  for (size_t i = 0; i < exported.size(); ++i) {
    Json pdu = rooms::ParseJson(exported[i]).value();
    EXPECT_EQ(CheckEventSignatures(room.version(), pdu, keys), absl::OkStatus());
    // What came is still there.
    if (pdu["signatures"].contains(kServer)) pdu["signatures"][kServer].erase("ed25519:new");
    EXPECT_EQ(CanonicalJson(pdu), came[i]);
  }
}

TEST_F(ImportRoomTest, ServersWithoutKeysAreNamedAndTheirSignaturesKept) {
  const ForkedRoom room = RichRoom("11");
  v1::RoomImportHeader header = HeaderFor(room);
  header.clear_verify_keys();
  const auto response = Import(header, SignedPdus(room));
  ASSERT_EQ(response.status(), absl::OkStatus());
  EXPECT_THAT(response->unverified_servers(), ElementsAre("b.example"));
  EXPECT_EQ(Export(RoomIdOf(room)), SignedPdus(room));
  EXPECT_THAT(ExportedKeys(), ElementsAre("a.example"));
}

TEST_F(ImportRoomTest, ValidateOnlyWritesNothing) {
  const ForkedRoom room = RichRoom("11");
  engine_.SetHook([](const storage::CommitRequest&) { FAIL() << "something is written"; });
  v1::RoomImportHeader header = HeaderFor(room);
  header.set_validate_only(true);
  const auto preview = Import(header, SignedPdus(room));
  ASSERT_EQ(preview.status(), absl::OkStatus());
  EXPECT_FALSE(IsThere(RoomIdOf(room)));
  engine_.SetHook(nullptr);
  EXPECT_EQ(MustImport(room).SerializeAsString(), preview->SerializeAsString());
  EXPECT_EQ(ReasonOf(Import(header, SignedPdus(room)).status()), v1::ERROR_REASON_ROOM_EXISTS);
}

TEST_F(ImportRoomTest, TheRoomBelongsToTheAudienceOfTheHeader) {
  const ForkedRoom room = RichRoom("11");
  v1::RoomImportHeader header = HeaderFor(room);
  header.set_audience("tenant-7");
  header.set_validate_only(true);
  EXPECT_EQ(Import(header, SignedPdus(room))->room().audience(), "tenant-7");
  header.set_validate_only(false);
  EXPECT_EQ(Import(header, SignedPdus(room))->room().audience(), "tenant-7");
  auto log = engine_.ReadLog(1, 10, 1 << 20);
  ASSERT_TRUE(log.ok() && log->size() == 1);
  EXPECT_EQ(DecodeEvent(log->front())->audience(), "tenant-7");
  EXPECT_EQ(DecodeEvent(log->front())->creator(), rooms::kAlice);
}

TEST_F(ImportRoomTest, ARoomThatIsThereIsLeftAlone) {
  const ForkedRoom room = RichRoom("11");
  MustImport(room);
  RoomUpload upload = importer_.Begin();
  const absl::Status refused = upload.Take(Message(HeaderFor(room)));
  EXPECT_EQ(ReasonOf(refused), v1::ERROR_REASON_ROOM_EXISTS);
  EXPECT_EQ(refused.code(), absl::StatusCode::kAlreadyExists);
}

TEST_F(ImportRoomTest, OfTwoImportsAtOnceOneWins) {
  const ForkedRoom room = RichRoom("11");
  engine_.SetHook([&](const storage::CommitRequest&) {
    storage::RoomRecord other;
    other.set_room_id(RoomIdOf(room));
    other.set_name("Faster");
    storage::RoomCommit commit;
    commit.CreateRoom(other);
    ASSERT_TRUE(CommitAndWait(*store_, commit.Take()).status.ok());
  });
  EXPECT_EQ(ReasonOf(Import(room).status()), v1::ERROR_REASON_ROOM_EXISTS);
  EXPECT_EQ(Room(RoomIdOf(room)).name(), "Faster");
  EXPECT_FALSE(RoomReader(engine_).GetEvent(RoomIdOf(room), 1)->has_value());
}

TEST_F(ImportRoomTest, HeadersAreChecked) {
  const ForkedRoom room = RichRoom("11");
  using Spoil = std::function<void(v1::RoomImportHeader&)>;
  const std::vector<std::pair<Spoil, std::vector<std::string>>> cases = {
      {[](auto& header) { header.clear_room_id(); }, {"header.room_id"}},
      {[](auto& header) { header.set_room_id("room"); }, {"header.room_id"}},
      {[](auto& header) { header.set_event_count(-1); }, {"header.event_count"}},
      {[](auto& header) { header.set_audience("a b"); }, {"header.audience"}},
      {[](auto& header) { header.mutable_verify_keys(1)->set_server_name("a b"); },
       {"header.verify_keys[1].server_name"}},
      {[](auto& header) { header.mutable_verify_keys(0)->set_key_id("rsa:1"); },
       {"header.verify_keys[0].key_id"}},
      {[](auto& header) { header.mutable_verify_keys(0)->set_key_id("ed25519:a-1"); },
       {"header.verify_keys[0].key_id"}},
      {[](auto& header) { header.mutable_verify_keys(2)->clear_public_key(); },
       {"header.verify_keys[2].public_key"}},
      {[](auto& header) { header.mutable_verify_keys(2)->mutable_public_key()->append("="); },
       {"header.verify_keys[2].public_key"}},
      {[](auto& header) { header.mutable_verify_keys(2)->set_public_key("AAAA"); },
       {"header.verify_keys[2].public_key"}},
      {[](auto& header) { header.mutable_verify_keys(1)->set_server_name("a.example"); },
       {"header.verify_keys[1].key_id"}},
      {[](auto& header) {
         while (header.verify_keys_size() <= 1000) header.add_verify_keys();
       },
       {"header.verify_keys"}},
      {[](auto& header) {
         header.set_room_id("");
         header.set_event_count(-1);
       },
       {"header.room_id", "header.event_count"}}};
  for (const auto& [spoil, fields] : cases) {
    v1::RoomImportHeader header = HeaderFor(room);
    spoil(header);
    const absl::Status refused = importer_.Begin().Take(Message(header));
    EXPECT_EQ(ReasonOf(refused), v1::ERROR_REASON_INVALID_REQUEST);
    EXPECT_EQ(rooms::ViolatedFields(refused), fields);
  }
  v1::RoomImportHeader twice = HeaderFor(room);
  *twice.add_verify_keys() = twice.verify_keys(0);
  EXPECT_EQ(importer_.Begin().Take(Message(twice)), absl::OkStatus());
}

TEST_F(ImportRoomTest, AnUnsupportedVersionHidesNothingElse) {
  v1::RoomImportHeader header = HeaderFor(RichRoom("11"));
  header.set_room_version("13");
  header.set_room_id("");
  const absl::Status refused = importer_.Begin().Take(Message(header));
  EXPECT_EQ(ReasonOf(refused), v1::ERROR_REASON_ROOM_VERSION_UNSUPPORTED);
  EXPECT_THAT(rooms::ViolatedFields(refused), ElementsAre("header.room_id", "header.room_version"));
}

TEST_F(ImportRoomTest, MessagesComeInTheirOrder) {
  const ForkedRoom room = RichRoom("11");
  const v1::ImportRoomRequest header = Message(HeaderFor(room));
  const v1::ImportRoomRequest events = Message(SignedPdus(room));
  const auto fields = [&](const std::vector<v1::ImportRoomRequest>& messages) {
    RoomUpload upload = importer_.Begin();
    for (const auto& message : messages) {
      const absl::Status taken = upload.Take(message);
      if (!taken.ok()) return rooms::ViolatedFields(taken);
    }
    return rooms::ViolatedFields(upload.Finish().status());
  };
  EXPECT_THAT(fields({}), ElementsAre("header"));
  EXPECT_THAT(fields({events}), ElementsAre("header"));
  EXPECT_THAT(fields({{}}), ElementsAre("header"));
  EXPECT_THAT(fields({header, header}), ElementsAre("header"));
  EXPECT_THAT(fields({header, events, header}), ElementsAre("header"));
  EXPECT_THAT(fields({header, {}}), ElementsAre("events.pdus"));
  EXPECT_THAT(fields({header, Message(std::vector<std::string>())}), ElementsAre("events.pdus"));
  EXPECT_THAT(fields({header}), ElementsAre("events.pdus"));
  EXPECT_FALSE(IsThere(RoomIdOf(room)));
  EXPECT_THAT(fields({header, events}), IsEmpty());
}

TEST_F(ImportRoomTest, EventsThatMakeNoRoomAreRefused) {
  const ForkedRoom room = RichRoom("11");
  std::vector<std::string> pdus = SignedPdus(room);
  pdus.erase(pdus.begin());
  const absl::Status refused = Import(HeaderFor(room), pdus).status();
  EXPECT_EQ(ReasonOf(refused), v1::ERROR_REASON_INVALID_REQUEST);
  EXPECT_THAT(rooms::Violations(refused),
              ElementsAre(HasSubstr("events.pdus: has no m.room.create")));
}

TEST_F(ImportRoomTest, AnExportThatBrokeOffIsNotTakenForTheRoom) {
  const ForkedRoom room = RichRoom("11");
  std::vector<std::string> pdus = SignedPdus(room);
  v1::RoomImportHeader header = HeaderFor(room);
  header.set_event_count(static_cast<int64_t>(pdus.size()));
  pdus.pop_back();
  EXPECT_THAT(rooms::ViolatedFields(Import(header, pdus).status()),
              ElementsAre("header.event_count"));
  EXPECT_FALSE(IsThere(RoomIdOf(room)));
  EXPECT_EQ(Import(header, SignedPdus(room)).status(), absl::OkStatus());
}

TEST_F(ImportRoomTest, OfRefusedEventsTheFirstThousandAreListed) {
  const ForkedRoom room = RichRoom("11");
  std::vector<std::string> pdus(1500, "{}");
  for (const std::string& pdu : SignedPdus(room)) pdus.push_back(pdu);
  const auto response = Import(HeaderFor(room), pdus);
  ASSERT_EQ(response.status(), absl::OkStatus());
  EXPECT_EQ(response->event_count(), kRichEvents);
  EXPECT_EQ(response->refused_event_count(), 1500);
  ASSERT_EQ(response->refused_events_size(), 1000);
  EXPECT_EQ(response->refused_events(999).position(), 999);
  EXPECT_EQ(response->refused_events(999).event_id(), "");
  EXPECT_THAT(response->refused_events(999).reason(), HasSubstr("signatures"));
}

TEST_F(ImportRoomTest, TheSizeOfImportsIsLimited) {
  const ForkedRoom room = RichRoom("11");
  const std::vector<std::string> pdus = SignedPdus(room);
  size_t bytes = 0;
  for (const std::string& pdu : pdus) bytes += pdu.size() + RoomImporter::kEventOverhead;
  for (const size_t limit : {bytes, bytes - 1}) {
    RoomImporter importer(engine_, clock_, key_, {.max_bytes = limit});
    RoomUpload upload = importer.Begin();
    ASSERT_EQ(upload.Take(Message(HeaderFor(room))), absl::OkStatus());
    absl::Status taken;
    for (const std::string& pdu : pdus) {
      ASSERT_EQ(taken, absl::OkStatus());
      taken = upload.Take(Message(std::vector<std::string>{pdu}));
    }
    if (limit == bytes) {
      EXPECT_EQ(taken, absl::OkStatus());
    } else {
      EXPECT_EQ(ReasonOf(taken), v1::ERROR_REASON_INVALID_REQUEST);
      EXPECT_THAT(rooms::Violations(taken), ElementsAre(HasSubstr("max_import_bytes")));
    }
  }
}

TEST_F(ImportRoomTest, ImportsAtOnceShareTheLimit) {
  const ForkedRoom room = RichRoom("11");
  const std::vector<std::string> pdus = SignedPdus(room);
  RoomImporter importer(engine_, clock_, key_, {.max_bytes = 10'000});
  const auto fill = [&](RoomUpload& upload) {
    absl::Status status = upload.Take(Message(HeaderFor(room)));
    return status.ok() ? upload.Take(Message(pdus)) : status;
  };
  {
    RoomUpload slow = importer.Begin();
    ASSERT_EQ(fill(slow), absl::OkStatus());
    RoomUpload second = importer.Begin();
    const absl::Status refused = fill(second);
    EXPECT_EQ(ReasonOf(refused), v1::ERROR_REASON_OVERLOADED);
    EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
  }
  RoomUpload third = importer.Begin();
  EXPECT_EQ(fill(third), absl::OkStatus());
}

}  // namespace
}  // namespace innkeeper::lifecycle
