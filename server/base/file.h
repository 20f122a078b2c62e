// File: server/base/file.h
//
// Reads the small files that a server is set up with.

#ifndef INNKEEPER_SERVER_BASE_FILE_H_
#define INNKEEPER_SERVER_BASE_FILE_H_

#include <sys/types.h>

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"

namespace innkeeper {

// A file as it was when it was read.
struct FileContents {
  std::string bytes;
  mode_t mode = 0;  // type and permissions, as in stat(2)
};

// Reads the regular file `path`; symbolic links are followed. Never waits for
// anything but the disk: a pipe or a device is refused. Thread-safe.
//
// Errors, whose messages start with the path and never hold contents:
//   NOT_FOUND, PERMISSION_DENIED and whatever else the system says;
//   INVALID_ARGUMENT if it is no regular file or longer than `max_bytes`.
absl::StatusOr<FileContents> ReadFile(const std::string& path, size_t max_bytes);

}  // namespace innkeeper

#endif  // INNKEEPER_SERVER_BASE_FILE_H_
