#include "storage/rocksdb/log_record.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "storage/rocksdb/format.h"

namespace innkeeper::storage::embedded {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

absl::Time At(int64_t micros) { return absl::FromUnixMicros(micros); }

// Seals by saying where.
class NotingSealer final : public LogSealer {
 public:
  std::string SealEntries(LogPosition last, absl::string_view entries) const override {
    return absl::StrCat(last, ":", entries);
  }
  absl::Status OpenEntries(LogPosition last, absl::string_view sealed,
                           std::string& entries) const override {
    return Open(absl::StrCat(last, ":"), sealed, entries);
  }
  absl::Status OpenEntry(LogPosition position, absl::string_view sealed,
                         std::string& payload) const override {
    return Open(absl::StrCat("one ", position, ":"), sealed, payload);
  }
  std::string SealAuditEntry(absl::string_view, absl::string_view value) const override {
    return std::string(value);
  }

 private:
  static absl::Status Open(const std::string& start, absl::string_view sealed, std::string& text) {
    if (sealed.substr(0, start.size()) != start) return absl::DataLossError("not sealed for this");
    text = std::string(sealed.substr(start.size()));
    return absl::OkStatus();
  }
};

// The entries of a record as "position revision micros payload".
std::vector<std::string> Read(LogPosition last, const std::string& bytes,
                              const LogSealer* sealer = nullptr) {
  std::string buffer;
  const auto entries = OpenLogRecord(last, bytes, sealer, buffer);
  if (!entries.ok()) return {entries.status().ToString()};
  std::vector<std::string> texts;
  for (const LogEntryView& entry : *entries) {
    texts.push_back(absl::StrCat(entry.position, " ", entry.revision, " ",
                                 absl::ToUnixMicros(entry.commit_time), " ", entry.payload));
  }
  return texts;
}

std::string ThreeEntries() {
  std::string entries;
  AppendLogEntry(5, At(100), "first", entries);
  AppendLogEntry(5, At(100), "", entries);
  AppendLogEntry(6, At(-1), "third", entries);
  return entries;
}

TEST(LogRecordTest, EntriesComeBack) {
  const std::string record = EncodeLogRecord(9, 3, ThreeEntries(), nullptr);
  EXPECT_EQ(FirstOfLogRecord(9, record), 7u);
  EXPECT_THAT(Read(9, record), ElementsAre("7 5 100 first", "8 5 100 ", "9 6 -1 third"));
}

TEST(LogRecordTest, EntriesAreSealedAsOneForTheLastPosition) {
  const NotingSealer sealer;
  const std::string record = EncodeLogRecord(9, 3, ThreeEntries(), &sealer);
  EXPECT_EQ(record, absl::StrCat(EncodeLogRecordHeader(3), "9:", ThreeEntries()));
  EXPECT_EQ(FirstOfLogRecord(9, record), 7u);
  EXPECT_THAT(Read(9, record, &sealer), ElementsAre("7 5 100 first", "8 5 100 ", "9 6 -1 third"));
  EXPECT_THAT(Read(10, record, &sealer), ElementsAre("DATA_LOSS: not sealed for this"));
}

TEST(LogRecordTest, ReadsEntriesOfFormat2) {
  const std::string plain = absl::StrCat(EncodeLogEntryHeader(5, At(100)), "payload");
  EXPECT_EQ(FirstOfLogRecord(9, plain), 9u);
  EXPECT_THAT(Read(9, plain), ElementsAre("9 5 100 payload"));
  const NotingSealer sealer;
  const std::string sealed = absl::StrCat(EncodeLogEntryHeader(5, At(100)), "one 9:payload");
  EXPECT_THAT(Read(9, sealed, &sealer), ElementsAre("9 5 100 payload"));
  EXPECT_THAT(Read(8, sealed, &sealer), ElementsAre("DATA_LOSS: not sealed for this"));
}

TEST(LogRecordTest, DamageIsNoticed) {
  const std::string record = EncodeLogRecord(9, 3, ThreeEntries(), nullptr);
  EXPECT_EQ(FirstOfLogRecord(2, record), std::nullopt) << "more entries than positions";
  EXPECT_EQ(FirstOfLogRecord(9, record.substr(0, 8)), std::nullopt);
  EXPECT_EQ(FirstOfLogRecord(9, ""), std::nullopt);
  for (const std::string& damaged : {std::string(), record.substr(0, 8), std::string("\x02")}) {
    EXPECT_THAT(Read(9, damaged), ElementsAre("DATA_LOSS: log position 9 is damaged"));
  }
  for (const std::string& short_record :
       {record.substr(0, record.size() - 1), EncodeLogRecord(9, 3, "", nullptr)}) {
    EXPECT_THAT(Read(9, short_record), ElementsAre(HasSubstr("is damaged")));
  }
}

// Nobody can give entries the positions of others by it.
TEST(LogRecordTest, AnotherNumberOfEntriesIsNoticed) {
  const NotingSealer sealer;
  const std::string sealed = sealer.SealEntries(9, ThreeEntries());
  for (const uint64_t count : {1, 2, 4}) {
    EXPECT_THAT(Read(9, absl::StrCat(EncodeLogRecordHeader(count), sealed), &sealer),
                ElementsAre(HasSubstr("is damaged")))
        << count;
  }
}

}  // namespace
}  // namespace innkeeper::storage::embedded
