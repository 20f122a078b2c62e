// A sealed store, with the secrets of its rooms, on a disk that fails at every call in turn
// while its master key is changed: nothing that was acknowledged is lost or unreadable, the
// store opens with the master keys that its keyrings name, and the rotation comes to its end.

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "absl/algorithm/container.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "server/base/clock.h"
#include "server/config/config.h"
#include "server/master_key_watch.h"
#include "server/metrics/metrics.h"
#include "server/store.h"
#include "storage/engine.h"
#include "storage/keys.h"
#include "storage/rocksdb/rocksdb_engine.h"
#include "storage/sealing/keyring.h"
#include "storage/sealing/master_key.h"
#include "tests/storage/rocksdb/disk_failures.h"
#include "tests/storage/rocksdb/failing_disk.h"
#include "tests/storage/rocksdb/store_files.h"
#include "tests/support/temp_dir.h"

namespace innkeeper {
namespace {

using storage::DiskFailure;
using storage::FailingDisk;
using storage::Unsynced;

constexpr absl::Duration kPatience = absl::Seconds(30);
constexpr Unsynced kKinds[] = {Unsynced::kDropped, Unsynced::kHalved, Unsynced::kSpoiled};
constexpr int kRooms = 3;
// Before the rotation; more than it looks at in one go.
constexpr int kOldValues = 2100;
// From one call that is tried to the next, in the short form.
constexpr int kStride = 13;
// Of the server, in which a rotation is over unless the disk fails.
constexpr int kMaxTurns = 10;

// The key of a record of one of the rooms.
std::string KeyOf(absl::string_view name, int number) {
  return storage::KeyBuilder(storage::Table::kState)
      .Str(absl::StrCat("!room", number % kRooms))
      .Str("m.room.member")
      .Str(absl::StrCat(name, number))
      .Build();
}

std::string IdOf(const std::string& master_key) {
  return storage::ParseMasterKeys(master_key)->front().id();
}

storage::KeyringRecord KeyringOf(const storage::Engine& unsealed) {
  const auto keyring = storage::ReadKeyring(unsealed);
  EXPECT_TRUE(keyring.ok()) << keyring.status();
  return keyring.ok() && *keyring ? **keyring : storage::KeyringRecord();
}

std::string MasterKeyId(const storage::Engine& unsealed) {
  return KeyringOf(unsealed).name_key().master_key_id();
}

// What is in the store: commits that are numbered as their entries in the log.
struct Progress {
  int acknowledged = 0;
  int attempted = 0;
};

// A server's store, and the part of the server that changes its keys.
class KeyedStore {
 public:
  KeyedStore(const std::string& data_dir, const std::string& key_file, Progress progress)
      : progress_(progress) {
    config_.data_dir = data_dir;
    config_.master_key_file = key_file;
    config_.block_cache_bytes = 8 << 20;
    config_.write_buffer_bytes = 4 << 20;
  }

  // Opens it with the master keys in its file.
  absl::Status Open(const FailingDisk& disk) {
    auto store = OpenStore(config_, {.retry_period = absl::Milliseconds(1), .env = disk.env()});
    if (!store.ok()) return store.status();
    store_ = *std::move(store);
    watch_ = std::make_unique<MasterKeyWatch>(config_, *store_.sealed, *store_.sealed_secrets,
                                              clock_, metrics_);
    return absl::OkStatus();
  }

  void Close() {
    watch_.reset();
    store_ = {};
  }

  bool is_open() const { return store_.engine != nullptr; }
  const Progress& progress() const { return progress_; }

  // Those that wrap the keyrings of the store and of the secrets; none while it is closed.
  std::vector<std::string> MasterKeyIds() const {
    std::vector<std::string> ids;
    for (const storage::Engine* engine : unsealed()) ids.push_back(MasterKeyId(*engine));
    return ids;
  }

  void Fill() {
    storage::CommitRequest request;
    for (int i = 0; i < kOldValues; ++i) request.writes.push_back({KeyOf("old", i), "old"});
    ASSERT_TRUE(storage::CommitAndWait(*store_.engine, std::move(request)).status.ok());
    CommitNext();
    ASSERT_EQ(progress_.acknowledged, 1);
  }

  // Forgets all but the newest entry of the log, unless values are being sealed anew, writes as
  // rooms do, and changes keys as a server does four times a second.
  void Turn() {
    if (metrics_.resealing.value() == 0) Trim();
    CommitNext();
    watch_->ReloadIfChanged();
    watch_->Continue();
  }

