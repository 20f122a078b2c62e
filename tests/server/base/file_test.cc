#include "server/base/file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "absl/status/status.h"
#include "tests/support/temp_dir.h"

namespace innkeeper {
namespace {

using testing::StartsWith;

constexpr size_t kPlenty = 1 << 20;

TEST(ReadFileTest, ReturnsAllBytesAndThePermissions) {
  TempDir dir;
  std::string bytes(100'000, 'x');
  bytes[50'000] = '\0';
  const std::string path = dir.Write("file", bytes);
  ASSERT_EQ(chmod(path.c_str(), 0640), 0);

  const auto file = ReadFile(path, kPlenty);

  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ(file->bytes, bytes);
  EXPECT_EQ(file->mode & 0777, 0640u);
}

TEST(ReadFileTest, ReadsUpToTheLimit) {
  TempDir dir;
  const std::string path = dir.Write("file", "12345");
  EXPECT_TRUE(ReadFile(path, 5).ok());
  const absl::Status status = ReadFile(path, 4).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message(), path + ": is longer than 4 bytes");
}

TEST(ReadFileTest, NamesAFileThatIsNotThere) {
  TempDir dir;
  const absl::Status status = ReadFile(dir.File("none"), kPlenty).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()), StartsWith(dir.File("none")));
}

TEST(ReadFileTest, RefusesDirectoriesAndPipesWithoutWaiting) {
  TempDir dir;
  ASSERT_EQ(mkfifo(dir.File("pipe").c_str(), 0600), 0);
  EXPECT_EQ(ReadFile(dir.File("pipe"), kPlenty).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ReadFile(dir.path(), kPlenty).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(WriteFileTest, MakesAFileForItsOwnerAlone) {
  TempDir dir;
  const std::string path = dir.File("file");
  ASSERT_TRUE(WriteFile(path, std::string(100'000, 'x')).ok());
  const auto file = ReadFile(path, kPlenty);
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ(file->bytes, std::string(100'000, 'x'));
  EXPECT_EQ(file->mode & 0777, 0600u);
  EXPECT_FALSE(ReadFile(path + ".new", kPlenty).ok());
}

TEST(WriteFileTest, ReplacesWhatWasThereAndWhatAnInterruptedCallLeft) {
  TempDir dir;
  const std::string path = dir.Write("file", "old");
  ASSERT_EQ(chmod(path.c_str(), 0644), 0);
  dir.Write("file.new", "half of it");
  ASSERT_TRUE(WriteFile(path, "new").ok());
  const auto file = ReadFile(path, kPlenty);
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ(file->bytes, "new");
  EXPECT_EQ(file->mode & 0777, 0600u);
}

TEST(WriteFileTest, AFailureNamesTheFileAndLeavesThePathAsItWas) {
  TempDir dir;
  const absl::Status missing = WriteFile(dir.File("no/such/file"), "x");
  EXPECT_EQ(missing.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(missing.message()), StartsWith(dir.File("no/such/file")));
  ASSERT_EQ(mkdir(dir.File("directory").c_str(), 0700), 0);
  EXPECT_FALSE(WriteFile(dir.File("directory"), "x").ok());
  EXPECT_EQ(rmdir(dir.File("directory").c_str()), 0);
}

}  // namespace
}  // namespace innkeeper
