#include "server/base/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "absl/cleanup/cleanup.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace innkeeper {
namespace {

absl::Status SystemError(const std::string& path) { return absl::ErrnoToStatus(errno, path); }

ssize_t ReadRetrying(int fd, char* buffer, size_t size) {
  ssize_t count;
  do {
    count = read(fd, buffer, size);
  } while (count < 0 && errno == EINTR);
  return count;
}

}  // namespace

absl::StatusOr<FileContents> ReadFile(const std::string& path, size_t max_bytes) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return SystemError(path);
  const auto closer = absl::MakeCleanup([fd] { close(fd); });

  struct stat status;
  if (fstat(fd, &status) != 0) return SystemError(path);
  if (!S_ISREG(status.st_mode)) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": is not a regular file"));
  }

  FileContents file{.mode = status.st_mode};
  char buffer[16 * 1024];
  while (true) {
    const ssize_t count = ReadRetrying(fd, buffer, sizeof(buffer));
    if (count < 0) return SystemError(path);
    if (count == 0) return file;
    file.bytes.append(buffer, static_cast<size_t>(count));
    if (file.bytes.size() > max_bytes) {
      return absl::InvalidArgumentError(
          absl::StrCat(path, ": is longer than ", max_bytes, " bytes"));
    }
  }
}

}  // namespace innkeeper
