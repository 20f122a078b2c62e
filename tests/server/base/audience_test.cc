#include "server/base/audience.h"

#include <gtest/gtest.h>

#include <string>

namespace innkeeper {
namespace {

TEST(AudienceTest, IsMadeOfPlainCharacters) {
  for (const std::string& audience : {std::string("a"), std::string("tenant-7"),
                                      std::string("ORG:x.y_z"), std::string(128, 'a')}) {
    EXPECT_TRUE(CheckAudience(audience).ok()) << audience;
    EXPECT_TRUE(CheckAudiencePattern(audience).ok()) << audience;
  }
  for (const std::string& text :
       {std::string(), std::string("a b"), std::string("a/b"), std::string("\xc3\xa4"),
        std::string(1, '\0'), std::string(129, 'a')}) {
    EXPECT_EQ(CheckAudience(text).code(), absl::StatusCode::kInvalidArgument) << text;
    EXPECT_EQ(CheckAudiencePattern(text).code(), absl::StatusCode::kInvalidArgument) << text;
  }
}

TEST(AudienceTest, OnlyPatternsHaveWildcards) {
  for (const char* pattern : {"*", "tenant-?", "a*b"}) {
    EXPECT_FALSE(CheckAudience(pattern).ok()) << pattern;
    EXPECT_TRUE(CheckAudiencePattern(pattern).ok()) << pattern;
  }
}

TEST(AudienceScopeTest, AllIncludesRoomsWithoutAudience) {
  const AudienceScope all = AudienceScope::All();
  EXPECT_TRUE(all.IsAll());
  EXPECT_TRUE(all.Includes("tenant-7"));
  EXPECT_TRUE(all.Includes(""));
}

TEST(AudienceScopeTest, NothingIncludesNothing) {
  const AudienceScope nothing = AudienceScope::Nothing();
  EXPECT_FALSE(nothing.IsAll());
  EXPECT_FALSE(nothing.Includes("tenant-7"));
  EXPECT_FALSE(nothing.Includes(""));
}

TEST(AudienceScopeTest, IncludesWhatIsNamedOrMatched) {
  const AudienceScope scope = AudienceScope::Of({"internal", "tenant-7?"});
  EXPECT_FALSE(scope.IsAll());
  EXPECT_TRUE(scope.Includes("internal"));
  EXPECT_TRUE(scope.Includes("tenant-70"));
  EXPECT_FALSE(scope.Includes("tenant-7"));
  EXPECT_FALSE(scope.Includes("internal2"));
}

TEST(AudienceScopeTest, NoPatternIncludesRoomsWithoutAudience) {
  const AudienceScope scope = AudienceScope::Of({"*"});
  EXPECT_FALSE(scope.IsAll());
  EXPECT_TRUE(scope.Includes("tenant-7"));
  EXPECT_FALSE(scope.Includes(""));
}

}  // namespace
}  // namespace innkeeper
