// File: server/lifecycle/import_header.h
//
// What an import begins with.

#ifndef INNKEEPER_SERVER_LIFECYCLE_IMPORT_HEADER_H_
#define INNKEEPER_SERVER_LIFECYCLE_IMPORT_HEADER_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "innkeeper/v1/room_lifecycle.pb.h"
#include "server/rooms/room_version.h"
#include "server/rooms/signing.h"

namespace innkeeper::lifecycle {

// A header that is as it should be.
struct ImportHeader {
  std::string room_id;
  const rooms::RoomVersion* version = nullptr;
  rooms::VerifyKeys verify_keys;
  std::string audience;  // empty for none
  bool validate_only = false;
  int64_t event_count = 0;  // 0: not said
};

// Reads a header. INVALID_REQUEST, or ROOM_VERSION_UNSUPPORTED if the version is, with a
// BadRequest that names every field that is wrong.
absl::StatusOr<ImportHeader> ReadImportHeader(const v1::RoomImportHeader& header);

}  // namespace innkeeper::lifecycle

#endif  // INNKEEPER_SERVER_LIFECYCLE_IMPORT_HEADER_H_
