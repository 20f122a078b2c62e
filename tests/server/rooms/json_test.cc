#include "server/rooms/json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/server/rooms/violations.h"

namespace innkeeper::rooms {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string Nested(int depth) {
  return absl::StrCat(std::string(depth, '['), std::string(depth, ']'));
}

// The examples of the specification and of its other implementations.
TEST(CanonicalJsonTest, MatchesPublishedVectors) {
  const std::vector<std::pair<std::string, std::string>> vectors = {
      {R"({})", R"({})"},
      {R"({"one": 1, "two": "Two"})", R"({"one":1,"two":"Two"})"},
      {R"({"b": "2", "a": "1"})", R"({"a":"1","b":"2"})"},
      {R"({"本": 2, "日": 1})", R"({"日":1,"本":2})"},
      {R"({"a": "\u65E5"})", R"({"a":"日"})"},
      {R"({"a": null})", R"({"a":null})"},
      {R"({"a": -0, "b": 1e10})", R"({"a":0,"b":10000000000})"},
      {R"({"auth": {"success": true, "mxid": "@john.doe:example.com", "profile": {
           "display_name": "John Doe", "three_pids": [
             {"medium": "email", "address": "john.doe@example.org"},
             {"medium": "msisdn", "address": "123456789"}]}}})",
       R"({"auth":{"mxid":"@john.doe:example.com","profile":{"display_name":"John Doe",)"
       R"("three_pids":[{"address":"john.doe@example.org","medium":"email"},)"
       R"({"address":"123456789","medium":"msisdn"}]},"success":true}})"},
      {R"(["\u0008\u0009\u000A\u000B\u000C\u000D\u000E\u000F"])",
       R"(["\b\t\n\u000b\f\r\u000e\u000f"])"},
      {R"(["\u0061\u005C\u0042\u0022"])", R"(["a\\B\""])"},
      {R"(["\"\\\/"])", R"(["\"\\/"])"},
      {R"(["\uD842\uDC20"])", "[\"\U00020820\"]"},
      {R"(["\u0000\u001f\u007f"])", "[\"\\u0000\\u001f\x7F\"]"},
      // Bytewise order of UTF-8, in which U+10000 follows U+FF61; not that of UTF-16.
      {R"({"\ud800\udc00": 1, "\uff61": 2})", "{\"\uFF61\":2,\"\U00010000\":1}"},
  };
  for (const auto& [input, canonical] : vectors) {
    const auto value = ParseJson(input);
    ASSERT_TRUE(value.ok()) << input << ": " << value.status();
    EXPECT_EQ(CanonicalJson(*value), canonical);
  }
}

TEST(ParseJsonTest, TakesTheWholeRangeOfIntegers) {
  const std::vector<std::pair<std::string, int64_t>> numbers = {
      {"0", 0},
      {"-0", 0},
      {"-0.0", 0},
      {"0e99", 0},
      {"0e-99999999999999999999", 0},
      {"9007199254740991", 9007199254740991},
      {"-9007199254740991", -9007199254740991},
      {"9007199254740991.000", 9007199254740991},
      {"1e5", 100000},
      {"1E+2", 100},
      {"12.50e1", 125},
      {"1200e-2", 12},
      {"-1.5e1", -15},
      {"0.0000000000000000000001e22", 1},
      {"9.007199254740991e15", 9007199254740991},
  };
  for (const auto& [text, number] : numbers) {
    const auto value = ParseJson(text);
    ASSERT_TRUE(value.ok()) << text << ": " << value.status();
    EXPECT_TRUE(value->is_number_integer()) << text;
    EXPECT_EQ(*value, number) << text;
  }
}

TEST(ParseJsonTest, RefusesOtherNumbersExactly) {
  for (const std::string text :
       {"9007199254740992", "-9007199254740992", "18446744073709551615", "18446744073709551616",
        "100000000000000000000000000", "1.5", "1e16", "1e400", "-1e400", "1e-1", "0.1",
        // These round to integers in range as floating-point numbers.
        "9007199254740991.4", "1.00000000000000000000001", "1e-99999999999999999999",
        "1e99999999999999999999"}) {
    EXPECT_FALSE(ParseJson(text).ok()) << text;
  }
}

