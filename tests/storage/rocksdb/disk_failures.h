// File: tests/storage/rocksdb/disk_failures.h
//
// The ways in which tests let a disk fail, at every call in turn.

#ifndef INNKEEPER_TESTS_STORAGE_ROCKSDB_DISK_FAILURES_H_
#define INNKEEPER_TESTS_STORAGE_ROCKSDB_DISK_FAILURES_H_

#include <ostream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "rocksdb/io_status.h"
#include "tests/storage/rocksdb/failing_disk.h"

namespace innkeeper::storage {

// A way to fail, as the parameter of a test.
struct DiskFailure {
  std::string name;
  rocksdb::IOStatus error;
  int count;  // of calls in a row
  bool torn;

  // Whether it ends by itself.
  bool passes() const { return count == 1; }

  // The fault that is met at the call `first`.
  DiskFault At(int first) const {
    return {.first = first, .count = count, .error = error, .torn = torn};
  }

  friend void PrintTo(const DiskFailure& failure, std::ostream* out) { *out << failure.name; }
};

// All of them: once and for good, with a disk that is bad, full or read-only.
std::vector<DiskFailure> DiskFailures();

// The name of a test with one of them.
std::string NameOfFailure(const testing::TestParamInfo<DiskFailure>& info);

// Whether the full form of a test was asked for, in which every call is tried, each with every
// kind of power cut.
bool IsFullForm();

// Returns the call to try after `call`: the next one, or in the short form that `stride` on.
int NextCall(int call, int stride);

}  // namespace innkeeper::storage

#endif  // INNKEEPER_TESTS_STORAGE_ROCKSDB_DISK_FAILURES_H_
