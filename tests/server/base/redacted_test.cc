#include "server/base/redacted.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <type_traits>
#include <utility>

#include "absl/strings/str_cat.h"

namespace innkeeper {
namespace {

template <typename T>
concept IsTakenByStrCat = requires(const T& value) {
  absl::StrCat(value);
};
static_assert(IsTakenByStrCat<std::string>);
static_assert(!IsTakenByStrCat<Redacted>);
static_assert(!std::is_convertible_v<Redacted, std::string>);
static_assert(!std::is_convertible_v<std::string, Redacted>);

TEST(RedactedTest, ShowsItsTextToThoseWhoAskForIt) {
  EXPECT_EQ(Redacted("secret").Expose(), "secret");
  EXPECT_FALSE(Redacted("secret").empty());
  EXPECT_TRUE(Redacted().empty());
  EXPECT_EQ(Redacted("secret"), Redacted("secret"));
  EXPECT_NE(Redacted("secret"), Redacted("other"));
}

TEST(RedactedTest, IsNeverPrinted) {
  std::ostringstream out;
  out << Redacted("secret");
  EXPECT_EQ(out.str(), "(redacted)");
  EXPECT_EQ(testing::PrintToString(Redacted("secret")), "(redacted)");
}

TEST(RedactedTest, CanBeCopiedAndMoved) {
  const Redacted first("a secret that is too long to be within the string itself");
  Redacted second = first;
  EXPECT_EQ(second, first);
  const Redacted third = std::move(second);
  EXPECT_EQ(third, first);
  second = Redacted("short");
  EXPECT_EQ(second.Expose(), "short");
  second = third;
  EXPECT_EQ(second, first);
}

}  // namespace
}  // namespace innkeeper
