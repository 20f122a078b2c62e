#include "storage/sealing/master_key.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace innkeeper::storage {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;

std::string Line(char byte) { return absl::Base64Escape(std::string(Aead::kKeyBytes, byte)); }

TEST(MasterKeyTest, ReadsALineForEachKey) {
  const auto keys =
      ParseMasterKeys(absl::StrCat("# the present one\n", Line('a'), "\n\n  ", Line('b'), "\r\n"));
  ASSERT_TRUE(keys.ok()) << keys.status();
  ASSERT_THAT(*keys, SizeIs(2));
  EXPECT_NE((*keys)[0].id(), (*keys)[1].id());
  EXPECT_EQ((*keys)[0].id(), ParseMasterKeys(Line('a'))->front().id());
}

TEST(MasterKeyTest, NamesTheLineThatIsNoKeyAndNeverQuotesIt) {
  const std::string secret = Line('a').substr(0, 20);
  for (const std::string& text : {secret, absl::StrCat(Line('a'), "x"), std::string("???")}) {
    const auto keys = ParseMasterKeys(absl::StrCat("# comment\n", text));
    EXPECT_TRUE(absl::IsInvalidArgument(keys.status()));
    EXPECT_THAT(keys.status().message(), HasSubstr("line 2"));
    EXPECT_THAT(keys.status().message(), Not(HasSubstr(text)));
  }
  EXPECT_TRUE(absl::IsInvalidArgument(ParseMasterKeys("# nothing\n").status()));
}

TEST(MasterKeyTest, MakesKeysThatCanBeRead) {
  const std::string text = NewMasterKeyText();
  EXPECT_THAT(*ParseMasterKeys(text), SizeIs(1));
  EXPECT_NE(NewMasterKeyText(), text);
}

TEST(MasterKeyTest, UnwrapsWhatItWrappedForThePurpose) {
  const MasterKeys keys = *ParseMasterKeys(absl::StrCat(Line('a'), "\n", Line('b')));
  const std::string wrapped = keys[0].Wrap("purpose", Secret::Copy("the secret"));
  EXPECT_THAT(wrapped, Not(HasSubstr("secret")));
  EXPECT_EQ(keys[0].Unwrap("purpose", wrapped)->Expose(), "the secret");
  EXPECT_FALSE(keys[0].Unwrap("another", wrapped).has_value());
  EXPECT_FALSE(keys[1].Unwrap("purpose", wrapped).has_value());
  EXPECT_FALSE(keys[0].Unwrap("purpose", wrapped.substr(0, 11)).has_value());
  EXPECT_FALSE(keys[0].Unwrap("purpose", wrapped + "x").has_value());
}

}  // namespace
}  // namespace innkeeper::storage
