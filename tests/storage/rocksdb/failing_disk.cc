#include "tests/storage/rocksdb/failing_disk.h"

#include <glog/logging.h>

#include <algorithm>
#include <functional>
#include <map>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/match.h"
#include "absl/synchronization/mutex.h"
#include "rocksdb/file_system.h"
#include "tests/storage/rocksdb/store_files.h"

namespace innkeeper::storage {
namespace {

namespace fs = std::filesystem;

using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

fs::path Normal(const std::string& path) { return fs::path(path).lexically_normal(); }

}  // namespace

IOStatus BadDisk() { return IOStatus::IOError("as arranged", "Input/output error"); }
IOStatus FullDisk() { return IOStatus::NoSpace("as arranged"); }
IOStatus ReadOnlyDisk() { return IOStatus::IOError("as arranged", "Read-only file system"); }

// Each call is done under the lock, so that a power cut finds none half done.
class FailingDisk::Platters {
  // What the disk knows of a file's content.
  struct Content {
    uint64_t size = 0;
    uint64_t synced = 0;
    std::vector<std::pair<uint64_t, uint64_t>> lost;  // by failed syncs: from, to
  };

  // How an entry of a directory was before it was changed.
  struct Entry {
    fs::path path;
    std::optional<std::string> content;  // nothing: it was not there
  };

 public:
  using Call = std::function<IOStatus()>;

  void Arrange(std::vector<DiskFault> faults) {
    absl::MutexLock lock(&mutex_);
    faults_ = std::move(faults);
    calls_.assign(faults_.size(), 0);
    has_failed_ = false;
  }
  bool has_failed() const {
    absl::MutexLock lock(&mutex_);
    return has_failed_;
  }
  void SetFreeBytes(std::optional<uint64_t> bytes) {
    absl::MutexLock lock(&mutex_);
    free_bytes_ = bytes;
  }
  std::optional<uint64_t> free_bytes() const {
    absl::MutexLock lock(&mutex_);
    return free_bytes_;
  }

  IOStatus Create(const fs::path& path, bool truncate, const Call& call) {
    absl::MutexLock lock(&mutex_);
    Entry entry = EntryOf(path);
    IOStatus status = Do(path, call);
    if (!status.ok()) return status;
    if (truncate || !entry.content) contents_[path] = {};
    if (!truncate && entry.content) contents_[path].size = entry.content->size();
    if (truncate || !entry.content) changed_[path.parent_path()].push_back(std::move(entry));
    return status;
  }

  // `call` appends the part of `data` that it is given.
  IOStatus Append(const fs::path& path, const Slice& data,
                  const std::function<IOStatus(const Slice&)>& call) {
    absl::MutexLock lock(&mutex_);
    const DiskFault* fault = NextFault(path);
    if (fault != nullptr && !fault->torn) return fault->error;
    const Slice part(data.data(), fault == nullptr ? data.size() : data.size() / 2);
    IOStatus written = call(part);
    if (written.ok()) contents_[path].size += part.size();
    return fault == nullptr ? written : fault->error;
  }

  // The machine's disk itself need not be bothered: its power is not cut.
  IOStatus Sync(const fs::path& path) {
    absl::MutexLock lock(&mutex_);
    const DiskFault* fault = NextFault(path);
    Content& content = contents_[path];
    if (fault == nullptr) {
      content.synced = content.size;
      return IOStatus::OK();
    }
    if (content.synced < content.size) content.lost.emplace_back(content.synced, content.size);
    return fault->error;
  }

  IOStatus SyncDirectory(const fs::path& path) {
    absl::MutexLock lock(&mutex_);
    const DiskFault* fault = NextFault(path);
    if (fault != nullptr) return fault->error;
    changed_.erase(path);
    return IOStatus::OK();
  }

  IOStatus Rename(const fs::path& from, const fs::path& to, const Call& call) {
    absl::MutexLock lock(&mutex_);
    Entry entry = EntryOf(to);
    IOStatus status = Do(from, call);
    if (!status.ok()) return status;
    contents_[to] = contents_[from];
    Forget(from);
    changed_[to.parent_path()].push_back(std::move(entry));
    return status;
  }

  IOStatus Remove(const fs::path& path, const Call& call) {
    absl::MutexLock lock(&mutex_);
    IOStatus status = Do(path, call);
    if (status.ok()) Forget(path);
    return status;
  }

  IOStatus Close(const fs::path& path, const Call& call) {
    absl::MutexLock lock(&mutex_);
    const DiskFault* fault = NextFault(path);
    IOStatus closed = call();
    return fault == nullptr ? closed : fault->error;
  }

