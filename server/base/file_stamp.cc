#include "server/base/file_stamp.h"

#include <sys/stat.h>

namespace innkeeper {
namespace {

// More than the times of file systems are apart, and the clocks of machines should be.
constexpr absl::Duration kGrain = absl::Seconds(3);

}  // namespace

std::optional<FileStamp> StampOf(const std::string& path, absl::Time now) {
  struct stat status;
  if (stat(path.c_str(), &status) != 0) return std::nullopt;
  const absl::Time change_time = absl::TimeFromTimespec(status.st_ctim);
  if (now - change_time < kGrain) return std::nullopt;
  return FileStamp{status.st_dev, status.st_ino, status.st_size, change_time};
}

}  // namespace innkeeper
