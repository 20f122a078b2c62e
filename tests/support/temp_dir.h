// File: tests/support/temp_dir.h
//
// A directory of a test's own.

#ifndef INNKEEPER_TESTS_SUPPORT_TEMP_DIR_H_
#define INNKEEPER_TESTS_SUPPORT_TEMP_DIR_H_

#include <string>

#include "absl/strings/string_view.h"

namespace innkeeper {

// An empty directory that is gone, with all that is in it, when this object is.
class TempDir {
 public:
  enum class Place {
    kDisk,
    // In memory where the machine has room for it: for tests that make very many
    // files and have no use for a disk.
    kMemory,
  };

  explicit TempDir(Place place = Place::kDisk);
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  const std::string& path() const { return path_; }

  // Lets the directory stay when this object goes, for somebody to look at.
  void Keep() { keep_ = true; }

  // Returns the path of `name` in the directory.
  std::string File(absl::string_view name) const;

  // Writes a file that only its owner may read, in place of the one that may
  // be there, and returns its path. Readers see the old file or the new one.
  std::string Write(absl::string_view name, absl::string_view contents) const;

 private:
  std::string path_;
  bool keep_ = false;
};

}  // namespace innkeeper

#endif  // INNKEEPER_TESTS_SUPPORT_TEMP_DIR_H_
