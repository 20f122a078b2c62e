#include "storage/sealing/value_sealer.h"

#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/status/status.h"

namespace innkeeper::storage {
namespace {

using testing::HasSubstr;
using testing::Not;

Keyring::DataKey Key(uint32_t id, char byte) {
  return {id, Secret::Copy(std::string(Aead::kKeyBytes, byte))};
}

ValueSealer Sealer(char byte = 'a', uint32_t id = 7) {
  std::vector<Keyring::DataKey> keys;
  keys.push_back(Key(id, byte));
  return ValueSealer(keys);
}

TEST(ValueSealerTest, OpensWhatItSealed) {
  const ValueSealer sealer = Sealer();
  for (const std::string& value :
       {std::string("value"), std::string(), std::string(100'000, 'x')}) {
    const std::string sealed = sealer.Seal("place", value);
    EXPECT_EQ(sealed.size(), value.size() + kSealBytes);
    std::string opened;
    ASSERT_TRUE(sealer.Open("place", sealed, opened).ok());
    EXPECT_EQ(opened, value);
  }
}

TEST(ValueSealerTest, ShowsNothingAndNeverTheSame) {
  const ValueSealer sealer = Sealer();
  const std::string first = sealer.Seal("place", "a value to look for");
  EXPECT_THAT(first, Not(HasSubstr("value")));
  EXPECT_NE(first, sealer.Seal("place", "a value to look for"));
}

TEST(ValueSealerTest, NoticesEveryFlippedBit) {
  const ValueSealer sealer = Sealer();
  const std::string sealed = sealer.Seal("place", "value");
  for (size_t i = 0; i < sealed.size() * 8; ++i) {
    std::string flipped = sealed;
    flipped[i / 8] = static_cast<char>(flipped[i / 8] ^ (1 << (i % 8)));
    std::string opened = "untouched";
    EXPECT_TRUE(absl::IsDataLoss(sealer.Open("place", flipped, opened))) << i;
    EXPECT_EQ(opened, "");
  }
}

TEST(ValueSealerTest, NoticesWhatIsCut) {
  const ValueSealer sealer = Sealer();
  const std::string sealed = sealer.Seal("place", "value");
  std::string opened;
  for (size_t size = 0; size < sealed.size(); ++size) {
    EXPECT_TRUE(absl::IsDataLoss(sealer.Open("place", sealed.substr(0, size), opened))) << size;
  }
  EXPECT_TRUE(absl::IsDataLoss(sealer.Open("place", sealed + "x", opened)));
}

TEST(ValueSealerTest, OpensNowhereElse) {
  const ValueSealer sealer = Sealer();
  const std::string sealed = sealer.Seal("place", "value");
  std::string opened;
  EXPECT_TRUE(absl::IsDataLoss(sealer.Open("other", sealed, opened)));
  EXPECT_TRUE(absl::IsDataLoss(sealer.Open("", sealed, opened)));
}

TEST(ValueSealerTest, OpensWithNoOtherKey) {
  const std::string sealed = Sealer('a').Seal("place", "value");
  std::string opened;
  EXPECT_TRUE(absl::IsDataLoss(Sealer('b').Open("place", sealed, opened)));
  const absl::Status unknown = Sealer('a', 8).Open("place", sealed, opened);
  EXPECT_TRUE(absl::IsDataLoss(unknown));
  EXPECT_THAT(unknown.message(), HasSubstr("data key 7"));
}

TEST(ValueSealerTest, SealsWithTheKeyThatWasAddedLast) {
  ValueSealer sealer = Sealer('a', 7);
  const std::string before = sealer.Seal("place", "before");
  sealer.Add(Key(8, 'b'));
  const std::string after = sealer.Seal("place", "after");
  EXPECT_EQ(SealingKeyId(before), 7);
  EXPECT_EQ(SealingKeyId(after), 8);
  std::string opened;
  EXPECT_TRUE(sealer.Open("place", before, opened).ok());
  EXPECT_TRUE(sealer.Open("place", after, opened).ok());
}

}  // namespace
}  // namespace innkeeper::storage