TEST(ParseJsonTest, TakesAnyNumberIfTold) {
  // The right sides are what Python prints.
  const std::vector<std::pair<std::string, std::string>> numbers = {
      {"-0", "0"},
      {"9007199254740993", "9007199254740993"},
      {"-9223372036854775808", "-9223372036854775808"},
      {"18446744073709551615", "18446744073709551615"},
      {"1.5", "1.5"},
      {"1.0", "1.0"},
      {"1e3", "1000.0"},
      {"0.1", "0.1"},
      {"100.25", "100.25"},
      {"1e15", "1000000000000000.0"},
      {"1e16", "1e+16"},
      {"123456789012345680.0", "1.2345678901234568e+17"},
      {"0.0001", "0.0001"},
      {"0.00012345", "0.00012345"},
      {"0.00001", "1e-05"},
      {"-2.5e-7", "-2.5e-07"},
      {"-1.25", "-1.25"},
      {"-0.0", "-0.0"},
      {"1e100", "1e+100"},
      {"1.7976931348623157e308", "1.7976931348623157e+308"},
      {"5e-324", "5e-324"}};
  for (const auto& [text, printed] : numbers) {
    const auto value = ParseJson(text, JsonNumbers::kAny);
    ASSERT_TRUE(value.ok()) << text << ": " << value.status();
    EXPECT_EQ(CanonicalJson(*value), printed);
  }
  EXPECT_FALSE(ParseJson("18446744073709551616", JsonNumbers::kAny).ok());
  EXPECT_FALSE(ParseJson("1e999", JsonNumbers::kAny).ok());
}

TEST(ParseJsonTest, SaysWhatIsWrong) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "error at byte"},
      {"{", "error at byte"},
      {"{\"a\":1,}", "error at byte"},
      {"[1] []", "error at byte"},
      {"nul", "error at byte"},
      {"// no\n1", "error at byte"},
      {"{'a':1}", "error at byte"},
      {"[01]", "error at byte"},
      {"[\"\x01\"]", "error at byte"},
      {"[\"\xC3(\"]", "error at byte"},
      {R"(["\ud800"])", "error at byte"},
      {R"(["\udc00\ud800"])", "error at byte"},
      {R"(["\ud800x"])", "error at byte"},
      {R"({"\ud800":1})", "error at byte"},
      {R"({"a":1,"a":1})", "the key \"a\" twice"},
      {R"([{"x":{"a":1,"b":2,"\u0061":3}}])", "the key \"a\" twice"},
      {R"([1.5])", "not an integer"},
      {R"([9007199254740992])", "must be an integer from"},
      {Nested(66), "nested deeper than 65"},
      {std::string("{}\0", 3), "NUL"},
      {std::string("{}\0garbage", 10), "NUL"},
      {"\xEF\xBB\xBF{}", "byte order mark"},
  };
  for (const auto& [text, message] : cases) {
    const auto value = ParseJson(text);
    EXPECT_EQ(value.status().code(), absl::StatusCode::kInvalidArgument) << text;
    EXPECT_THAT(std::string(value.status().message()), HasSubstr(message)) << text;
  }
}

TEST(ParseJsonTest, TakesTheSameKeyInDifferentObjects) {
  const auto value = ParseJson(R"({"a":{"a":[{"a":1},{"a":2}]},"b":{"a":3}})");
  ASSERT_TRUE(value.ok()) << value.status();
  EXPECT_EQ(CanonicalJson(*value), R"({"a":{"a":[{"a":1},{"a":2}]},"b":{"a":3}})");
}

TEST(ParseJsonTest, TakesContentThatIsAsDeepAsItMayBeWithAnEventAroundIt) {
  EXPECT_TRUE(ParseJson(Nested(65)).ok());
  EXPECT_FALSE(ParseJson(Nested(66)).ok());
  EXPECT_FALSE(ParseJson(std::string(1'000'000, '[')).ok());
}

TEST(CheckCanonicalTest, WhatCallersGiveIsLessDeepThanWhatIsTaken) {
  const Json deepest = ParseJson(Nested(30)).value();
  EXPECT_TRUE(CheckCanonical(deepest, "content").ok());
  const Json deeper = Json::array({deepest});
  std::string path = "content";
  for (int i = 0; i < 30; ++i) path += "[0]";
  EXPECT_THAT(Violations(CheckCanonical(deeper, "content")),
              ElementsAre(absl::StrCat(path, ": must not be nested deeper than 30 levels")));
  EXPECT_TRUE(CheckCanonical(deeper, "content", 31).ok());
}

