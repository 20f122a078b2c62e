#include "storage/rocksdb/durable_head.h"

#include <filesystem>
#include <string>

#include <gtest/gtest.h>

#include "tests/storage/rocksdb/store_files.h"
#include "tests/support/temp_dir.h"

namespace innkeeper::storage::embedded {
namespace {

class DurableHeadTest : public testing::Test {
 protected:
  DurableHead Read() {
    const auto head = ReadDurableHead(path_);
    EXPECT_TRUE(head.ok() && head->has_value()) << head.status();
    return **head;
  }

  TempDir directory_;
  const std::string path_ = directory_.path() + "/DURABLE_HEAD";
};

TEST_F(DurableHeadTest, MissingFileSaysNothing) {
  const auto head = ReadDurableHead(path_);
  ASSERT_TRUE(head.ok()) << head.status();
  EXPECT_FALSE(head->has_value());
}

TEST_F(DurableHeadTest, SaysWhatWasRecordedLast) {
  auto writer = DurableHeadWriter::Open(path_, {17, 5});
  ASSERT_TRUE(writer.ok()) << writer.status();
  EXPECT_EQ(Read().incarnation, 17u);
  EXPECT_EQ(Read().revision, 5u);
  for (const Revision revision : {6u, 1u << 20, 7u}) {
    ASSERT_TRUE(writer->Record(revision).ok());
    EXPECT_EQ(Read().revision, revision);
  }
  ASSERT_TRUE(writer->Sync().ok());
}

TEST_F(DurableHeadTest, ReplacesWhatIsThere) {
  WriteFile(path_, std::string(1'000, 'x'));
  WriteFile(path_ + ".new", std::string(1'000, 'y'));
  ASSERT_TRUE(DurableHeadWriter::Open(path_, {17, 5}).ok());
  EXPECT_EQ(Read().revision, 5u);
  EXPECT_FALSE(std::filesystem::exists(path_ + ".new"));
}

TEST_F(DurableHeadTest, EveryDamagedBitIsNoticed) {
  ASSERT_TRUE(DurableHeadWriter::Open(path_, {17, 5}).ok());
  const std::string intact = ReadFile(path_);
  for (size_t bit = 0; bit < intact.size() * 8; ++bit) {
    std::string damaged = intact;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ 1 << bit % 8);
    WriteFile(path_, damaged);
    EXPECT_EQ(ReadDurableHead(path_).status().code(), absl::StatusCode::kDataLoss) << bit;
  }
}

TEST_F(DurableHeadTest, WrongSizesAreNoticed) {
  ASSERT_TRUE(DurableHeadWriter::Open(path_, {17, 5}).ok());
  const std::string intact = ReadFile(path_);
  for (const std::string& damaged : {std::string(), intact.substr(0, 31), intact + '\0'}) {
    WriteFile(path_, damaged);
    EXPECT_EQ(ReadDurableHead(path_).status().code(), absl::StatusCode::kDataLoss);
  }
}

TEST_F(DurableHeadTest, UnusablePathIsAnError) {
  std::filesystem::create_directory(path_);
  EXPECT_EQ(ReadDurableHead(path_).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(DurableHeadWriter::Open(path_ + "/no/file", {17, 5}).status().code(),
            absl::StatusCode::kUnavailable);
}

}  // namespace
}  // namespace innkeeper::storage::embedded
