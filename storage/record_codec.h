// File: storage/record_codec.h
//
// Between records and the bytes that the engine keeps: a version byte and the record. For
// the parts of room_store.h.

#ifndef INNKEEPER_STORAGE_RECORD_CODEC_H_
#define INNKEEPER_STORAGE_RECORD_CODEC_H_

#include <glog/logging.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "storage/engine.h"
#include "storage/keys.h"
#include "storage/room_store.h"

namespace innkeeper::storage {

inline constexpr char kRecordVersion = 1;

template <typename Record>
std::string Encode(const Record& record, char version = kRecordVersion) {
  std::string value(1, version);
  CHECK(record.AppendToString(&value));
  return value;
}

// DATA_LOSS about the record under `key`.
inline absl::Status Damaged(absl::string_view key) {
  return absl::DataLossError(absl::StrCat("damaged record under key ", DescribeKey(key)));
}

// The record of kRecordVersion in `value`, which stands under `key`. DATA_LOSS if it is damaged or
// of an unknown version.
template <typename Record>
absl::StatusOr<Record> Decode(absl::string_view key, absl::string_view value) {
  if (value.empty()) return Damaged(key);
  if (value[0] != kRecordVersion) {
    return absl::DataLossError(absl::StrCat("record under key ", DescribeKey(key),
                                            " has the unknown version ",
                                            static_cast<int>(static_cast<uint8_t>(value[0]))));
  }
  Record record;
  value.remove_prefix(1);
  if (!record.ParseFromArray(value.data(), static_cast<int>(value.size()))) return Damaged(key);
  return record;
}

template <typename Record>
absl::StatusOr<std::optional<Stored<Record>>> DecodeStored(
    absl::string_view key, const std::optional<Versioned>& versioned) {
  if (!versioned) return std::nullopt;
  absl::StatusOr<Record> record = Decode<Record>(key, versioned->value);
  if (!record.ok()) return record.status();
  return Stored<Record>{*std::move(record), versioned->revision};
}

// As Decode, of a value of Engine::GetValues.
template <typename Record>
absl::StatusOr<std::optional<Record>> DecodeShared(
    absl::string_view key, const std::shared_ptr<const std::string>& value) {
  if (value == nullptr) return std::nullopt;
  return Decode<Record>(key, *value);
}

// The record under `key`, if there is one. Errors of Decode and Snapshot.
template <typename Record>
absl::StatusOr<std::optional<Stored<Record>>> GetStored(const Snapshot& snapshot,
                                                        const std::string& key) {
  absl::StatusOr<std::optional<Versioned>> versioned = snapshot.Get(key);
  if (!versioned.ok()) return versioned.status();
  return DecodeStored<Record>(key, *versioned);
}

}  // namespace innkeeper::storage

#endif  // INNKEEPER_STORAGE_RECORD_CODEC_H_
