#include "tests/storage/rocksdb/faulty_file_system.h"

#include <utility>

#include "absl/strings/match.h"

namespace innkeeper::storage {
namespace {

using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;

class FaultyWal : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  FaultyWal(std::unique_ptr<rocksdb::FSWritableFile> file, Faults& faults)
      : FSWritableFileOwnerWrapper(std::move(file)), faults_(faults) {}

  IOStatus Append(const rocksdb::Slice& data, const IOOptions& options,
                  IODebugContext* debug) override {
    const IOStatus fault = faults_.BeforeAppend();
    return fault.ok() ? FSWritableFileOwnerWrapper::Append(data, options, debug) : fault;
  }
  IOStatus Append(const rocksdb::Slice& data, const IOOptions& options,
                  const rocksdb::DataVerificationInfo& info, IODebugContext* debug) override {
    const IOStatus fault = faults_.BeforeAppend();
    return fault.ok() ? FSWritableFileOwnerWrapper::Append(data, options, info, debug) : fault;
  }
  IOStatus Sync(const IOOptions& options, IODebugContext* debug) override {
    const IOStatus fault = faults_.BeforeSync();
    return fault.ok() ? FSWritableFileOwnerWrapper::Sync(options, debug) : fault;
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    const IOStatus fault = faults_.BeforeSync();
    return fault.ok() ? FSWritableFileOwnerWrapper::Fsync(options, debug) : fault;
  }

 private:
  Faults& faults_;
};

class FaultyFileSystem : public rocksdb::FileSystemWrapper {
 public:
  explicit FaultyFileSystem(Faults& faults)
      : FileSystemWrapper(rocksdb::FileSystem::Default()), faults_(faults) {}

  const char* Name() const override { return "FaultyFileSystem"; }

  IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                           std::unique_ptr<rocksdb::FSWritableFile>* file,
                           IODebugContext* debug) override {
    if (absl::EndsWith(name, ".sst")) faults_.BeforeTableFile();
    const IOStatus status = FileSystemWrapper::NewWritableFile(name, options, file, debug);
    if (status.ok() && absl::EndsWith(name, ".log")) {
      *file = std::make_unique<FaultyWal>(std::move(*file), faults_);
    }
    return status;
  }

 private:
  Faults& faults_;
};

}  // namespace

void Faults::HoldSyncs() {
  absl::MutexLock lock(&mutex_);
  hold_syncs_ = true;
}

void Faults::AwaitHeldSync() {
  absl::MutexLock lock(&mutex_);
  mutex_.Await(absl::Condition(&sync_is_held_));
}

void Faults::ReleaseSyncs() {
  absl::MutexLock lock(&mutex_);
  hold_syncs_ = false;
}

void Faults::HoldTableFiles() {
  absl::MutexLock lock(&mutex_);
  hold_table_files_ = true;
}

void Faults::ReleaseTableFiles() {
  absl::MutexLock lock(&mutex_);
  hold_table_files_ = false;
}

void Faults::FailAppends() {
  absl::MutexLock lock(&mutex_);
  fail_appends_ = true;
}

void Faults::FailSyncs() {
  absl::MutexLock lock(&mutex_);
  fail_syncs_ = true;
}

IOStatus Faults::BeforeAppend() {
  absl::MutexLock lock(&mutex_);
  return fail_appends_ ? IOStatus::NoSpace("no space, as arranged") : IOStatus::OK();
}

IOStatus Faults::BeforeSync() {
  absl::MutexLock lock(&mutex_);
  sync_is_held_ = hold_syncs_;
  const auto may_go_on = [this] { return !hold_syncs_; };
  mutex_.Await(absl::Condition(&may_go_on));
  sync_is_held_ = false;
  return fail_syncs_ ? IOStatus::IOError("bad disk, as arranged") : IOStatus::OK();
}

void Faults::BeforeTableFile() {
  absl::MutexLock lock(&mutex_);
  const auto may_go_on = [this] { return !hold_table_files_; };
  mutex_.Await(absl::Condition(&may_go_on));
}

std::unique_ptr<rocksdb::Env> MakeFaultyEnv(Faults& faults) {
  return rocksdb::NewCompositeEnv(std::make_shared<FaultyFileSystem>(faults));
}

}  // namespace innkeeper::storage
