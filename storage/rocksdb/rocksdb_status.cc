#include "storage/rocksdb/rocksdb_status.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "storage/engine.h"

namespace innkeeper::storage::embedded {

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

}  // namespace innkeeper::storage::embedded
