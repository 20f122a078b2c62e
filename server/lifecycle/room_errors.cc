#include "server/lifecycle/room_errors.h"

#include "absl/time/time.h"
#include "server/errors/errors.h"
#include "server/limits/limit_errors.h"

namespace innkeeper::lifecycle {
namespace {

constexpr absl::Duration kStorageRetryDelay = absl::Seconds(1);
constexpr absl::Duration kRestartRetryDelay = absl::Seconds(10);

absl::Status StorageError(v1::ErrorReason reason, absl::string_view message) {
  return MakeError(absl::StatusCode::kUnavailable, reason, message);
}

absl::Status StorageError(storage::WriteTrouble trouble) {
  switch (trouble) {
    case storage::WriteTrouble::kNone:
      break;
    case storage::WriteTrouble::kFull:
      return WithRetryDelay(
          StorageError(v1::ERROR_REASON_STORAGE_FULL,
                       "the storage has too little room left and takes no writes until there is "
                       "more; try again later with the same request_id"),
          kStorageRetryDelay);
    case storage::WriteTrouble::kReadOnly:
      return WithRetryDelay(
          StorageError(
              v1::ERROR_REASON_STORAGE_READ_ONLY,
              "the storage can only be read now; try again later with the same request_id"),
          kStorageRetryDelay);
    case storage::WriteTrouble::kFailed:
      return WithRetryDelay(
          StorageError(v1::ERROR_REASON_STORAGE_UNAVAILABLE,
                       "the storage takes no writes now; try again with the same request_id"),
          kStorageRetryDelay);
    case storage::WriteTrouble::kNeedsRestart:
      return WithRetryDelay(
          StorageError(v1::ERROR_REASON_STORAGE_UNAVAILABLE,
                       "the storage takes no writes until the server is restarted; try again then "
                       "with the same request_id"),
          kRestartRetryDelay);
  }
  return StorageError(v1::ERROR_REASON_STORAGE_UNAVAILABLE,
                      "the storage takes no writes now; try again with the same request_id");
}

}  // namespace

absl::Status RoomNotFound(const std::string& room_id) {
  return WithResource(
      MakeError(absl::StatusCode::kNotFound, v1::ERROR_REASON_ROOM_NOT_FOUND,
                "room_id: there is no such room, or you may not know of it; check the id and the "
                "requester"),
      "room", room_id);
}

absl::Status RoomExists(const std::string& room_id) {
  return WithResource(
      MakeError(
          absl::StatusCode::kAlreadyExists, v1::ERROR_REASON_ROOM_EXISTS,
          "header.room_id: there is such a room here already, or it is being imported; nothing "
          "was imported"),
      "room", room_id);
}

absl::Status AliasInUse(const std::string& alias) {
  return WithResource(
      MakeError(absl::StatusCode::kAlreadyExists, v1::ERROR_REASON_ALIAS_IN_USE,
                "alias: belongs to another room; choose another one or remove it there first"),
      "alias", alias);
}

absl::Status AliasNotFound(const std::string& alias) {
  return WithResource(
      MakeError(absl::StatusCode::kNotFound, v1::ERROR_REASON_ALIAS_NOT_FOUND,
                "alias: there is no such alias, or not of a room that you may do this to; check "
                "the alias and the requester"),
      "alias", alias);
}

absl::Status RoomTombstoned(const storage::RoomRecord& room) {
  return MakeError(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_ROOM_TOMBSTONED,
                   "the room was replaced already; go on with its successor",
                   {{"successor_room_id", room.successor_room_id()}});
}

absl::Status UpgradeInProgress() {
  return MakeError(absl::StatusCode::kAborted, v1::ERROR_REASON_ROOM_UPGRADE_IN_PROGRESS,
                   "An upgrade for this room is currently in progress");
}

absl::Status DeadlinePassed() {
  return MakeError(absl::StatusCode::kDeadlineExceeded, v1::ERROR_REASON_DEADLINE_PASSED,
                   "the deadline passed before the work began; nothing was written");
}

absl::Status CommitError(const storage::CommitResult& result) {
  switch (result.status.code()) {
    case absl::StatusCode::kAborted:
      return MakeError(absl::StatusCode::kAborted, v1::ERROR_REASON_CONFLICT,
                       "other writes got in between too often; nothing was written, try again");
    case absl::StatusCode::kResourceExhausted:
      return limits::Overloaded("max_queued_commit_bytes");
    case absl::StatusCode::kUnavailable:
      return StorageError(result.trouble);
    default:
      return result.status;
  }
}

}  // namespace innkeeper::lifecycle
