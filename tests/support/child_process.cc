#include "tests/support/child_process.h"

#include <errno.h>
#include <fcntl.h>
#include <glog/logging.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "absl/strings/strip.h"

extern char** environ;

namespace innkeeper {

// posix_spawn and not fork: the test may run threads of gRPC's.
ChildProcess::ChildProcess(const std::string& program, const std::vector<std::string>& arguments,
                           const std::string& log_path) {
  std::vector<char*> argv = {const_cast<char*>(program.c_str())};
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);

  int ends[2];
  PCHECK(pipe2(ends, O_CLOEXEC) == 0);
  posix_spawn_file_actions_t actions;
  CHECK_EQ(posix_spawn_file_actions_init(&actions), 0);
  CHECK_EQ(posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO), 0);
  CHECK_EQ(posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, log_path.c_str(),
                                            O_WRONLY | O_CREAT | O_APPEND, S_IRUSR | S_IWUSR),
           0);
  const int error = posix_spawn(&pid_, program.c_str(), &actions, nullptr, argv.data(), environ);
  CHECK_EQ(error, 0) << program << ": " << strerror(error);
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  stdout_ = ends[0];
}

ChildProcess::~ChildProcess() {
  if (!status_) {
    Signal(SIGKILL);
    Wait();
  }
  close(stdout_);
}

std::optional<std::string> ChildProcess::ReadLine() {
  while (true) {
    const size_t end = buffer_.find('\n');
    if (end != std::string::npos) {
      std::string line = buffer_.substr(0, end);
      buffer_.erase(0, end + 1);
      return line;
    }
    char chunk[4096];
    const ssize_t size = read(stdout_, chunk, sizeof(chunk));
    if (size < 0 && errno == EINTR) continue;
    PCHECK(size >= 0);
    if (size == 0) return std::nullopt;
    buffer_.append(chunk, static_cast<size_t>(size));
  }
}

void ChildProcess::Signal(int signal) const { PCHECK(kill(pid_, signal) == 0); }

int ChildProcess::Wait() {
  if (!status_) {
    int status = 0;
    pid_t ended = -1;
    do {
      ended = waitpid(pid_, &status, 0);
    } while (ended < 0 && errno == EINTR);
    PCHECK(ended == pid_);
    status_ = status;
  }
  return *status_;
}

std::optional<std::string> ReadReadyAddress(ChildProcess& server) {
  while (std::optional<std::string> line = server.ReadLine()) {
    absl::string_view address = *line;
    if (absl::ConsumePrefix(&address, "innkeeper ready on ")) return std::string(address);
  }
  return std::nullopt;
}

}  // namespace innkeeper
