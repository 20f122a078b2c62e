#include "server/store.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "server/master_keys.h"
#include "storage/sealing/keyring.h"

namespace innkeeper {
namespace {

// Adds to `status` which master key the store needs, if it has a keyring.
absl::Status WithMissingKey(const absl::Status& status,
                            const std::optional<storage::KeyringRecord>& keyring) {
  if (!keyring) return status;
  return absl::Status(status.code(),
                      absl::StrCat(status.message(), "; the store is sealed with the master key ",
                                   keyring->name_key().master_key_id()));
}

}  // namespace

absl::StatusOr<Store> OpenStore(const ServerConfig& config, storage::RocksDbOptions options,
                                absl::Time now) {
  options.path = config.data_dir;
  options.block_cache_bytes = static_cast<size_t>(config.block_cache_bytes);
  options.write_buffer_bytes = static_cast<size_t>(config.write_buffer_bytes);
  options.max_queued_bytes = static_cast<size_t>(config.max_queued_commit_bytes);
  options.min_free_bytes = static_cast<uint64_t>(config.disk_min_free_bytes);
  auto engine = storage::OpenRocksDb(std::move(options));
  if (!engine.ok()) return engine.status();
  const auto keyring = storage::ReadKeyring(**engine);
  if (!keyring.ok()) return keyring.status();
  if (!config.sealing) {
    if (!keyring->has_value()) return Store{*std::move(engine)};
    return absl::FailedPreconditionError(
        "sealing: is off, but the store in data_dir is sealed; leave it on");
  }
  const auto master_keys = LoadMasterKeys(config, /*may_make=*/!keyring->has_value());
  if (!master_keys.ok()) return WithMissingKey(master_keys.status(), *keyring);
  auto sealed = storage::SealedEngine::Open(*std::move(engine), *master_keys, now);
  if (absl::IsFailedPrecondition(sealed.status())) {
    return absl::FailedPreconditionError(absl::StrCat("data_dir: ", sealed.status().message()));
  }
  if (!sealed.ok()) return sealed.status();
  Store store;
  store.sealed = sealed->get();
  store.engine = *std::move(sealed);
  return store;
}

}  // namespace innkeeper
