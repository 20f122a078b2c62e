// What opening a store does with directories that are not a healthy store.

#include <filesystem>
#include <memory>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "rocksdb/db.h"
#include "rocksdb/wal_filter.h"
#include "storage/rocksdb/database.h"
#include "storage/rocksdb/durable_head.h"
#include "storage/rocksdb/format.h"
#include "storage/rocksdb/rocksdb_engine.h"
#include "storage/rocksdb/rocksdb_status.h"
#include "tests/storage/rocksdb/store_files.h"
#include "tests/support/temp_dir.h"

namespace innkeeper::storage {
namespace {

namespace fs = std::filesystem;
using absl::StatusCode;
using testing::AllOf;
using testing::HasSubstr;

// Leaves out the write-ahead log.
class NoLog final : public rocksdb::WalFilter {
 public:
  const char* Name() const override { return "innkeeper.NoLog"; }
  // NOLINTNEXTLINE(google-runtime-int)
  WalProcessingOption LogRecordFound(unsigned long long, const std::string&,
                                     const rocksdb::WriteBatch&, rocksdb::WriteBatch*,
                                     bool*) override {
    return WalProcessingOption::kIgnoreCurrentRecord;
  }
};

// The format version of the store that its table files tell.
uint64_t FormatInTables(const std::string& path) {
  NoLog no_log;
  const auto database = embedded::Database::OpenToSurvey(
      {.path = path + "/db", .block_cache_bytes = 8 << 20, .write_buffer_bytes = 4 << 20}, no_log);
  return database.ok() ? (*database)->ReadMeta()->format : 0;
}

class OpenTest : public testing::Test {
 protected:
  absl::Status OpenStatus(bool create = false) {
    return OpenRocksDb(SmallOptions(path_, create)).status();
  }

  void ExpectRefused(StatusCode code, const testing::Matcher<std::string>& message,
                     bool create = true) {
    const absl::Status status = OpenStatus(create);
    EXPECT_EQ(status.code(), code) << status;
    EXPECT_THAT(std::string(status.message()), AllOf(HasSubstr(path_), message));
  }

  // Makes a store with five commits.
  void MakeStore() {
    const std::unique_ptr<Engine> engine = MustOpen(SmallOptions(path_, /*create=*/true));
    for (int i = 1; i <= 5; ++i) CommitNumbered(*engine, i);
    ASSERT_TRUE(engine->Close().ok());
  }

  // Changes the database of the store behind its back.
  void Tamper(const std::function<rocksdb::Status(embedded::Database&)>& change) {
    auto database = embedded::Database::Open(
        {.path = path_ + "/db", .block_cache_bytes = 8 << 20, .write_buffer_bytes = 4 << 20});
    ASSERT_TRUE(database.ok()) << database.status();
    const rocksdb::Status status = change(**database);
    ASSERT_TRUE(status.ok()) << status.ToString();
    // In table files, where no write-ahead log vouches for it.
    ASSERT_TRUE((*database)->Flush().ok());
    ASSERT_TRUE((*database)->Close().ok());
  }

  void PutMeta(absl::string_view key, absl::string_view value) {
    Tamper([&](embedded::Database& database) {
      return database.db().Put({}, database.meta(), embedded::ToSlice(key),
                               embedded::ToSlice(value));
    });
  }

