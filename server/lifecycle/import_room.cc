#include "server/lifecycle/import_room.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "server/errors/errors.h"
#include "server/events/event_codec.h"
#include "server/lifecycle/imported_room.h"
#include "server/lifecycle/purge_rooms.h"
#include "server/lifecycle/room_errors.h"
#include "server/lifecycle/room_records.h"
#include "server/lifecycle/staged_room.h"
#include "storage/room_store.h"

namespace innkeeper::lifecycle {
namespace {

// A response names so many refused events.
constexpr size_t kMaxListedEvents = 1000;

absl::Status Invalid(std::string field, absl::string_view description) {
  FieldErrors errors;
  errors.Add(std::move(field), description);
  return errors.ToStatus();
}

absl::Status Overloaded() {
  return WithRetryDelay(
      MakeError(absl::StatusCode::kResourceExhausted, v1::ERROR_REASON_OVERLOADED,
                "other imports take the memory that this one needs; try again later",
                {{"limit", "max_import_bytes"}}),
      absl::Seconds(10));
}

std::string ImportedEvent(const storage::RoomRecord& room) {
  v1::RoomImported imported;
  imported.set_room_id(room.room_id());
  imported.set_room_version(room.room_version());
  imported.set_creator_id(room.creator());
  imported.set_encryption_algorithm(room.encryption_algorithm());
  imported.set_predecessor_room_id(room.predecessor_room_id());
  return EncodeEvent(imported, LabelsOf(room));
}

v1::ImportRoomResponse ResponseFor(const storage::RoomRecord& record,
                                   const rooms::ImportedRoom& room) {
  v1::ImportRoomResponse response;
  *response.mutable_room() = ToProto(record);
  response.set_event_count(record.latest_event_number());
  for (size_t i = 0; i < std::min(room.refused.size(), kMaxListedEvents); ++i) {
    v1::RefusedEvent& refused = *response.add_refused_events();
    refused.set_position(static_cast<int64_t>(room.refused[i].position));
    refused.set_event_id(room.refused[i].event_id);
    refused.set_reason(room.refused[i].reason);
  }
  response.set_refused_event_count(static_cast<int64_t>(room.refused.size()));
  for (const std::string& server : room.unverified_servers) {
    response.add_unverified_servers(server);
  }
  return response;
}

}  // namespace

RoomUpload RoomImporter::Begin(audit::Trail trail) { return {*this, std::move(trail)}; }

absl::Status RoomImporter::RecoverOwn() {
  return DiscardDeadImports(engine_, staging_, clock_(),
                            [this](const storage::StagedRoomRecord& note) {
                              return note.instance() == staging_.instance_name;
                            });
}

absl::Status RoomImporter::RecoverExpired() {
  const absl::Time now = clock_();
  return DiscardDeadImports(engine_, staging_, now, [now](const storage::StagedRoomRecord& note) {
    return note.lease_expire_time_us() <= absl::ToUnixMicros(now);
  });
}

RoomUpload::~RoomUpload() { importer_.budget_.Return(reserved_bytes_); }

absl::Status RoomUpload::Take(const v1::ImportRoomRequest& message) {
  if (!import_) {
    if (!message.has_header()) return Invalid("header", "must be in the first message");
    return TakeHeader(message.header());
  }
  if (message.has_header()) return Invalid("header", "must be in the first message only");
  return TakeEvents(message.events());
}

absl::Status RoomUpload::TakeHeader(const v1::RoomImportHeader& header) {
  absl::StatusOr<ImportHeader> read = ReadImportHeader(header);
  if (!read.ok()) return read.status();
  header_ = *std::move(read);
  // What this server signs on export it must have signed before.
  const rooms::SigningKey& own = importer_.key_;
  header_.verify_keys[own.server_name][own.key_id] = own.key.public_key();
  import_.emplace(*header_.version, header_.room_id, header_.verify_keys);
  return CheckIsNew();
}

absl::Status RoomUpload::CheckIsNew() const {
  auto room = storage::RoomReader(importer_.engine_).GetRoom(header_.room_id);
  if (!room.ok()) return room.status();
  return room->has_value() ? RoomExists(header_.room_id) : absl::OkStatus();
}

absl::Status RoomUpload::TakeEvents(const v1::ExportedEvents& events) {
  if (events.pdus().empty()) {
    return Invalid("events.pdus", "must be given in every message but the first");
  }
  absl::Status reserved = Reserve(events);
  if (!reserved.ok()) return reserved;
  for (const std::string& pdu : events.pdus()) import_->Add(pdu);
  event_count_ += events.pdus_size();
  return absl::OkStatus();
}

absl::Status RoomUpload::Reserve(const v1::ExportedEvents& events) {
  size_t bytes = 0;
  for (const std::string& pdu : events.pdus()) bytes += pdu.size() + RoomImporter::kEventOverhead;
  ByteBudget& budget = importer_.budget_;
  if (bytes > budget.total() - reserved_bytes_) {
    return Invalid("events.pdus", absl::StrCat("must have at most ", budget.total(),
                                               " bytes in all, ", RoomImporter::kEventOverhead,
                                               " added for each event; whoever "
                                               "operates the server can raise max_import_bytes"));
  }
  if (!budget.TryTake(bytes)) return Overloaded();
  reserved_bytes_ += bytes;
  return absl::OkStatus();
}

absl::StatusOr<v1::ImportRoomResponse> RoomUpload::Finish() {
  if (!import_) return Invalid("header", "must be in the first message");
  if (header_.event_count != 0 && header_.event_count != event_count_) {
    return Invalid("header.event_count",
                   absl::StrCat("must be the number of events that follow, which is ", event_count_,
                                ": has the export broken off?"));
  }
  auto room = (*std::move(import_)).Finish();
  if (!room.ok()) return Invalid("events.pdus", room.status().message());
  return Store(*room);
}

absl::StatusOr<v1::ImportRoomResponse> RoomUpload::Store(const rooms::ImportedRoom& room) const {
  storage::RoomRecord record =
      ImportedRoomRecord(*header_.version, room, absl::ToUnixMicros(importer_.clock_()));
  record.set_audience(header_.audience);
  absl::Status stored = header_.validate_only ? CheckIsNew() : Commit(record, room);
  if (!stored.ok()) return stored;
  return ResponseFor(record, room);
}

absl::Status RoomUpload::Commit(const storage::RoomRecord& record,
                                const rooms::ImportedRoom& room) const {
  absl::Status purged = PurgeRoom(importer_.engine_, record.room_id());
  if (!purged.ok()) return purged;
  StagedImport import(importer_.engine_, importer_.clock_, importer_.staging_, record.room_id());
  ImportedRoomRecords records(record, room);
  storage::RoomCommit part;
  records.StagePart(part, kStagedPartBytes);
  while (!records.done()) {
    absl::Status committed = import.CommitPart(std::move(part));
    if (!committed.ok()) return committed;
    part = storage::RoomCommit();
    records.StagePart(part, kStagedPartBytes);
  }
  part.CreateRoom(record);
  part.PutRoomKeys(record.room_id(),
                   KeysOfOthers(room, header_.verify_keys, importer_.key_.server_name));
  part.AppendLog(ImportedEvent(record));
  trail_.Leave(part);
  return import.CommitLastPart(std::move(part));
}

}  // namespace innkeeper::lifecycle
