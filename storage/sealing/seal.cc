#include "storage/sealing/seal.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "storage/keys.h"

namespace innkeeper::storage {
namespace {

// The place of a log entry; no key starts like that.
std::string LogPlace(LogPosition position) {
  return KeyBuilder(static_cast<Table>('\0')).U64(position).Build();
}

}  // namespace

std::string Seal::SealValue(absl::string_view sealed_key, absl::string_view value) const {
  return value.empty() ? std::string() : values_.Seal(sealed_key, value);
}

absl::Status Seal::OpenValue(absl::string_view sealed_key, absl::string_view sealed,
                             std::string& value) const {
  value.clear();
  if (sealed.empty()) return absl::OkStatus();
  absl::Status opened = values_.Open(sealed_key, sealed, value);
  if (opened.ok()) return opened;
  const std::string key = names_.OpenKey(sealed_key).value_or("");
  return absl::DataLossError(
      absl::StrCat("the value under ", DescribeKey(key), " ", opened.message()));
}

absl::StatusOr<std::optional<Versioned>> Seal::Open(absl::string_view sealed_key,
                                                    std::optional<Versioned> sealed) const {
  if (!sealed) return std::nullopt;
  std::string value;
  absl::Status opened = OpenValue(sealed_key, sealed->value, value);
  if (!opened.ok()) return opened;
  return Versioned{std::move(value), sealed->revision};
}

std::string Seal::SealEntry(LogPosition position, absl::string_view payload) const {
  return values_.Seal(LogPlace(position), payload);
}

absl::Status Seal::OpenEntry(LogPosition position, absl::string_view sealed,
                             std::string& payload) const {
  absl::Status opened = values_.Open(LogPlace(position), sealed, payload);
  if (opened.ok()) return opened;
  return absl::DataLossError(absl::StrCat("the log entry ", position, " ", opened.message()));
}

}  // namespace innkeeper::storage
