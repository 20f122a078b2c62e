#include "storage/rocksdb/log_record.h"

#include <algorithm>

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

// The entries of a record, which are to be those from `first` to `last`. Their number is not
// sealed, so another one would give every entry the position of its neighbour.
absl::StatusOr<std::vector<LogEntryView>> Split(LogPosition first, LogPosition last,
                                                absl::string_view entries) {
  std::vector<LogEntryView> views;
  views.reserve(
      std::min(static_cast<size_t>(last - first + 1), entries.size() / kLogEntryHeaderBytes));
  for (LogPosition position = first; position <= last; ++position) {
    const std::optional<StoredLogEntry> entry = TakeLogEntry(entries);
    if (!entry) return Damaged(position);
    views.push_back({position, entry->revision, entry->commit_time, entry->payload});
  }
  if (!entries.empty()) return Damaged(last);
  return views;
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

absl::StatusOr<std::vector<LogEntryView>> OpenLogRecord(LogPosition last, absl::string_view bytes,
                                                        const LogSealer* sealer,
                                                        std::string& buffer) {
  const std::optional<LogPosition> first = FirstOfLogRecord(last, bytes);
  if (!first) return Damaged(last);
  if (!IsLogRecord(bytes)) {
    absl::StatusOr<LogEntryView> single = OpenSingle(last, bytes, sealer, buffer);
    if (!single.ok()) return single.status();
    return std::vector<LogEntryView>{*single};
  }
  absl::string_view entries = ParseLogRecord(bytes)->entries;
  if (sealer != nullptr) {
    absl::Status opened = sealer->OpenEntries(last, entries, buffer);
    if (!opened.ok()) return opened;
    entries = buffer;
  }
  return Split(*first, last, entries);
}

}  // namespace innkeeper::storage::embedded