  // Whether the store is open, and both keyrings are wrapped with `master_key` and without the
  // data key that they began with.
  bool IsRotatedTo(const std::string& master_key) const {
    const std::vector<const storage::Engine*> engines = unsealed();
    return !engines.empty() && absl::c_all_of(engines, [&](const storage::Engine* engine) {
      const storage::KeyringRecord keyring = KeyringOf(*engine);
      return keyring.name_key().master_key_id() == IdOf(master_key) &&
             keyring.data_keys(0).id() > 1;
    });
  }

  // Waits until the store and its secrets take writes again, when it shows for good whether a
  // commit was kept that failed.
  void AwaitWrites() {
    const absl::Time deadline = absl::Now() + kPatience;
    for (const storage::Engine* engine : unsealed()) {
      while (engine->write_state().trouble != storage::WriteTrouble::kNone) {
        ASSERT_LT(absl::Now(), deadline) << engine->write_state().message;
        std::this_thread::yield();
      }
    }
    ExpectWhole();
    progress_.acknowledged = static_cast<int>(store_.engine->log_bounds().head);
  }

  // Expects that all that was acknowledged can be read, and nothing by half.
  void ExpectWhole() const {
    const storage::LogBounds bounds = store_.engine->log_bounds();
    const int head = static_cast<int>(bounds.head);
    EXPECT_GE(head, progress_.acknowledged);
    EXPECT_LE(head, progress_.attempted);
    const auto log = store_.engine->ReadLog(bounds.oldest, SIZE_MAX, SIZE_MAX);
    ASSERT_TRUE(log.ok()) << log.status();
    EXPECT_FALSE(log->empty());
    for (const storage::LogEntry& entry : *log) {
      EXPECT_EQ(entry.payload, absl::StrCat(entry.position));
    }
    std::map<std::string, std::string> expected;
    for (int i = 0; i < kOldValues; ++i) expected[KeyOf("old", i)] = "old";
    for (int number = 1; number <= head; ++number) {
      expected[KeyOf("new", number)] = absl::StrCat(number);
    }
    expected[KeyOf("newest", 0)] = absl::StrCat(head);
    std::map<std::string, std::string> found;
    const std::string state = storage::KeyBuilder(storage::Table::kState).Build();
    const absl::Status scanned = store_.engine->NewSnapshot()->Scan(
        state, state + "\xFF",
        [&](absl::string_view key, absl::string_view value, storage::Revision) {
          found.emplace(key, value);
          return true;
        });
    EXPECT_TRUE(scanned.ok()) << scanned;
    EXPECT_TRUE(found == expected) << found.size() << " values";
  }

 private:
  // The store and the secrets, as they are under their seals; none while it is closed.
  std::vector<const storage::Engine*> unsealed() const {
    if (!is_open()) return {};
    return {&store_.sealed->unsealed(), &store_.sealed_secrets->unsealed()};
  }

  void Trim() {
    const absl::Status trimmed = store_.engine->TrimLog(store_.engine->log_bounds().head);
    EXPECT_TRUE(trimmed.ok() || absl::IsUnavailable(trimmed)) << trimmed;
  }

  void CommitNext() {
    const int number = static_cast<int>(store_.engine->log_bounds().head) + 1;
    const std::string text = absl::StrCat(number);
    storage::CommitRequest request;
    request.writes.push_back({KeyOf("new", number), text});
    request.writes.push_back({KeyOf("newest", 0), text});
    request.log_entries.push_back(text);
    progress_.attempted = number;
    const auto result = storage::CommitAndWait(*store_.engine, std::move(request));
    if (result.status.ok()) {
      progress_.acknowledged = number;
    } else {
      EXPECT_TRUE(absl::IsUnavailable(result.status)) << result.status;
    }
  }

  ServerConfig config_;
  const Clock clock_ = [] { return absl::Now(); };
  metrics::SealingMetrics metrics_;
  Progress progress_;
  Store store_;
  std::unique_ptr<MasterKeyWatch> watch_;
};

// When the server learns of the new master key.
enum class Moment { kRunning, kStarting };

// A rotation with a fault at one call.
class RotationRun {
 public:
  RotationRun(const DiskFailure& failure, Moment moment, int first)
      : failure_(failure), moment_(moment), first_(first) {}

  // Returns whether the fault was met.
  bool Run() {
    Begin();
    bool was_met = false;
    for (int turn = 0; turn < kMaxTurns && !store_.IsRotatedTo(new_key_); ++turn) {
      if (store_.is_open()) {
        store_.Turn();
      } else {
        const absl::Status opened = store_.Open(disk_);
        EXPECT_TRUE(opened.ok() || absl::IsUnavailable(opened)) << opened;
      }
      if (!was_met && disk_.has_failed()) {
        was_met = true;
        CheckInTrouble();
      }
    }
    disk_.Heal();
    CheckRotated(store_, disk_);
    return was_met;
  }

