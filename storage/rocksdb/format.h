// File: storage/rocksdb/format.h
//
// What the embedded engine keeps on disk: format version 3.
//
// A store is a directory:
//
//   db/            a RocksDB database
//   db.creating/   one whose creation was cut short; nothing was ever kept in it
//   DURABLE_HEAD   how far the store is known to be durable: durable_head.h
//   LOCK           held by the process that has the store open
//   PROBE          there while it is tried whether a disk that failed can be written again
//
// The database has three column families:
//
//   column family   key             value
//   -------------   -------------   --------------------------------
//   default         key             revision payload
//   log             position        0x01 count (revision commit-time size payload)...
//   meta            "format"        the format's version
//                   "incarnation"   a number drawn when the store was made
//                   "head"          revision position previous
//                   "oldest"        position
//                   "epochs"        (id position)...
//                   "audit"         number hash
//
// Keys and payloads are those of storage/engine.h, the hash is one of
// storage/audit_chain.h. All else is an integer of 8
// bytes, big-endian, so that positions sort in order; commit-time counts
// microseconds since the Unix epoch, in two's complement.
//
// Everything is written by one writer in batches, each applied whole or not at
// all. Every batch ends by writing "head": the latest revision, the latest log
// position, and the revision of the batch before. So the batches in the
// write-ahead log form a chain, which wal_survey.h follows to find holes.
//
// A record of the log has consecutive entries, `count` of them, the last of which is at the
// position that it stands under. A store that is sealed has them sealed, all in one. An entry
// stands in one record at a time; it may move into another: log_writer.h.
//
// The log starts at "oldest". What stands below it was trimmed, and goes away by and
// by: log_space.h.
//
// "epochs" are those of the log, oldest first, each with its first position. The
// epoch that begins when a store is opened is written with its first entry, so all
// that stand there have entries; the first stands for the store's creation, has the
// incarnation for its id, and begins at position 0. The oldest are dropped when
// there are more than kMaxEpochs.
//
// "audit" is the head of the audit log, and written with its entries; missing as long as
// there are none.
//
// Version 1 had no epochs: a store of it is read as one whose only epoch is the first. In
// version 2 rooms' events had a record each (storage/event_records.cc, which still reads
// them), and so had entries of the log: revision, commit-time and payload, of which only the
// payload was sealed. These are read as they are. Older stores get this version when they are
// opened. That is flushed to table files at once, so that an older server always finds it and
// refuses the store.
//
// The functions below never fail on damaged bytes: they return nothing.

#ifndef INNKEEPER_STORAGE_ROCKSDB_FORMAT_H_
#define INNKEEPER_STORAGE_ROCKSDB_FORMAT_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "storage/engine.h"

namespace innkeeper::storage::embedded {

inline constexpr uint64_t kFormatVersion = 3;
inline constexpr uint64_t kOldestFormatVersion = 1;  // that is still read

inline constexpr size_t kMaxEpochs = 4096;

inline constexpr char kLogFamily[] = "log";
inline constexpr char kMetaFamily[] = "meta";

inline constexpr absl::string_view kFormatKey = "format";
inline constexpr absl::string_view kIncarnationKey = "incarnation";
inline constexpr absl::string_view kHeadKey = "head";
inline constexpr absl::string_view kOldestKey = "oldest";
inline constexpr absl::string_view kEpochsKey = "epochs";
inline constexpr absl::string_view kAuditKey = "audit";

// An integer as it is stored.
class StoredInteger {
 public:
  explicit StoredInteger(uint64_t number);

  absl::string_view bytes() const { return {bytes_.data(), bytes_.size()}; }

 private:
  std::array<char, 8> bytes_;
};

// Returns the integer that `bytes` are.
std::optional<uint64_t> ParseInteger(absl::string_view bytes);

// The parts of a value in the default column family; views of the stored bytes.
struct StoredValue {
  Revision revision = 0;
  absl::string_view payload;
};

std::optional<StoredValue> ParseValue(absl::string_view bytes);

// Whether `bytes`, of a value in the log, are a record, and not an entry of format 2.
bool IsLogRecord(absl::string_view bytes);

// The parts of a record.
struct StoredLogRecord {
  uint64_t count = 0;         // at least 1
  absl::string_view entries;  // may be sealed
};

std::optional<StoredLogRecord> ParseLogRecord(absl::string_view bytes);

// Returns what stands before the entries of a record.
std::string EncodeLogRecordHeader(uint64_t count);

// An entry of the log.
struct StoredLogEntry {
  Revision revision = 0;
  absl::Time commit_time;
  absl::string_view payload;
};

// How many bytes of an entry in a record are not its payload.
inline constexpr size_t kLogEntryHeaderBytes = 24;

// Takes an entry off the front of the `entries` of a record that is not sealed.
std::optional<StoredLogEntry> TakeLogEntry(absl::string_view& entries);

// Parses an entry of format 2.
std::optional<StoredLogEntry> ParseLogEntry(absl::string_view bytes);

// Returns what stands before the size or, in format 2, the payload of a log entry.
std::string EncodeLogEntryHeader(Revision revision, absl::Time commit_time);

// Where a store stands.
struct Head {
  Revision revision = 0;
  LogPosition position = 0;
  Revision previous = 0;

  bool operator==(const Head&) const = default;
};

std::string EncodeHead(const Head& head);
std::optional<Head> ParseHead(absl::string_view bytes);

std::string EncodeAuditHead(const AuditHead& head);
std::optional<AuditHead> ParseAuditHead(absl::string_view bytes);

// The epochs of a log, at least one.
std::string EncodeEpochs(const std::vector<LogEpoch>& epochs);
std::optional<std::vector<LogEpoch>> ParseEpochs(absl::string_view bytes);

}  // namespace innkeeper::storage::embedded

#endif  // INNKEEPER_STORAGE_ROCKSDB_FORMAT_H_
