#include "server/rooms/utf8.h"

#include <gtest/gtest.h>

#include <string>

namespace innkeeper::rooms {
namespace {

TEST(Utf8Test, TakesWellFormedText) {
  for (const std::string text : {"", "plain", "\x7F", "\u0080", "\u07FF", "\u0800", "\uD7FF",
                                 "\uE000", "\uFFFF", "\U00010000", "\U0010FFFF", "日本 x 𠠠"}) {
    EXPECT_TRUE(IsUtf8(text)) << text;
  }
  EXPECT_TRUE(IsUtf8(std::string("a\0b", 3)));
}

TEST(Utf8Test, RefusesEverythingElse) {
  for (const std::string text :
       {"\x80", "\xBF", "\xC0\x80", "\xC1\xBF", "\xC2", "\xC2g", "\xE0\x80\x80", "\xE0\x9F\xBF",
        "\xED\xA0\x80", "\xED\xBF\xBF", "\xE2\x82", "\xF0\x80\x80\x80", "\xF0\x8F\xBF\xBF",
        "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF", "ok\xC3(", "\xF0\x9F\x98"}) {
    EXPECT_FALSE(IsUtf8(text)) << text;
  }
}

TEST(Utf8Test, KnowsWhiteSpaceOfEveryKind) {
  for (const std::string text : {"", " \t\n", "\u3000", "\u00a0\u2003 \u205f", "\u0085"}) {
    EXPECT_TRUE(IsWhiteSpace(text)) << text;
  }
  for (const std::string text : {"a", " \u3000.", "\u200b", "日本", "\u3001", "\u3000\U0001F600"}) {
    EXPECT_FALSE(IsWhiteSpace(text)) << text;
  }
}

TEST(Utf8Test, PrefixEndsBetweenCharacters) {
  EXPECT_EQ(Utf8Prefix("abc", 3), "abc");
  EXPECT_EQ(Utf8Prefix("abc", 2), "ab");
  EXPECT_EQ(Utf8Prefix("a日本", 4), "a日");
  EXPECT_EQ(Utf8Prefix("a日本", 5), "a日");
  EXPECT_EQ(Utf8Prefix("日本", 2), "");
}

}  // namespace
}  // namespace innkeeper::rooms