  void CopyAfterPowerCut(const fs::path& from, const fs::path& to, Unsynced unsynced) const {
    absl::MutexLock lock(&mutex_);
    CopyStore(from, to);
    const auto copy_of = [&](const fs::path& path) { return to / path.lexically_relative(from); };
    const auto is_below = [&](const fs::path& path) {
      return *path.lexically_relative(from).begin() != "..";
    };
    for (const auto& [path, content] : contents_) {
      const fs::path copy = copy_of(path);
      if (!is_below(path) || !fs::exists(copy)) continue;
      WriteFile(copy, AfterPowerCut(ReadFile(copy), content, unsynced, path.extension() == ".log"));
    }
    for (const auto& [directory, entries] : changed_) {
      for (auto entry = entries.rbegin(); entry != entries.rend(); ++entry) {
        if (!is_below(entry->path)) continue;
        if (entry->content) {
          WriteFile(copy_of(entry->path), *entry->content);
        } else {
          fs::remove(copy_of(entry->path));
        }
      }
    }
  }

 private:
  static std::string AfterPowerCut(std::string bytes, const Content& content, Unsynced unsynced,
                                   bool is_log) {
    const size_t synced = std::min<size_t>(content.synced, bytes.size());
    for (const auto& [from, to] : content.lost) {
      const size_t end = std::min<size_t>(to, bytes.size());
      if (from < end) bytes.replace(from, end - from, end - from, '\0');
    }
    switch (unsynced) {
      case Unsynced::kDropped:
        bytes.resize(synced);
        break;
      case Unsynced::kHalved:
        bytes.resize(synced + (bytes.size() - synced) / 2);
        break;
      case Unsynced::kSpoiled:
        if (!is_log) bytes.resize(synced);
        for (size_t i = synced; i < bytes.size(); i += 7) bytes[i] ^= 0x55;
        break;
    }
    return bytes;
  }

  // Counts a call, and returns the fault that it meets, or null.
  const DiskFault* NextFault(const fs::path& path) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const DiskFault* met = nullptr;
    for (size_t i = 0; i < faults_.size(); ++i) {
      const DiskFault& fault = faults_[i];
      if (!absl::EndsWith(path.native(), fault.suffix)) continue;
      const int call = ++calls_[i];
      if (call < fault.first || call - fault.first >= fault.count) continue;
      if (i + 1 == faults_.size()) has_failed_ = true;
      met = &fault;
    }
    return met;
  }

  IOStatus Do(const fs::path& path, const Call& call) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const DiskFault* fault = NextFault(path);
    return fault == nullptr ? call() : fault->error;
  }

  static Entry EntryOf(const fs::path& path) {
    Entry entry{path, std::nullopt};
    if (fs::exists(path)) entry.content = ReadFile(path);
    return entry;
  }

  // What is removed is taken for removed on the disk at once.
  void Forget(const fs::path& path) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    contents_.erase(path);
    std::erase_if(changed_[path.parent_path()],
                  [&](const Entry& entry) { return entry.path == path; });
  }

  mutable absl::Mutex mutex_;
  std::vector<DiskFault> faults_ ABSL_GUARDED_BY(mutex_);
  std::vector<int> calls_ ABSL_GUARDED_BY(mutex_);  // that each of them counted
  bool has_failed_ ABSL_GUARDED_BY(mutex_) = false;
  std::optional<uint64_t> free_bytes_ ABSL_GUARDED_BY(mutex_);
  std::map<fs::path, Content> contents_ ABSL_GUARDED_BY(mutex_);
  // By directory, what was changed since it was synced, in order.
  std::map<fs::path, std::vector<Entry>> changed_ ABSL_GUARDED_BY(mutex_);
};

class FailingDisk::File final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  File(fs::path path, std::unique_ptr<rocksdb::FSWritableFile> file,
       std::shared_ptr<Platters> platters)
      : FSWritableFileOwnerWrapper(std::move(file)),
        path_(std::move(path)),
        platters_(std::move(platters)) {}

  IOStatus Append(const Slice& data, const IOOptions& options, IODebugContext* debug) override {
    return platters_->Append(path_, data, [&](const Slice& part) {
      return FSWritableFileOwnerWrapper::Append(part, options, debug);
    });
  }
  IOStatus Append(const Slice& data, const IOOptions& options, const rocksdb::DataVerificationInfo&,
                  IODebugContext* debug) override {
    return Append(data, options, debug);
  }
  IOStatus Sync(const IOOptions&, IODebugContext*) override { return platters_->Sync(path_); }
  IOStatus Fsync(const IOOptions&, IODebugContext*) override { return platters_->Sync(path_); }
  IOStatus Close(const IOOptions& options, IODebugContext* debug) override {
    return platters_->Close(path_,
                            [&] { return FSWritableFileOwnerWrapper::Close(options, debug); });
  }

 private:
  const fs::path path_;
  const std::shared_ptr<Platters> platters_;
};

