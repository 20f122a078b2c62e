#include "tests/base/temp_directory.h"

#include <stdlib.h>

#include <filesystem>
#include <system_error>

#include <glog/logging.h>

namespace innkeeper {

TempDirectory::TempDirectory()
    : path_(std::filesystem::temp_directory_path() / "innkeeper-test-XXXXXX") {
  CHECK(mkdtemp(path_.data()) != nullptr) << "can't make " << path_;
}

TempDirectory::~TempDirectory() {
  std::error_code error;
  std::filesystem::remove_all(path_, error);
}

}  // namespace innkeeper
