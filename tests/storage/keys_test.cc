#include "storage/keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <random>
#include <string>
#include <vector>

namespace innkeeper::storage {
namespace {

std::string PairKey(const std::string& a, const std::string& b) {
  return KeyBuilder(Table::kState).Str(a).Str(b).Build();
}

TEST(KeysTest, ComponentsComeBack) {
  const std::string awkward("a\0\xFF\x01 b\0", 7);
  const std::string key =
      KeyBuilder(Table::kEvent).Str(awkward).Str("").U64(0x0102030405060708).Build();
  KeyReader reader(key);
  EXPECT_EQ(reader.Str(), awkward);
  EXPECT_EQ(reader.Str(), "");
  EXPECT_EQ(reader.U64(), 0x0102030405060708u);
  EXPECT_EQ(reader.U64(), std::nullopt);
  EXPECT_EQ(reader.Str(), std::nullopt);
}

TEST(KeysTest, ComponentsAreTakenAndPutAsTheyStand) {
  const std::string awkward("a\0\xFF\x01 b\0", 7);
  const std::string key = KeyBuilder(Table::kEvent).Str(awkward).Str("").U64(0x0001).Build();
  KeyReader reader(key);
  KeyBuilder copy(Table::kEvent);
  for (const bool is_number : {false, false, true}) copy.Raw(*reader.Raw(is_number));
  EXPECT_EQ(copy.Build(), key);
  EXPECT_EQ(reader.Raw(false), std::nullopt);
  EXPECT_EQ(reader.Raw(true), std::nullopt);
  for (const absl::string_view cut :
       {absl::string_view("Sabc"), absl::string_view("Sabc\0", 5),
        absl::string_view("Sabc\0\xFF", 6), absl::string_view("Sabc\0\x02", 6)}) {
    KeyReader damaged(cut);
    EXPECT_EQ(damaged.Raw(false), std::nullopt);
    EXPECT_EQ(damaged.Str(), std::nullopt);
    EXPECT_EQ(damaged.rest(), cut.substr(1)) << "nothing is taken";
  }
}

TEST(KeysTest, DamagedComponentsAreNotRead) {
  EXPECT_EQ(KeyReader("Sabc").Str(), std::nullopt);
  EXPECT_EQ(KeyReader(absl::string_view("Sabc\0", 5)).Str(), std::nullopt);
  EXPECT_EQ(KeyReader(absl::string_view("Sabc\0\x02", 6)).Str(), std::nullopt);
  EXPECT_EQ(KeyReader("S1234567").U64(), std::nullopt);
}

// Keys sort as the tuples of their components do, whatever bytes are in them.
TEST(KeysTest, KeysKeepTheOrderOfTheirComponents) {
  std::mt19937 random(7);
  // Few different bytes, so that ties and prefixes are common.
  const std::string bytes(
      "\0\0\x01\xFF"
      "a",
      5);
  auto random_string = [&] {
    std::string s;
    for (size_t n = random() % 4; n > 0; --n) s.push_back(bytes[random() % bytes.size()]);
    return s;
  };
  for (int i = 0; i < 20'000; ++i) {
    const std::pair<std::string, std::string> x{random_string(), random_string()};
    const std::pair<std::string, std::string> y{random_string(), random_string()};
    EXPECT_EQ(x < y, PairKey(x.first, x.second) < PairKey(y.first, y.second));
    EXPECT_EQ(x == y, PairKey(x.first, x.second) == PairKey(y.first, y.second));
  }
}

TEST(KeysTest, NumbersSortNumericallyAndDescendingOnesBackwards) {
  const std::vector<uint64_t> numbers = {
      0, 1, 255, 256, uint64_t{1} << 40, std::numeric_limits<uint64_t>::max()};
  for (size_t i = 1; i < numbers.size(); ++i) {
    EXPECT_LT(KeyBuilder(Table::kEvent).U64(numbers[i - 1]).Build(),
              KeyBuilder(Table::kEvent).U64(numbers[i]).Build());
    EXPECT_GT(KeyBuilder(Table::kEvent).DescendingU64(numbers[i - 1]).Build(),
              KeyBuilder(Table::kEvent).DescendingU64(numbers[i]).Build());
  }
}

TEST(KeysTest, PrefixEndBoundsExactlyThePrefix) {
  EXPECT_EQ(PrefixEnd("ab"), "ac");
  EXPECT_EQ(PrefixEnd("a\xFF\xFF"), "b");
  const std::string prefix = KeyBuilder(Table::kState).Str("!room:example.org").Build();
  const std::string inside = prefix + "\xFF\xFF\xFF";
  EXPECT_LT(inside, PrefixEnd(prefix));
  EXPECT_GE(KeyBuilder(Table::kState).Str("!room:example.orh").Build(), PrefixEnd(prefix));
}

TEST(KeysTest, NothingIsBetweenAKeyAndTheKeyAfterIt) {
  EXPECT_LT("ab", KeyAfter("ab"));
  EXPECT_EQ(KeyAfter("ab"), std::string("ab\0", 3));
}

}  // namespace
}  // namespace innkeeper::storage
