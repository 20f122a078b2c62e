// The embedded engine, as it is and under a seal, held to the contract of engines.

#include "storage/rocksdb/rocksdb_engine.h"

#include <utility>

#include "storage/sealing/sealed_engine.h"
#include "tests/conformance/engine_conformance.h"
#include "tests/support/test_engine.h"

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

EngineFactory SealedFactory() {
  return {"Sealed", [](const EngineOptions& options) -> absl::StatusOr<std::unique_ptr<Engine>> {
            auto engine = RocksDbFactory().open(options);
            if (!engine.ok()) return engine;
            return SealedEngine::Open(*std::move(engine), TestMasterKeys(), options.clock());
          }};
}

INSTANTIATE_TEST_SUITE_P(Engines, EngineConformance,
                         testing::Values(RocksDbFactory(), SealedFactory()), EngineName);

}  // namespace
}  // namespace innkeeper::storage
