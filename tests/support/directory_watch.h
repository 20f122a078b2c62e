// File: tests/support/directory_watch.h

#ifndef INNKEEPER_TESTS_SUPPORT_DIRECTORY_WATCH_H_
#define INNKEEPER_TESTS_SUPPORT_DIRECTORY_WATCH_H_

#include <string>

namespace innkeeper {

// Waits for something to be written in a directory. One thread uses it, but for Wake().
class DirectoryWatch {
 public:
  // Watches the directory and those that are in it now.
  explicit DirectoryWatch(const std::string& directory);
  ~DirectoryWatch();
  DirectoryWatch(const DirectoryWatch&) = delete;
  DirectoryWatch& operator=(const DirectoryWatch&) = delete;

  // Waits until a file was made, written to or removed since the last call, or Wake() was
  // called. Crashes if that takes longer than a minute.
  void Await();

  // Has this and all later calls of Await() return at once. For any thread.
  void Wake() const;

 private:
  int changes_ = -1;
  int wake_ = -1;
};

}  // namespace innkeeper

#endif  // INNKEEPER_TESTS_SUPPORT_DIRECTORY_WATCH_H_
