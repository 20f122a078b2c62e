// File: server/lifecycle/export_room.h
//
// The use case ExportRoom: a room as signed events, a piece at a time.

#ifndef INNKEEPER_SERVER_LIFECYCLE_EXPORT_ROOM_H_
#define INNKEEPER_SERVER_LIFECYCLE_EXPORT_ROOM_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "innkeeper/v1/room_lifecycle.pb.h"
#include "server/base/audience.h"
#include "server/rooms/room_version.h"
#include "server/rooms/signing.h"
#include "storage/engine.h"
#include "storage/records.pb.h"

namespace innkeeper::lifecycle {

// Returns a stored event of the room as other servers read it: a PDU, as canonical JSON.
// An event that was made here is signed with `key`; one that came with an import has the
// signatures that it came with, and one with `key` if the server of `key` must have
// signed it. DATA_LOSS if what is stored is no JSON.
absl::StatusOr<std::string> SignedPdu(const rooms::RoomVersion& version,
                                      const rooms::SigningKey& key, const std::string& room_id,
                                      const storage::EventRecord& record);

// An export under way. The room is exported as it was when the export began: its
// events never change, and those that came later are left out. Between two pieces
// nothing of the store is held. Not thread-safe; its method may block on the disk.
class RoomExport {
 public:
  // `keys` are those of other servers. The references must outlive the export.
  RoomExport(const storage::Engine& engine, const rooms::SigningKey& key,
             const storage::RoomRecord& room, storage::RoomKeysRecord keys);

  // Returns the next message: the header, then the events; nothing behind the last of
  // them. After an error the export is over. Errors: DATA_LOSS if an event is missing
  // or damaged, else those of RoomReader.
  absl::StatusOr<std::optional<v1::ExportRoomResponse>> Next();

 private:
  v1::ExportRoomResponse Header() const;
  absl::StatusOr<v1::ExportRoomResponse> Events();

  const storage::Engine& engine_;
  const rooms::SigningKey& key_;
  const storage::RoomKeysRecord other_keys_;
  const std::string room_id_;
  const rooms::RoomVersion& version_;
  const int64_t event_count_;
  bool header_given_ = false;
  int64_t given_ = 0;  // how many events
};

// Exports rooms. Whoever calls has seen to it that the caller may act for the
// request's `requester`, or may read as nobody if there is none, and then rooms of the
// audiences in `scope`. Thread-safe.
class RoomExporter {
 public:
  // The references must outlive the exporter and its exports. `key` is this server's;
  // see SignedPdu.
  RoomExporter(const storage::Engine& engine, const rooms::SigningKey& key)
      : engine_(engine), key_(key) {}

  // Begins an export. May block on the disk. Errors as documented for the RPC, and
  // those without a reason that are internal.
  absl::StatusOr<RoomExport> Begin(const v1::ExportRoomRequest& request,
                                   const AudienceScope& scope) const;

 private:
  const storage::Engine& engine_;
  const rooms::SigningKey& key_;
};

}  // namespace innkeeper::lifecycle

#endif  // INNKEEPER_SERVER_LIFECYCLE_EXPORT_ROOM_H_
