// The embedded engine, held to the contract of engines.

#include "storage/rocksdb/rocksdb_engine.h"
#include "tests/conformance/engine_conformance.h"

namespace innkeeper::storage {
namespace {

EngineFactory RocksDbFactory() {
  return {"RocksDb", [](const EngineOptions& options) {
            return OpenRocksDb({.path = options.directory,
                                .block_cache_bytes = 8 << 20,
                                .write_buffer_bytes = 4 << 20,
                                .max_queued_commits = options.max_queued_commits,
                                .clock = [clock = options.clock] { return clock(); }});
          }};
}

INSTANTIATE_TEST_SUITE_P(Engines, EngineConformance, testing::Values(RocksDbFactory()), EngineName);

}  // namespace
}  // namespace innkeeper::storage
