#include "server/base/log_word.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "absl/strings/ascii.h"

namespace innkeeper {
namespace {

TEST(LogWordTest, LeavesIdsAsTheyAre) {
  for (const char* id : {"!opaque:example.org", "!p6sADcxrF0y1s7PZoLUHrtGX6Et8P0rrVTijw4BXIJg",
                         "@alice_-./=+:[::1]:8448", "$event"}) {
    EXPECT_EQ(LogWord(id), id);
  }
}

TEST(LogWordTest, SaysWhenThereIsNothing) { EXPECT_EQ(LogWord(""), "-"); }

TEST(LogWordTest, IsOneWordWhateverItIsMadeOf) {
  EXPECT_EQ(LogWord("!a\nmethod=x:h"), "!a\\nmethod=x:h");
  EXPECT_EQ(LogWord("!a status=OK:h"), "!a\\x20status=OK:h");
  EXPECT_EQ(LogWord("!\xC3\xA9\xC2\x85:h"), "!\\xc3\\xa9\\xc2\\x85:h");
  std::string everything;
  for (int byte = 0; byte < 256; ++byte) everything += static_cast<char>(byte);
  const std::string word = LogWord(everything);
  EXPECT_TRUE(std::all_of(word.begin(), word.end(), absl::ascii_isgraph)) << word;
}

}  // namespace
}  // namespace innkeeper
