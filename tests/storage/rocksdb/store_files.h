// File: tests/storage/rocksdb/store_files.h
//
// Looking at, copying and damaging the files of a store.

#ifndef INNKEEPER_TESTS_STORAGE_ROCKSDB_STORE_FILES_H_
#define INNKEEPER_TESTS_STORAGE_ROCKSDB_STORE_FILES_H_

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "storage/engine.h"
#include "storage/rocksdb/rocksdb_engine.h"

namespace innkeeper::storage {

// Options with small buffers for the store in `directory`, which must exist or,
// with `create`, is made.
RocksDbOptions SmallOptions(const std::string& directory, bool create = false);

// Opens the store, and expects success.
std::unique_ptr<Engine> MustOpen(RocksDbOptions options);

// Commits a value under a key made of `number`, a log entry and an audit entry of the same; if it
// is odd, on this thread.
CommitResult CommitNumbered(Engine& engine, int number);

// Expects that the commits numbered 1 to `count`, which were all there were, are
// there, and no others, and that their audit entries are chained up to the head.
void ExpectNumbered(Engine& engine, int count);

// Copies a store as it is, open or not, over whatever is in `to`.
void CopyStore(const std::filesystem::path& from, const std::filesystem::path& to);

// Returns the database's files whose names end in `suffix` or start with `prefix`,
// the oldest first, empty ones left out.
std::vector<std::filesystem::path> FilesEndingIn(const std::filesystem::path& store,
                                                 absl::string_view suffix);
std::vector<std::filesystem::path> FilesStartingWith(const std::filesystem::path& store,
                                                     absl::string_view prefix);

std::string ReadFile(const std::filesystem::path& path);
void WriteFile(const std::filesystem::path& path, absl::string_view content);

}  // namespace innkeeper::storage

#endif  // INNKEEPER_TESTS_STORAGE_ROCKSDB_STORE_FILES_H_
