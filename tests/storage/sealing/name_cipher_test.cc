#include "storage/sealing/name_cipher.h"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "storage/keys.h"

namespace innkeeper::storage {
namespace {

using testing::HasSubstr;
using testing::Not;

class NameCipherTest : public testing::Test {
 protected:
  const NameCipher cipher_{Secret::Copy(std::string(NameCipher::kKeyBytes, 'k'))};
};

std::string StateKey(absl::string_view state_key) {
  return KeyBuilder(Table::kState).Str("!room").Str("m.room.member").Str(state_key).Build();
}

// A key of each table, with a name wherever a private component stands.
std::vector<std::string> KeysOfAllTables() {
  std::vector<std::string> keys;
  for (int byte = 0; byte < 256; ++byte) {
    const auto table = static_cast<Table>(byte);
    if (ComponentsOf(table).empty()) continue;
    KeyBuilder key(table);
    for (const Component component : ComponentsOf(table)) {
      if (component == Component::kNumber) {
        key.U64(2);
      } else {
        key.Str(component == Component::kPrivate ? "@someone:secret" : "!room");
      }
    }
    keys.push_back(key.Build());
  }
  return keys;
}

TEST_F(NameCipherTest, HidesNamesInKeysOfAllTables) {
  const std::vector<std::string> keys = KeysOfAllTables();
  EXPECT_GE(keys.size(), 20);
  for (const std::string& key : keys) {
    const std::string sealed = cipher_.SealKey(key);
    EXPECT_THAT(sealed, Not(HasSubstr("secret")));
    EXPECT_EQ(cipher_.SealKey(key), sealed);
    EXPECT_EQ(cipher_.OpenKey(sealed), key);
  }
}

TEST_F(NameCipherTest, LeavesTheRestAsItIs) {
  EXPECT_THAT(cipher_.SealKey(StateKey("@someone:secret")), HasSubstr("m.room.member"));
  EXPECT_EQ(cipher_.SealKey(StateKey("")), StateKey(""));
  EXPECT_EQ(cipher_.SealKey(""), "");
  EXPECT_EQ(cipher_.SealKey("\xFF"), "\xFF");
}

TEST_F(NameCipherTest, ScansOfAPrefixFindWhatStartsWithIt) {
  for (const std::string& key : KeysOfAllTables()) {
    const std::string sealed = cipher_.SealKey(key);
    const auto components = ComponentsOf(static_cast<Table>(key[0]));
    KeyReader reader(key);
    KeyBuilder builder(static_cast<Table>(key[0]));
    for (size_t i = 0; i < components.size() && components[i] != Component::kNumber; ++i) {
      builder.Str(*reader.Str());
      const std::string prefix = KeyBuilder(builder).Build();
      EXPECT_LT(cipher_.SealKey(prefix), cipher_.SealKey(PrefixEnd(prefix)));
      EXPECT_LE(cipher_.SealKey(prefix), sealed);
      EXPECT_GT(cipher_.SealKey(PrefixEnd(prefix)), sealed);
    }
  }
}

TEST_F(NameCipherTest, ScansGoOnBehindAKey) {
  const std::string prefix = KeyBuilder(Table::kState).Str("!room").Str("m.room.member").Build();
  std::vector<std::string> keys;
  keys.reserve(100);
  for (int i = 0; i < 100; ++i) keys.push_back(StateKey(std::to_string(i)));
  std::sort(keys.begin(), keys.end(), [&](const std::string& a, const std::string& b) {
    return cipher_.SealKey(a) < cipher_.SealKey(b);
  });
  for (size_t i = 0; i + 1 < keys.size(); ++i) {
    const std::string behind = cipher_.SealKey(KeyAfter(keys[i]));
    EXPECT_GT(behind, cipher_.SealKey(keys[i]));
    EXPECT_LE(behind, cipher_.SealKey(keys[i + 1]));
  }
}

TEST_F(NameCipherTest, NamesOfDifferentTablesHaveNothingInCommon) {
  const std::string subscription =
      cipher_.SealKey(KeyBuilder(Table::kSubscription).Str("name").Build());
  const std::string alias = cipher_.SealKey(KeyBuilder(Table::kAlias).Str("name").Build());
  EXPECT_NE(subscription.substr(1, 8), alias.substr(1, 8));
}

TEST_F(NameCipherTest, OtherKeysMakeOtherNames) {
  const NameCipher other(Secret::Copy(std::string(NameCipher::kKeyBytes, 'o')));
  const std::string sealed = other.SealKey(StateKey("@someone:secret"));
  EXPECT_NE(sealed, cipher_.SealKey(StateKey("@someone:secret")));
  EXPECT_EQ(cipher_.OpenKey(sealed), std::nullopt);
}

TEST_F(NameCipherTest, NoticesChangedNames) {
  const std::string sealed = cipher_.SealKey(KeyBuilder(Table::kAlias).Str("#room:secret").Build());
  const absl::string_view name = "#room:secret";
  ASSERT_GE(sealed.size(), name.size() + 19);
  for (size_t i = 1; i + 2 < sealed.size(); ++i) {
    std::string changed = sealed;
    changed[i] = static_cast<char>(changed[i] ^ 0x20);
    EXPECT_EQ(cipher_.OpenKey(changed), std::nullopt) << i;
  }
}

}  // namespace
}  // namespace innkeeper::storage
