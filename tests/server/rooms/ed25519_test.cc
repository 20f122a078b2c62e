#include "server/rooms/ed25519.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/escaping.h"
#include "tests/server/rooms/vectors.h"

namespace innkeeper::rooms {
namespace {

const char kSeed[] = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
const char kPublicKey[] = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
const char kSignatureOfNothing[] =
    "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9"
    "b46bd25bf5f0595bbe24655141438e7a100b";

Ed25519Key KeyOfTheStandard() { return Ed25519Key(absl::HexStringToBytes(kSeed)); }

TEST(Ed25519Test, MatchesTheStandardsFirstVector) {
  const Ed25519Key key = KeyOfTheStandard();
  EXPECT_EQ(absl::BytesToHexString(key.public_key()), kPublicKey);
  EXPECT_EQ(absl::BytesToHexString(key.Sign("")), kSignatureOfNothing);
  EXPECT_TRUE(VerifyEd25519(key.public_key(), "", key.Sign("")));
}

TEST(Ed25519Test, MatchesPublishedSignatures) {
  const Json& vectors = Vectors();
  const Ed25519Key key(FromBase64(vectors["key"]["seed"].get<std::string>()));
  EXPECT_EQ(key.public_key(), FromBase64(vectors["key"]["public_key"].get<std::string>()));
  for (const Json& vector : vectors["published"]["json_signatures"]) {
    const std::string message = CanonicalJson(vector["input"]);
    const std::string signature = FromBase64(vector["signature"].get<std::string>());
    EXPECT_EQ(key.Sign(message), signature) << message;
    EXPECT_TRUE(VerifyEd25519(key.public_key(), message, signature)) << message;
  }
}

TEST(Ed25519Test, EveryBitOfMessageKeyAndSignatureCounts) {
  const Ed25519Key key = KeyOfTheStandard();
  const std::string message = "a room";
  const std::string signature = key.Sign(message);
  const auto flipped = [](std::string bytes, size_t bit) {
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << bit % 8));
    return bytes;
  };
  for (size_t bit = 0; bit < message.size() * 8; ++bit) {
    EXPECT_FALSE(VerifyEd25519(key.public_key(), flipped(message, bit), signature)) << bit;
  }
  for (size_t bit = 0; bit < kEd25519PublicKeyBytes * 8; ++bit) {
    EXPECT_FALSE(VerifyEd25519(flipped(key.public_key(), bit), message, signature)) << bit;
  }
  for (size_t bit = 0; bit < kEd25519SignatureBytes * 8; ++bit) {
    EXPECT_FALSE(VerifyEd25519(key.public_key(), message, flipped(signature, bit))) << bit;
  }
}

TEST(Ed25519Test, OtherLengthsAreNoKeysAndNoSignatures) {
  const Ed25519Key key = KeyOfTheStandard();
  const std::string signature = key.Sign("a room");
  ASSERT_TRUE(VerifyEd25519(key.public_key(), "a room", signature));
  EXPECT_FALSE(VerifyEd25519("", "a room", signature));
  EXPECT_FALSE(VerifyEd25519(key.public_key().substr(1), "a room", signature));
  EXPECT_FALSE(VerifyEd25519(key.public_key() + "x", "a room", signature));
  EXPECT_FALSE(VerifyEd25519(key.public_key(), "a room", ""));
  EXPECT_FALSE(VerifyEd25519(key.public_key(), "a room", signature.substr(1)));
  EXPECT_FALSE(VerifyEd25519(key.public_key(), "a room", signature + "x"));
}

}  // namespace
}  // namespace innkeeper::rooms
