#include "server/auth/strict_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/match.h"

namespace innkeeper::auth {
namespace {

std::string ComplaintAboutText(absl::string_view text) {
  const absl::Status status = ParseStrictJson(text).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << text;
  return std::string(status.message());
}

TEST(StrictJsonTest, ReadsJson) {
  const auto json = ParseStrictJson(R"({"a": [1, {"a": "x"}], "b": {"a": null}})");
  ASSERT_TRUE(json.ok()) << json.status();
  EXPECT_EQ((*json)["a"][1]["a"], "x");
}

TEST(StrictJsonTest, NamesThePlaceOfAnErrorAndNothingElse) {
  EXPECT_EQ(ComplaintAboutText(""), "is not JSON: error at line 1, column 1");
  EXPECT_EQ(ComplaintAboutText("{\"a\":\n  x}"), "is not JSON: error at line 2, column 3");
  EXPECT_EQ(ComplaintAboutText("{\n\"a\": 1\n"), "is not JSON: error at line 3, column 1");
  for (const char* text : {"{} {}", "{'a': 1}", "[1,]", "{\"a\": \"\xff\"}", "\"secret", "/**/ 1",
                           "[\"secret\" \"secret\"]", "1e999", "\xef\xbb"}) {
    EXPECT_FALSE(absl::StrContains(ComplaintAboutText(text), "secret")) << text;
  }
}

TEST(StrictJsonTest, RefusesAKeyTwiceInOneObject) {
  EXPECT_EQ(ComplaintAboutText(R"({"a": 1, "b": 2, "a": 1})"), "has a key twice in one object");
  EXPECT_EQ(ComplaintAboutText(R"([{"x": {"a": 1, "\u0061": 2}}])"),
            "has a key twice in one object");
}

TEST(StrictJsonTest, SurvivesDeepNesting) {
  EXPECT_FALSE(ParseStrictJson(std::string(1'000'000, '[')).ok());
  EXPECT_TRUE(ParseStrictJson(std::string(100'000, '[') + std::string(100'000, ']')).ok());
}

}  // namespace
}  // namespace innkeeper::auth
