#include "server/base/signed_token.h"

#include <gtest/gtest.h>

#include <string>

namespace innkeeper {
namespace {

TEST(TokenSignerTest, GivesBackWhatItSigned) {
  const TokenSigner signer("key");
  const std::string payload("any bytes \0\xFF", 12);
  EXPECT_EQ(signer.Verify("page", signer.Sign("page", payload)), payload);
  EXPECT_EQ(signer.Verify("page", signer.Sign("page", "")), "");
}

TEST(TokenSignerTest, SignsWithHmacSha256) {
  // As computed with another implementation.
  EXPECT_EQ(TokenSigner("key").Sign("page", "payload"), "83_JgHYMeCZCRxuSCB-goHBheWxvYWQ");
}

TEST(TokenSignerTest, RefusesEveryAlteration) {
  const TokenSigner signer("key");
  const std::string token = signer.Sign("page", "payload");
  for (size_t i = 0; i < token.size(); ++i) {
    std::string altered = token;
    altered[i] = altered[i] == 'A' ? 'B' : 'A';
    EXPECT_EQ(signer.Verify("page", altered), std::nullopt) << altered;
  }
  for (size_t n = 0; n < token.size(); ++n) {
    EXPECT_EQ(signer.Verify("page", token.substr(0, n)), std::nullopt) << n;
  }
  EXPECT_EQ(signer.Verify("page", token + "AAAA"), std::nullopt);
  EXPECT_EQ(signer.Verify("page", "not base64!"), std::nullopt);
}

TEST(TokenSignerTest, RefusesOtherWaysToWriteTheSameBytes) {
  const TokenSigner signer("key");
  const std::string token = signer.Sign("page", "payload");
  ASSERT_EQ(signer.Verify("page", token), "payload");
  for (const std::string& other :
       {token + "\n", " " + token, token.substr(0, 5) + " " + token.substr(5), token + "=",
        token + "."}) {
    EXPECT_EQ(signer.Verify("page", other), std::nullopt) << other;
  }
  // The last character stands for fewer bits than it has.
  const std::string padded = signer.Sign("page", "padded");
  ASSERT_EQ(padded.size() % 4, 2u);
  std::string other = padded;
  ++other.back();
  EXPECT_EQ(signer.Verify("page", other), std::nullopt) << other;
}

TEST(TokenSignerTest, RefusesOtherPurposesAndKeys) {
  const std::string token = TokenSigner("key").Sign("page", "payload");
  EXPECT_EQ(TokenSigner("key").Verify("cursor", token), std::nullopt);
  EXPECT_EQ(TokenSigner("other").Verify("page", token), std::nullopt);
  // The end of the purpose is not mistaken for the start of the payload.
  EXPECT_EQ(TokenSigner("key").Verify("pag", TokenSigner("key").Sign("pa", "gx")), std::nullopt);
}

}  // namespace
}  // namespace innkeeper
