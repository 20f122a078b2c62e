// File: storage/rocksdb/durable_head.h
//
// The file DURABLE_HEAD: a lower bound of what a store must hold.
//
// A write-ahead log that is cut short, or whose last bytes are damaged, looks
// the same whether a crash interrupted a write that nobody was told of, or the
// disk lost writes that were acknowledged. This file tells them apart: after
// each synced batch, and before anyone is told of it, the batch's revision is
// written here. That write is not synced, which keeps it cheap: it survives the
// death of the process at once and that of the machine within the time in which
// the kernel writes files back (30 seconds by default). It is never ahead of
// the database, so a store that ends before it has lost something.
//
// The file holds the store's incarnation and the revision, each followed by its
// complement; integers as in format.h.

#ifndef INNKEEPER_STORAGE_ROCKSDB_DURABLE_HEAD_H_
#define INNKEEPER_STORAGE_ROCKSDB_DURABLE_HEAD_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "storage/engine.h"

namespace innkeeper::storage::embedded {

// What the file says.
struct DurableHead {
  uint64_t incarnation = 0;
  Revision revision = 0;
};

// Reads the file, which must not be open for writing; nothing if there is none.
// Errors: DATA_LOSS if it is damaged, UNAVAILABLE if it can't be read.
absl::StatusOr<std::optional<DurableHead>> ReadDurableHead(const std::string& path);

// Writes the file. For one thread at a time.
class DurableHeadWriter {
 public:
  // Replaces the file by one that says `head`, atomically and durably, or makes
  // it if there is none. Errors: UNAVAILABLE.
  static absl::StatusOr<DurableHeadWriter> Open(const std::string& path, DurableHead head);

  DurableHeadWriter(DurableHeadWriter&& other) noexcept;
  DurableHeadWriter& operator=(DurableHeadWriter&&) = delete;
  ~DurableHeadWriter();

  // Notes that all up to `revision` is durable. Errors: UNAVAILABLE.
  absl::Status Record(Revision revision);

  // Makes what was recorded durable itself. Errors: UNAVAILABLE.
  absl::Status Sync();

 private:
  DurableHeadWriter(int fd, uint64_t incarnation) : fd_(fd), incarnation_(incarnation) {}

  int fd_;
  uint64_t incarnation_;
};

}  // namespace innkeeper::storage::embedded

#endif  // INNKEEPER_STORAGE_ROCKSDB_DURABLE_HEAD_H_
