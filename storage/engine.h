// File: storage/engine.h
//
// The seam between Innkeeper and the database it stands on: an ordered
// key-value store with conditional atomic commits, and beside it one log whose
// entries are written in the same commits.
//
// The contract, which tests/conformance holds every engine to:
//
//  * A commit is applied whole or not at all, and only if all its
//    preconditions hold. Commits are serialised; each gets a revision greater
//    than those before it.
//  * A commit is reported as done only when it is durable, and can be read only
//    then: no reader ever sees data that a crash could take back.
//  * Log positions are 1, 2, 3 ... in commit order and without gaps. The
//    entries of one commit are adjacent.
//  * Audit entries are numbered 1, 2, 3 ... in commit order and without gaps, and chained
//    as storage/audit_chain.h says, which keeps them with other keys and values.
//  * The log is divided into epochs. An entry stays in the epoch it was written in,
//    and a store that was put back to an earlier state and written on has an epoch
//    for what was written since that no other store has.
//  * A snapshot shows the store as of one revision, log bounds aside, however
//    long it is held.
//
// Nothing above this seam may assume that its process is the only writer.

#ifndef INNKEEPER_STORAGE_ENGINE_H_
#define INNKEEPER_STORAGE_ENGINE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "storage/audit_chain.h"
#include "storage/log_epochs.h"

namespace innkeeper::storage {

// Numbers commits, from 1. Revisions rise but may skip numbers. 0 means "none".
using Revision = uint64_t;

// A stored value and the revision of the commit that wrote it.
struct Versioned {
  std::string value;
  Revision revision = 0;
};

// Demands that `key` was last written by the commit `revision`, or with
// revision 0 that there is no such key.
struct Precondition {
  std::string key;
  Revision revision = 0;

  static Precondition Absent(std::string key) { return {std::move(key), 0}; }
  static Precondition Unchanged(std::string key, Revision revision) {
    return {std::move(key), revision};
  }
};

// Puts a value under a key, or with no value deletes the key. Deleting a key
// that isn't there is fine.
struct Write {
  std::string key;
  std::optional<std::string> value;
};

// Seals what an engine keeps whose place only the engine knows: log entries and audit entries.
// Its functions are called on threads of the engine and of readers, and must be quick.
// Thread-safe.
class LogSealer {
 public:
  virtual ~LogSealer() = default;

  // Returns what to keep of consecutive log entries, the last of which is at `last`.
  virtual std::string SealEntries(LogPosition last, absl::string_view entries) const = 0;

  // Puts into `entries` what SealEntries() made `sealed` of. Errors: DATA_LOSS.
  virtual absl::Status OpenEntries(LogPosition last, absl::string_view sealed,
                                   std::string& entries) const = 0;

  // The same for one entry by itself, as they were sealed before; in stores of that time.
  virtual absl::Status OpenEntry(LogPosition position, absl::string_view sealed,
                                 std::string& payload) const = 0;