  TempDir directory_{TempDir::Place::kMemory};
  const std::string path_ = directory_.path() + "/store";
};

TEST_F(OpenTest, MakesAStoreForItsOwnerOnly) {
  const std::string nested = path_ + "/not/there/yet";
  ASSERT_TRUE(OpenRocksDb(SmallOptions(nested, /*create=*/true)).ok());
  EXPECT_EQ(fs::status(nested).permissions(), fs::perms::owner_all);
}

TEST_F(OpenTest, MakesNoStoreUnlessTold) {
  ExpectRefused(StatusCode::kFailedPrecondition, HasSubstr("no store"), /*create=*/false);
  EXPECT_FALSE(fs::exists(path_));
  fs::create_directory(path_);
  ExpectRefused(StatusCode::kFailedPrecondition, HasSubstr("no store"), /*create=*/false);
  EXPECT_TRUE(fs::is_empty(path_));
}

TEST_F(OpenTest, OpensAStoreWithoutBeingToldToMakeOne) {
  MakeStore();
  ExpectNumbered(*MustOpen(SmallOptions(path_)), 5);
}

TEST_F(OpenTest, RefusesADirectoryWithOtherThings) {
  fs::create_directory(path_);
  WriteFile(path_ + "/holiday.jpg", "picture");
  ExpectRefused(StatusCode::kFailedPrecondition, HasSubstr("holiday.jpg"));
  EXPECT_EQ(std::distance(fs::directory_iterator(path_), fs::directory_iterator()), 1);
}

TEST_F(OpenTest, RefusesAFile) {
  WriteFile(path_, "file");
  ExpectRefused(StatusCode::kFailedPrecondition, HasSubstr("not a directory"));
}

TEST_F(OpenTest, RefusesWhereNothingCanBeMade) {
  EXPECT_EQ(OpenRocksDb(SmallOptions("/proc/store", /*create=*/true)).status().code(),
            StatusCode::kUnavailable);
}

TEST_F(OpenTest, AcceptsAnEmptyFileSystem) {
  fs::create_directories(path_ + "/lost+found");
  EXPECT_TRUE(OpenStatus(/*create=*/true).ok());
}

TEST_F(OpenTest, StartsOverWhereCreationWasCutShort) {
  fs::create_directories(path_ + "/db.creating");
  WriteFile(path_ + "/db.creating/MANIFEST-000001", "half");
  EXPECT_TRUE(OpenStatus(/*create=*/true).ok());
  EXPECT_FALSE(fs::exists(path_ + "/db.creating"));
}

TEST_F(OpenTest, RefusesAStoreInUse) {
  MakeStore();
  const std::unique_ptr<Engine> engine = MustOpen(SmallOptions(path_));
  ExpectRefused(StatusCode::kUnavailable, HasSubstr("in use"));
  ASSERT_TRUE(engine->Close().ok());
  EXPECT_TRUE(OpenStatus().ok()) << "a closed store is free, whether its engine is gone or not";
}

TEST_F(OpenTest, RefusesOtherFormats) {
  MakeStore();
  for (const uint64_t version : {0u, 4u, 1'000u}) {
    PutMeta(embedded::kFormatKey, embedded::StoredInteger(version).bytes());
    ExpectRefused(
        StatusCode::kFailedPrecondition,
        AllOf(HasSubstr(absl::StrCat("format version ", version)), HasSubstr("only knows 1 to 3")));
  }
}

TEST_F(OpenTest, OpensAStoreOfTheSecondFormatAndGivesItThisOne) {
  MakeStore();
  const auto epochs = MustOpen(SmallOptions(path_))->log_epochs()->all();
  PutMeta(embedded::kFormatKey, embedded::StoredInteger(2).bytes());
  {
    const std::unique_ptr<Engine> engine = MustOpen(SmallOptions(path_));
    ExpectNumbered(*engine, 5);
    EXPECT_EQ(engine->log_epochs()->IdAt(5), epochs[1].id);
    CopyStore(path_, path_ + "_crashed");
  }
  EXPECT_EQ(FormatInTables(path_ + "_crashed"), 3u);
  ExpectNumbered(*MustOpen(SmallOptions(path_ + "_crashed")), 5);
}

TEST_F(OpenTest, OpensAStoreOfTheFirstFormatAndGivesItThisOne) {
  MakeStore();
  const uint64_t incarnation = (*embedded::ReadDurableHead(path_ + "/DURABLE_HEAD"))->incarnation;
  PutMeta(embedded::kFormatKey, embedded::StoredInteger(1).bytes());
  Tamper([&](embedded::Database& database) {
    return database.db().Delete({}, database.meta(), embedded::ToSlice(embedded::kEpochsKey));
  });
  {
    const std::unique_ptr<Engine> engine = MustOpen(SmallOptions(path_));
    ExpectNumbered(*engine, 5);
    EXPECT_EQ(engine->log_epochs()->IdAt(5), incarnation);
    CommitNumbered(*engine, 6);
    CopyStore(path_, path_ + "_crashed");
  }
  // An older server must find the version in the tables, whatever is in the
  // write-ahead log: it can't read that.
  EXPECT_EQ(FormatInTables(path_ + "_crashed"), 3u);
  const std::unique_ptr<Engine> engine = MustOpen(SmallOptions(path_ + "_crashed"));
  ExpectNumbered(*engine, 6);
  EXPECT_EQ(engine->log_epochs()->IdAt(5), incarnation);
  EXPECT_EQ(engine->log_epochs()->EndOf(incarnation), 5u);
}

TEST_F(OpenTest, RefusesAForeignDatabase) {
  fs::create_directory(path_);
  rocksdb::Options options;
  options.create_if_missing = true;
  rocksdb::DB* db = nullptr;
  ASSERT_TRUE(rocksdb::DB::Open(options, path_ + "/db", &db).ok());
  ASSERT_TRUE(db->Put({}, "key", "value").ok());
  delete db;
  ExpectRefused(StatusCode::kFailedPrecondition, HasSubstr("olumn famil"));
}

TEST_F(OpenTest, RefusesADatabaseThatLostItsOwnRecords) {
  for (const absl::string_view key :
       {embedded::kFormatKey, embedded::kIncarnationKey, embedded::kHeadKey, embedded::kOldestKey,
        embedded::kEpochsKey}) {
    fs::remove_all(path_);
    MakeStore();
    PutMeta(key, "short");
    ExpectRefused(StatusCode::kDataLoss, HasSubstr(std::string(key)));
    Tamper([&](embedded::Database& database) {
      return database.db().Delete({}, database.meta(), embedded::ToSlice(key));
    });
    ExpectRefused(StatusCode::kDataLoss, HasSubstr(std::string(key)));
  }
}

TEST_F(OpenTest, NeverMakesAStoreWhereOneWasLost) {
  MakeStore();
  fs::remove_all(path_ + "/db");
  ExpectRefused(StatusCode::kDataLoss, HasSubstr("lost its database"));
  EXPECT_FALSE(fs::exists(path_ + "/db"));
}

TEST_F(OpenTest, RefusesAnEmptyDatabaseDirectory) {
  fs::create_directories(path_ + "/db");
  ExpectRefused(StatusCode::kDataLoss, HasSubstr("CURRENT"));
  EXPECT_TRUE(fs::is_empty(path_ + "/db"));
}

TEST_F(OpenTest, RefusesAStoreThatEndsBeforeItsDurableHead) {
  MakeStore();
  const uint64_t incarnation = (*embedded::ReadDurableHead(path_ + "/DURABLE_HEAD"))->incarnation;
  ASSERT_TRUE(embedded::DurableHeadWriter::Open(path_ + "/DURABLE_HEAD", {incarnation, 6}).ok());
  ExpectRefused(StatusCode::kDataLoss,
                AllOf(HasSubstr("up to revision 6"), HasSubstr("ends at revision 5"),
                      HasSubstr("backup"), HasSubstr("removing")));
  fs::remove(path_ + "/DURABLE_HEAD");
  ExpectNumbered(*MustOpen(SmallOptions(path_)), 5);
  EXPECT_TRUE(fs::exists(path_ + "/DURABLE_HEAD"));
}

TEST_F(OpenTest, RefusesADurableHeadThatIsDamagedOrAnothers) {
  MakeStore();
  ASSERT_TRUE(embedded::DurableHeadWriter::Open(path_ + "/DURABLE_HEAD", {1, 5}).ok());
  ExpectRefused(StatusCode::kFailedPrecondition, HasSubstr("another store"));
  WriteFile(path_ + "/DURABLE_HEAD", "damaged");
  ExpectRefused(StatusCode::kDataLoss, HasSubstr("DURABLE_HEAD is damaged"));
}

TEST_F(OpenTest, RefusesALogThatDoesNotFitItsHead) {
  const auto log_key = [](LogPosition position) { return embedded::StoredInteger(position); };
  for (const LogPosition missing : {1u, 5u}) {
    fs::remove_all(path_);
    MakeStore();
    Tamper([&](embedded::Database& database) {
      return database.db().Delete({}, database.log(), embedded::ToSlice(log_key(missing).bytes()));
    });
    ExpectRefused(StatusCode::kDataLoss, HasSubstr("should run from 1 to 5"));
  }
  fs::remove_all(path_);
  MakeStore();
  Tamper([&](embedded::Database& database) {
    return database.db().Put({}, database.log(), embedded::ToSlice(log_key(6).bytes()), "extra");
  });
  ExpectRefused(StatusCode::kDataLoss, HasSubstr("runs from 1 to 6"));
}

// The next entry would take the place of one that is there.
TEST_F(OpenTest, RefusesAuditEntriesBeyondTheirHead) {
  MakeStore();
  Tamper([&](embedded::Database& database) {
    return database.db().Delete({}, database.meta(), embedded::ToSlice(embedded::kAuditKey));
  });
  ExpectRefused(StatusCode::kDataLoss, HasSubstr("audit log should end with entry 0"));
  PutMeta(embedded::kAuditKey, embedded::EncodeAuditHead({4, {}}));
  ExpectRefused(StatusCode::kDataLoss, HasSubstr("should end with entry 4, but has entry 5"));
  PutMeta(embedded::kAuditKey, "damaged");
  ExpectRefused(StatusCode::kDataLoss, HasSubstr("\"audit\" is damaged"));
  // That entries are missing is for those to notice who verify the log.
  PutMeta(embedded::kAuditKey, embedded::EncodeAuditHead({6, {}}));
  EXPECT_TRUE(OpenStatus().ok());
}

TEST_F(OpenTest, RefusesEpochsThatTheLogDoesNotReach) {
  MakeStore();
  PutMeta(embedded::kEpochsKey, embedded::EncodeEpochs({{1, 0}, {2, 6}}));
  ExpectRefused(StatusCode::kDataLoss, HasSubstr("\"epochs\" is beyond"));
}

TEST_F(OpenTest, RefusesOptionsOutOfBounds) {
  const auto code = [&](const std::function<void(RocksDbOptions&)>& change) {
    RocksDbOptions options = SmallOptions(path_, /*create=*/true);
    change(options);
    return OpenRocksDb(std::move(options)).status().code();
  };
  EXPECT_EQ(code([](auto& o) { o.path.clear(); }), StatusCode::kInvalidArgument);
  EXPECT_EQ(code([](auto& o) { o.write_buffer_bytes = 1'000; }), StatusCode::kInvalidArgument);
  EXPECT_EQ(code([](auto& o) { o.write_buffer_bytes = o.block_cache_bytes; }),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(code([](auto& o) { o.max_queued_commits = 0; }), StatusCode::kInvalidArgument);
  EXPECT_EQ(code([](auto& o) { o.max_queued_bytes = 0; }), StatusCode::kInvalidArgument);
  EXPECT_EQ(code([](auto& o) { o.max_queued_bytes = size_t{2} << 30; }),
            StatusCode::kInvalidArgument);
  EXPECT_FALSE(fs::exists(path_));
}

TEST_F(OpenTest, DamagedValuesAreReportedAndHarmNothingElse) {
  MakeStore();
  Tamper([&](embedded::Database& database) {
    return database.db().Put({}, database.data(), "key3", "short");
  });
  const std::unique_ptr<Engine> engine = MustOpen(SmallOptions(path_));
  EXPECT_EQ(engine->Get("key3").status().code(), StatusCode::kDataLoss);
  EXPECT_EQ(engine->NewSnapshot()->MultiGet({"key1", "key3"}).status().code(),
            StatusCode::kDataLoss);
  EXPECT_EQ(
      engine->NewSnapshot()
          ->Scan("a", "z", [](absl::string_view, absl::string_view, Revision) { return true; })
          .code(),
      StatusCode::kDataLoss);
  const CommitResult result = CommitAndWait(
      *engine, {.preconditions = {Precondition::Absent("key3")}, .log_entries = {"never"}});
  EXPECT_EQ(result.status.code(), StatusCode::kDataLoss);
  EXPECT_TRUE(CommitAndWait(*engine, {.writes = {{"key3", "mended"}}}).status.ok());
  EXPECT_EQ((**engine->Get("key3")).value, "mended");
  EXPECT_EQ(engine->log_bounds().head, 5u);
}

TEST_F(OpenTest, DamagedLogEntriesAreReported) {
  MakeStore();
  Tamper([&](embedded::Database& database) {
    return database.db().Delete({}, database.log(),
                                embedded::ToSlice(embedded::StoredInteger(3).bytes()));
  });
  EXPECT_EQ(MustOpen(SmallOptions(path_))->ReadLog(1, 10, 1'000).status().code(),
            StatusCode::kDataLoss);
  Tamper([&](embedded::Database& database) {
    return database.db().Put({}, database.log(),
                             embedded::ToSlice(embedded::StoredInteger(3).bytes()), "short");
  });
  const std::unique_ptr<Engine> engine = MustOpen(SmallOptions(path_));
  EXPECT_EQ(engine->ReadLog(1, 10, 1'000).status().code(), StatusCode::kDataLoss);
  EXPECT_EQ(engine->ReadLog(4, 10, 1'000)->size(), 2u);
}

TEST_F(OpenTest, NothingIsInMemoryUntilItIsReadOrWritten) {
  MakeStore();
  const std::unique_ptr<Engine> engine = MustOpen(SmallOptions(path_));
  const auto in_memory = [&](absl::string_view key) {
    return engine->NewSnapshot(ReadTier::kMemory)->Get(key);
  };
  EXPECT_TRUE(IsNotInMemory(in_memory("key1").status()));
  EXPECT_TRUE(
      IsNotInMemory(engine->NewSnapshot(ReadTier::kMemory)->MultiGet({"key1", "key2"}).status()));
  EXPECT_TRUE(
      IsNotInMemory(engine->NewSnapshot(ReadTier::kMemory)->Scan("a", "z", [](auto, auto, auto) {
        return true;
      })));

  // A compaction may put it into another file meanwhile, where it has to be read once more.
  absl::StatusOr<std::optional<Versioned>> read;
  do {
    ASSERT_TRUE(engine->Get("key1").ok());
    read = in_memory("key1");
  } while (IsNotInMemory(read.status()));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_TRUE(read->has_value());

  CommitNumbered(*engine, 6);
  const auto written = in_memory("key6");
  ASSERT_TRUE(written.ok()) << written.status();
  EXPECT_TRUE(written->has_value());
}

}  // namespace
}  // namespace innkeeper::storage
