#include "tests/support/directory_watch.h"

#include <glog/logging.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <filesystem>

namespace innkeeper {
namespace {

constexpr int kPatienceMilliseconds = 60'000;
constexpr uint32_t kChanges = IN_CREATE | IN_MODIFY | IN_MOVE | IN_DELETE;

}  // namespace

DirectoryWatch::DirectoryWatch(const std::string& directory)
    : changes_(inotify_init1(IN_NONBLOCK | IN_CLOEXEC)), wake_(eventfd(0, EFD_CLOEXEC)) {
  PCHECK(changes_ >= 0 && wake_ >= 0);
  PCHECK(inotify_add_watch(changes_, directory.c_str(), kChanges) >= 0);
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
    if (!entry.is_directory()) continue;
    PCHECK(inotify_add_watch(changes_, entry.path().c_str(), kChanges) >= 0);
  }
}

DirectoryWatch::~DirectoryWatch() {
  close(changes_);
  close(wake_);
}

void DirectoryWatch::Await() {
  std::array<pollfd, 2> files = {{{changes_, POLLIN, 0}, {wake_, POLLIN, 0}}};
  PCHECK(poll(files.data(), files.size(), kPatienceMilliseconds) > 0) << "nothing is written";
  std::array<char, 4096> events;
  while (read(changes_, events.data(), events.size()) > 0) {
  }
}

void DirectoryWatch::Wake() const { PCHECK(eventfd_write(wake_, 1) == 0); }

}  // namespace innkeeper