  // Returns what to keep of the value of an audit entry, which goes under `key`. The engine
  // gives readers back what it kept.
  virtual std::string SealAuditEntry(absl::string_view key, absl::string_view value) const = 0;
};

// A unit of change. Keys are non-empty and at most kMaxKeyBytes long; no key
// is written twice in one request. A request without writes and log entries is
// fine: it is a commit like others.
struct CommitRequest {
  std::vector<Precondition> preconditions;
  std::vector<Write> writes;
  std::vector<std::string> log_entries;
  // Payloads of entries of the audit log: the engine numbers and chains them as it commits
  // them. The writes must not put anything under keys that such entries get.
  std::vector<std::string> audit_entries;
  // Whether the commit is one without which a server can't run, so that it may take of the
  // room on the disk that an engine leaves free.
  bool may_use_reserve = false;
};

// Why a store takes no writes.
enum class WriteTrouble {
  kNone,          // it takes them
  kFull,          // the disk is full, or has less room left than the engine is to leave
  kReadOnly,      // the disk takes no writes at all
  kFailed,        // the disk failed otherwise
  kNeedsRestart,  // nothing but opening the store again can help, if that
};

// Whether a store takes writes. While it does not, it is read as before, and unless it needs
// a restart it takes writes again by itself once the cause is gone.
struct WriteState {
  WriteTrouble trouble = WriteTrouble::kNone;
  std::string message;  // for operators; names files, never keys or values
};

// What became of a CommitRequest.
//
// `status` is
//   OK                  the commit is durable;
//   ABORTED             a precondition did not hold; nothing was written and
//                       `failed_precondition` is the index of the first such.
//                       What it lost against can be read by now;
//   DATA_LOSS           a precondition could not be checked because the stored
//                       bytes are damaged; nothing was written;
//   RESOURCE_EXHAUSTED  too much is queued already; nothing was written;
//   UNAVAILABLE         the store takes no writes (`trouble` says why, or it is
//                       closing). Whether this commit was kept is unknown until
//                       the store takes writes again, or is opened again; it may be
//                       seen before that;
//   INVALID_ARGUMENT    the request breaks a rule above, or is larger than the
//                       engine ever takes; nothing was written.
struct CommitResult {
  absl::Status status;
  size_t failed_precondition = 0;              // valid if status is ABORTED
  Revision revision = 0;                       // valid if status is OK
  LogPosition first_position = 0;              // of the request's first log entry, if any
  bool made_here = false;                      // by the thread that called CommitHere()
  WriteTrouble trouble = WriteTrouble::kNone;  // if status is UNAVAILABLE
};

// A log entry whose payload is somebody else's memory.
struct LogEntryView {
  LogPosition position = 0;
  Revision revision = 0;
  absl::Time commit_time;
  absl::string_view payload;
};

// An entry of the log.
struct LogEntry {
  LogPosition position = 0;
  Revision revision = 0;  // of the commit that it came with
  absl::Time commit_time;
  std::string payload;

  // As a std::string is a view of its text. NOLINTNEXTLINE(google-explicit-constructor)
  operator LogEntryView() const { return {position, revision, commit_time, payload}; }
};

// The part of the log that can be read: positions oldest to head, both
// inclusive; empty if head < oldest. `head` counts only durable entries.
struct LogBounds {
  LogPosition oldest = 1;
  LogPosition head = 0;
};

// How an engine is doing at the moment, for those who watch over it. What an engine
// does not have is 0.
struct EngineStats {
  size_t queued_commits = 0;        // that wait to be written
  uint64_t queued_bytes = 0;        // of them
  uint64_t disk_bytes = 0;          // of the data on disk, the log included
  uint64_t log_bytes = 0;           // of the log, about
  uint64_t write_buffer_bytes = 0;  // of writes that are not in files of their own yet
  uint64_t cache_bytes = 0;         // of data cached in memory
  uint64_t compaction_bytes = 0;    // of data on disk that waits to be merged
  uint64_t free_bytes = 0;          // that the disk has left for the store
  uint64_t write_failures = 0;      // times that a write failed, since the store was opened
  uint64_t reopenings = 0;          // times that it took writes again after that
};

inline constexpr size_t kMaxKeyBytes = 2048;

// Where a snapshot reads.
enum class ReadTier {
  kAll,     // wherever it must, such as from a disk; its methods may block
  kMemory,  // in what is at hand; its methods never block, but may fail with NotInMemory()
};

// The error of a snapshot of ReadTier::kMemory that would have to wait for what it is
// asked for. UNAVAILABLE; IsNotInMemory tells it from others of that code. For engines.
absl::Status NotInMemory();
bool IsNotInMemory(const absl::Status& status);

// The store as of one revision. Thread-safe. Must not outlive its engine, and
// should be short-lived: it holds back the reclaiming of space. All of its methods may fail
// as ReadTier says.
class Snapshot {
 public:
  virtual ~Snapshot() = default;

