#include "server/lifecycle/export_room.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "server/lifecycle/room_errors.h"
#include "server/lifecycle/room_records.h"
#include "server/lifecycle/visible_room.h"
#include "server/rooms/event.h"
#include "server/rooms/json.h"
#include "storage/room_store.h"

namespace innkeeper::lifecycle {
namespace {

// A message ends once it has so many events or bytes. Small enough that neither the
// thread nor the memory that it takes is missed elsewhere.
constexpr int kMaxEvents = 100;
constexpr size_t kMaxBytes = size_t{256} << 10;

v1::VerifyKey VerifyKeyOf(const std::string& server_name, const std::string& key_id,
                          const std::string& public_key) {
  v1::VerifyKey proto;
  proto.set_server_name(server_name);
  proto.set_key_id(key_id);
  proto.set_public_key(rooms::Base64(public_key));
  return proto;
}

}  // namespace

RoomExport::RoomExport(const storage::Engine& engine, const rooms::SigningKey& key,
                       const storage::RoomRecord& room, storage::RoomKeysRecord keys)
    : engine_(engine),
      key_(key),
      other_keys_(std::move(keys)),
      room_id_(room.room_id()),
      version_(VersionOf(room)),
      event_count_(room.latest_event_number()) {}

absl::StatusOr<std::optional<v1::ExportRoomResponse>> RoomExport::Next() {
  if (!header_given_) {
    header_given_ = true;
    return Header();
  }
  if (given_ == event_count_) return std::nullopt;
  return Events();
}

v1::ExportRoomResponse RoomExport::Header() const {
  v1::ExportRoomResponse response;
  v1::RoomExportHeader& header = *response.mutable_header();
  header.set_room_id(room_id_);
  header.set_room_version(std::string(version_.id));
  header.set_event_count(event_count_);
  *header.add_verify_keys() = VerifyKeyOf(key_.server_name, key_.key_id, key_.key.public_key());
  for (const storage::VerifyKeyRecord& key : other_keys_.keys()) {
    *header.add_verify_keys() = VerifyKeyOf(key.server_name(), key.key_id(), key.public_key());
  }
  return response;
}

absl::StatusOr<v1::ExportRoomResponse> RoomExport::Events() {
  v1::ExportRoomResponse response;
  v1::ExportedEvents& events = *response.mutable_events();
  const storage::RoomReader reader(engine_);
  auto room = reader.GetRoom(room_id_);
  if (!room.ok()) return room.status();
  const bool is_there = room->has_value() && (*room)->record.latest_event_number() >= event_count_;
  if (!is_there) return RoomNotFound(room_id_);  // deleted, and perhaps imported anew
  size_t bytes = 0;
  absl::Status status;
  absl::Status scanned = reader.ScanEvents(
      room_id_, given_ + 1, [&](int64_t number, const storage::EventRecord& record) {
        if (number != given_ + 1) return false;
        absl::StatusOr<std::string> pdu = SignedPdu(version_, key_, room_id_, record);
        status = pdu.status();
        if (!status.ok()) return false;
        bytes += pdu->size();
        *events.add_pdus() = *std::move(pdu);
        ++given_;
        return given_ < event_count_ && events.pdus_size() < kMaxEvents && bytes < kMaxBytes;
      });
  if (!scanned.ok()) return scanned;
  if (!status.ok()) return status;
  if (events.pdus().empty()) {
    return absl::DataLossError(absl::StrCat(room_id_, " has lost its event number ", given_ + 1));
  }
  return response;
}

absl::StatusOr<std::string> SignedPdu(const rooms::RoomVersion& version,
                                      const rooms::SigningKey& key, const std::string& room_id,
                                      const storage::EventRecord& record) {
  absl::StatusOr<rooms::Event> event = ToEvent(room_id, record);
  if (!event.ok()) return event.status();
  rooms::Json pdu = rooms::PduJson(version, *event);
  const bool made_here = record.signatures().empty();
  if (!made_here) {
    absl::StatusOr<rooms::Json> signatures = rooms::ParseJson(record.signatures());
    if (!signatures.ok()) {
      return absl::DataLossError(
          absl::StrCat("the stored signatures of ", record.event_id(), " are no JSON"));
    }
    pdu["signatures"] = *std::move(signatures);
  }
  if (made_here || rooms::RequiredSigners(version, pdu).contains(key.server_name)) {
    rooms::SignEvent(version, key, pdu);
  }
  return rooms::CanonicalJson(pdu);
}

absl::StatusOr<RoomExport> RoomExporter::Begin(const v1::ExportRoomRequest& request,
                                               const AudienceScope& scope) const {
  const storage::RoomReader reader(engine_);
  auto room = ReadVisibleRoom(reader, request.room_id(), request.requester(), scope);
  if (!room.ok()) return room.status();
  auto keys = reader.GetRoomKeys(request.room_id());
  if (!keys.ok()) return keys.status();
  return RoomExport(engine_, key_, *room, *std::move(keys));
}

}  // namespace innkeeper::lifecycle
