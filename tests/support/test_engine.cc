#include "tests/support/test_engine.h"

#include <glog/logging.h>

#include <utility>

#include "absl/time/clock.h"
#include "storage/rocksdb/rocksdb_engine.h"
#include "storage/sealing/aead.h"
#include "storage/sealing/sealed_engine.h"
#include "storage/sealing/secret.h"

namespace innkeeper::storage {

MasterKeys TestMasterKeys() {
  MasterKeys keys;
  keys.emplace_back(Secret::Copy(std::string(Aead::kKeyBytes, 'k')));
  return keys;
}

std::unique_ptr<Engine> OpenTestEngine(const std::string& path) {
  RocksDbOptions options;
  options.path = path;
  options.block_cache_bytes = size_t{32} << 20;
  options.write_buffer_bytes = size_t{16} << 20;
  auto engine = OpenRocksDb(std::move(options));
  CHECK(engine.ok()) << engine.status();
  auto sealed = SealedEngine::Open(*std::move(engine), nullptr, TestMasterKeys(), absl::Now());
  CHECK(sealed.ok()) << sealed.status();
  return *std::move(sealed);
}

}  // namespace innkeeper::storage
