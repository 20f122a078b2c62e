#include "storage/rocksdb/log_record.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "storage/rocksdb/format.h"

namespace innkeeper::storage::embedded {
namespace {

absl::Status Damaged(LogPosition position) {
  return absl::DataLossError(absl::StrCat("log position ", position, " is damaged"));
}

// The one entry of a record of format 2.
absl::StatusOr<LogEntryView> OpenSingle(LogPosition position, absl::string_view bytes,
                                        const LogSealer* sealer, std::string& buffer) {
  const std::optional<StoredLogEntry> entry = ParseLogEntry(bytes);
  if (!entry) return Damaged(position);
  LogEntryView view = {position, entry->revision, entry->commit_time, entry->payload};
  if (sealer == nullptr) return view;
  absl::Status opened = sealer->OpenEntry(position, entry->payload, buffer);
  if (!opened.ok()) return opened;
  view.payload = buffer;
  return view;
}

}  // namespace

void AppendLogEntry(Revision revision, absl::Time commit_time, absl::string_view payload,
                    std::string& entries) {
  absl::StrAppend(&entries, EncodeLogEntryHeader(revision, commit_time),
                  StoredInteger(payload.size()).bytes(), payload);
}

std::string EncodeLogRecord(LogPosition last, uint64_t count, absl::string_view entries,
                            const LogSealer* sealer) {
  const std::string header = EncodeLogRecordHeader(count);
  if (sealer == nullptr) return absl::StrCat(header, entries);
  return absl::StrCat(header, sealer->SealEntries(last, entries));
}

std::optional<LogPosition> FirstOfLogRecord(LogPosition last, absl::string_view bytes) {
  if (!IsLogRecord(bytes)) return ParseLogEntry(bytes) ? std::optional(last) : std::nullopt;
  const std::optional<StoredLogRecord> record = ParseLogRecord(bytes);
  if (!record || record->count > last) return std::nullopt;
  return last - record->count + 1;
}

absl::StatusOr<LogRecordReader> LogRecordReader::Open(LogPosition last, absl::string_view bytes,
                                                      const LogSealer* sealer,
                                                      std::string& buffer) {
  const std::optional<LogPosition> first = FirstOfLogRecord(last, bytes);
  if (!first) return Damaged(last);
  if (!IsLogRecord(bytes)) {
    absl::StatusOr<LogEntryView> single = OpenSingle(last, bytes, sealer, buffer);
    if (!single.ok()) return single.status();
    return LogRecordReader(*single);
  }
  const absl::string_view entries = ParseLogRecord(bytes)->entries;
  if (sealer == nullptr) return LogRecordReader(*first, entries);
  absl::Status opened = sealer->OpenEntries(last, entries, buffer);
  if (!opened.ok()) return opened;
  return LogRecordReader(*first, buffer);
}

std::optional<LogEntryView> LogRecordReader::Next() {
  if (single_) {
    ++position_;
    return std::exchange(single_, std::nullopt);
  }
  const std::optional<StoredLogEntry> entry = TakeLogEntry(entries_);
  if (!entry) return std::nullopt;
  return LogEntryView{position_++, entry->revision, entry->commit_time, entry->payload};
}

}  // namespace innkeeper::storage::embedded
