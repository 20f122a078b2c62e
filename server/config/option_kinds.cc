#include "server/config/option_kinds.h"

#include <optional>

#include "server/config/values.h"

namespace innkeeper {
namespace {

template <typename T>
Option RangedOption(Binding<T> binding, absl::string_view kind, const Range<T>& range,
                    std::optional<T> (*parse)(absl::string_view), std::string (*format)(T),
                    absl::string_view help) {
  Option option{.name = binding.name, .help = help};
  option.allowed = absl::StrCat(kind, " from ", format(range.min), " to ", format(range.max));
  if (!range.zero.empty()) absl::StrAppend(&option.allowed, ", or 0 (", range.zero, ")");
  option.assign = [=](absl::string_view text, ServerConfig& config) {
    const std::optional<T> value = parse(text);
    if (!value) return false;
    const bool in_range = range.min <= *value && *value <= range.max;
    const bool special = !range.zero.empty() && *value == T();
    if (!in_range && !special) return false;
    config.*binding.member = *value;
    return true;
  };
  option.value = [=](const ServerConfig& config) { return format(config.*binding.member); };
  return option;
}

}  // namespace

Option Flag(Binding<bool> binding, absl::string_view help) {
  Option option{.name = binding.name, .help = help, .allowed = "true or false", .is_flag = true};
  option.assign = [=](absl::string_view text, ServerConfig& config) {
    const std::optional<bool> value = ParseFlag(text);
    if (value) config.*binding.member = *value;
    return value.has_value();
  };
  option.value = [=](const ServerConfig& config) { return FormatFlag(config.*binding.member); };
  return option;
}

Option Integer(Binding<int> binding, const Range<int>& range, absl::string_view help) {
  return RangedOption(binding, "an integer", range, ParseInteger, FormatInteger, help);
}

Option Number(Binding<double> binding, const Range<double>& range, absl::string_view help) {
  return RangedOption(binding, "a number", range, ParseNumber, FormatNumber, help);
}

Option Bytes(Binding<int64_t> binding, const Range<int64_t>& range, absl::string_view help) {
  return RangedOption(binding, "a size", range, ParseByteSize, FormatByteSize, help);
}

Option Time(Binding<absl::Duration> binding, const Range<absl::Duration>& range,
            absl::string_view help) {
  return RangedOption(binding, "a duration", range, ParseDurationText, FormatDurationText, help);
}

Option Text(Binding<std::string> binding, absl::string_view allowed,
            bool (*accepts)(absl::string_view), absl::string_view help) {
  Option option{.name = binding.name, .help = help, .allowed = std::string(allowed)};
  option.assign = [=](absl::string_view text, ServerConfig& config) {
    if (!accepts(text)) return false;
    config.*binding.member = std::string(text);
    return true;
  };
  option.value = [=](const ServerConfig& config) { return config.*binding.member; };
  return option;
}

}  // namespace innkeeper
