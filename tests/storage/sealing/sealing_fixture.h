// File: tests/storage/sealing/sealing_fixture.h

#ifndef INNKEEPER_TESTS_STORAGE_SEALING_SEALING_FIXTURE_H_
#define INNKEEPER_TESTS_STORAGE_SEALING_SEALING_FIXTURE_H_

#include <memory>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "storage/engine.h"
#include "storage/keys.h"
#include "storage/rocksdb/rocksdb_engine.h"
#include "storage/sealing/master_key.h"
#include "storage/sealing/room_secrets.h"
#include "storage/sealing/sealed_engine.h"
#include "tests/support/temp_dir.h"

namespace innkeeper::storage {

// A sealed store that can be closed and opened again, with other master keys too.
class SealingFixture : public testing::Test {
 protected:
  SealingFixture() { Open("a"); }

  // A master key for each character of `bytes`, in order.
  static MasterKeys Keys(absl::string_view bytes) {
    MasterKeys keys;
    for (const char byte : bytes) {
      keys.emplace_back(Secret::Copy(std::string(Aead::kKeyBytes, byte)));
    }
    return keys;
  }

  std::unique_ptr<Engine> OpenUnsealed(const std::string& name = "store") {
    return *OpenRocksDb(
        {.path = dir_.File(name), .block_cache_bytes = 8 << 20, .write_buffer_bytes = 4 << 20});
  }

  // Opens the secrets of the store's rooms, which are sealed with a master key of their own.
  std::unique_ptr<RoomSecrets> OpenSecrets(const std::string& name = "room-keys") {
    auto engine = SealedEngine::Open(OpenUnsealed(name), nullptr, Keys("s"), absl::Now());
    return *RoomSecrets::Open(*std::move(engine));
  }

  absl::StatusOr<std::unique_ptr<SealedEngine>> TryToOpen(absl::string_view keys) {
    return SealedEngine::Open(OpenUnsealed(), OpenSecrets(), Keys(keys), absl::Now());
  }

  void Open(absl::string_view keys) {
    auto engine = TryToOpen(keys);
    ASSERT_TRUE(engine.ok()) << engine.status();
    engine_ = *std::move(engine);
  }

  void Close() { engine_.reset(); }

  SealedEngine& engine() { return *engine_; }

  // A key with something private in it.
  static std::string Key(absl::string_view name) {
    return KeyBuilder(Table::kState).Str("!room").Str("m.room.member").Str(name).Build();
  }

  static CommitResult Put(Engine& engine, std::string key, std::string value) {
    CommitRequest request;
    request.writes.push_back({std::move(key), std::move(value)});
    CommitResult result = CommitAndWait(engine, std::move(request));
    EXPECT_TRUE(result.status.ok()) << result.status;
    return result;
  }

  static void Append(Engine& engine, std::string entry) {
    CommitRequest request;
    request.log_entries.push_back(std::move(entry));
    EXPECT_TRUE(CommitAndWait(engine, std::move(request)).status.ok());
  }

  std::string Value(const std::string& key) {
    const auto value = engine().Get(key);
    EXPECT_TRUE(value.ok()) << value.status();
    return value.ok() && value->has_value() ? (*value)->value : "(none)";
  }

  TempDir dir_;

 private:
  std::unique_ptr<SealedEngine> engine_;
};

}  // namespace innkeeper::storage

#endif  // INNKEEPER_TESTS_STORAGE_SEALING_SEALING_FIXTURE_H_
