// File: server/config/values.h
//
// The values of options as text. Every Parse... returns nothing if `text` is not
// such a value; every Format... writes a value so that it can be parsed again.
// Pure functions.

#ifndef INNKEEPER_SERVER_CONFIG_VALUES_H_
#define INNKEEPER_SERVER_CONFIG_VALUES_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace innkeeper {

// "true" or "false".
std::optional<bool> ParseFlag(absl::string_view text);
std::string FormatFlag(bool value);

// A decimal integer.
std::optional<int> ParseInteger(absl::string_view text);
std::string FormatInteger(int value);

// A finite decimal number such as "0.016".
std::optional<double> ParseNumber(absl::string_view text);
std::string FormatNumber(double value);

// A number of bytes, not negative: "4096" or "64KiB", "64 MiB", "2GiB".
std::optional<int64_t> ParseByteSize(absl::string_view text);
std::string FormatByteSize(int64_t value);

// "30s", "1h30m", "250ms", "0".
std::optional<absl::Duration> ParseDurationText(absl::string_view text);
std::string FormatDurationText(absl::Duration value);

}  // namespace innkeeper

#endif  // INNKEEPER_SERVER_CONFIG_VALUES_H_
