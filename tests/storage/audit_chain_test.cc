#include "storage/audit_chain.h"

#include <gtest/gtest.h>
#include <openssl/sha.h>

#include <optional>
#include <set>
#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"

namespace innkeeper::storage {
namespace {

const absl::Time kTime = absl::FromUnixMicros(0x0102030405060708);

AuditHash Filled(char byte) {
  AuditHash hash;
  hash.fill(byte);
  return hash;
}

TEST(AuditChainTest, KeysAreInTheOrderOfNumbers) {
  EXPECT_LT(AuditKey(1), AuditKey(2));
  EXPECT_LT(AuditKey(255), AuditKey(256));
  EXPECT_EQ(ParseAuditKey(AuditKey(0x0102030405060708)), 0x0102030405060708u);
  for (const std::string& key :
       {std::string(), AuditKey(1) + "x", AuditKey(1).substr(0, 8), "P" + AuditKey(1).substr(1)}) {
    EXPECT_EQ(ParseAuditKey(key), std::nullopt) << absl::CHexEscape(key);
  }
}

TEST(AuditChainTest, AValueIsHashTimeAndPayload) {
  const std::string value = EncodeAuditValue(Filled('h'), kTime, "payload");
  EXPECT_EQ(value, absl::StrCat(std::string(32, 'h'), "\x01\x02\x03\x04\x05\x06\x07\x08payload"));
  const std::optional<AuditValue> parts = ParseAuditValue(value);
  ASSERT_TRUE(parts);
  EXPECT_EQ(parts->previous_hash, Filled('h'));
  EXPECT_EQ(parts->commit_time, kTime);
  EXPECT_EQ(parts->payload, "payload");
  EXPECT_EQ(ParseAuditValue(EncodeAuditValue({}, kTime, ""))->payload, "");
  EXPECT_FALSE(ParseAuditValue(value.substr(0, 39)));
  const absl::Time early = absl::FromUnixMicros(-5);
  EXPECT_EQ(ParseAuditValue(EncodeAuditValue({}, early, ""))->commit_time, early);
}

// Made byte by byte, as docs/audit.md says.
TEST(AuditChainTest, TheHashIsOfDomainNumberAndValue) {
  const std::string value = EncodeAuditValue(Filled('h'), kTime, "payload");
  const std::string text =
      absl::StrCat("innkeeper audit entry", absl::string_view("\0\0\0\0\0\0\x01\x02", 8), value);
  unsigned char expected[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), expected);
  EXPECT_EQ(BytesOf(HashAuditEntry(0x0102, value)),
            absl::string_view(reinterpret_cast<const char*>(expected), sizeof(expected)));
}

TEST(AuditChainTest, EveryPartCounts) {
  std::set<AuditHash> hashes;
  for (const uint64_t number : {1u, 2u}) {
    for (const char previous : {'a', 'b'}) {
      for (const absl::Time time : {kTime, kTime + absl::Microseconds(1)}) {
        for (const char* payload : {"", "a", "b"}) {
          hashes.insert(HashAuditEntry(number, EncodeAuditValue(Filled(previous), time, payload)));
        }
      }
    }
  }
  EXPECT_EQ(hashes.size(), 24u);
}

TEST(AuditChainTest, HashesHave32Bytes) {
  EXPECT_EQ(ParseAuditHash(std::string(32, 'h')), Filled('h'));
  EXPECT_EQ(ParseAuditHash(std::string(31, 'h')), std::nullopt);
  EXPECT_EQ(ParseAuditHash(std::string(33, 'h')), std::nullopt);
}

}  // namespace
}  // namespace innkeeper::storage
