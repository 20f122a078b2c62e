// File: tests/base/temp_directory.h
//
// A directory for one test.

#ifndef INNKEEPER_TESTS_BASE_TEMP_DIRECTORY_H_
#define INNKEEPER_TESTS_BASE_TEMP_DIRECTORY_H_

#include <string>

namespace innkeeper {

// Makes an empty directory, and removes it with all that is in it at the end.
class TempDirectory {
 public:
  enum class Place {
    kDisk,
    // In memory where the machine has room for it: for tests that make very many
    // files, and have no use for a disk.
    kMemory,
  };

  explicit TempDirectory(Place place = Place::kDisk);
  ~TempDirectory();
  TempDirectory(const TempDirectory&) = delete;
  TempDirectory& operator=(const TempDirectory&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace innkeeper

#endif  // INNKEEPER_TESTS_BASE_TEMP_DIRECTORY_H_
