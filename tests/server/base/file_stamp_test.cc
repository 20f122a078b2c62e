#include "server/base/file_stamp.h"

#include <optional>
#include <string>

#include <gtest/gtest.h>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "tests/support/temp_dir.h"

namespace innkeeper {
namespace {

TEST(FileStampTest, IsTheSameUntilTheFileIsChanged) {
  const TempDir dir;
  const std::string path = dir.Write("file", "one");
  const absl::Time later = absl::Now() + absl::Minutes(1);
  const std::optional<FileStamp> before = StampOf(path, later);
  ASSERT_TRUE(before);
  EXPECT_EQ(StampOf(path, later), before);
  dir.Write("file", "two");
  const std::optional<FileStamp> after = StampOf(path, later);
  ASSERT_TRUE(after);
  EXPECT_NE(after, before);
}

TEST(FileStampTest, IsNotToldWhileAnotherChangeCouldLeaveItTheSame) {
  const TempDir dir;
  EXPECT_EQ(StampOf(dir.Write("file", "one"), absl::Now()), std::nullopt);
}

TEST(FileStampTest, IsNotToldOfAFileThatIsNotThere) {
  const TempDir dir;
  EXPECT_EQ(StampOf(dir.File("none"), absl::Now()), std::nullopt);
}

}  // namespace
}  // namespace innkeeper
