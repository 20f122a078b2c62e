#include "tests/base/temp_directory.h"

#include <stdlib.h>

#include <cstdint>
#include <filesystem>
#include <system_error>

#include <glog/logging.h>

namespace innkeeper {
namespace {

namespace fs = std::filesystem;

constexpr char kMemoryFileSystem[] = "/dev/shm";
constexpr std::uintmax_t kRoomNeeded = 512 << 20;

fs::path Parent(TempDirectory::Place place) {
  if (place == TempDirectory::Place::kMemory) {
    std::error_code error;
    const fs::space_info space = fs::space(kMemoryFileSystem, error);
    if (!error && space.available >= kRoomNeeded) return kMemoryFileSystem;
  }
  return fs::temp_directory_path();
}

}  // namespace

TempDirectory::TempDirectory(Place place) : path_(Parent(place) / "innkeeper-test-XXXXXX") {
  CHECK(mkdtemp(path_.data()) != nullptr) << "can't make " << path_;
}

TempDirectory::~TempDirectory() {
  std::error_code error;
  fs::remove_all(path_, error);
}

}  // namespace innkeeper
