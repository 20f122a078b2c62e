#include "server/config/values.h"

#include <cmath>
#include <limits>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"

namespace innkeeper {
namespace {

struct ByteUnit {
  absl::string_view name;
  int64_t bytes;
};

constexpr ByteUnit kByteUnits[] = {
    {"GiB", int64_t{1} << 30}, {"MiB", int64_t{1} << 20}, {"KiB", int64_t{1} << 10}};

}  // namespace

std::optional<bool> ParseFlag(absl::string_view text) {
  if (text == "true") return true;
  if (text == "false") return false;
  return std::nullopt;
}

std::string FormatFlag(bool value) { return value ? "true" : "false"; }

std::optional<int> ParseInteger(absl::string_view text) {
  int value;
  if (!absl::SimpleAtoi(text, &value)) return std::nullopt;
  return value;
}

std::string FormatInteger(int value) { return absl::StrCat(value); }

std::optional<double> ParseNumber(absl::string_view text) {
  double value;
  if (!absl::SimpleAtod(text, &value) || !std::isfinite(value)) return std::nullopt;
  return value;
}

std::string FormatNumber(double value) { return absl::StrFormat("%.15g", value); }

std::optional<int64_t> ParseByteSize(absl::string_view text) {
  int64_t unit = 1;
  for (const ByteUnit& candidate : kByteUnits) {
    if (absl::ConsumeSuffix(&text, candidate.name)) {
      unit = candidate.bytes;
      break;
    }
  }
  int64_t count;
  if (!absl::SimpleAtoi(absl::StripTrailingAsciiWhitespace(text), &count) || count < 0 ||
      count > std::numeric_limits<int64_t>::max() / unit) {
    return std::nullopt;
  }
  return count * unit;
}

std::string FormatByteSize(int64_t value) {
  for (const ByteUnit& unit : kByteUnits) {
    if (value != 0 && value % unit.bytes == 0) return absl::StrCat(value / unit.bytes, unit.name);
  }
  return absl::StrCat(value);
}

std::optional<absl::Duration> ParseDurationText(absl::string_view text) {
  absl::Duration value;
  if (!absl::ParseDuration(text, &value)) return std::nullopt;
  return value;
}

std::string FormatDurationText(absl::Duration value) { return absl::FormatDuration(value); }

}  // namespace innkeeper
