#include "storage/sealing/key_rotation.h"

#include <atomic>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "storage/engine.h"
#include "storage/sealing/keyring.h"
#include "storage/sealing/value_sealer.h"
#include "tests/storage/sealing/sealing_fixture.h"

namespace innkeeper::storage {
namespace {

using testing::ElementsAre;
using testing::Gt;

class KeyRotationTest : public SealingFixture {
 protected:
  // The data keys that values of the store are sealed with.
  std::set<uint32_t> KeysInUse() {
    std::set<uint32_t> ids;
    const absl::Status scanned = engine().unsealed().NewSnapshot()->Scan(
        absl::string_view("\0", 1), "\xFF",
        [&](absl::string_view key, absl::string_view value, Revision) {
          const auto id = SealingKeyId(value);
          if (key != KeyringKey() && id) ids.insert(*id);
          return true;
        });
    EXPECT_TRUE(scanned.ok()) << scanned;
    return ids;
  }

  // Those in the keyring.
  std::vector<uint32_t> KeysThere() {
    std::vector<uint32_t> ids;
    const auto keyring = ReadKeyring(engine().unsealed());
    for (const DataKeyRecord& key : (*keyring)->data_keys()) ids.push_back(key.id());
    return ids;
  }

  void Fill(int count) {
    for (int i = 0; i < count; ++i) Put(engine(), Key(absl::StrCat(i)), absl::StrCat("value ", i));
  }

  void ExpectFilled(int count) {
    for (int i = 0; i < count; ++i) {
      EXPECT_EQ(Value(Key(absl::StrCat(i))), absl::StrCat("value ", i));
    }
  }

  static void Finish(KeyRotation& rotation, size_t at_once = 1000) {
    while (true) {
      const auto step = rotation.Continue(at_once);
      ASSERT_TRUE(step.ok()) << step.status();
      if (step->done) return;
    }
  }
};

// An engine that counts how often it is read, and is too busy for a commit of the test's choice.
class CountingEngine final : public Engine {
 public:
  explicit CountingEngine(std::unique_ptr<Engine> engine) : engine_(std::move(engine)) {}

  int reads() const { return reads_; }

  // Refuses the `number`th commit from now on, counted from 1.
  void RefuseCommit(int number) { until_refusal_ = number; }

  std::unique_ptr<Snapshot> NewSnapshot(ReadTier tier) const override {
    ++reads_;
    return engine_->NewSnapshot(tier);
  }
  absl::StatusOr<std::optional<Versioned>> Get(absl::string_view key) const override {
    ++reads_;
    return engine_->Get(key);
  }
  absl::Status ScanLog(LogPosition from, LogVisitor visit) const override {
    ++reads_;
    return engine_->ScanLog(from, visit);
  }
  void Commit(CommitRequest request, CommitDone done) override {
    if (--until_refusal_ == 0) return done({.status = absl::ResourceExhaustedError("busy")});
    engine_->Commit(std::move(request), std::move(done));
  }
  LogBounds log_bounds() const override { return engine_->log_bounds(); }
  std::shared_ptr<const LogEpochs> log_epochs() const override { return engine_->log_epochs(); }
  absl::StatusOr<uint64_t> EstimateLogBytes(LogPosition begin, LogPosition end) const override {
    return engine_->EstimateLogBytes(begin, end);
  }
  absl::Status TrimLog(LogPosition before) override { return engine_->TrimLog(before); }
  EngineStats stats() const override { return engine_->stats(); }
  WriteState write_state() const override { return engine_->write_state(); }
  void SetCommitListener(CommitListener listener) override {
    engine_->SetCommitListener(std::move(listener));
  }
  void SetLogSealer(const LogSealer* sealer) override { engine_->SetLogSealer(sealer); }
  absl::Status Close() override { return engine_->Close(); }

