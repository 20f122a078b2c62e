#include "storage/rocksdb/format.h"

#include <bit>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace innkeeper::storage::embedded {
namespace {

constexpr size_t kIntegerBytes = 8;
// The first byte of a record of the log. That of an entry of format 2 is a revision's.
constexpr char kLogRecordMark = '\x01';

// The integer in the kIntegerBytes bytes at `bytes`.
uint64_t LoadInteger(const char* bytes) {
  uint64_t number;
  static_assert(sizeof(number) == kIntegerBytes);
  std::memcpy(&number, bytes, kIntegerBytes);
  if constexpr (std::endian::native == std::endian::little) number = __builtin_bswap64(number);
  return number;
}

// Takes an integer off the front of `bytes`.
std::optional<uint64_t> TakeInteger(absl::string_view& bytes) {
  if (bytes.size() < kIntegerBytes) return std::nullopt;
  const uint64_t number = LoadInteger(bytes.data());
  bytes.remove_prefix(kIntegerBytes);
  return number;
}

}  // namespace

StoredInteger::StoredInteger(uint64_t number) {
  for (size_t i = kIntegerBytes; i-- > 0; number >>= 8) {
    bytes_[i] = static_cast<char>(number & 0xff);
  }
}

std::optional<uint64_t> ParseInteger(absl::string_view bytes) {
  const std::optional<uint64_t> number = TakeInteger(bytes);
  return bytes.empty() ? number : std::nullopt;
}

std::optional<StoredValue> ParseValue(absl::string_view bytes) {
  const std::optional<uint64_t> revision = TakeInteger(bytes);
  if (!revision) return std::nullopt;
  return StoredValue{*revision, bytes};
}

bool IsLogRecord(absl::string_view bytes) {
  return !bytes.empty() && bytes.front() == kLogRecordMark;
}

std::optional<StoredLogRecord> ParseLogRecord(absl::string_view bytes) {
  if (!IsLogRecord(bytes)) return std::nullopt;
  bytes.remove_prefix(1);
  const std::optional<uint64_t> count = TakeInteger(bytes);
  if (!count || *count == 0) return std::nullopt;
  return StoredLogRecord{*count, bytes};
}

std::string EncodeLogRecordHeader(uint64_t count) {
  return absl::StrCat(absl::string_view(&kLogRecordMark, 1), StoredInteger(count).bytes());
}

std::optional<StoredLogEntry> TakeLogEntry(absl::string_view& entries) {
  static_assert(kLogEntryHeaderBytes == 3 * kIntegerBytes);
  if (entries.size() < kLogEntryHeaderBytes) return std::nullopt;
  const uint64_t revision = LoadInteger(entries.data());
  const uint64_t micros = LoadInteger(entries.data() + kIntegerBytes);
  const uint64_t size = LoadInteger(entries.data() + 2 * kIntegerBytes);
  entries.remove_prefix(kLogEntryHeaderBytes);
  if (size > entries.size()) return std::nullopt;
  const absl::string_view payload = entries.substr(0, size);
  entries.remove_prefix(size);
  return StoredLogEntry{revision, absl::FromUnixMicros(static_cast<int64_t>(micros)), payload};
}

std::optional<StoredLogEntry> ParseLogEntry(absl::string_view bytes) {
  const std::optional<uint64_t> revision = TakeInteger(bytes);
  const std::optional<uint64_t> micros = TakeInteger(bytes);
  if (!revision || !micros) return std::nullopt;
  return StoredLogEntry{*revision, absl::FromUnixMicros(static_cast<int64_t>(*micros)), bytes};
}

std::string EncodeLogEntryHeader(Revision revision, absl::Time commit_time) {
  const auto micros = static_cast<uint64_t>(absl::ToUnixMicros(commit_time));
  return absl::StrCat(StoredInteger(revision).bytes(), StoredInteger(micros).bytes());
}

std::string EncodeHead(const Head& head) {
  return absl::StrCat(StoredInteger(head.revision).bytes(), StoredInteger(head.position).bytes(),
                      StoredInteger(head.previous).bytes());
}

std::optional<Head> ParseHead(absl::string_view bytes) {
  const std::optional<uint64_t> revision = TakeInteger(bytes);
  const std::optional<uint64_t> position = TakeInteger(bytes);
  const std::optional<uint64_t> previous = TakeInteger(bytes);
  if (!revision || !position || !previous || !bytes.empty()) return std::nullopt;
  return Head{*revision, *position, *previous};
}

std::string EncodeAuditHead(const AuditHead& head) {
  return absl::StrCat(StoredInteger(head.number).bytes(), BytesOf(head.hash));
}

std::optional<AuditHead> ParseAuditHead(absl::string_view bytes) {
  const std::optional<uint64_t> number = TakeInteger(bytes);
  const std::optional<AuditHash> hash = ParseAuditHash(bytes);
  if (!number || !hash) return std::nullopt;
  return AuditHead{*number, *hash};
}

std::string EncodeEpochs(const std::vector<LogEpoch>& epochs) {
  std::string bytes;
  for (const LogEpoch& epoch : epochs) {
    absl::StrAppend(&bytes, StoredInteger(epoch.id).bytes(), StoredInteger(epoch.first).bytes());
  }
  return bytes;
}

std::optional<std::vector<LogEpoch>> ParseEpochs(absl::string_view bytes) {
  std::vector<LogEpoch> epochs;
  while (!bytes.empty()) {
    const std::optional<uint64_t> id = TakeInteger(bytes);
    const std::optional<LogPosition> first = TakeInteger(bytes);
    if (!id || !first || (!epochs.empty() && *first <= epochs.back().first)) return std::nullopt;
    epochs.push_back({*id, *first});
  }
  if (epochs.empty()) return std::nullopt;
  return epochs;
}

}  // namespace innkeeper::storage::embedded
