#include "tests/stream/server_process.h"

#include <glog/logging.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/support/test_server.h"

namespace innkeeper::stream {

ServerProcess::ServerProcess(std::string program) : program_(std::move(program)) {
  dir_.Write("tokens.json", TestTokenFile());
  Start();
}

void ServerProcess::Start() {
  process_ = std::make_unique<ChildProcess>(
      program_,
      std::vector<std::string>{
          "--listen_address=127.0.0.1:0", absl::StrCat("--server_name=", kTestServerName),
          "--instance_name=stream", absl::StrCat("--data_dir=", dir_.File("data")),
          absl::StrCat("--tokens_file=", dir_.File("tokens.json")), "--rate_limits=off",
          "--max_queue_time=0", "--block_cache_bytes=32MiB", "--write_buffer_bytes=8MiB",
          "--min_log_level=warning"},
      dir_.File("server.log"));
  const std::optional<std::string> address = ReadReadyAddress(*process_);
  CHECK(address) << "the server does not start; see " << dir_.File("server.log");
  address_ = *address;
}

void ServerProcess::Terminate() {
  process_->Signal(SIGTERM);
  const int status = process_->Wait();
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS)
      << "status " << status << "; see " << dir_.File("server.log");
}

void ServerProcess::Kill() {
  process_->Signal(SIGKILL);
  const int status = process_->Wait();
  CHECK(WIFSIGNALED(status)) << "status " << status << "; see " << dir_.File("server.log");
}

int64_t ServerProcess::ResidentBytes() const {
  int64_t virtual_pages = 0;
  int64_t resident_pages = 0;
  std::ifstream(absl::StrCat("/proc/", process_->pid(), "/statm")) >> virtual_pages >>
      resident_pages;
  return resident_pages * sysconf(_SC_PAGESIZE);
}

}  // namespace innkeeper::stream
