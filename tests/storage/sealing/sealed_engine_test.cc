// What the conformance suite does not ask: that nobody reads a sealed store, or changes it
// unnoticed, who does not have its master key.

#include "storage/sealing/sealed_engine.h"

#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "storage/sealing/keyring.h"
#include "tests/storage/sealing/sealing_fixture.h"

namespace innkeeper::storage {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class SealedEngineTest : public SealingFixture {
 protected:
  // The files of the store that hold `text`.
  std::vector<std::string> FilesWith(const std::string& text) {
    std::vector<std::string> found;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(dir_.File("store"))) {
      if (!entry.is_regular_file()) continue;
      std::ifstream file(entry.path(), std::ios::binary);
      const std::string bytes((std::istreambuf_iterator<char>(file)), {});
      if (absl::StrContains(bytes, text)) found.push_back(entry.path());
    }
    return found;
  }

  // What is kept under `sealed_key`.
  std::string Kept(const std::string& sealed_key) {
    return (*engine().unsealed().Get(sealed_key))->value;
  }

  std::string Sealed(const std::string& key) { return engine().seal().names().SealKey(key); }
};

// Does to sealed log records what `tamper` does, which is also given what is in them.
class TamperingSealer final : public LogSealer {
 public:
  using Tamper = std::function<std::string(std::string sealed, absl::string_view entries)>;

  TamperingSealer(const Seal& seal, Tamper tamper) : seal_(seal), tamper_(std::move(tamper)) {}

  std::string SealEntries(LogPosition last, absl::string_view entries) const override {
    return tamper_(seal_.SealEntries(last, entries), entries);
  }
  absl::Status OpenEntries(LogPosition last, absl::string_view sealed,
                           std::string& entries) const override {
    return seal_.OpenEntries(last, sealed, entries);
  }
  absl::Status OpenEntry(LogPosition position, absl::string_view sealed,
                         std::string& payload) const override {
    return seal_.OpenEntry(position, sealed, payload);
  }
  std::string SealAuditEntry(absl::string_view key, absl::string_view value) const override {
    return seal_.SealAuditEntry(key, value);
  }

 private:
  const Seal& seal_;
  const Tamper tamper_;
};

TEST_F(SealedEngineTest, LeavesNoTraceOfNamesValuesAndEntriesInFiles) {
  for (int i = 0; i < 1000; ++i) {
    Put(engine(), Key(absl::StrCat("@marked-name-", i)), absl::StrCat("marked-value-", i));
    Append(engine(), absl::StrCat("marked-entry-", i));
  }
  Close();  // what is still in memory goes to files
  for (const char* mark : {"marked-name", "marked-value", "marked-entry"}) {
    EXPECT_THAT(FilesWith(mark), IsEmpty()) << mark;
  }
  EXPECT_THAT(FilesWith("m.room.member"), Not(IsEmpty()));  // this would find something
}

TEST_F(SealedEngineTest, OpensWithTheMasterKeyOnly) {
  Put(engine(), Key("name"), "value");
  Append(engine(), "entry");
  Close();
  const absl::Status refused = TryToOpen("b").status();
  EXPECT_TRUE(absl::IsFailedPrecondition(refused)) << refused;
  EXPECT_THAT(refused.message(), HasSubstr(Keys("a")[0].id()));
  EXPECT_THAT(refused.message(), HasSubstr(Keys("b")[0].id()));
  Open("a");
  EXPECT_EQ(Value(Key("name")), "value");
  EXPECT_EQ(engine().ReadLog(1, 10, 1000)->front().payload, "entry");
}

TEST_F(SealedEngineTest, RefusesAStoreWithDataThatIsNotSealed) {
  auto unsealed = OpenUnsealed("other");
  Put(*unsealed, Key("name"), "value");
  const auto refused = SealedEngine::Open(std::move(unsealed), nullptr, Keys("a"), absl::Now());
  EXPECT_TRUE(absl::IsFailedPrecondition(refused.status()));
  auto with_log = OpenUnsealed("third");
  Append(*with_log, "entry");
  const auto also = SealedEngine::Open(std::move(with_log), nullptr, Keys("a"), absl::Now());
  EXPECT_TRUE(absl::IsFailedPrecondition(also.status()));
}

TEST_F(SealedEngineTest, NoticesEveryChangedByteOfAValue) {
  Put(engine(), Key("name"), "value");
  const std::string sealed_key = Sealed(Key("name"));
  const std::string kept = Kept(sealed_key);
  for (size_t i = 0; i < kept.size(); ++i) {
    std::string changed = kept;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    Put(engine().unsealed(), sealed_key, changed);
    EXPECT_TRUE(absl::IsDataLoss(engine().Get(Key("name")).status())) << i;
    EXPECT_TRUE(absl::IsDataLoss(engine().NewSnapshot()->MultiGet({Key("name")}).status())) << i;
    bool visited = false;
    const absl::Status scanned = engine().NewSnapshot()->Scan(
        Key("name"), KeyAfter(Key("name")), [&](absl::string_view, absl::string_view, Revision) {
          visited = true;
          return true;
        });
    EXPECT_TRUE(absl::IsDataLoss(scanned)) << i;
    EXPECT_FALSE(visited);
  }
}

