#include "storage/rocksdb/durable_head.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "storage/rocksdb/files.h"
#include "storage/rocksdb/format.h"

namespace innkeeper::storage::embedded {
namespace {

constexpr size_t kFileBytes = 32;

std::string Encode(DurableHead head) {
  return absl::StrCat(StoredInteger(head.incarnation).bytes(),
                      StoredInteger(~head.incarnation).bytes(),
                      StoredInteger(head.revision).bytes(), StoredInteger(~head.revision).bytes());
}

std::optional<DurableHead> Decode(absl::string_view bytes) {
  if (bytes.size() != kFileBytes) return std::nullopt;
  const DurableHead head{*ParseInteger(bytes.substr(0, 8)), *ParseInteger(bytes.substr(16, 8))};
  if (bytes != Encode(head)) return std::nullopt;
  return head;
}

}  // namespace

absl::StatusOr<std::optional<DurableHead>> ReadDurableHead(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0 && errno == ENOENT) return std::optional<DurableHead>();
  if (fd < 0) return FileError("opening", path);
  char buffer[kFileBytes + 1];
  const ssize_t count = pread(fd, buffer, sizeof(buffer), 0);
  const absl::Status read_error = count < 0 ? FileError("reading", path) : absl::OkStatus();
  close(fd);
  if (!read_error.ok()) return read_error;
  const std::optional<DurableHead> head =
      Decode(absl::string_view(buffer, static_cast<size_t>(count)));
  if (!head) return absl::DataLossError(absl::StrCat(path, " is damaged"));
  return head;
}

absl::StatusOr<DurableHeadWriter> DurableHeadWriter::Open(const std::string& path,
                                                          DurableHead head) {
  const std::string new_path = absl::StrCat(path, ".new");
  const int fd =
      open(new_path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (fd < 0) return FileError("opening", new_path);
  DurableHeadWriter writer(fd, head.incarnation);
  absl::Status status = writer.Record(head.revision);
  if (status.ok()) status = writer.Sync();
  if (!status.ok()) return status;
  if (rename(new_path.c_str(), path.c_str()) != 0) return FileError("renaming", new_path);
  status = SyncDirectory(std::filesystem::path(path).parent_path());
  if (!status.ok()) return status;
  return writer;
}

DurableHeadWriter::DurableHeadWriter(DurableHeadWriter&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), incarnation_(other.incarnation_) {}

DurableHeadWriter::~DurableHeadWriter() {
  if (fd_ >= 0) close(fd_);
}

absl::Status DurableHeadWriter::Record(Revision revision) {
  const std::string bytes = Encode({incarnation_, revision});
  const ssize_t written = pwrite(fd_, bytes.data(), bytes.size(), 0);
  if (written < 0) return FileError("writing", "DURABLE_HEAD");
  if (static_cast<size_t>(written) != bytes.size()) {
    return absl::UnavailableError("writing DURABLE_HEAD: the disk took only a part");
  }
  return absl::OkStatus();
}

absl::Status DurableHeadWriter::Sync() {
  if (fdatasync(fd_) != 0) return FileError("syncing", "DURABLE_HEAD");
  return absl::OkStatus();
}

}  // namespace innkeeper::storage::embedded
