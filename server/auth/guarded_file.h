// File: server/auth/guarded_file.h
//
// Files that say who may call: whoever can write to them can let themselves in.

#ifndef INNKEEPER_SERVER_AUTH_GUARDED_FILE_H_
#define INNKEEPER_SERVER_AUTH_GUARDED_FILE_H_

#include <string>

#include "absl/status/statusor.h"

namespace innkeeper::auth {

// Returns the text of the file `path`, of at most 16 MiB. Besides the errors of ReadFile,
// FAILED_PRECONDITION if others than the file's owner may write to it. Thread-safe.
absl::StatusOr<std::string> ReadGuardedFile(const std::string& path);

}  // namespace innkeeper::auth

#endif  // INNKEEPER_SERVER_AUTH_GUARDED_FILE_H_
