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
  TempDirectory();
  ~TempDirectory();
  TempDirectory(const TempDirectory&) = delete;
  TempDirectory& operator=(const TempDirectory&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace innkeeper

#endif  // INNKEEPER_TESTS_BASE_TEMP_DIRECTORY_H_
