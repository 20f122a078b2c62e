#include "tests/bench/synced_write.h"

#include <cstdint>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "glog/logging.h"
#include "rocksdb/db.h"
#include "tests/support/temp_dir.h"

namespace innkeeper::bench {
namespace {

// As much as the echo carries.
constexpr size_t kValueBytes = 128;

}  // namespace

LoadResult MeasureSyncedWrites(absl::Duration duration) {
  const TempDir directory;
  rocksdb::Options options;
  options.create_if_missing = true;
  rocksdb::DB* opened = nullptr;
  CHECK(rocksdb::DB::Open(options, directory.File("db"), &opened).ok());
  const std::unique_ptr<rocksdb::DB> database(opened);
  rocksdb::WriteOptions synced;
  synced.sync = true;
  const std::string value(kValueBytes, 'x');
  return RunSerially(duration, [&](int64_t index) {
    return database->Put(synced, absl::StrCat("key", index), value).ok();
  });
}

}  // namespace innkeeper::bench
