// File: tests/support/child_process.h
//
// A program that a test starts, talks to, and ends.

#ifndef INNKEEPER_TESTS_SUPPORT_CHILD_PROCESS_H_
#define INNKEEPER_TESTS_SUPPORT_CHILD_PROCESS_H_

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace innkeeper {

// A running program. One thread uses it; Signal() may also be called from others
// until Wait() was.
class ChildProcess {
 public:
  // Starts `program` with `arguments`. What it writes to stderr is appended to the
  // file `log_path`. Crashes if it can't be started.
  ChildProcess(const std::string& program, const std::vector<std::string>& arguments,
               const std::string& log_path);

  // Kills it, if nobody has waited for it.
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  // The next line of its stdout, without the line's end; blocks until there is one.
  // Nothing once it has closed its stdout, as by ending.
  std::optional<std::string> ReadLine();

  void Signal(int signal) const;

  pid_t pid() const { return pid_; }

  // Blocks until it has ended and returns its status as of waitpid(2). Idempotent.
  int Wait();

 private:
  pid_t pid_ = -1;
  int stdout_ = -1;
  std::string buffer_;  // read and not yet returned
  std::optional<int> status_;
};

// Reads the stdout of an innkeeper-server up to the line that it prints when it is
// ready, and returns the address in it. Nothing if the server ends before.
std::optional<std::string> ReadReadyAddress(ChildProcess& server);

}  // namespace innkeeper

#endif  // INNKEEPER_TESTS_SUPPORT_CHILD_PROCESS_H_
