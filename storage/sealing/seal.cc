#include "storage/sealing/seal.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "storage/keys.h"
#include "storage/sealing/secret.h"

namespace innkeeper::storage {
namespace {

// The places of a log entry by itself, and of several; no key starts like that.
std::string EntryPlace(LogPosition position) {
  return KeyBuilder(static_cast<Table>('\0')).U64(position).Build();
}

std::string EntriesPlace(LogPosition last) {
  return KeyBuilder(static_cast<Table>('\1')).U64(last).Build();
}

}  // namespace

bool Seal::StaysEmpty(absl::string_view sealed_key, absl::string_view value) {
  return value.empty() && MayBeEmpty(static_cast<Table>(sealed_key[0]));
}

std::string Seal::SealValue(absl::string_view sealed_key, absl::string_view value,
                            const RoomSecret* secret) const {
  return StaysEmpty(sealed_key, value) ? std::string() : values_.Seal(sealed_key, value, secret);
}

absl::StatusOr<bool> Seal::OpenValue(absl::string_view sealed_key, absl::string_view sealed,
                                     ReadTier tier, std::string& value) const {
  value.clear();
  if (StaysEmpty(sealed_key, sealed)) return true;
  const auto secret = SecretFor(sealed, tier);
  if (!secret.ok()) return secret.status();
  if (!secret->has_value()) return false;
  absl::Status opened = OpenWith(secret->value().get(), sealed_key, sealed, value);
  if (!opened.ok()) return opened;
  return true;
}

absl::StatusOr<std::optional<std::string>> Seal::Reseal(absl::string_view sealed_key,
                                                        absl::string_view sealed) const {
  const auto secret = SecretFor(sealed, ReadTier::kAll);
  if (!secret.ok()) return secret.status();
  if (!secret->has_value()) return std::nullopt;
  std::string value;
  absl::Status opened = OpenWith(secret->value().get(), sealed_key, sealed, value);
  if (!opened.ok()) return opened;
  std::string resealed = SealValue(sealed_key, value, secret->value().get());
  Wipe(value);
  return resealed;
}

absl::StatusOr<std::optional<Versioned>> Seal::Open(absl::string_view sealed_key,
                                                    std::optional<Versioned> sealed,
                                                    ReadTier tier) const {
  if (!sealed) return std::nullopt;
  std::string value;
  const absl::StatusOr<bool> opened = OpenValue(sealed_key, sealed->value, tier, value);
  if (!opened.ok()) return opened.status();
  if (!*opened) return std::nullopt;
  return Versioned{std::move(value), sealed->revision};
}

absl::StatusOr<std::optional<RoomSecretPtr>> Seal::SecretFor(absl::string_view sealed,
                                                             ReadTier tier) const {
  const std::optional<uint64_t> id = SealingSecretId(sealed);
  if (!id) return RoomSecretPtr();
  if (secrets_ == nullptr) return absl::DataLossError("the secrets of rooms are missing");
  absl::StatusOr<RoomSecretPtr> secret = secrets_->Find(*id, tier);
  if (!secret.ok()) return secret.status();
  if (*secret == nullptr) return std::nullopt;
  return *std::move(secret);
}

absl::Status Seal::OpenWith(const RoomSecret* secret, absl::string_view sealed_key,
                            absl::string_view sealed, std::string& value) const {
  absl::Status opened = values_.Open(sealed_key, sealed, value, secret);
  if (opened.ok()) return opened;
  return absl::DataLossError(absl::StrCat("the value under ",
                                          DescribeKey(names_.OpenKey(sealed_key).value_or("")), " ",
                                          opened.message()));
}

std::string Seal::SealEntries(LogPosition last, absl::string_view entries) const {
  return values_.Seal(EntriesPlace(last), entries);
}

absl::Status Seal::OpenEntries(LogPosition last, absl::string_view sealed,
                               std::string& entries) const {
  absl::Status opened = values_.Open(EntriesPlace(last), sealed, entries);
  if (opened.ok()) return opened;
  return absl::DataLossError(
      absl::StrCat("the record of log entries up to ", last, " ", opened.message()));
}

absl::Status Seal::OpenEntry(LogPosition position, absl::string_view sealed,
                             std::string& payload) const {
  absl::Status opened = values_.Open(EntryPlace(position), sealed, payload);
  if (opened.ok()) return opened;
  return absl::DataLossError(absl::StrCat("the log entry ", position, " ", opened.message()));
}

}  // namespace innkeeper::storage
