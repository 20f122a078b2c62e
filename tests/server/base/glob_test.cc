#include "server/base/glob.h"

#include <gtest/gtest.h>

#include <string>

namespace innkeeper {
namespace {

TEST(GlobTest, MatchesTheWholeText) {
  EXPECT_TRUE(MatchesGlob("@a:b", "@a:b"));
  EXPECT_FALSE(MatchesGlob("@a:b", "@a:bc"));
  EXPECT_FALSE(MatchesGlob("@a:b", "x@a:b"));
  EXPECT_FALSE(MatchesGlob("@a:b", "@A:b"));
  EXPECT_TRUE(MatchesGlob("", ""));
  EXPECT_FALSE(MatchesGlob("", "a"));
}

TEST(GlobTest, AStarStandsForAnyBytesAlsoNone) {
  EXPECT_TRUE(MatchesGlob("*", ""));
  EXPECT_TRUE(MatchesGlob("*", "@a:b"));
  EXPECT_TRUE(MatchesGlob("@bot-*:b", "@bot-:b"));
  EXPECT_TRUE(MatchesGlob("@bot-*:b", "@bot-1:b"));
  EXPECT_FALSE(MatchesGlob("@bot-*:b", "@bot:b"));
  EXPECT_FALSE(MatchesGlob("@bot-*:b", "@bot-1:b.evil"));
  EXPECT_TRUE(MatchesGlob("a**c", "abc"));
  EXPECT_TRUE(MatchesGlob("abc**", "abc"));
}

TEST(GlobTest, AStarTakesMoreWhenTheRestDoesNotFit) {
  EXPECT_TRUE(MatchesGlob("*ab", "aab"));
  EXPECT_TRUE(MatchesGlob("*a*b*c", "xaxbxbxc"));
  EXPECT_TRUE(MatchesGlob("a*bab", "ababab"));
  EXPECT_FALSE(MatchesGlob("*a*b*c", "xcxbxa"));
}

TEST(GlobTest, AQuestionMarkStandsForOneByte) {
  EXPECT_TRUE(MatchesGlob("@bot?:b", "@bot1:b"));
  EXPECT_FALSE(MatchesGlob("@bot?:b", "@bot:b"));
  EXPECT_FALSE(MatchesGlob("@bot?:b", "@bot12:b"));
  EXPECT_TRUE(MatchesGlob("*?", "a"));
  EXPECT_FALSE(MatchesGlob("*?", ""));
}

TEST(GlobTest, ManyStarsDoNotTakeForEver) {
  std::string pattern;
  for (int i = 0; i < 100; ++i) pattern += "a*";
  EXPECT_FALSE(MatchesGlob(pattern + "b", std::string(10'000, 'a')));
}

TEST(GlobTest, KnowsWildcards) {
  EXPECT_TRUE(HasWildcard("@*"));
  EXPECT_TRUE(HasWildcard("@a?"));
  EXPECT_FALSE(HasWildcard("@a:b"));
}

}  // namespace
}  // namespace innkeeper
