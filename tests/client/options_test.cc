#include "client/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/temp_dir.h"

namespace innkeeper {
namespace {

using testing::HasSubstr;

TEST(TokenTest, AFixedTokenStaysTheSame) {
  const TokenProvider token = FixedToken("secret");
  EXPECT_EQ(*token(), "secret");
  EXPECT_EQ(*token(), "secret");
}

TEST(TokenTest, AFileIsReadEachTime) {
  const TempDir dir;
  const TokenProvider token = TokenFile(dir.Write("token", "  first\r\nsecond line\n"));
  EXPECT_EQ(*token(), "first");
  dir.Write("token", "second");
  EXPECT_EQ(*token(), "second");
}

TEST(TokenTest, AFileWithoutATokenIsAnError) {
  const TempDir dir;
  for (const std::string& path : {dir.File("missing"), dir.Write("empty", "\n")}) {
    const absl::Status status = TokenFile(path)().status();
    EXPECT_EQ(status.code(), absl::StatusCode::kUnauthenticated);
    EXPECT_THAT(std::string(status.message()), HasSubstr(path));
  }
}

}  // namespace
}  // namespace innkeeper
