#include "server/base/file.h"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>

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

ssize_t WriteRetrying(int fd, absl::string_view bytes) {
  ssize_t count;
  do {
    count = write(fd, bytes.data(), bytes.size());
  } while (count < 0 && errno == EINTR);
  return count;
}

// Makes the file `path`, which must not be there, and brings it to disk.
absl::Status MakeFile(const std::string& path, absl::string_view bytes) {
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (fd < 0) return SystemError(path);
  const auto closer = absl::MakeCleanup([fd] { close(fd); });
  while (!bytes.empty()) {
    const ssize_t count = WriteRetrying(fd, bytes);
    if (count < 0) return SystemError(path);
    bytes.remove_prefix(static_cast<size_t>(count));
  }
  return fsync(fd) == 0 ? absl::OkStatus() : SystemError(path);
}

// Brings the entries of the directory `path` to disk.
absl::Status SyncDirectory(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return SystemError(path);
  const auto closer = absl::MakeCleanup([fd] { close(fd); });
  return fsync(fd) == 0 ? absl::OkStatus() : SystemError(path);
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
  // What is read may be secret: it is left in the result only.
  char buffer[16 * 1024];
  const auto wiper = absl::MakeCleanup([&buffer] { OPENSSL_cleanse(buffer, sizeof(buffer)); });
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

absl::Status WriteFile(const std::string& path, absl::string_view bytes) {
  const std::string temporary = path + ".new";
  // Left by one that was interrupted.
  if (unlink(temporary.c_str()) != 0 && errno != ENOENT) return SystemError(temporary);
  absl::Status made = MakeFile(temporary, bytes);
  if (!made.ok()) return made;
  if (rename(temporary.c_str(), path.c_str()) != 0) return SystemError(path);
  const std::string directory = std::filesystem::path(path).parent_path();
  return SyncDirectory(directory.empty() ? "." : directory);
}

}  // namespace innkeeper
