#include "storage/rocksdb/rocksdb_status.h"

#include <cerrno>
#include <string>
#include <system_error>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace innkeeper::storage::embedded {
namespace {

std::string TextOf(int error) { return std::generic_category().message(error); }

}  // namespace

absl::Status FromRocksDb(const rocksdb::Status& status, absl::string_view doing) {
  if (status.ok()) return absl::OkStatus();
  if (status.IsIncomplete()) return NotInMemory();
  const std::string message = absl::StrCat(doing, ": ", status.ToString());
  if (status.IsCorruption() || status.IsPathNotFound()) return absl::DataLossError(message);
  if (status.IsInvalidArgument() || status.IsNotSupported()) {
    return absl::FailedPreconditionError(message);
  }
  return absl::UnavailableError(message);
}

absl::Status NoSpace(absl::string_view what) {
  return absl::UnavailableError(absl::StrCat(TextOf(ENOSPC), ": ", what));
}

WriteTrouble TroubleOf(const absl::Status& error) {
  // RocksDB keeps of errno hardly more than its text.
  const auto says = [&](int number) { return absl::StrContains(error.message(), TextOf(number)); };
  if (says(ENOSPC) || says(EDQUOT)) return WriteTrouble::kFull;
  return says(EROFS) ? WriteTrouble::kReadOnly : WriteTrouble::kFailed;
}

}  // namespace innkeeper::storage::embedded
