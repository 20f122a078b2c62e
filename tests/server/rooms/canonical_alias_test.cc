#include "server/rooms/canonical_alias.h"

#include <gtest/gtest.h>

namespace innkeeper::rooms {
namespace {

constexpr char kAlias[] = "#a:example.org";

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
