// File: server/base/file.h
//
// Reads the small files that a server is set up with, and makes them.

#ifndef INNKEEPER_SERVER_BASE_FILE_H_
#define INNKEEPER_SERVER_BASE_FILE_H_

#include <sys/types.h>

#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

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

// Writes the file `path`, in place of one that may be there, for its owner alone
// (mode 0600). When this returns OK it is on disk; before, and after an error, the
// path has what it had. One call at a time for a path: it works in the file
// `path`.new. Errors: what the system says, in messages that start with a path.
absl::Status WriteFile(const std::string& path, absl::string_view bytes);

}  // namespace innkeeper

#endif  // INNKEEPER_SERVER_BASE_FILE_H_
