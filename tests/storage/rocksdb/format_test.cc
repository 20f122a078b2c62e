#include "storage/rocksdb/format.h"

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"

namespace innkeeper::storage::embedded {
namespace {

std::string Stored(uint64_t number) { return std::string(StoredInteger(number).bytes()); }

TEST(FormatTest, IntegersSortAsTheirBytes) {
  const std::vector<uint64_t> numbers = {0, 1, 255, 256, 1u << 31, UINT64_MAX - 1, UINT64_MAX};
  for (size_t i = 0; i < numbers.size(); ++i) {
    EXPECT_EQ(ParseInteger(Stored(numbers[i])), numbers[i]);
    if (i > 0) {
      EXPECT_LT(Stored(numbers[i - 1]), Stored(numbers[i]));
    }
  }
}

TEST(FormatTest, IntegersHaveEightBytes) {
  EXPECT_EQ(Stored(0x0102030405060708), "\x01\x02\x03\x04\x05\x06\x07\x08");
  EXPECT_EQ(ParseInteger("1234567"), std::nullopt);
  EXPECT_EQ(ParseInteger("123456789"), std::nullopt);
}

TEST(FormatTest, ValueIsRevisionAndPayload) {
  const std::string bytes = absl::StrCat(Stored(7), "payload");
  const auto value = ParseValue(bytes);
  ASSERT_TRUE(value.has_value());
  EXPECT_EQ(value->revision, 7u);
  EXPECT_EQ(value->payload, "payload");
  EXPECT_EQ(ParseValue(Stored(7))->payload, "");
  EXPECT_EQ(ParseValue(bytes.substr(0, 7)), std::nullopt);
}

TEST(FormatTest, LogEntryIsRevisionTimeAndPayload) {
  for (const int64_t micros : {int64_t{1'700'000'000'123'456}, int64_t{-1}, int64_t{0}}) {
    const std::string header = EncodeLogEntryHeader(9, absl::FromUnixMicros(micros));
    const std::string bytes = absl::StrCat(header, "payload");
    const auto entry = ParseLogEntry(bytes);
    ASSERT_TRUE(entry.has_value());
    EXPECT_EQ(entry->revision, 9u);
    EXPECT_EQ(entry->commit_time, absl::FromUnixMicros(micros));
    EXPECT_EQ(entry->payload, "payload");
    EXPECT_EQ(ParseLogEntry(bytes.substr(0, 15)), std::nullopt);
  }
}

TEST(FormatTest, LogRecordIsAMarkACountAndEntries) {
  const std::string bytes = absl::StrCat("\x01", Stored(3), "entries");
  EXPECT_EQ(EncodeLogRecordHeader(3), bytes.substr(0, 9));
  EXPECT_TRUE(IsLogRecord(bytes));
  const auto record = ParseLogRecord(bytes);
  ASSERT_TRUE(record.has_value());
  EXPECT_EQ(record->count, 3u);
  EXPECT_EQ(record->entries, "entries");
  EXPECT_FALSE(ParseLogRecord(bytes.substr(0, 8)).has_value());
  EXPECT_FALSE(ParseLogRecord(absl::StrCat("\x01", Stored(0))).has_value());
  EXPECT_FALSE(IsLogRecord(EncodeLogEntryHeader(9, absl::UnixEpoch())));
}

TEST(FormatTest, HeadComesBack) {
  const Head head = {3, 2, 1};
  EXPECT_EQ(ParseHead(EncodeHead(head)), head);
  EXPECT_EQ(ParseHead(EncodeHead(head) + "x"), std::nullopt);
  EXPECT_EQ(ParseHead(EncodeHead(head).substr(1)), std::nullopt);
}

TEST(FormatTest, AuditHeadComesBack) {
  AuditHead head{7, {}};
  head.hash[0] = 'a';
  head.hash[kAuditHashBytes - 1] = 'z';
  EXPECT_EQ(ParseAuditHead(EncodeAuditHead(head)), head);
  EXPECT_EQ(ParseAuditHead(EncodeAuditHead(head) + "x"), std::nullopt);
  EXPECT_EQ(ParseAuditHead(EncodeAuditHead(head).substr(1)), std::nullopt);
}

TEST(FormatTest, EpochsComeBack) {
  const std::vector<LogEpoch> epochs = {{7, 0}, {UINT64_MAX, 1}, {0, 900}};
  const std::string bytes = EncodeEpochs(epochs);
  EXPECT_EQ(ParseEpochs(bytes), epochs);
  EXPECT_EQ(ParseEpochs(bytes.substr(0, 40)), std::nullopt);
  EXPECT_EQ(ParseEpochs(""), std::nullopt);
  EXPECT_EQ(ParseEpochs(EncodeEpochs({{7, 5}, {8, 5}})), std::nullopt) << "must rise";
}

TEST(FormatTest, DamagedBytesAreHarmless) {
  std::mt19937 random(1);
  for (int round = 0; round < 10'000; ++round) {
    std::string bytes(random() % 40, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random());
    EXPECT_EQ(ParseInteger(bytes).has_value(), bytes.size() == 8);
    EXPECT_EQ(ParseValue(bytes).has_value(), bytes.size() >= 8);
    EXPECT_EQ(ParseLogEntry(bytes).has_value(), bytes.size() >= 16);
    EXPECT_EQ(ParseHead(bytes).has_value(), bytes.size() == 24);
    absl::string_view entries = bytes;
    while (TakeLogEntry(entries)) {
    }
  }
}

}  // namespace
}  // namespace innkeeper::storage::embedded