 private:
  const std::unique_ptr<Engine> engine_;
  mutable std::atomic<int> reads_ = 0;
  std::atomic<int> until_refusal_ = 0;
};

// The entries of the audit log, which must be chained up to the head, as they are stored and
// as they read.
struct AuditLog {
  std::vector<std::string> stored;
  std::vector<std::string> payloads;
};

AuditLog ReadAuditLog(SealedEngine& engine) {
  AuditLog log;
  AuditHead end;
  for (uint64_t number = 1;; ++number) {
    const auto value = engine.Get(AuditKey(number));
    EXPECT_TRUE(value.ok()) << value.status();
    if (!value.ok() || !value->has_value()) break;
    const auto entry = ParseAuditValue((*value)->value);
    EXPECT_EQ(entry->previous_hash, end.hash) << number;
    end = {number, HashAuditEntry(number, (*value)->value)};
    log.payloads.emplace_back(entry->payload);
    log.stored.push_back((*engine.unsealed().Get(AuditKey(number)))->value);
  }
  EXPECT_EQ(*engine.NewSnapshot()->audit_head(), end);
  return log;
}

TEST_F(KeyRotationTest, TheAuditLogIsSealedAnewAndStaysWhole) {
  for (const char* payload : {"a", "b", "c"}) {
    CommitRequest request;
    request.audit_entries.emplace_back(payload);
    ASSERT_TRUE(CommitAndWait(engine(), std::move(request)).status.ok());
  }
  const AuditLog before = ReadAuditLog(engine());
  KeyRotation rotation(engine());
  ASSERT_TRUE(rotation.Rotate(Keys("ba"), absl::Now()).ok());
  Finish(rotation);
  EXPECT_THAT(KeysInUse(), ElementsAre(2));
  const AuditLog after = ReadAuditLog(engine());
  EXPECT_THAT(after.payloads, ElementsAre("a", "b", "c"));
  for (size_t i = 0; i < 3; ++i) EXPECT_NE(after.stored[i], before.stored[i]);
}

TEST_F(KeyRotationTest, SealsAllValuesAnewAndRetiresTheOldKey) {
  Fill(100);
  KeyRotation rotation(engine());
  EXPECT_TRUE(rotation.Continue(1000)->done);
  ASSERT_THAT(KeysInUse(), ElementsAre(1));
  ASSERT_TRUE(rotation.Rotate(Keys("ba"), absl::Now()).ok());
  Put(engine(), Key("new"), "value");
  EXPECT_THAT(KeysInUse(), ElementsAre(1, 2));
  size_t resealed = 0;
  int steps = 0;
  for (bool done = false; !done; ++steps) {
    const auto step = rotation.Continue(7);
    ASSERT_TRUE(step.ok()) << step.status();
    EXPECT_LE(step->looked_at, 7);
    resealed += step->resealed;
    done = step->done;
  }
  EXPECT_GT(steps, 10);
  EXPECT_EQ(resealed, 100);
  EXPECT_THAT(KeysInUse(), ElementsAre(2));
  EXPECT_THAT(KeysThere(), ElementsAre(2));
  ExpectFilled(100);
}

TEST_F(KeyRotationTest, SnapshotsThatAreOpenMeanwhileCanStillBeRead) {
  Fill(1);
  const auto snapshot = engine().NewSnapshot();
  KeyRotation rotation(engine());
  ASSERT_TRUE(rotation.Rotate(Keys("ba"), absl::Now()).ok());
  Finish(rotation);
  ASSERT_THAT(KeysThere(), ElementsAre(2));
  const auto value = snapshot->Get(Key("0"));
  ASSERT_TRUE(value.ok()) << value.status();
  EXPECT_EQ((*value)->value, "value 0");
}

TEST_F(KeyRotationTest, TheOldMasterKeyIsOfNoUseAfterwards) {
  Fill(10);
  ASSERT_TRUE(KeyRotation(engine()).Rotate(Keys("ba"), absl::Now()).ok());
  Close();
  EXPECT_TRUE(absl::IsFailedPrecondition(TryToOpen("a").status()));
  Open("b");
  ExpectFilled(10);
}

TEST_F(KeyRotationTest, ChangesNothingWithoutThePresentMasterKey) {
  Fill(10);
  KeyRotation rotation(engine());
  EXPECT_TRUE(absl::IsFailedPrecondition(rotation.Rotate(Keys("bc"), absl::Now())));
  EXPECT_THAT(KeysThere(), ElementsAre(1));
  Put(engine(), Key("more"), "value");
  Close();
  Open("a");
  ExpectFilled(10);
}

// The first of its commits changes the keyring; an error of one behind that is no refusal.
TEST_F(KeyRotationTest, SaysThatTheKeyringMayHaveChangedOnceItHas) {
  auto counting = std::make_unique<CountingEngine>(OpenUnsealed("busy"));
  CountingEngine& busy = *counting;
  auto sealed = *SealedEngine::Open(std::move(counting), nullptr, Keys("a"), absl::Now());
  Append(*sealed, "entry");
  KeyRotation rotation(*sealed);
  const auto rotate = [&] { return rotation.Rotate(Keys("ba"), absl::Now()); };
  busy.RefuseCommit(1);
  EXPECT_TRUE(absl::IsResourceExhausted(rotate()));
  for (const int behind : {2, 3, 4}) {
    busy.RefuseCommit(behind);
    const absl::Status rotated = rotate();
    EXPECT_TRUE(absl::IsUnavailable(rotated)) << behind << ": " << rotated;
  }
  EXPECT_TRUE(rotate().ok());
}

TEST_F(KeyRotationTest, GoesOnAfterTheStoreWasOpenedAgain) {
  Fill(100);
  {
    KeyRotation rotation(engine());
    ASSERT_TRUE(rotation.Rotate(Keys("ba"), absl::Now()).ok());
    ASSERT_FALSE(rotation.Continue(10)->done);
  }
  Close();
  Open("b");
  EXPECT_THAT(KeysThere(), ElementsAre(1, 2, 3));
  KeyRotation rotation(engine());
  Finish(rotation, 10);
  EXPECT_THAT(KeysInUse(), ElementsAre(2, 3));
  EXPECT_THAT(KeysThere(), ElementsAre(2, 3));
  ExpectFilled(100);
}

TEST_F(KeyRotationTest, AnotherMasterKeyAtTheStartIsARotation) {
  Fill(10);
  Close();
  Open("ba");
  KeyRotation rotation(engine());
  Finish(rotation);
  EXPECT_THAT(KeysInUse(), ElementsAre(2));
  EXPECT_THAT(KeysThere(), ElementsAre(2));
}

TEST_F(KeyRotationTest, KeepsKeysThatLogEntriesAreSealedWith) {
  Append(engine(), "one");
  KeyRotation rotation(engine());
  ASSERT_TRUE(rotation.Rotate(Keys("a"), absl::Now()).ok());
  Append(engine(), "two");
  Finish(rotation);
  EXPECT_THAT(KeysThere(), ElementsAre(1, 2));
  EXPECT_EQ(engine().ReadLog(1, 10, 1000)->front().payload, "one");
  ASSERT_TRUE(engine().TrimLog(2).ok());
  Finish(rotation);
  EXPECT_THAT(KeysThere(), ElementsAre(2));
  EXPECT_EQ(engine().ReadLog(2, 10, 1000)->front().payload, "two");
}

TEST_F(KeyRotationTest, ReadsNothingWhileThereIsNothingToDo) {
  auto counting = std::make_unique<CountingEngine>(OpenUnsealed("counted"));
  const CountingEngine& counter = *counting;
  auto sealed = *SealedEngine::Open(std::move(counting), nullptr, Keys("a"), absl::Now());
  KeyRotation rotation(*sealed);
  const auto expect_idle = [&](size_t data_keys) {
    Finish(rotation);
    const int reads = counter.reads();
    for (int i = 0; i < 3; ++i) {
      const auto step = rotation.Continue(1000);
      ASSERT_TRUE(step.ok()) << step.status();
      EXPECT_TRUE(step->done);
      EXPECT_EQ(step->data_keys, data_keys);
    }
    EXPECT_EQ(counter.reads(), reads);
  };
  Append(*sealed, "one");
  Put(*sealed, Key("a"), "value");
  expect_idle(1);
  ASSERT_TRUE(rotation.Rotate(Keys("ba"), absl::Now()).ok());
  Append(*sealed, "two");
  expect_idle(2);
  ASSERT_TRUE(sealed->TrimLog(2).ok());
  expect_idle(1);
}

TEST_F(KeyRotationTest, ManyStartsEndInARotation) {
  Fill(10);
  for (int i = 0; i < 101; ++i) {
    Close();
    Open("a");
  }
  KeyRotation rotation(engine());
  Finish(rotation);
  EXPECT_THAT(KeysThere(), ElementsAre(102));
  ExpectFilled(10);
}

// Writers go on while keys change again and again, and nothing of theirs is lost.
TEST_F(KeyRotationTest, WritersGoOnMeanwhile) {
  std::atomic<bool> stop = false;
  std::atomic<int> last = 0;
  std::thread writer([&] {
    for (int i = 1; !stop; ++i) {
      if (i > 1) {
        EXPECT_EQ(Value(Key("counter")), absl::StrCat(i - 1));
      }
      Put(engine(), Key("counter"), absl::StrCat(i));
      Put(engine(), Key(absl::StrCat("each ", i % 50)), absl::StrCat(i));
      Append(engine(), absl::StrCat(i));
      last = i;
    }
  });
  KeyRotation rotation(engine());
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(rotation.Rotate(Keys(i % 2 == 0 ? "ba" : "ab"), absl::Now()).ok());
    Finish(rotation, 20);
  }
  stop = true;
  writer.join();
  EXPECT_THAT(last.load(), Gt(0));
  EXPECT_EQ(Value(Key("counter")), absl::StrCat(last.load()));
  Close();
  Open("a");
  EXPECT_EQ(Value(Key("counter")), absl::StrCat(last.load()));
  EXPECT_EQ(engine().ReadLog(1, 1'000'000, 1'000'000'000)->size(), last.load());
}

}  // namespace
}  // namespace innkeeper::storage
