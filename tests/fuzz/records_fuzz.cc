// What stands on the disk. The first byte of an input is the length of a key; the key and what
// stands under it follow. With 0 the second byte names another place where bytes are kept. Damage
// must be told, and what is no damage must be written as it was read.

#include <glog/logging.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "google/protobuf/stubs/logging.h"
#include "server/events/event_codec.h"
#include "storage/audit_chain.h"
#include "storage/engine.h"
#include "storage/keys.h"
#include "storage/log_epochs.h"
#include "storage/record_codec.h"
#include "storage/records.pb.h"
#include "storage/rocksdb/format.h"
#include "storage/rocksdb/log_record.h"
#include "storage/room_store.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_engine.h"

namespace innkeeper::fuzz {
namespace {

using storage::KeyBuilder;
using storage::KeyReader;
using storage::RoomReader;
using storage::Table;

constexpr char kRoom[] = "!r";

// Places without keys.
constexpr char kLogEntry = '1';
constexpr char kHead = '2';
constexpr char kEpochs = '3';
constexpr char kEngineEntry = '4';

// A store in which inputs stand one at a time.
storage::Engine& Store() {
  static const TempDir& dir = *new TempDir(TempDir::Place::kMemory);
  static storage::Engine& engine = *storage::OpenTestEngine(dir.File("data")).release();
  return engine;
}

void Put(const std::string& key, std::optional<std::string> value) {
  storage::CommitRequest request;
  request.writes.push_back({key, std::move(value)});
  CHECK(CommitAndWait(Store(), std::move(request)).status.ok());
}

void CheckRead(const absl::Status& status) {
  CHECK(status.ok() || absl::IsDataLoss(status)) << status;
}

// Maps in a fixed order.
std::string Bytes(const google::protobuf::MessageLite& message) {
  std::string bytes;
  google::protobuf::io::StringOutputStream stream(&bytes);
  google::protobuf::io::CodedOutputStream out(&stream);
  out.SetSerializationDeterministic(true);
  CHECK(message.SerializeToCodedStream(&out));
  out.Trim();
  return bytes;
}

template <typename Record>
void CheckRecord(absl::string_view value) {
  const auto record = storage::Decode<Record>("key", value);
  CheckRead(record.status());
  if (!record.ok()) return;
  const std::string written = storage::Encode(*record);
  const auto again = storage::Decode<Record>("key", written);
  CHECK(again.ok()) << again.status();
  CHECK_EQ(storage::Encode(*again), written);
}

// All records have one form, so that each must do with the bytes of any.
void CheckRecords(absl::string_view value) {
  CheckRecord<storage::RoomRecord>(value);
  CheckRecord<storage::StateRecord>(value);
  CheckRecord<storage::EventRecord>(value);
  CheckRecord<storage::EventsRecord>(value);
  CheckRecord<storage::RoomKeysRecord>(value);
  CheckRecord<storage::RequestRecord>(value);
  CheckRecord<storage::SubscriptionRecord>(value);
  CheckRecord<storage::SubscriptionProgressRecord>(value);
  CheckRecord<storage::ParkedEventRecord>(value);
  CheckRecord<storage::ApprovalRecord>(value);
}

// Reads whatever could come across the one key there is.
void ReadEverything() {
  const RoomReader reader(Store());
  const auto visit = [](auto&&...) { return true; };
  CheckRead(reader.GetRoom(kRoom).status());
  CheckRead(reader.GetState(kRoom, "t", "k").status());
  CheckRead(reader.GetEvent(kRoom, 1).status());
  CheckRead(reader.GetEventNumber(kRoom, "$e").status());
  CheckRead(reader.GetRoomKeys(kRoom).status());
  CheckRead(reader.ListAliases(kRoom).status());
  CheckRead(reader.ListLockedRooms().status());
  CheckRead(reader.ListExpiredRequests(absl::InfiniteFuture(), 10).status());
  CheckRead(reader.ScanState({.room_id = kRoom, .revision = 3}, visit));
  CheckRead(reader.ScanEvents(kRoom, 1, visit));
  CheckRead(reader.ScanRooms("", visit));
  CheckRead(reader.ScanRoomsOfUser("@u", "", visit));
  CheckRead(reader.ScanStagedRooms(visit));
  CheckRead(reader.ScanListedRooms(std::nullopt, visit));
  CheckRead(reader.ScanLinks(kRoom, visit));
  CheckRead(reader.ScanPendingInvites(std::nullopt, visit));
  CheckRead(reader.ScanSubscriptions("", visit));
  CheckRead(reader.ScanSubscriptionProgress(visit));
  CheckRead(reader.ScanParkedEvents("s", 0, visit));
  CheckRead(reader.GetApproval("a").status());
  CheckRead(reader.ScanApprovals("", visit));
}

void CheckStored(const std::string& key, const std::string& value) {
  Put(key, value);
  ReadEverything();
  Put(key, std::nullopt);
}

// A key that can be taken apart is put together from its parts.
void CheckKey(absl::string_view key) {
  KeyReader reader(key);
  KeyBuilder builder(static_cast<Table>(key[0]));
  size_t parts = 0;
  while (const std::optional<std::string> part = reader.Str()) {
    builder.Str(*part);
    ++parts;
  }
  const std::string built = builder.Build();
  CHECK_EQ(built, key.substr(0, built.size()));
  CHECK(parts == 0 || built.size() > 1);
}

void CheckLogEntry(absl::string_view payload) {
  const storage::LogEntry entry{.position = 3,
                                .revision = 2,
                                .commit_time = absl::FromUnixSeconds(1),
                                .payload = std::string(payload)};
  const auto event = DecodeEvent(entry);
  const auto bytes = SerializedEvent::Of(entry);
  CheckRead(event.status());
  CHECK(bytes || !event.ok());
  v1::RoomEvent logged;
  if (!event.ok() || !logged.ParseFromString(entry.payload.substr(1)) || logged.has_commit_time()) {
    return;
  }
  // Readers get the same event either way.
  v1::RoomEvent serialized;
  CHECK(serialized.ParseFromString(absl::StrCat(bytes->logged(), bytes->place())));
  CHECK_EQ(Bytes(serialized), Bytes(*event));
}

void CheckEpochs(absl::string_view bytes) {
  const auto parsed = storage::embedded::ParseEpochs(bytes);
  if (!parsed) return;
  CHECK_EQ(storage::embedded::EncodeEpochs(*parsed), bytes);
  const storage::LogEpochs epochs(*parsed);
  for (const storage::LogEpoch& epoch : epochs.all()) {
    CHECK_EQ(epochs.IdAt(epoch.first), epoch.id);
    const auto end = epochs.EndOf(epoch.id);
    CHECK(end && *end >= epoch.first) << epoch.id;
  }
}

void CheckHead(absl::string_view bytes) {
  const auto head = storage::embedded::ParseHead(bytes);
  if (head) CHECK_EQ(storage::embedded::EncodeHead(*head), bytes);
  const auto audit_head = storage::embedded::ParseAuditHead(bytes);
  if (audit_head) CHECK_EQ(storage::embedded::EncodeAuditHead(*audit_head), bytes);
}

void CheckAuditEntry(absl::string_view bytes) {
  const auto entry = storage::ParseAuditValue(bytes);
  if (!entry) return;
  CHECK_EQ(storage::EncodeAuditValue(entry->previous_hash, entry->commit_time, entry->payload),
           bytes);
}

void CheckLogRecord(absl::string_view bytes) {
  const storage::LogPosition last = 9;
  const auto first = storage::embedded::FirstOfLogRecord(last, bytes);
  std::string buffer;
  const auto entries = storage::embedded::OpenLogRecord(last, bytes, nullptr, buffer);
  if (!entries.ok()) return;
  CHECK(first.has_value());
  CHECK_EQ(entries->front().position, *first);
  CHECK_EQ(entries->back().position, last);
  CHECK_EQ(entries->size(), last - *first + 1);
}

void CheckEngineEntry(absl::string_view bytes) {
  const auto entry = storage::embedded::ParseLogEntry(bytes);
  if (!entry) return;
  CHECK_EQ(
      absl::StrCat(storage::embedded::EncodeLogEntryHeader(entry->revision, entry->commit_time),
                   entry->payload),
      bytes);
}

void CheckPlace(char place, absl::string_view bytes) {
  switch (place) {
    case kLogEntry:
      return CheckLogEntry(bytes);
    case kHead:
      return CheckHead(bytes);
    case kEpochs:
      return CheckEpochs(bytes);
    case kEngineEntry:
      CheckAuditEntry(bytes);
      CheckLogRecord(bytes);
      return CheckEngineEntry(bytes);
    default:
      return;
  }
}

std::string SeedOf(KeyBuilder builder, const std::string& value) {
  const std::string key = builder.Build();
  return absl::StrCat(std::string(1, static_cast<char>(key.size())), key, value);
}

std::string SeedOf(char place, const std::string& bytes) {
  return absl::StrCat(std::string({'\0', place}), bytes);
}

storage::RoomRecord Room() {
  storage::RoomRecord room;
  room.set_room_id(kRoom);
  room.set_creator("@u");
  room.set_room_version("11");
  room.set_status(storage::ROOM_STATUS_RECORD_UPGRADING);
  room.set_revision(3);
  room.set_listed_member_count(2);
  room.mutable_upgrade()->set_upgrade_id("upgrade");
  room.mutable_latest_event()->set_event_id("$1");
  return room;
}

storage::EventRecord StoredEvent() {
  storage::EventRecord event;
  event.set_event_id("$1");
  event.set_type("m.room.name");
  event.set_state_key("");
  event.set_sender("@u");
  event.set_content(R"({"name":"Lobby"})");
  event.add_prev_events()->set_event_id("$0");
  event.set_signatures(R"({"a.example":{"ed25519:1":"AAAA"}})");
  return event;
}

storage::EventsRecord StoredEvents() {
  storage::EventsRecord events;
  *events.add_events() = StoredEvent();
  *events.add_events() = StoredEvent();
  return events;
}

std::string EncodedLogRecord() {
  std::string entries;
  storage::embedded::AppendLogEntry(3, absl::FromUnixMicros(5), "first", entries);
  storage::embedded::AppendLogEntry(4, absl::FromUnixMicros(6), "second", entries);
  return storage::embedded::EncodeLogRecord(9, 2, entries, nullptr);
}

}  // namespace

void TestOneInput(absl::string_view input) {
  if (input.size() < 2) return;
  const google::protobuf::LogSilencer silence;
  const size_t key_size = static_cast<uint8_t>(input[0]);
  if (key_size == 0) return CheckPlace(input[1], input.substr(2));
  const absl::string_view key = input.substr(1, key_size);
  const absl::string_view value = input.substr(1 + key.size());
  CheckKey(key);
  CheckRecords(value);
  CheckStored(std::string(key), std::string(value));
}

std::vector<std::string> MadeSeeds() {
  using storage::Encode;
  storage::StateRecord state;
  state.mutable_reference()->set_event_id("$1");
  state.set_content(R"({"name":"Lobby"})");
  state.set_revision(3);
  storage::StateRecord later = state;
  later.set_revision(4);
  storage::SubscriptionProgressRecord progress;
  progress.set_uid(1);
  progress.add_positions(7);
  storage::UserRoomRecord joined;
  joined.set_membership("join");
  v1::RoomCreated created;
  created.set_room_id(kRoom);
  created.set_creator_id("@u");
  return {
      SeedOf(KeyBuilder(Table::kRoom).Str(kRoom), Encode(Room())),
      SeedOf(KeyBuilder(Table::kState).Str(kRoom).Str("t").Str("k"), Encode(state)),
      SeedOf(KeyBuilder(Table::kState).Str(kRoom).Str("t").Str("k"), Encode(later)),
      SeedOf(KeyBuilder(Table::kStateHistory).Str(kRoom).Str("t").Str("k").DescendingU64(2),
             Encode(state)),
      SeedOf(KeyBuilder(Table::kEvent).Str(kRoom).U64(1), Encode(StoredEvent())),
      SeedOf(KeyBuilder(Table::kEvent).Str(kRoom).U64(2), Encode(StoredEvents(), 2)),
      SeedOf(KeyBuilder(Table::kEventId).Str(kRoom).Str("$e").U64(3), ""),
      SeedOf(KeyBuilder(Table::kRoomAlias).Str(kRoom).Str(std::string("#a\0b", 4)), ""),
      SeedOf(KeyBuilder(Table::kListedRoom).DescendingU64(2).Str(kRoom), ""),
      SeedOf(KeyBuilder(Table::kLink).Str(kRoom).Str("!s").Str("m.space.child").Str(kRoom), ""),
      SeedOf(KeyBuilder(Table::kPendingInvite).Str(kRoom).Str("@u"), Encode(joined)),
      SeedOf(KeyBuilder(Table::kUserRoom).Str("@u").Str(kRoom), Encode(joined)),
      SeedOf(KeyBuilder(Table::kCreatedRoom).Str("@u").Str(kRoom), ""),
      SeedOf(KeyBuilder(Table::kLockedRoom).Str(kRoom), ""),
      SeedOf(KeyBuilder(Table::kStagedRoom).Str(kRoom), Encode(storage::StagedRoomRecord())),
      SeedOf(KeyBuilder(Table::kRequestExpiry).U64(5).Str("owner").Str("request"), ""),
      SeedOf(KeyBuilder(Table::kSubscription).Str("s"), Encode(storage::SubscriptionRecord())),
      SeedOf(KeyBuilder(Table::kSubscriptionProgress).Str("s"), Encode(progress)),
      SeedOf(KeyBuilder(Table::kParkedEvent).Str("s").U64(1), Encode(storage::ParkedEventRecord())),
      SeedOf(KeyBuilder(Table::kApproval).Str("a"), Encode(storage::ApprovalRecord())),
      SeedOf(kLogEntry, EncodeEvent(created, {"audience", "@u"})),
      SeedOf(kHead, storage::embedded::EncodeHead({3, 2, 1})),
      SeedOf(kHead, storage::embedded::EncodeAuditHead({3, {'h'}})),
      SeedOf(kEngineEntry, storage::EncodeAuditValue({'h'}, absl::UnixEpoch(), "payload")),
      SeedOf(kEpochs, storage::embedded::EncodeEpochs({{7, 0}, {8, 10}, {9, 20}})),
      SeedOf(kEngineEntry,
             absl::StrCat(storage::embedded::EncodeLogEntryHeader(3, absl::FromUnixMicros(5)),
                          "payload")),
      SeedOf(kEngineEntry, EncodedLogRecord()),
  };
}

}  // namespace innkeeper::fuzz
