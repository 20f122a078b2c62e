#include "storage/rocksdb/files.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "absl/strings/str_cat.h"

namespace innkeeper::storage::embedded {

absl::Status FileError(absl::string_view doing, absl::string_view path) {
  return absl::UnavailableError(
      absl::StrCat(doing, " ", path, ": ", std::generic_category().message(errno)));
}

absl::Status SyncDirectory(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return FileError("opening", path);
  const absl::Status status = fsync(fd) == 0 ? absl::OkStatus() : FileError("syncing", path);
  close(fd);
  return status;
}

}  // namespace innkeeper::storage::embedded