 private:
  // Makes the store, puts the new master key before the old one, and arranges for the fault.
  void Begin() {
    WriteKeys(old_key_);
    ASSERT_TRUE(store_.Open(disk_).ok());
    store_.Fill();
    if (moment_ == Moment::kStarting) store_.Close();
    WriteKeys(new_key_ + old_key_);
    disk_.Arrange({failure_.At(first_)});
  }

  // Checks what is left of the store while the disk fails, and ends that.
  void CheckInTrouble() {
    if (store_.is_open()) store_.ExpectWhole();
    if (storage::IsFullForm()) {
      for (const Unsynced unsynced : kKinds) CheckAfterPowerCut(unsynced);
    } else {
      CheckAfterPowerCut(kKinds[static_cast<size_t>(first_) % std::size(kKinds)]);
    }
    WriteKeys(new_key_ + old_key_);
    disk_.Heal();
    if (store_.is_open()) store_.AwaitWrites();
  }

  void CheckAfterPowerCut(Unsynced unsynced) {
    SCOPED_TRACE(absl::StrCat("unsynced bytes of kind ", static_cast<int>(unsynced)));
    const std::string image = dir_.File("image");
    disk_.CopyAfterPowerCut(data_dir_, image, unsynced);
    WriteKeys(MasterKeysOf(image));
    const FailingDisk good_disk;
    KeyedStore store(image, key_file_, store_.progress());
    const absl::Status opened = store.Open(good_disk);
    ASSERT_TRUE(opened.ok()) << opened;
    store.ExpectWhole();
    WriteKeys(new_key_ + old_key_);
    for (int turn = 0; turn < kMaxTurns && !store.IsRotatedTo(new_key_); ++turn) store.Turn();
    CheckRotated(store, good_disk);
  }

  // Returns those that the keyrings in `image` name: the new one wherever it could be read
  // when the power was cut.
  std::string MasterKeysOf(const std::string& image) const {
    std::vector<std::string> ids;
    for (const char* directory : {"", "/room-keys"}) {
      ids.push_back(MasterKeyId(*storage::MustOpen(storage::SmallOptions(image + directory))));
    }
    const std::vector<std::string> seen = store_.MasterKeyIds();
    for (size_t i = 0; i < seen.size(); ++i) {
      if (seen[i] == IdOf(new_key_)) {
        EXPECT_EQ(ids[i], seen[i]);
      }
    }
    std::string keys;
    for (const std::string& key : {new_key_, old_key_}) {
      if (absl::c_linear_search(ids, IdOf(key))) keys += key;
    }
    return keys;
  }

  // Expects that the store is rotated, and that it opens with the new master key alone.
  void CheckRotated(KeyedStore& store, const FailingDisk& disk) {
    ASSERT_TRUE(store.IsRotatedTo(new_key_)) << "the rotation does not come to its end";
    store.ExpectWhole();
    store.Close();
    WriteKeys(new_key_);
    const absl::Status opened = store.Open(disk);
    ASSERT_TRUE(opened.ok()) << opened;
    store.ExpectWhole();
  }

  void WriteKeys(const std::string& keys) const { dir_.Write("master.key", keys); }

  const DiskFailure failure_;
  const Moment moment_;
  const int first_;
  const std::string old_key_ = storage::NewMasterKeyText();
  const std::string new_key_ = storage::NewMasterKeyText();
  const TempDir dir_{TempDir::Place::kMemory};
  const std::string data_dir_ = dir_.File("data");
  const std::string key_file_ = dir_.File("master.key");
  FailingDisk disk_;
  KeyedStore store_{data_dir_, key_file_, {}};
};

class RotationFaultTest : public testing::TestWithParam<DiskFailure> {
 protected:
  static void TryEveryCall(Moment moment, int least_calls) {
    bool was_met = true;
    for (int first = 1; was_met && !HasFailure(); first = storage::NextCall(first, kStride)) {
      SCOPED_TRACE(absl::StrCat("call ", first));
      was_met = RotationRun(GetParam(), moment, first).Run();
      EXPECT_TRUE(was_met || first > least_calls);
    }
  }
};

TEST_P(RotationFaultTest, WhileTheServerRuns) { TryEveryCall(Moment::kRunning, 20); }

// Another first master key at a start is a rotation, too.
TEST_P(RotationFaultTest, WhileTheServerStarts) { TryEveryCall(Moment::kStarting, 20); }

INSTANTIATE_TEST_SUITE_P(Faults, RotationFaultTest, testing::ValuesIn(storage::DiskFailures()),
                         storage::NameOfFailure);

}  // namespace
}  // namespace innkeeper
