// File: server/store.h
//
// The store of a server, as it is configured.

#ifndef INNKEEPER_SERVER_STORE_H_
#define INNKEEPER_SERVER_STORE_H_

#include <memory>

#include "absl/status/statusor.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "server/config/config.h"
#include "storage/engine.h"
#include "storage/rocksdb/rocksdb_engine.h"
#include "storage/sealing/sealed_engine.h"

namespace innkeeper {

struct Store {
  std::unique_ptr<storage::Engine> engine;
  // If the store is sealed, what its keys are changed in: the engine, and the one that has
  // the secrets of its rooms, which belongs to the former. Else null.
  storage::SealedEngine* sealed = nullptr;
  storage::SealedEngine* sealed_secrets = nullptr;
};

// Opens the store in the data directory, or makes it, sealed unless that is turned off, with the
// secrets of its rooms in a directory of their own. Blocks.
// `options` may have what the configuration has not. Errors: those of storage::OpenRocksDb and
// storage::SealedEngine::Open; and FAILED_PRECONDITION if the store is sealed and sealing is turned
// off.
absl::StatusOr<Store> OpenStore(const ServerConfig& config, storage::RocksDbOptions options = {},
                                absl::Time now = absl::Now());

}  // namespace innkeeper

#endif  // INNKEEPER_SERVER_STORE_H_
