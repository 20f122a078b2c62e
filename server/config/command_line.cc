#include "server/config/command_line.h"

#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "server/base/file.h"
#include "server/config/help.h"
#include "server/config/options.h"

namespace innkeeper {
namespace {

constexpr size_t kMaxConfigFileBytes = 1 << 20;
constexpr absl::string_view kConfigFile = "config_file";

using Errors = std::vector<std::string>;

// What the command line or the file says about an option.
struct Setting {
  const Option* option;
  std::string value;
  std::string place;  // "--max_invites" or "innkeeper.conf:7: max_invites"
};

// All that the command line or the file says, in its order.
using Settings = std::vector<Setting>;

const Setting* FindSetting(const Settings& settings, absl::string_view name) {
  for (const Setting& setting : settings) {
    if (setting.option->name == name) return &setting;
  }
  return nullptr;
}

void AddSetting(absl::string_view name, absl::string_view value, const std::string& place,
                Settings& settings, Errors& errors) {
  const Option* option = FindOption(name);
  if (option == nullptr) {
    errors.push_back(absl::StrCat(place, ": there is no such option (see --help)"));
  } else if (const Setting* first = FindSetting(settings, name)) {
    errors.push_back(absl::StrCat(place, ": given twice, first as ", first->place));
  } else {
    settings.push_back({option, std::string(value), place});
  }
}

bool StandsAlone(absl::string_view name) {
  const Option* option = FindOption(name);
  return option != nullptr && option->is_flag;
}

std::optional<std::string> TextToPrint(absl::Span<const std::string> args) {
  for (const std::string& arg : args) {
    if (arg == "--help") return HelpText();
    if (arg == "--help_markdown") return HelpMarkdown();
    if (arg == "--version") return absl::StrCat("Innkeeper ", INNKEEPER_VERSION, "\n");
  }
  return std::nullopt;
}

// One argument, or two of the form --name value.
struct FlagText {
  std::string name;
  std::optional<std::string> value;
};

// Takes the next flag from the front of `args`. Nothing if what is there is no
// flag.
std::optional<FlagText> TakeFlag(absl::Span<const std::string>& args) {
  absl::string_view text = args.front();
  args.remove_prefix(1);
  if (!absl::ConsumePrefix(&text, "--") || text.empty()) return std::nullopt;
  const size_t equals = text.find('=');
  FlagText flag{.name = std::string(text.substr(0, equals))};
  if (equals != absl::string_view::npos) {
    flag.value = std::string(text.substr(equals + 1));
  } else if (StandsAlone(flag.name)) {
    flag.value = "true";
  } else if (!args.empty() && !absl::StartsWith(args.front(), "--")) {
    flag.value = args.front();
    args.remove_prefix(1);
  }
  return flag;
}

// Returns the settings of the command line; puts the value of --config_file
// into `config_file`.
Settings ReadArguments(absl::Span<const std::string> args, std::optional<std::string>& config_file,
                       Errors& errors) {
  Settings settings;
  while (!args.empty()) {
    const std::string& arg = args.front();
    const std::optional<FlagText> flag = TakeFlag(args);
    if (!flag) {
      errors.push_back(absl::StrCat("\"", absl::CEscape(arg),
                                    "\": not an option; options are given as --name=value"));
      continue;
    }
    const std::string place = absl::StrCat("--", absl::CEscape(flag->name));
    const bool known = flag->name == kConfigFile || FindOption(flag->name) != nullptr;
    if (known && !flag->value) {
      errors.push_back(absl::StrCat(place, ": needs a value, as in ", place, "=value"));
    } else if (flag->name != kConfigFile) {
      AddSetting(flag->name, flag->value.value_or(""), place, settings, errors);
    } else if (config_file) {
      errors.push_back(absl::StrCat(place, ": given twice"));
    } else {
      config_file = flag->value;
    }
  }
  return settings;
}

// Returns `line` without its comment and the white space around it.
absl::string_view StripComment(absl::string_view line) {
  for (size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '#' && (i == 0 || absl::ascii_isspace(line[i - 1]))) {
      line = line.substr(0, i);
      break;
    }
  }
  return absl::StripAsciiWhitespace(line);
}

Settings ReadConfigFile(const std::string& path, Errors& errors) {
  const auto file = ReadFile(path, kMaxConfigFileBytes);
  if (!file.ok()) {
    errors.push_back(absl::StrCat("--", kConfigFile, ": ", file.status().message()));
    return {};
  }
  Settings settings;
  int line_number = 0;
  for (absl::string_view line : absl::StrSplit(file->bytes, '\n')) {
    ++line_number;
    line = StripComment(line);
    if (line.empty()) continue;
    const size_t equals = line.find('=');
    const absl::string_view name = absl::StripTrailingAsciiWhitespace(line.substr(0, equals));
    const std::string place = absl::StrCat(path, ":", line_number, ": ", absl::CEscape(name));
    if (equals == absl::string_view::npos) {
      errors.push_back(absl::StrCat(place, ": options are given as name = value"));
    } else if (name == kConfigFile) {
      errors.push_back(absl::StrCat(place, ": only for the command line"));
    } else {
      AddSetting(name, absl::StripLeadingAsciiWhitespace(line.substr(equals + 1)), place, settings,
                 errors);
    }
  }
  return settings;
}

void Apply(const Settings& settings, ServerConfig& config, Errors& errors) {
  for (const Setting& setting : settings) {
    if (!setting.option->assign(setting.value, config)) {
      errors.push_back(absl::StrCat(setting.place, ": \"", absl::CEscape(setting.value),
                                    "\" is not allowed; must be ", setting.option->allowed));
    }
  }
}

void CheckRequired(const Settings& flags, const Settings& lines, Errors& errors) {
  for (const OptionGroup& group : OptionGroups()) {
    for (const Option& option : group.options) {
      if (option.required && FindSetting(flags, option.name) == nullptr &&
          FindSetting(lines, option.name) == nullptr) {
        errors.push_back(absl::StrCat("--", option.name, ": required, but not given"));
      }
    }
  }
}

}  // namespace

absl::StatusOr<CommandLine> ParseCommandLine(absl::Span<const std::string> args) {
  if (auto text = TextToPrint(args)) return CommandLine{.print = std::move(text)};

  Errors errors;
  std::optional<std::string> config_file;
  const Settings flags = ReadArguments(args, config_file, errors);
  const Settings lines = config_file ? ReadConfigFile(*config_file, errors) : Settings();
  ServerConfig config;
  Apply(lines, config, errors);
  Apply(flags, config, errors);
  CheckRequired(flags, lines, errors);
  if (!errors.empty()) return absl::InvalidArgumentError(absl::StrJoin(errors, "\n"));

  const absl::Status consistency = CheckConsistency(config);
  if (!consistency.ok()) return consistency;
  return CommandLine{.config = std::move(config)};
}

}  // namespace innkeeper
