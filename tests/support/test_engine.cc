#include "tests/support/test_engine.h"

#include <glog/logging.h>

#include <utility>

#include "storage/rocksdb/rocksdb_engine.h"

namespace innkeeper::storage {

std::unique_ptr<Engine> OpenTestEngine(const std::string& path) {
  RocksDbOptions options;
  options.path = path;
  options.block_cache_bytes = size_t{32} << 20;
  options.write_buffer_bytes = size_t{16} << 20;
  auto engine = OpenRocksDb(std::move(options));
  CHECK(engine.ok()) << engine.status();
  return *std::move(engine);
}

}  // namespace innkeeper::storage
