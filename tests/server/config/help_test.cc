#include "server/config/help.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "server/base/file.h"
#include "server/config/options.h"

namespace innkeeper {
namespace {

using testing::HasSubstr;
using testing::Le;
using testing::SizeIs;

TEST(HelpTest, TheDocumentIsWhatTheTableSays) {
  const auto document = ReadFile(INNKEEPER_SOURCE_DIR "/docs/configuration.md", 1 << 20);
  ASSERT_TRUE(document.ok()) << document.status();
  EXPECT_EQ(document->bytes, HelpMarkdown()) << "make it anew with the server's --help_markdown";
}

TEST(HelpTest, NamesEveryOptionItsDefaultAndWhatIsAllowed) {
  const std::string text = HelpText();
  const std::string markdown = HelpMarkdown();
  for (const OptionGroup& group : OptionGroups()) {
    for (const Option& option : group.options) {
      const std::string value = option.value(ServerConfig());
      const std::string shown = option.required ? "*required*"
                                : value.empty() ? "none"
                                                : absl::StrCat("`", value, "`");
      EXPECT_THAT(text, HasSubstr(absl::StrCat("\n  --", option.name, "\n")));
      EXPECT_THAT(markdown, HasSubstr(absl::StrCat("\n| `", option.name, "` | ", shown, " | ",
                                                   option.allowed, " | ", option.help, " |\n")));
    }
  }
}

TEST(HelpTest, FitsATerminal) {
  for (const absl::string_view line : absl::StrSplit(HelpText(), '\n')) {
    EXPECT_THAT(line, SizeIs(Le(80))) << line;
  }
}

}  // namespace
}  // namespace innkeeper
