// File: tests/bench/synced_write.h
//
// The other half of the least that a durable call can take, beside the echo: a bare write
// that is synced to the disk.

#ifndef INNKEEPER_TESTS_BENCH_SYNCED_WRITE_H_
#define INNKEEPER_TESTS_BENCH_SYNCED_WRITE_H_

#include "absl/time/time.h"
#include "tests/bench/load.h"

namespace innkeeper::bench {

// Puts small values into a RocksDB database of its own, in the directory of temporary files,
// one after another for `duration`, each synced.
LoadResult MeasureSyncedWrites(absl::Duration duration);

}  // namespace innkeeper::bench

#endif  // INNKEEPER_TESTS_BENCH_SYNCED_WRITE_H_
