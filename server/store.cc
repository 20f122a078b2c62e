#include "server/store.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <glog/logging.h>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "server/master_keys.h"
#include "storage/sealing/forget_rooms.h"
#include "storage/sealing/keyring.h"
#include "storage/sealing/master_key.h"
#include "storage/sealing/room_secrets.h"

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

// What the secrets of rooms may take of memory.
constexpr size_t kSecretsCacheBytes = size_t{32} << 20;
constexpr size_t kSecretsWriteBufferBytes = size_t{4} << 20;

std::string RoomKeysDir(const ServerConfig& config) {
  if (!config.room_keys_dir.empty()) return config.room_keys_dir;
  return std::filesystem::path(config.data_dir) / "room-keys";
}

absl::Status AboutRoomKeys(const absl::Status& status) {
  return absl::Status(status.code(), absl::StrCat("room_keys_dir: ", status.message()));
}

// Opens the secrets of rooms, on the same machine as the store; makes them if the store with
// this keyring has none yet.
absl::StatusOr<std::unique_ptr<storage::SealedEngine>> OpenRoomKeys(
    const ServerConfig& config, rocksdb::Env* env, absl::Duration retry_period,
    const std::optional<storage::KeyringRecord>& keyring, const storage::MasterKeys& master_keys,
    absl::Time now) {
  storage::RocksDbOptions options;
  options.path = RoomKeysDir(config);
  options.create_if_missing = !keyring || keyring->room_secrets_id().empty();
  options.block_cache_bytes = kSecretsCacheBytes;
  options.write_buffer_bytes = kSecretsWriteBufferBytes;
  options.min_free_bytes = static_cast<uint64_t>(config.disk_min_free_bytes);
  options.env = env;
  options.retry_period = retry_period;
  auto engine = storage::OpenRocksDb(std::move(options));
  if (!engine.ok()) return AboutRoomKeys(engine.status());
  auto sealed = storage::SealedEngine::Open(*std::move(engine), nullptr, master_keys, now);
  if (!sealed.ok()) return AboutRoomKeys(sealed.status());
  return sealed;
}

}  // namespace

absl::StatusOr<Store> OpenStore(const ServerConfig& config, storage::RocksDbOptions options,
                                absl::Time now) {
  options.path = config.data_dir;
  options.block_cache_bytes = static_cast<size_t>(config.block_cache_bytes);
  options.write_buffer_bytes = static_cast<size_t>(config.write_buffer_bytes);
  options.max_queued_bytes = static_cast<size_t>(config.max_queued_commit_bytes);
  options.min_free_bytes = static_cast<uint64_t>(config.disk_min_free_bytes);
  rocksdb::Env* const env = options.env;
  const absl::Duration retry_period = options.retry_period;
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
  auto room_keys = OpenRoomKeys(config, env, retry_period, *keyring, *master_keys, now);
  if (!room_keys.ok()) return room_keys.status();
  Store store;
  store.sealed_secrets = room_keys->get();
  auto secrets = storage::RoomSecrets::Open(*std::move(room_keys));
  if (!secrets.ok()) return AboutRoomKeys(secrets.status());
  auto sealed =
      storage::SealedEngine::Open(*std::move(engine), *std::move(secrets), *master_keys, now);
  if (absl::IsFailedPrecondition(sealed.status())) {
    return absl::FailedPreconditionError(absl::StrCat("data_dir: ", sealed.status().message()));
  }
  if (!sealed.ok()) return sealed.status();
  const auto forgotten = storage::ForgetDestroyedRooms(**sealed);
  if (!forgotten.ok()) return forgotten.status();
  LOG_IF(WARNING, *forgotten > 0) << "the store is older than the deletion of " << *forgotten
                                  << " of its rooms: they are removed from it";
  store.sealed = sealed->get();
  store.engine = *std::move(sealed);
  return store;
}

}  // namespace innkeeper
