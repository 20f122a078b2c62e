#include "server/config/help.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "server/config/options.h"

namespace innkeeper {
namespace {

constexpr absl::string_view kTextIntroduction =
    R"(Starts the Innkeeper server.

Each option is given as --name=value or --name value, a boolean one also as
--name, or in a configuration file. The command line wins over the file.

  --config_file=PATH
      Read options from this file: lines "name = value"; '#' begins a comment.
  --help
      Print this and exit.
  --help_markdown
      Print the options as the page docs/configuration.md and exit.
  --version
      Print the version and exit.
)";

constexpr absl::string_view kMarkdownIntroduction =
    R"(<!-- Printed by innkeeper-server --help_markdown. -->

# Configuration

Every option can be given on the command line, as `--name=value` or `--name value` (a boolean one
also as `--name`), or in the file that `--config_file=PATH` names. The command line wins over the
file; what neither says has its default. The file has one option a line; blank lines and comments
are skipped:

```
# Who we are
server_name = example.org
data_dir = /var/lib/innkeeper
tokens_file = /etc/innkeeper/tokens.json

event_retention = 720h    # a month
```

A comment begins with a `#` at the start of a line or behind white space. Relative paths start at
the working directory of the server.

Sizes are numbers of bytes, or numbers with the unit `KiB`, `MiB` or `GiB`. Durations are numbers
with units, such as `250ms`, `30s` or `1h30m`. Limits are inclusive.

An option that is unknown, given twice, missing, not allowed or at odds with another one keeps the
server from starting; it then names everything that is wrong and exits with a failure.
)";

constexpr absl::string_view kIndent = "      ";
constexpr size_t kLineWidth = 80;

// Returns `text` in lines of at most kLineWidth bytes, indented.
std::string Wrap(absl::string_view text) {
  std::string result;
  size_t line_length = 0;
  for (const absl::string_view word : absl::StrSplit(text, ' ')) {
    if (line_length == 0 || line_length + 1 + word.size() > kLineWidth) {
      absl::StrAppend(&result, line_length == 0 ? "" : "\n", kIndent, word);
      line_length = kIndent.size() + word.size();
    } else {
      absl::StrAppend(&result, " ", word);
      line_length += 1 + word.size();
    }
  }
  return absl::StrCat(result, "\n");
}

std::string DefaultText(const Option& option) {
  if (option.required) return "Required.";
  const std::string value = option.value(ServerConfig());
  return value.empty() ? "Default: none." : absl::StrCat("Default: ", value, ".");
}

std::string DefaultMarkdown(const Option& option) {
  if (option.required) return "*required*";
  const std::string value = option.value(ServerConfig());
  return value.empty() ? "none" : absl::StrCat("`", value, "`");
}

}  // namespace

std::string HelpText() {
  std::string text(kTextIntroduction);
  for (const OptionGroup& group : OptionGroups()) {
    absl::StrAppend(&text, "\n", group.title, "\n\n");
    for (const Option& option : group.options) {
      absl::StrAppend(&text, "  --", option.name, "\n", Wrap(option.help),
                      Wrap(absl::StrCat("Allowed: ", option.allowed, ". ", DefaultText(option))));
    }
  }
  return text;
}

std::string HelpMarkdown() {
  std::string page(kMarkdownIntroduction);
  for (const OptionGroup& group : OptionGroups()) {
    absl::StrAppend(&page, "\n## ", group.title, "\n\n");
    absl::StrAppend(&page, "| option | default | allowed | meaning |\n|---|---|---|---|\n");
    for (const Option& option : group.options) {
      absl::StrAppend(&page, "| `", option.name, "` | ", DefaultMarkdown(option), " | ",
                      option.allowed, " | ", option.help, " |\n");
    }
  }
  return page;
}

}  // namespace innkeeper
