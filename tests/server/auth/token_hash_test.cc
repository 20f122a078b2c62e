#include "server/auth/token_hash.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace innkeeper::auth {
namespace {

// The example of FIPS 180-2, appendix B.1.
constexpr absl::string_view kHashOfAbc =
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

TEST(TokenHashTest, IsSha256) { EXPECT_EQ(ParseTokenHash(kHashOfAbc), HashOf("abc")); }

TEST(TokenHashTest, DigitsAreOfEitherCase) {
  std::string upper(kHashOfAbc);
  for (char& c : upper) c = static_cast<char>(toupper(c));
  EXPECT_EQ(ParseTokenHash(upper), HashOf("abc"));
}

TEST(TokenHashTest, RefusesWhatIsNotSixtyFourHexadecimalDigits) {
  EXPECT_FALSE(ParseTokenHash(""));
  EXPECT_FALSE(ParseTokenHash(kHashOfAbc.substr(1)));
  EXPECT_FALSE(ParseTokenHash(absl::StrCat(kHashOfAbc, "0")));
  for (const char wrong : {'g', ' ', '\0', '-'}) {
    std::string text(kHashOfAbc);
    text[10] = wrong;
    EXPECT_FALSE(ParseTokenHash(text)) << wrong;
  }
}

TEST(TokenHashTest, ComparesEveryByte) {
  const TokenHash hash = HashOf("abc");
  EXPECT_TRUE(EqualInConstantTime(hash, HashOf("abc")));
  for (size_t i = 0; i < hash.size(); ++i) {
    TokenHash other = hash;
    other[i] ^= 1;
    EXPECT_FALSE(EqualInConstantTime(hash, other)) << i;
  }
}

}  // namespace
}  // namespace innkeeper::auth
