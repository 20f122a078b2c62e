// File: server/lifecycle/import_room.h
//
// The use case ImportRoom: a room is taken over from its events, message by message.

#ifndef INNKEEPER_SERVER_LIFECYCLE_IMPORT_ROOM_H_
#define INNKEEPER_SERVER_LIFECYCLE_IMPORT_ROOM_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "innkeeper/v1/room_lifecycle.pb.h"
#include "server/audit/trail.h"
#include "server/base/byte_budget.h"
#include "server/base/clock.h"
#include "server/lifecycle/import_header.h"
#include "server/lifecycle/staged_import.h"
#include "server/rooms/room_import.h"
#include "server/rooms/signing.h"
#include "storage/engine.h"
#include "storage/records.pb.h"

namespace innkeeper::lifecycle {

class RoomUpload;

// Imports rooms. Thread-safe.
class RoomImporter {
 public:
  struct Options {
    StagedImport::Options staging;
    // How many bytes the events of all imports under way may have together; an event
    // counts for kEventOverhead more than it has. They take about ten times as much memory.
    size_t max_bytes = size_t{256} << 20;
  };
  static constexpr size_t kEventOverhead = 256;

  // The references must outlive the importer and its uploads. `key` is this server's.
  RoomImporter(storage::Engine& engine, const Clock& clock, const rooms::SigningKey& key,
               Options options)
      : engine_(engine),
        clock_(clock),
        key_(key),
        staging_(std::move(options.staging)),
        budget_(options.max_bytes) {}

  // Begins an import; `trail` tells the audit log of it.
  RoomUpload Begin(audit::Trail trail = {});

  // Discards what imports have written that this instance left behind. To be called at
  // start, before the first import ends. Blocks. Errors of RoomReader and of CommitResult.
  absl::Status RecoverOwn();

  // Discards what all imports have written whose lease has run out. Blocks. Errors as
  // above.
  absl::Status RecoverExpired();

 private:
  friend class RoomUpload;

  storage::Engine& engine_;
  const Clock& clock_;
  const rooms::SigningKey& key_;
  const StagedImport::Options staging_;
  ByteBudget budget_;
};

// An import under way. Nothing is written before Finish(), so that one that breaks off
// leaves nothing behind, and nothing is seen before all of it is. Not thread-safe.
class RoomUpload {
 public:
  ~RoomUpload();

  RoomUpload(const RoomUpload&) = delete;
  RoomUpload& operator=(const RoomUpload&) = delete;

  // Takes the next message. May block on the disk. After an error the import is over.
  // Errors as documented for the RPC, and those without a reason that are internal.
  absl::Status Take(const v1::ImportRoomRequest& message);

  // Judges the events, writes the room and says what became of it. Takes time in
  // proportion to the events, and waits for the commits. Errors as above. The import is
  // over then.
  absl::StatusOr<v1::ImportRoomResponse> Finish();

  // The room; empty before its header was taken.
  const std::string& room_id() const { return header_.room_id; }

 private:
  friend class RoomImporter;

  RoomUpload(RoomImporter& importer, audit::Trail trail)
      : importer_(importer), trail_(std::move(trail)) {}

  absl::Status TakeHeader(const v1::RoomImportHeader& header);
  absl::Status TakeEvents(const v1::ExportedEvents& events);
  // Takes the events' bytes from the budget.
  absl::Status Reserve(const v1::ExportedEvents& events);
  // Whether the room is free to be imported.
  absl::Status CheckIsNew() const;
  // Writes the room, unless that is not wanted, and answers.
  absl::StatusOr<v1::ImportRoomResponse> Store(const rooms::ImportedRoom& room) const;
  absl::Status Commit(const storage::RoomRecord& record, const rooms::ImportedRoom& room) const;

  RoomImporter& importer_;
  const audit::Trail trail_;
  ImportHeader header_;
  std::optional<rooms::RoomImport> import_;  // from the header on
  int64_t event_count_ = 0;                  // so far
  size_t reserved_bytes_ = 0;
};

}  // namespace innkeeper::lifecycle

#endif  // INNKEEPER_SERVER_LIFECYCLE_IMPORT_ROOM_H_
