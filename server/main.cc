// The program innkeeper-server: see docs/configuration.md and --help.

#include <glog/logging.h>
#include <pthread.h>
#include <signal.h>

#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "server/base/process.h"
#include "server/config/command_line.h"
#include "server/server.h"

namespace innkeeper {

constexpr int kExitUsage = 2;

// Keeps the signals that end a server for WaitForEnd(), in all threads to come.
static sigset_t BlockEndSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return signals;
}

static void StartLogging(const ServerConfig& config, const char* program) {
  FLAGS_minloglevel = static_cast<int>(config.min_log_level);
  if (config.log_dir.empty()) {
    FLAGS_logtostderr = true;
  } else {
    FLAGS_log_dir = config.log_dir;
  }
  google::InitGoogleLogging(program);
}

static int Run(const ServerConfig& config, const char* program) {
  const sigset_t end_signals = BlockEndSignals();
  StartLogging(config, program);
  absl::StatusOr<std::unique_ptr<Server>> server = Server::Start(config);
  if (!server.ok()) {
    std::cerr << program << ": " << server.status().message() << std::endl;
    return EXIT_FAILURE;
  }
  std::cout << "innkeeper ready on " << (*server)->address() << std::endl;
  LOG(INFO) << "ready on " << (*server)->address();

  int signal = 0;
  sigwait(&end_signals, &signal);
  LOG(INFO) << "draining on signal " << signal;
  absl::Status status = (*server)->Shutdown();
  if (!status.ok()) {
    std::cerr << program << ": " << status.message() << std::endl;
    return EXIT_FAILURE;
  }
  LOG(INFO) << "stopped";
  return EXIT_SUCCESS;
}

}  // namespace innkeeper

int main(int argc, char** argv) {
  innkeeper::PrepareProcess();
  const std::vector<std::string> args(argv + 1, argv + argc);
  absl::StatusOr<innkeeper::CommandLine> command_line = innkeeper::ParseCommandLine(args);
  if (!command_line.ok()) {
    std::cerr << argv[0] << ": " << command_line.status().message() << std::endl;
    return innkeeper::kExitUsage;
  }
  if (command_line->print) {
    std::cout << *command_line->print;
    return EXIT_SUCCESS;
  }
  return innkeeper::Run(command_line->config, argv[0]);
}
