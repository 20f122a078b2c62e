#include "server/rooms/canonical_alias.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace innkeeper::rooms {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr char kAlias[] = "#a:example.org";

TEST(DivideAliasTest, LocalAliasesMoveAndTheRestStays) {
  const DividedAlias divided = DivideAlias(
      {{"alias", "#a:x"}, {"alt_aliases", {"#b:x", "#c:elsewhere", "#d:x", 5}}, {"other", 1}}, "x");
  EXPECT_EQ(divided.local, Json({{"alias", "#a:x"}, {"alt_aliases", {"#b:x", "#d:x"}}}));
  EXPECT_EQ(divided.remaining, Json({{"alt_aliases", {"#c:elsewhere", 5}}, {"other", 1}}));
  EXPECT_THAT(divided.remote, ElementsAre("#c:elsewhere"));
}

TEST(DivideAliasTest, RemoteAliasesAloneAreLeftInPeace) {
  const Json content = {{"alias", "#a:elsewhere"}, {"alt_aliases", {"#c:elsewhere"}}};
  const DividedAlias divided = DivideAlias(content, "x");
  EXPECT_TRUE(divided.local.empty());
  EXPECT_EQ(divided.remaining, content);
  EXPECT_THAT(divided.remote, ElementsAre("#a:elsewhere", "#c:elsewhere"));
}

TEST(DivideAliasTest, SurvivesContentOfAnyShape) {
  for (const Json& content :
       {Json::object(), Json({{"alias", ""}}), Json({{"alias", 5}}),
        Json({{"alt_aliases", "#a:x"}}), Json({{"alt_aliases", {{"a", 1}}}})}) {
    const DividedAlias divided = DivideAlias(content, "x");
    EXPECT_TRUE(divided.local.empty());
    EXPECT_EQ(divided.remaining, content);
    EXPECT_THAT(divided.remote, IsEmpty());
  }
}

TEST(CanonicalAliasTest, AnAliasIsTakenOutOfBothPlacesAndTheRestStays) {
  const Json content = {{"alias", kAlias},
                        {"alt_aliases", {"#b:example.org", kAlias, "#c:example.org", kAlias}},
                        {"org.example.other", kAlias}};
  EXPECT_EQ(
      WithoutAlias(content, kAlias),
      Json({{"alt_aliases", {"#b:example.org", "#c:example.org"}}, {"org.example.other", kAlias}}));
  EXPECT_EQ(WithoutAlias(content, "#b:example.org"),
            Json({{"alias", kAlias},
                  {"alt_aliases", {kAlias, "#c:example.org", kAlias}},
                  {"org.example.other", kAlias}}));
  EXPECT_EQ(WithoutAlias({{"alias", kAlias}}, kAlias), Json::object());
}

TEST(CanonicalAliasTest, ContentThatDoesNotNameTheAliasStaysAsItIs) {
  for (const Json& content :
       {Json::object(), Json({{"alias", "#A:example.org"}}), Json({{"alias", nullptr}}),
        Json({{"alt_aliases", {"#b:example.org", 1, nullptr}}}), Json({{"alt_aliases", kAlias}}),
        Json({{"alt_aliases", {{"alias", kAlias}}}}), Json(kAlias), Json()}) {
    EXPECT_EQ(WithoutAlias(content, kAlias), std::nullopt) << content;
  }
}

}  // namespace
}  // namespace innkeeper::rooms
