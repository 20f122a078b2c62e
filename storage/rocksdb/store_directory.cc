#include "storage/rocksdb/store_directory.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <set>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "storage/rocksdb/files.h"

namespace innkeeper::storage::embedded {
namespace {

namespace fs = std::filesystem;

constexpr char kDatabase[] = "db";
constexpr char kCreating[] = "db.creating";
constexpr char kDurableHead[] = "DURABLE_HEAD";
constexpr char kLock[] = "LOCK";
constexpr char kProbe[] = "PROBE";

absl::Status SystemError(absl::string_view doing, const fs::path& path,
                         const std::error_code& error) {
  return absl::UnavailableError(absl::StrCat(doing, " ", path.string(), ": ", error.message()));
}

// Whether the directory at `path` may become a store.
absl::Status CheckEmpty(const fs::path& path) {
  const std::set<std::string> harmless = {kLock, kCreating, "lost+found"};
  std::error_code error;
  for (fs::directory_iterator it(path, error), end; !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename();
    if (name == kDurableHead) {
      return absl::DataLossError(absl::StrCat("the store in ", path.string(),
                                              " has lost its database: restore ",
                                              (path / kDatabase).string(), " from a backup"));
    }
    if (harmless.count(name) == 0) {
      return absl::FailedPreconditionError(
          absl::StrCat("no store is made in ", path.string(), ", because it already holds ", name,
                       ": name an empty directory, or one with a store"));
    }
  }
  return error ? SystemError("reading", path, error) : absl::OkStatus();
}

// Makes the directory at `path`, and those above it, if they are missing; durable ones, or a
// store that is synced would go with its directory when the power is cut.
absl::Status MakeDirectory(const fs::path& path) {
  std::error_code error;
  std::vector<fs::path> parents;  // of what is made
  for (fs::path made = fs::absolute(path); !fs::exists(made, error); made = parents.back()) {
    parents.push_back(made.parent_path());
  }
  if (parents.empty()) return absl::OkStatus();
  fs::create_directories(path, error);
  if (!error) fs::permissions(path, fs::perms::owner_all, error);
  if (error) return SystemError("making", path, error);
  for (const fs::path& parent : parents) {
    if (absl::Status synced = SyncDirectory(parent); !synced.ok()) return synced;
  }
  return absl::OkStatus();
}

// Makes sure that the directory at `path` has a store or may become one.
absl::Status CheckDirectory(const fs::path& path, bool create_if_missing) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (fs::exists(status) && !fs::is_directory(status)) {
    return absl::FailedPreconditionError(absl::StrCat(path.string(), " is not a directory"));
  }
  if (fs::exists(path / kDatabase, error)) return absl::OkStatus();
  if (error && error != std::errc::no_such_file_or_directory) {
    return SystemError("looking into", path, error);
  }
  if (fs::exists(status)) {
    if (absl::Status empty = CheckEmpty(path); !empty.ok()) return empty;
  }
  if (!create_if_missing) {
    return absl::FailedPreconditionError(absl::StrCat("there is no store in ", path.string()));
  }
  return MakeDirectory(path);
}

}  // namespace

StoreDirectory::StoreDirectory(std::string path, int lock_fd)
    : path_(std::move(path)), lock_fd_(lock_fd) {}

StoreDirectory::StoreDirectory(StoreDirectory&& other) noexcept
    : path_(std::move(other.path_)), lock_fd_(std::exchange(other.lock_fd_, -1)) {}

StoreDirectory::~StoreDirectory() {
  if (lock_fd_ >= 0) close(lock_fd_);
}

absl::StatusOr<StoreDirectory> StoreDirectory::Lock(const std::string& path,
                                                    bool create_if_missing) {
  if (absl::Status status = CheckDirectory(path, create_if_missing); !status.ok()) return status;
  const std::string lock_path = fs::path(path) / kLock;
  const int fd = open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (fd < 0) return FileError("opening", lock_path);
  StoreDirectory directory(path, fd);
  if (flock(fd, LOCK_EX | LOCK_NB) == 0) return directory;
  if (errno != EWOULDBLOCK) return FileError("locking", lock_path);
  return absl::UnavailableError(absl::StrCat("the store in ", path,
                                             " is in use by another process (", lock_path,
                                             " is locked): stop that one first"));
}

std::string StoreDirectory::database_path() const { return fs::path(path_) / kDatabase; }

std::string StoreDirectory::durable_head_path() const { return fs::path(path_) / kDurableHead; }

std::string StoreDirectory::probe_path() const { return fs::path(path_) / kProbe; }

absl::Status StoreDirectory::EnsureDatabase(
    const std::function<absl::Status(const std::string&)>& create) const {
  std::error_code error;
  if (fs::exists(database_path(), error)) return absl::OkStatus();
  const fs::path creating = fs::path(path_) / kCreating;
  fs::remove_all(creating, error);
  if (error) return SystemError("removing", creating, error);
  fs::create_directory(creating, error);
  if (error) return SystemError("making", creating, error);
  if (absl::Status status = create(creating); !status.ok()) return status;
  fs::rename(creating, database_path(), error);
  if (error) return SystemError("renaming", creating, error);
  return SyncDirectory(path_);
}

}  // namespace innkeeper::storage::embedded
