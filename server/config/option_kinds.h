// File: server/config/option_kinds.h
//
// The kinds of options that the table in options.cc is made of.

#ifndef INNKEEPER_SERVER_CONFIG_OPTION_KINDS_H_
#define INNKEEPER_SERVER_CONFIG_OPTION_KINDS_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/config/config.h"
#include "server/config/options.h"

namespace innkeeper {

// A member of ServerConfig and its name.
template <typename T>
struct Binding {
  absl::string_view name;
  T ServerConfig::*member;
};

// Values from `min` to `max`, and 0 if `zero` says what that stands for.
template <typename T>
struct Range {
  T min;
  T max;
  absl::string_view zero = "";
};

Option Flag(Binding<bool> binding, absl::string_view help);
Option Integer(Binding<int> binding, const Range<int>& range, absl::string_view help);
Option Number(Binding<double> binding, const Range<double>& range, absl::string_view help);
Option Bytes(Binding<int64_t> binding, const Range<int64_t>& range, absl::string_view help);
Option Time(Binding<absl::Duration> binding, const Range<absl::Duration>& range,
            absl::string_view help);

// Any text that `accepts`; `allowed` says in words which.
Option Text(Binding<std::string> binding, absl::string_view allowed,
            bool (*accepts)(absl::string_view), absl::string_view help);

// One of a few named values, which are all that the member can have.
template <typename T>
Option OneOf(Binding<T> binding, std::vector<std::pair<absl::string_view, T>> choices,
             absl::string_view help) {
  Option option{.name = binding.name, .help = help};
  option.allowed = absl::StrCat(
      "one of ", absl::StrJoin(choices, ", ", [](std::string* out, const auto& choice) {
        absl::StrAppend(out, choice.first);
      }));
  option.assign = [member = binding.member, choices](absl::string_view text, ServerConfig& config) {
    for (const auto& [name, value] : choices) {
      if (name == text) {
        config.*member = value;
        return true;
      }
    }
    return false;
  };
  option.value = [member = binding.member, choices](const ServerConfig& config) {
    for (const auto& [name, value] : choices) {
      if (value == config.*member) return std::string(name);
    }
    return std::string();
  };
  return option;
}

}  // namespace innkeeper

#endif  // INNKEEPER_SERVER_CONFIG_OPTION_KINDS_H_
