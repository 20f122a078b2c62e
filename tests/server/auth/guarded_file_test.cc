#include "server/auth/guarded_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tests/support/temp_dir.h"

namespace innkeeper::auth {
namespace {

TEST(GuardedFileTest, RefusesAFileThatOthersMayWriteTo) {
  TempDir dir;
  const std::string path = dir.Write("tokens.json", "{}");
  for (const mode_t mode : {0600u, 0400u, 0644u}) {
    ASSERT_EQ(chmod(path.c_str(), mode), 0);
    EXPECT_TRUE(ReadGuardedFile(path).ok()) << std::oct << mode;
  }
  for (const mode_t mode : {0620u, 0602u, 0666u}) {
    ASSERT_EQ(chmod(path.c_str(), mode), 0);
    const absl::Status status = ReadGuardedFile(path).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << std::oct << mode;
    EXPECT_EQ(status.message(), path + ": others than its owner may write to it; chmod go-w it");
  }
}

}  // namespace
}  // namespace innkeeper::auth
