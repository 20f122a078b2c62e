// How entries become records, and that readers don't notice.

#include "storage/rocksdb/log_writer.h"

#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "storage/rocksdb/database.h"
#include "storage/rocksdb/log_reader.h"
#include "storage/rocksdb/log_record.h"
#include "storage/rocksdb/rocksdb_status.h"
#include "tests/support/temp_dir.h"

namespace innkeeper::storage::embedded {
namespace {

using testing::AllOf;
using testing::Each;
using testing::ElementsAre;
using testing::Ge;
using testing::Le;
using testing::SizeIs;

class LogWriterTest : public testing::Test {
 protected:
  LogWriterTest() {
    const DatabaseOptions options = {
        .path = dir_.File("db"), .block_cache_bytes = 8 << 20, .write_buffer_bytes = 4 << 20};
    CHECK(Database::Create(options, 1).ok());
    auto database = Database::Open(options);
    CHECK(database.ok()) << database.status();
    database_ = *std::move(database);
    writer_ = std::make_unique<LogWriter>(*database_, 0);
  }

  static std::string PayloadOf(LogPosition position, size_t size) {
    std::string payload = absl::StrCat(position, " ");
    payload.resize(size, 'x');
    return payload;
  }

  // Writes a batch of `count` entries of `size` bytes.
  void WriteBatch(int count, size_t size) {
    rocksdb::WriteBatch batch;
    for (int i = 0; i < count; ++i) {
      ++head_;
      writer_->Append(head_, absl::UnixEpoch(), PayloadOf(head_, size), batch);
    }
    writer_->Finish(batch);
    EXPECT_EQ(writer_->bytes(), 0u);
    ASSERT_TRUE(database_->db().Write({}, &batch).ok());
  }

  // The sizes of the records, in entries.
  std::vector<uint64_t> RecordSizes() {
    std::vector<uint64_t> sizes;
    const std::unique_ptr<rocksdb::Iterator> it(database_->db().NewIterator({}, database_->log()));
    for (it->SeekToFirst(); it->Valid(); it->Next()) {
      const LogPosition last = *ParseInteger(FromSlice(it->key()));
      sizes.push_back(last - *FirstOfLogRecord(last, FromSlice(it->value())) + 1);
    }
    return sizes;
  }

  // Expects that a scan from `from` on visits all up to `head`, of `size` bytes each.
  void ExpectScan(LogPosition from, LogPosition head, size_t size) {
    LogPosition expected = from;
    const absl::Status scanned =
        ScanLog(*database_, nullptr, {1, head}, from, [&](const LogEntryView& entry) {
          EXPECT_EQ(entry.position, expected);
          EXPECT_EQ(entry.revision, expected);
          EXPECT_EQ(entry.payload, PayloadOf(expected, size));
          ++expected;
          return true;
        });
    EXPECT_TRUE(scanned.ok()) << scanned;
    EXPECT_EQ(expected, head + 1);
  }

  TempDir dir_;
  std::unique_ptr<Database> database_;
  std::unique_ptr<LogWriter> writer_;
  LogPosition head_ = 0;
};

TEST_F(LogWriterTest, ABatchIsARecord) {
  WriteBatch(1, 100);
  WriteBatch(7, 100);
  WriteBatch(0, 100);
  WriteBatch(2, 100);
  EXPECT_THAT(RecordSizes(), ElementsAre(1u, 7u, 2u));
  for (LogPosition from = 1; from <= 10; ++from) ExpectScan(from, 10, 100);
}

TEST_F(LogWriterTest, SmallRecordsBecomeOne) {
  for (int i = 0; i < 400; ++i) WriteBatch(1, 200);
  std::vector<uint64_t> full = RecordSizes();
  while (!full.empty() && full.back() == 1) full.pop_back();
  EXPECT_THAT(full, AllOf(SizeIs(Ge(4u)), Each(Ge(60u)), Each(Le(100u))));
  for (LogPosition from = 1; from <= 400; ++from) ExpectScan(from, 400, 200);
  // A reader may know less of the log than what is in a record by now.
  ExpectScan(1, 3, 200);
  ExpectScan(90, 101, 200);
}

TEST_F(LogWriterTest, ALargeBatchIsSeveralRecords) {
  WriteBatch(3, 200);
  WriteBatch(1000, 200);
  WriteBatch(3, 200);
  EXPECT_THAT(RecordSizes(), Each(Le(150u)));
  EXPECT_THAT(RecordSizes(), SizeIs(Le(16u)));
  ExpectScan(1, 1006, 200);
  WriteBatch(2, 100'000);
  EXPECT_THAT(RecordSizes().back(), 1u);
}

TEST_F(LogWriterTest, AScanEndsWhereItsVisitorWants) {
  for (int i = 0; i < 100; ++i) WriteBatch(1, 200);
  LogPosition visited = 0;
  ASSERT_TRUE(ScanLog(*database_, nullptr, {1, 100}, 5, [&](const LogEntryView& entry) {
                visited = entry.position;
                return visited < 50;
              }).ok());
  EXPECT_EQ(visited, 50u);
}

TEST_F(LogWriterTest, MissingRecordsAndDamageAreNoticed) {
  WriteBatch(5, 100);
  WriteBatch(5, 100);
  WriteBatch(5, 100);
  const auto scan = [&](LogPosition from) {
    return ScanLog(*database_, nullptr, {1, 15}, from, [](const LogEntryView&) { return true; });
  };
  EXPECT_TRUE(scan(1).ok());
  const StoredInteger middle(10);
  ASSERT_TRUE(database_->db().Put({}, database_->log(), ToSlice(middle.bytes()), "damage").ok());
  EXPECT_TRUE(absl::IsDataLoss(scan(1)));
  EXPECT_TRUE(scan(11).ok());
  ASSERT_TRUE(database_->db().Delete({}, database_->log(), ToSlice(middle.bytes())).ok());
  EXPECT_TRUE(absl::IsDataLoss(scan(1)));
  EXPECT_TRUE(absl::IsDataLoss(scan(10)));
}

}  // namespace
}  // namespace innkeeper::storage::embedded
