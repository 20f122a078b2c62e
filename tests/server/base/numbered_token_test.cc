#include "server/base/numbered_token.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

namespace innkeeper {
namespace {

class NumberedTokenTest : public testing::Test {
 protected:
  std::string Sign(uint64_t number, absl::string_view context = "context") {
    return NumberedTokens(signer_, "purpose", context).Sign({number});
  }

  const TokenSigner signer_{"a key"};
};

TEST_F(NumberedTokenTest, SaysWhatWasSigned) {
  for (const uint64_t number : {uint64_t{0}, uint64_t{1}, uint64_t{256}, UINT64_MAX}) {
    for (const std::string context : {"", "c", "context"}) {
      const auto said = VerifyNumberedToken(signer_, "purpose", Sign(number, context));
      ASSERT_TRUE(said);
      EXPECT_EQ(said->number, number);
      EXPECT_EQ(said->context, context);
    }
  }
}

TEST_F(NumberedTokenTest, SignsManyAsOneByOne) {
  NumberedTokens tokens(signer_, "purpose", "context");
  std::vector<uint64_t> numbers;
  std::string one_by_one;
  for (uint64_t i = 0; i < 100; ++i) {
    numbers.push_back(i * i);
    one_by_one += Sign(i * i);
  }
  EXPECT_EQ(tokens.Sign(numbers), one_by_one);
  EXPECT_EQ(tokens.Sign({}), "");
}

TEST_F(NumberedTokenTest, RefusesEveryAlteration) {
  const std::string token = Sign(500);
  for (size_t i = 0; i < token.size(); ++i) {
    for (const char replacement : {'A', 'B', 'z', '_', '=', '\0'}) {
      if (token[i] == replacement) continue;
      std::string altered = token;
      altered[i] = replacement;
      EXPECT_FALSE(VerifyNumberedToken(signer_, "purpose", altered)) << i << replacement;
    }
    EXPECT_FALSE(VerifyNumberedToken(signer_, "purpose", token.substr(0, i)));
  }
  EXPECT_FALSE(VerifyNumberedToken(signer_, "purpose", token + "A"));
  EXPECT_FALSE(VerifyNumberedToken(signer_, "purpose", token + "="));
}

TEST_F(NumberedTokenTest, RefusesTokensOfOtherKeysPurposesAndKinds) {
  EXPECT_FALSE(VerifyNumberedToken(TokenSigner("another key"), "purpose", Sign(1)));
  EXPECT_FALSE(VerifyNumberedToken(signer_, "another purpose", Sign(1)));
  EXPECT_FALSE(VerifyNumberedToken(signer_, "purpose", signer_.Sign("purpose", "12345678context")));
  EXPECT_FALSE(signer_.Verify("purpose", Sign(1)));
  EXPECT_FALSE(signer_.Verify("purpose key", Sign(1)));
}

TEST_F(NumberedTokenTest, NumbersAndContextsDoNotShareMacs) {
  EXPECT_NE(Sign(1).substr(0, 20), Sign(2).substr(0, 20));
  EXPECT_NE(Sign(1, "a").substr(0, 20), Sign(1, "b").substr(0, 20));
}

}  // namespace
}  // namespace innkeeper
