#include "tests/support/temp_dir.h"

#include <glog/logging.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"

namespace innkeeper {

namespace fs = std::filesystem;

TempDir::TempDir() {
  path_ = (fs::temp_directory_path() / "innkeeper_test.XXXXXX").string();
  CHECK(mkdtemp(path_.data()) != nullptr) << path_;
}

TempDir::~TempDir() {
  if (keep_) return;
  std::error_code error;
  fs::remove_all(path_, error);
  LOG_IF(WARNING, error) << path_ << ": " << error.message();
}

std::string TempDir::File(absl::string_view name) const { return absl::StrCat(path_, "/", name); }

std::string TempDir::Write(absl::string_view name, absl::string_view contents) const {
  const std::string draft = File(absl::StrCat(name, ".new"));
  std::ofstream out(draft, std::ios::binary | std::ios::trunc);
  out.write(contents.data(), static_cast<std::streamsize>(contents.size()));
  out.close();
  CHECK(out.good()) << draft;
  fs::permissions(draft, fs::perms::owner_read | fs::perms::owner_write);
  fs::rename(draft, File(name));
  return File(name);
}

}  // namespace innkeeper