TEST(CheckCanonicalTest, NamesTheFirstOffendingPlace) {
  const std::string long_key(1000, 'k');
  const std::vector<std::pair<Json, std::string>> cases = {
      {1.5, "content: must be an integer"},
      {2.0, "content: must be an integer"},
      {int64_t{9007199254740992}, "content: must be an integer from"},
      {int64_t{-9007199254740992}, "content: must be an integer from"},
      {uint64_t{18446744073709551615u}, "content: must be an integer from"},
      {{{"a", {{"b", {1, 2, 0.5}}}}}, "content.a.b[2]: must be an integer"},
      {{{"a", "\xFF"}}, "content.a: must be valid UTF-8"},
      {{{"a", {{"\xC3(", 1}}}}, "content.a: must have only keys that are valid UTF-8"},
      {{{long_key, 0.5}}, absl::StrCat("content.", long_key.substr(0, 64), "...: must be")},
      {Json::binary({1, 2}), "content: must be null, a boolean"},
  };
  for (const auto& [value, violation] : cases) {
    const absl::Status status = CheckCanonical(value, "content");
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(Violations(status), ElementsAre(HasSubstr(violation)));
  }
}

TEST(CheckCanonicalTest, TakesWhatCanBeWritten) {
  const Json value = {{"", nullptr},
                      {"a", {true, false, "\U00020820", 9007199254740991, -9007199254740991}},
                      {"b", Json::object()},
                      {"c", Json::array()}};
  EXPECT_THAT(Violations(CheckCanonical(value, "content")), IsEmpty());
}

TEST(StringOrEmptyTest, ReturnsOnlyStrings) {
  const Json object = {{"text", "x"}, {"number", 1}};
  EXPECT_EQ(StringOrEmpty(object, "text"), "x");
  EXPECT_EQ(StringOrEmpty(object, "number"), "");
  EXPECT_EQ(StringOrEmpty(object, "missing"), "");
  EXPECT_EQ(StringOrEmpty(Json::array({"text"}), "text"), "");
  EXPECT_EQ(StringOrEmpty(Json("text"), "text"), "");
}

// Makes values at random that CheckCanonical takes.
class RandomJson {
 public:
  explicit RandomJson(uint32_t seed) : random_(seed) {}

  Json Value(int depth) {
    switch (Below(depth > 0 ? 7 : 5)) {
      case 0:
        return nullptr;
      case 1:
        return Below(2) == 1;
      case 2:
        return static_cast<int64_t>(Below(2 * kMaxCanonicalInteger + 1)) - kMaxCanonicalInteger;
      case 3:
        return static_cast<int64_t>(Below(2000)) - 1000;
      case 4:
        return Text();
      case 5: {
        Json array = Json::array();
        for (uint64_t i = Below(5); i > 0; --i) array.push_back(Value(depth - 1));
        return array;
      }
      default: {
        Json object = Json::object();
        for (uint64_t i = Below(5); i > 0; --i) object[Text()] = Value(depth - 1);
        return object;
      }
    }
  }

  uint64_t Below(uint64_t bound) {
    return std::uniform_int_distribution<uint64_t>(0, bound - 1)(random_);
  }

 private:
  std::string Text() {
    static const char* const pieces[] = {"a",  "Z",    "\"",   "\\",     "/",      "\b",
                                         "\n", "\x1F", "\x7F", "\u00E9", "\u65E5", "\U0001F600"};
    std::string text;
    for (uint64_t i = Below(8); i > 0; --i) text += pieces[Below(std::size(pieces))];
    if (Below(10) == 0) text += '\0';
    return text;
  }

  std::mt19937 random_;
};

TEST(CanonicalJsonPropertyTest, ParsingGivesBackWhatWasPrinted) {
  RandomJson random(20231120);
  for (int i = 0; i < 20'000; ++i) {
    const Json value = random.Value(6);
    ASSERT_TRUE(CheckCanonical(value, "value").ok()) << value;
    const std::string text = CanonicalJson(value);
    const auto parsed = ParseJson(text);
    ASSERT_TRUE(parsed.ok()) << text << ": " << parsed.status();
    ASSERT_EQ(*parsed, value) << text;
    ASSERT_EQ(CanonicalJson(*parsed), text);
    // Another writer, with white space and escapes, stands for the same value.
    ASSERT_EQ(CanonicalJson(ParseJson(value.dump(2, ' ', /*ensure_ascii=*/true)).value()), text);
    ASSERT_EQ(value.dump(), text);
  }
}

TEST(CanonicalJsonPropertyTest, DamagedTextIsRefusedOrCanonical) {
  RandomJson random(7);
  for (int i = 0; i < 20'000; ++i) {
    std::string text = CanonicalJson(random.Value(4));
    text[random.Below(text.size())] = static_cast<char>(random.Below(256));
    const auto parsed = ParseJson(text);
    if (parsed.ok()) {
      ASSERT_TRUE(CheckCanonical(*parsed, "value").ok()) << text;
      ASSERT_EQ(ParseJson(CanonicalJson(*parsed)).value(), *parsed) << text;
    }
  }
}

}  // namespace
}  // namespace innkeeper::rooms