  // Returns the value under `key`, or nothing if there is none. Errors:
  // DATA_LOSS if the stored bytes are damaged, UNAVAILABLE if they can't be
  // read.
  virtual absl::StatusOr<std::optional<Versioned>> Get(absl::string_view key) const = 0;

  // As Get for each of `keys`, in their order, in one go.
  virtual absl::StatusOr<std::vector<std::optional<Versioned>>> MultiGet(
      const std::vector<std::string>& keys) const = 0;

  // Called with each key and value of a scan; returns false to end the scan.
  // The views are valid during the call only.
  using Visitor =
      absl::FunctionRef<bool(absl::string_view key, absl::string_view value, Revision revision)>;

  // Returns the head of the log at the snapshot's revision: the snapshot shows the
  // commits whose log entries are at or below it, those without entries that were
  // made among them, and no others. So whoever reads the log from there on hears
  // of every change to what the snapshot shows. log_bounds() called afterwards
  // reaches at least as far. Errors as for Get.
  virtual absl::StatusOr<LogPosition> log_head() const = 0;

  // Returns the head of the audit log at the snapshot's revision. Errors as for Get.
  virtual absl::StatusOr<AuditHead> audit_head() const = 0;

  // Visits the keys in [begin, end) in bytewise order. Errors as for Get; OK if
  // the visitor ended the scan.
  virtual absl::Status Scan(absl::string_view begin, absl::string_view end,
                            Visitor visit) const = 0;
};

// An open store. Thread-safe.
class Engine {
 public:
  using CommitDone = absl::AnyInvocable<void(CommitResult)>;
  using CommitListener = absl::AnyInvocable<void(LogPosition head)>;

  // Ends what Close() ends, if that was not called.
  virtual ~Engine() = default;

  // The store as of its latest durable revision: it shows every commit whose
  // `done` was called before.
  virtual std::unique_ptr<Snapshot> NewSnapshot(ReadTier tier) const = 0;
  std::unique_ptr<Snapshot> NewSnapshot() const { return NewSnapshot(ReadTier::kAll); }

  // As NewSnapshot()->Get(key), but cheaper.
  virtual absl::StatusOr<std::optional<Versioned>> Get(absl::string_view key) const = 0;

  // Returns the values under `keys`, in their order, as NewSnapshot(tier) would show them; null
  // where there is none. For what is read often: an engine may keep it at hand. Errors: as of
  // such a snapshot.
  virtual absl::StatusOr<std::vector<std::shared_ptr<const std::string>>> GetValues(
      const std::vector<std::string>& keys, ReadTier tier) const;

  // Applies `request` and calls `done` exactly once, on a thread of the engine
  // or, for a request that is refused at once, on the caller's. Never blocks.
  // `done` must not block either, and be quick: later commits wait for it. It may
  // call Commit(). A request is applied behind those whose Commit() had returned before.
  virtual void Commit(CommitRequest request, CommitDone done) = 0;

  // As Commit, but may block: if no other commit is under way the calling thread makes this
  // one itself, without waking another, and calls `done`, which then may take its time.
  // Commits of others wait meanwhile, so it is not for threads that get less of the processors
  // than others. Not for threads of the engine. An engine that can't do so just commits.
  virtual void CommitHere(CommitRequest request, CommitDone done) {
    Commit(std::move(request), std::move(done));
  }

  // Returns the bounds of the log.
  virtual LogBounds log_bounds() const = 0;

  // Returns the epochs of the log: of the newest entries, and as many more as the
  // engine remembers, which is at least a thousand in which something was written. An
  // engine whose processes share a database begins one when the database was put back
  // or another replica took over without all of the log; an embedded engine can't know
  // and begins one whenever it is opened. Never null.
  virtual std::shared_ptr<const LogEpochs> log_epochs() const = 0;

