#include "server/audit/export_audit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "server/values/timestamp.h"
#include "tests/server/audit/audit_fixture.h"

namespace innkeeper::audit {
namespace {

using testing::HasSubstr;

class ExportAuditTest : public AuditFixture {
 protected:
  // All records of an export, which ends with `outcome`.
  std::vector<v1::AuditRecord> Export(uint64_t first_number,
                                      absl::StatusCode outcome = absl::StatusCode::kOk) {
    std::vector<v1::AuditRecord> records;
    auto stream = AuditExport::Begin(engine(), first_number);
    EXPECT_TRUE(stream.ok()) << stream.status();
    messages_ = 0;
    while (true) {
      const auto message = stream->Next();
      EXPECT_EQ(message.status().code(), message.ok() ? absl::StatusCode::kOk : outcome);
      if (!message.ok() || !message->has_value()) {
        EXPECT_EQ(message.ok(), outcome == absl::StatusCode::kOk);
        return records;
      }
      ++messages_;
      records.insert(records.end(), (*message)->records().begin(), (*message)->records().end());
    }
  }

  int messages_ = 0;  // of the last export
};

TEST_F(ExportAuditTest, AnEmptyLogIsAnEmptyStream) { EXPECT_TRUE(Export(1).empty()); }

TEST_F(ExportAuditTest, GivesEntriesWithWhatTheirHashesAreOf) {
  Append(450);
  const std::vector<v1::AuditRecord> records = Export(1);
  ASSERT_EQ(records.size(), 450u);
  EXPECT_GT(messages_, 2);
  storage::AuditHash previous = {};
  for (size_t i = 0; i < records.size(); ++i) {
    const v1::AuditRecord& record = records[i];
    ASSERT_EQ(record.number(), static_cast<int64_t>(i + 1));
    EXPECT_EQ(record.previous_hash(), storage::BytesOf(previous));
    EXPECT_EQ(record.entry().method(), "Method");
    previous = storage::HashAuditEntry(
        i + 1,
        storage::EncodeAuditValue(previous, *TimeFrom(record.commit_time()), record.payload()));
    EXPECT_EQ(record.hash(), storage::BytesOf(previous));
  }
  EXPECT_EQ(Export(450).size(), 1u);
  EXPECT_EQ(Export(451).size(), 0u);
}

TEST_F(ExportAuditTest, BeginsWithTheOldestThatWasKept) {
  Append(3);
  Overwrite(1, std::nullopt);
  EXPECT_EQ(Export(1).front().number(), 2);
}

TEST_F(ExportAuditTest, GivesWhatComesBeforeDamage) {
  Append(5);
  const std::string value = Value(4);
  Overwrite(4, "short");
  EXPECT_EQ(Export(1, absl::StatusCode::kDataLoss).size(), 3u);
  Overwrite(4, value);
  storage::CommitRequest request;
  request.writes.push_back({storage::AuditKey(3), "spoiled"});
  Commit(unsealed(), std::move(request));
  EXPECT_EQ(Export(1, absl::StatusCode::kDataLoss).size(), 2u);
}

TEST_F(ExportAuditTest, AMissingEndIsAnError) {
  Append(3);
  Overwrite(3, std::nullopt);
  EXPECT_EQ(Export(1, absl::StatusCode::kDataLoss).size(), 2u);
}

TEST_F(ExportAuditTest, NothingIsLeftOutWithoutAWord) {
  Append(5);
  Overwrite(3, std::nullopt);
  EXPECT_EQ(Export(1, absl::StatusCode::kDataLoss).size(), 2u);
}

TEST_F(ExportAuditTest, WhatIsTrimmedMeanwhileIsMissed) {
  Append(450);
  auto stream = AuditExport::Begin(engine(), 1);
  ASSERT_TRUE(stream.ok()) << stream.status();
  const auto first = stream->Next();
  ASSERT_TRUE(first.ok() && first->has_value());
  const auto sent = static_cast<uint64_t>((*first)->records_size());
  for (uint64_t number = 1; number <= sent + 1; ++number) Overwrite(number, std::nullopt);
  const absl::Status missing = stream->Next().status();
  EXPECT_EQ(missing.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(missing.message(), HasSubstr(absl::StrCat(sent + 1, " to ", sent + 1)));
}

TEST_F(ExportAuditTest, APayloadOfAnotherKindIsGivenAsItIs) {
  storage::CommitRequest request;
  request.audit_entries.push_back("\xFF");
  Commit(engine(), std::move(request));
  const std::vector<v1::AuditRecord> records = Export(1);
  EXPECT_EQ(records[0].payload(), "\xFF");
  EXPECT_FALSE(records[0].has_entry());
}

}  // namespace
}  // namespace innkeeper::audit
