// File: tests/storage/rocksdb/kill_commits.h
//
// What the writer of kill_test.cc commits: each commit has a number, from 1, and
// writes two keys and two log entries that tell it.

#ifndef INNKEEPER_TESTS_STORAGE_ROCKSDB_KILL_COMMITS_H_
#define INNKEEPER_TESTS_STORAGE_ROCKSDB_KILL_COMMITS_H_

#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "storage/engine.h"

namespace innkeeper::storage {

inline constexpr uint64_t kEntriesPerKillCommit = 2;

inline std::string KillKey(char part, uint64_t number) {
  return absl::StrCat(std::string(1, part), number);
}

inline std::string KillEntry(uint64_t number, int part) { return absl::StrCat(number, "/", part); }

// The number of the first commit that a log does not hold.
inline uint64_t NextKillCommit(const LogBounds& bounds) {
  return bounds.head / kEntriesPerKillCommit + 1;
}

inline CommitRequest MakeKillCommit(uint64_t number) {
  const std::string filler(number * 7919 % 2'000, 'x');
  return {.preconditions = {Precondition::Absent(KillKey('a', number))},
          .writes = {{KillKey('a', number), filler}, {KillKey('b', number), filler}},
          .log_entries = {KillEntry(number, 1), KillEntry(number, 2)}};
}

}  // namespace innkeeper::storage

#endif  // INNKEEPER_TESTS_STORAGE_ROCKSDB_KILL_COMMITS_H_
