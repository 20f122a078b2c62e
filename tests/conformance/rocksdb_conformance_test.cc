// The embedded engine, as it is and under a seal, held to the contract of engines.

#include "storage/rocksdb/rocksdb_engine.h"

#include <memory>
#include <utility>

#include "storage/sealing/room_secrets.h"
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

absl::StatusOr<std::unique_ptr<RoomSecrets>> OpenSecrets(EngineOptions options) {
  options.directory += "-room-keys";
  auto engine = RocksDbFactory().open(options);
  if (!engine.ok()) return engine.status();
  auto sealed = SealedEngine::Open(*std::move(engine), nullptr, TestMasterKeys(), options.clock());
  if (!sealed.ok()) return sealed.status();
  return RoomSecrets::Open(*std::move(sealed));
}

EngineFactory SealedFactory() {
  return {"Sealed", [](const EngineOptions& options) -> absl::StatusOr<std::unique_ptr<Engine>> {
            auto engine = RocksDbFactory().open(options);
            if (!engine.ok()) return engine;
            auto secrets = OpenSecrets(options);
            if (!secrets.ok()) return secrets.status();
            return SealedEngine::Open(*std::move(engine), *std::move(secrets), TestMasterKeys(),
                                      options.clock());
          }};
}

INSTANTIATE_TEST_SUITE_P(Engines, EngineConformance,
                         testing::Values(RocksDbFactory(), SealedFactory()), EngineName);

}  // namespace
}  // namespace innkeeper::storage
