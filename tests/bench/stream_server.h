// File: tests/bench/stream_server.h
//
// The servers whose streams are measured, both in one process of their own: a real
// one, and bare gRPC beside it.

#ifndef INNKEEPER_TESTS_BENCH_STREAM_SERVER_H_
#define INNKEEPER_TESTS_BENCH_STREAM_SERVER_H_

#include <cstdint>
#include <string>

#include "absl/time/time.h"
#include "tests/support/child_process.h"
#include "tests/support/temp_dir.h"

namespace innkeeper::bench {

// Serves on two free ports of the loopback, in this process, until SIGTERM: a real server
// whose log has `events` events, and the ceiling, an Echo service that sends from memory.
// Prints a line with both addresses when they are ready.
//
// The events are those that CreateRoom writes, each in a commit of its own, but without
// the rooms: they are committed straight to the engine, which is then closed and opened
// again, so that a reader finds them in table files as after any restart.
void ServeStreams(int64_t events);

// A process that does that. Ends with this object.
class StreamServer {
 public:
  // Starts `program`, with an argument that has it call ServeStreams(events).
  StreamServer(const std::string& program, int64_t events);
  ~StreamServer();

  const std::string& address() const { return address_; }
  const std::string& ceiling_address() const { return ceiling_address_; }

  // What the process has used so far, and uses.
  absl::Duration CpuTime() const;
  int64_t ResidentBytes() const;

 private:
  const TempDir dir_;  // for what the process writes to stderr
  ChildProcess process_;
  std::string address_;
  std::string ceiling_address_;
};

}  // namespace innkeeper::bench

#endif  // INNKEEPER_TESTS_BENCH_STREAM_SERVER_H_