  // Called with each entry of a scan of the log; returns false to end the scan. The
  // view is valid during the call only.
  using LogVisitor = absl::FunctionRef<bool(const LogEntryView&)>;

  // Visits the entries from position `from` on, up to the head, in order. Errors, behind
  // what was visited before: OUT_OF_RANGE if `from` is below the oldest position, else as
  // for Get; OK if the visitor ended the scan.
  virtual absl::Status ScanLog(LogPosition from, LogVisitor visit) const = 0;

  // Returns entries from position `from` on, at least one if there is one: at
  // most `max_entries`, and no more of them once their payloads exceed
  // `max_bytes`. Never splits the entries of one commit: a commit that does
  // not fit is left to the next call, or returned whole if it is the first.
  // Empty at the end of the log. Errors as for ScanLog.
  absl::StatusOr<std::vector<LogEntry>> ReadLog(LogPosition from, size_t max_entries,
                                                size_t max_bytes) const;

  // Estimates how many bytes the log entries at the positions from `begin` up to
  // before `end` take where the engine keeps them, be it on disk or in memory. Trimmed
  // ones count for nothing. Reads no entries. May be off by a few MiB, and changes when
  // the engine compresses what it has. Errors: UNAVAILABLE.
  virtual absl::StatusOr<uint64_t> EstimateLogBytes(LogPosition begin, LogPosition end) const = 0;

  // Removes the log entries below `before`, at most up to the head. Returns when that
  // is durable, and most of their space is free again, or will be once what is being
  // written to files meanwhile is done. Blocks. Errors:
  // RESOURCE_EXHAUSTED and UNAVAILABLE as for Commit.
  virtual absl::Status TrimLog(LogPosition before) = 0;

  // Destroys secrets of a room, as its records `room key` of keys.h name them: nobody can
  // read what was sealed with them any more, here or in a copy of the store; it reads as if
  // it was not there. Ids that no secret has are fine. Blocks. Errors: as for Commit.
  virtual absl::Status DestroyRoomSecrets(absl::string_view room_id,
                                          absl::Span<const uint64_t> ids);

  // Returns what can be told without reading anything. Not after Close().
  virtual EngineStats stats() const = 0;

  // Returns whether the store takes writes at the moment. Never blocks.
  virtual WriteState write_state() const = 0;

  // Sets the function that is called whenever the head of the log has moved: on a thread of
  // the engine after the `done` of the commits concerned, or on one in CommitHere() before
  // its `done`. It must not block, nor call this function. Call before the first Commit; an
  // empty function removes it, and returns only when no call of the old one is
  // under way.
  virtual void SetCommitListener(CommitListener listener) = 0;

  // Has log entries and audit entries sealed from now on. Call before the first of them is
  // written or read. `sealer` must outlive the engine.
  virtual void SetLogSealer(const LogSealer* sealer) = 0;

  // Finishes the commits that were accepted, refuses new ones with UNAVAILABLE,
  // and closes the store cleanly. Blocks. No read or CommitHere() may be under way, and of the
  // other functions only Commit(), CommitHere(), TrimLog(), log_bounds() and log_epochs() may be
  // called afterwards. Idempotent. Errors: FAILED_PRECONDITION if a snapshot
  // is left: the store is not closed then; else what kept it from closing
  // cleanly, such as a commit that could not be written.
  virtual absl::Status Close() = 0;
};

// Commits and waits for the result. Blocks: not for threads of gRPC or of the
// engine.
CommitResult CommitAndWait(Engine& engine, CommitRequest request);

// The same with CommitHere().
CommitResult CommitHereAndWait(Engine& engine, CommitRequest request);

// Returns INVALID_ARGUMENT if `request` breaks a rule of CommitRequest. For
// engines.
absl::Status CheckCommitRequest(const CommitRequest& request);

}  // namespace innkeeper::storage

#endif  // INNKEEPER_STORAGE_ENGINE_H_
