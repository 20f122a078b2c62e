#include "server/auth/guarded_file.h"

#include <sys/stat.h>

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "server/base/file.h"

namespace innkeeper::auth {
namespace {

constexpr size_t kMaxFileBytes = 16 << 20;

}  // namespace

absl::StatusOr<std::string> ReadGuardedFile(const std::string& path) {
  auto file = ReadFile(path, kMaxFileBytes);
  if (!file.ok()) return file.status();
  if ((file->mode & (S_IWGRP | S_IWOTH)) != 0) {
    return absl::FailedPreconditionError(
        absl::StrCat(path, ": others than its owner may write to it; chmod go-w it"));
  }
  return std::move(file->bytes);
}

}  // namespace innkeeper::auth