TEST_F(SealedEngineTest, ErrorsDoNotTellNames) {
  Put(engine(), Key("@marked:name"), "value");
  Put(engine().unsealed(), Sealed(Key("@marked:name")), "damage");
  const absl::Status damaged = engine().Get(Key("@marked:name")).status();
  EXPECT_THAT(damaged.message(), HasSubstr("m.room.member"));
  EXPECT_THAT(damaged.message(), Not(HasSubstr("marked")));
}

TEST_F(SealedEngineTest, NoticesValuesThatChangedPlaces) {
  Put(engine(), Key("one"), "value of one");
  Put(engine(), Key("two"), "value of two");
  Put(engine().unsealed(), Sealed(Key("one")), Kept(Sealed(Key("two"))));
  EXPECT_TRUE(absl::IsDataLoss(engine().Get(Key("one")).status()));
  EXPECT_EQ(Value(Key("two")), "value of two");
}

TEST_F(SealedEngineTest, NoticesValuesThatWereNeverSealed) {
  Put(engine().unsealed(), Sealed(Key("name")), "value");
  EXPECT_TRUE(absl::IsDataLoss(engine().Get(Key("name")).status()));
}

TEST_F(SealedEngineTest, NoticesKeysThatWereChanged) {
  Put(engine().unsealed(), Key("name"), "");
  const std::string prefix = KeyBuilder(Table::kState).Build();
  const absl::Status scanned = engine().NewSnapshot()->Scan(
      prefix, PrefixEnd(prefix),
      [](absl::string_view, absl::string_view, Revision) { return true; });
  EXPECT_TRUE(absl::IsDataLoss(scanned));
}

TEST_F(SealedEngineTest, NoticesLogRecordsThatWereNeverSealedOrStandElsewhere) {
  std::string first;
  const TamperingSealer sealer(engine().seal(),
                               [&](const std::string& sealed, absl::string_view entries) {
                                 if (absl::StrContains(entries, "not sealed"))
                                   return std::string(entries);
                                 if (first.empty()) first = sealed;
                                 return first;  // also as the second
                               });
  engine().unsealed().SetLogSealer(&sealer);
  Append(engine(), "first");
  Append(engine(), "second");
  Append(engine(), "not sealed");
  const absl::Status scanned = engine().ScanLog(1, [](const LogEntryView& entry) {
    EXPECT_EQ(entry.payload, "first");
    return false;
  });
  EXPECT_TRUE(scanned.ok()) << scanned;
  EXPECT_TRUE(absl::IsDataLoss(engine().ReadLog(2, 1, 1000).status()));
  EXPECT_TRUE(absl::IsDataLoss(engine().ReadLog(3, 1, 1000).status()));
  Close();
}

TEST_F(SealedEngineTest, NoticesEveryChangedByteOfALogRecord) {
  size_t changed = 0;  // counts the bytes from 1
  size_t size = 1;
  const TamperingSealer sealer(engine().seal(), [&](std::string sealed, absl::string_view) {
    size = sealed.size();
    if (changed > 0) sealed[changed - 1] = static_cast<char>(sealed[changed - 1] ^ 1);
    return sealed;
  });
  engine().unsealed().SetLogSealer(&sealer);
  for (; changed <= size; ++changed) {
    Append(engine(), "entry");
    EXPECT_EQ(engine().ReadLog(changed + 1, 1, 1000).ok(), changed == 0) << changed;
  }
  EXPECT_GT(size, 30u);
  Close();
}

TEST_F(SealedEngineTest, KeepsValuesEmptyThatAreEmptyByTheirKeys) {
  const std::string key = KeyBuilder(Table::kLockedRoom).Str("!room").Build();
  Put(engine(), key, "");
  EXPECT_EQ(Kept(Sealed(key)), "");
  EXPECT_EQ(Value(key), "");
}

TEST_F(SealedEngineTest, NoticesOtherValuesThatWereEmptied) {
  for (const std::string& key : {Key("name"), KeyBuilder(Table::kSetting).Str("key").Build()}) {
    Put(engine(), key, "");  // itself one that is sealed
    EXPECT_EQ(Value(key), "");
    Put(engine().unsealed(), Sealed(key), "");
    EXPECT_TRUE(absl::IsDataLoss(engine().Get(key).status())) << DescribeKey(key);
    EXPECT_TRUE(absl::IsDataLoss(engine().NewSnapshot()->Get(key).status()));
  }
}

TEST_F(SealedEngineTest, SealsWithAnotherDataKeyWheneverItIsOpened) {
  for (int i = 1; i <= 3; ++i) {
    const std::string key = Key(absl::StrCat("name", i));
    Put(engine(), key, "value");
    EXPECT_EQ(SealingKeyId(Kept(Sealed(key))), i);
    Close();
    Open("a");
  }
  for (int i = 1; i <= 3; ++i) EXPECT_EQ(Value(Key(absl::StrCat("name", i))), "value");
}

}  // namespace
}  // namespace innkeeper::storage
