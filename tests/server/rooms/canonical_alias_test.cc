#include "server/rooms/canonical_alias.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace innkeeper::rooms {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

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

}  // namespace
}  // namespace innkeeper::rooms
