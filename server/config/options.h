// File: server/config/options.h
//
// The table of options: what the command line, the configuration file, the help
// text and docs/configuration.md are made of.

#ifndef INNKEEPER_SERVER_CONFIG_OPTIONS_H_
#define INNKEEPER_SERVER_CONFIG_OPTIONS_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "server/config/config.h"

namespace innkeeper {

// A member of ServerConfig as an option.
struct Option {
  // The member's name.
  absl::string_view name;
  // What it is for, in plain sentences.
  absl::string_view help;
  // The values that it takes; follows "must be".
  std::string allowed;
  // True if it must be given.
  bool required = false;
  // True if its name alone stands for "true" on the command line.
  bool is_flag = false;
  // Sets the member. False, and no change, if `text` is not allowed.
  std::function<bool(absl::string_view text, ServerConfig& config)> assign;
  // Returns the member's value as text.
  std::function<std::string(const ServerConfig& config)> value;
};

struct OptionGroup {
  absl::string_view title;
  std::vector<Option> options;
};

// All options, in the order in which they are documented. Thread-safe.
const std::vector<OptionGroup>& OptionGroups();

// Returns the option called `name`, or nullptr. Thread-safe.
const Option* FindOption(absl::string_view name);

}  // namespace innkeeper

#endif  // INNKEEPER_SERVER_CONFIG_OPTIONS_H_
