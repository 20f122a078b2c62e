// File: server/base/file_stamp.h
//
// Tells whether a file has been changed, without reading it.

#ifndef INNKEEPER_SERVER_BASE_FILE_STAMP_H_
#define INNKEEPER_SERVER_BASE_FILE_STAMP_H_

#include <sys/types.h>

#include <optional>
#include <string>

#include "absl/time/time.h"

namespace innkeeper {

// What a file system says of a file. While it is the same, so is the file, and what it may be
// used for.
struct FileStamp {
  dev_t device = 0;
  ino_t inode = 0;
  off_t size = 0;
  absl::Time change_time;  // of contents, permissions or name

  friend bool operator==(const FileStamp&, const FileStamp&) = default;
};

// Returns the stamp of the file `path`; symbolic links are followed. Nothing if the system does
// not say, or if the file was changed so shortly before `now` that another change could leave it
// with the same stamp. Thread-safe.
std::optional<FileStamp> StampOf(const std::string& path, absl::Time now);

}  // namespace innkeeper

#endif  // INNKEEPER_SERVER_BASE_FILE_STAMP_H_
