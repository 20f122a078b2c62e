// File: tests/stream/server_process.h
//
// An innkeeper-server that is stopped, killed and started again on the same store.

#ifndef INNKEEPER_TESTS_STREAM_SERVER_PROCESS_H_
#define INNKEEPER_TESTS_STREAM_SERVER_PROCESS_H_

#include <cstdint>
#include <memory>
#include <string>

#include "tests/support/child_process.h"
#include "tests/support/temp_dir.h"

namespace innkeeper::stream {

// The principals are those of tests/support/test_server.h. One thread uses it.
class ServerProcess {
 public:
  // Starts the program. Crashes whenever that does not start or end as it should.
  explicit ServerProcess(std::string program);

  // As Kill().
  ~ServerProcess() = default;

  // It is at another address after each start.
  void Start();
  void Terminate();
  void Kill();

  const std::string& address() const { return address_; }
  int64_t ResidentBytes() const;

 private:
  const std::string program_;
  const TempDir dir_;
  std::unique_ptr<ChildProcess> process_;
  std::string address_;
};

}  // namespace innkeeper::stream

#endif  // INNKEEPER_TESTS_STREAM_SERVER_PROCESS_H_