class FailingDisk::Directory final : public rocksdb::FSDirectoryWrapper {
 public:
  Directory(fs::path path, std::unique_ptr<rocksdb::FSDirectory> directory,
            std::shared_ptr<Platters> platters)
      : FSDirectoryWrapper(std::move(directory)),
        path_(std::move(path)),
        platters_(std::move(platters)) {}

  IOStatus Fsync(const IOOptions&, IODebugContext*) override {
    return platters_->SyncDirectory(path_);
  }
  IOStatus FsyncWithDirOptions(const IOOptions&, IODebugContext*,
                               const rocksdb::DirFsyncOptions&) override {
    return platters_->SyncDirectory(path_);
  }

 private:
  const fs::path path_;
  const std::shared_ptr<Platters> platters_;
};

class FailingDisk::System final : public rocksdb::FileSystemWrapper {
 public:
  explicit System(std::shared_ptr<Platters> platters)
      : FileSystemWrapper(rocksdb::FileSystem::Default()), platters_(std::move(platters)) {}

  const char* Name() const override { return "FailingDisk"; }

  IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                           std::unique_ptr<rocksdb::FSWritableFile>* file,
                           IODebugContext* debug) override {
    return Open(name, /*truncate=*/true, file,
                [&] { return FileSystemWrapper::NewWritableFile(name, options, file, debug); });
  }
  IOStatus ReopenWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                              std::unique_ptr<rocksdb::FSWritableFile>* file,
                              IODebugContext* debug) override {
    return Open(name, /*truncate=*/false, file,
                [&] { return FileSystemWrapper::ReopenWritableFile(name, options, file, debug); });
  }
  IOStatus NewDirectory(const std::string& name, const IOOptions& options,
                        std::unique_ptr<rocksdb::FSDirectory>* directory,
                        IODebugContext* debug) override {
    IOStatus status = FileSystemWrapper::NewDirectory(name, options, directory, debug);
    if (status.ok()) {
      *directory = std::make_unique<Directory>(Normal(name), std::move(*directory), platters_);
    }
    return status;
  }
  IOStatus RenameFile(const std::string& from, const std::string& to, const IOOptions& options,
                      IODebugContext* debug) override {
    return platters_->Rename(Normal(from), Normal(to), [&] {
      return FileSystemWrapper::RenameFile(from, to, options, debug);
    });
  }
  IOStatus DeleteFile(const std::string& name, const IOOptions& options,
                      IODebugContext* debug) override {
    return platters_->Remove(Normal(name),
                             [&] { return FileSystemWrapper::DeleteFile(name, options, debug); });
  }
  IOStatus GetFreeSpace(const std::string& path, const IOOptions& options, uint64_t* bytes,
                        IODebugContext* debug) override {
    const std::optional<uint64_t> arranged = platters_->free_bytes();
    if (!arranged) return FileSystemWrapper::GetFreeSpace(path, options, bytes, debug);
    *bytes = *arranged;
    return IOStatus::OK();
  }

 private:
  IOStatus Open(const std::string& name, bool truncate,
                std::unique_ptr<rocksdb::FSWritableFile>* file, const Platters::Call& call) {
    IOStatus status = platters_->Create(Normal(name), truncate, call);
    if (status.ok()) *file = std::make_unique<File>(Normal(name), std::move(*file), platters_);
    return status;
  }

  const std::shared_ptr<Platters> platters_;
};

FailingDisk::FailingDisk()
    : platters_(std::make_shared<Platters>()),
      env_(rocksdb::NewCompositeEnv(std::make_shared<System>(platters_))) {}

FailingDisk::~FailingDisk() = default;

void FailingDisk::Arrange(std::vector<DiskFault> faults) { platters_->Arrange(std::move(faults)); }
bool FailingDisk::has_failed() const { return platters_->has_failed(); }
void FailingDisk::SetFreeBytes(std::optional<uint64_t> bytes) { platters_->SetFreeBytes(bytes); }

void FailingDisk::CopyAfterPowerCut(const fs::path& from, const fs::path& to,
                                    Unsynced unsynced) const {
  platters_->CopyAfterPowerCut(from.lexically_normal(), to, unsynced);
}

}  // namespace innkeeper::storage
