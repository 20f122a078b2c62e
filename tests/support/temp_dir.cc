#include "tests/support/temp_dir.h"

#include <glog/logging.h>
#include <stdlib.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "absl/strings/str_cat.h"

namespace innkeeper {

namespace fs = std::filesystem;

namespace {

constexpr char kMemoryFileSystem[] = "/dev/shm";
constexpr std::uintmax_t kRoomNeeded = 512 << 20;

fs::path Parent(TempDir::Place place) {
  if (place == TempDir::Place::kMemory) {
    std::error_code error;
    const fs::space_info space = fs::space(kMemoryFileSystem, error);
    if (!error && space.available >= kRoomNeeded) return kMemoryFileSystem;
  }
  return fs::temp_directory_path();
}

}  // namespace

TempDir::TempDir(Place place) {
  path_ = (Parent(place) / "innkeeper_test.XXXXXX").string();
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
