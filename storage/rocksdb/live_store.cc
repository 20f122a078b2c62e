#include "storage/rocksdb/live_store.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "rocksdb/env.h"
#include "storage/rocksdb/rocksdb_status.h"
#include "storage/rocksdb/wal_survey.h"

namespace innkeeper::storage::embedded {
namespace {

// What is written to find out whether the disk can be written.
constexpr size_t kProbeBytes = 64 << 10;

// What opening a database takes beside what it then moves to table files.
constexpr uint64_t kRoomToOpen = 4 << 20;

bool IsGone(const std::shared_ptr<absl::Notification>& gone) { return gone->HasBeenNotified(); }

}  // namespace

LiveStore::LiveStore(StoreDirectory directory, DatabaseOptions options, RecoveredStore store)
    : directory_(std::move(directory)),
      options_(std::move(options)),
      file_system_(options_.env != nullptr ? options_.env->GetFileSystem()
                                           : rocksdb::FileSystem::Default()) {
  options_.path = directory_->database_path();
  durable_head_.emplace(std::move(store.durable_head));
  Publish(std::move(store.database));
}

std::shared_ptr<Database> LiveStore::database() const {
  absl::ReaderMutexLock lock(&mutex_);
  return published_;
}

std::optional<uint64_t> LiveStore::FreeBytes() const {
  uint64_t bytes = 0;
  const rocksdb::IOStatus status =
      file_system_->GetFreeSpace(options_.path, rocksdb::IOOptions(), &bytes, nullptr);
  return status.ok() ? std::make_optional(bytes) : std::nullopt;
}

absl::StatusOr<Meta> LiveStore::Reopen(uint64_t room, absl::Duration patience) {
  if (absl::Status status = CheckDisk(room); !status.ok()) return status;
  if (!is_reader_) {
    if (absl::Status status = RetireToReader(); !status.ok()) return status;
  }
  if (!failed_gone_->WaitForNotificationWithTimeout(patience)) {
    return absl::UnavailableError("somebody still reads the database that failed");
  }
  absl::StatusOr<RecoveredStore> store = RecoverStore(*directory_, options_);
  if (!store.ok()) return store.status();
  durable_head_.emplace(std::move(store->durable_head));
  is_reader_ = false;
  Publish(std::move(store->database));
  return std::move(store->meta);
}

absl::Status LiveStore::CheckDisk(uint64_t room) const {
  const uint64_t needed = std::max(room, current_->stats().write_buffer_bytes + kRoomToOpen);
  const std::optional<uint64_t> free = FreeBytes();
  if (free && *free < needed) {
    return NoSpace(absl::StrCat(*free, " bytes are left, and ", needed,
                                " are needed to open the store again"));
  }
  const rocksdb::IOStatus written = WriteProbe();
  if (written.ok()) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat("trying to write: ", written.ToString()));
}

rocksdb::IOStatus LiveStore::WriteProbe() const {
  const std::string path = directory_->probe_path();
  const rocksdb::IOOptions options;
  std::unique_ptr<rocksdb::FSWritableFile> file;
  rocksdb::IOStatus status =
      file_system_->NewWritableFile(path, rocksdb::FileOptions(), &file, nullptr);
  if (status.ok()) status = file->Append(std::string(kProbeBytes, 'x'), options, nullptr);
  if (status.ok()) status = file->Sync(options, nullptr);
  if (file != nullptr) {
    rocksdb::IOStatus closed = file->Close(options, nullptr);
    if (status.ok()) status = std::move(closed);
  }
  // It may be there although it could not be written.
  const rocksdb::IOStatus removed = file_system_->DeleteFile(path, options, nullptr);
  return status.ok() ? removed : status;
}

// Gives readers a database that is open for reading only.
absl::Status LiveStore::RetireToReader() {
  // Nothing on disk may change once it is read for others.
  current_->StopBackgroundWork();
  const absl::StatusOr<Head> head = current_->ReadHead(rocksdb::ReadOptions());
  if (!head.ok()) return head.status();
  absl::StatusOr<std::unique_ptr<Database>> reader = OpenAsOf(options_, head->revision);
  if (!reader.ok()) return reader.status();
  is_reader_ = true;
  failed_gone_ = current_gone_;
  Publish(*std::move(reader));
  return absl::OkStatus();
}

void LiveStore::Publish(std::unique_ptr<Database> database) {
  std::erase_if(retired_, IsGone);
  if (current_gone_ != nullptr) retired_.push_back(std::move(current_gone_));
  current_gone_ = std::make_shared<absl::Notification>();
  current_ = std::shared_ptr<Database>(database.release(), [gone = current_gone_](Database* last) {
    delete last;
    gone->Notify();
  });
  std::shared_ptr<Database> previous = current_;
  absl::MutexLock lock(&mutex_);
  published_.swap(previous);
}

// Whether somebody has another database than the one that is open now.
bool LiveStore::IsRead() const { return !std::all_of(retired_.begin(), retired_.end(), IsGone); }

absl::Status LiveStore::Close(bool sound) {
  if (IsRead()) return absl::FailedPreconditionError("snapshots are still open");
  absl::Status status;
  // After a failed write there is nothing to add: what is in memory is in the
  // write-ahead log, and the disk is not to be trusted.
  if (sound) status = current_->Flush();
  if (sound && status.ok()) status = durable_head_->Sync();
  absl::Status closed = current_->Close();
  if (absl::IsFailedPrecondition(closed)) return closed;
  directory_.reset();
  status.Update(closed);
  return status;
}

}  // namespace innkeeper::storage::embedded
