// File: tests/crash/room_traffic.h
//
// Writers that write into rooms, and readers that export them, until the server goes away.

#ifndef INNKEEPER_TESTS_CRASH_ROOM_TRAFFIC_H_
#define INNKEEPER_TESTS_CRASH_ROOM_TRAFFIC_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "tests/crash/room_write.h"
#include "tests/support/test_client.h"

namespace innkeeper::crash {

// The users who write. All of them must be joined to the rooms, and may do everything there.
std::vector<std::string> RoomWriters();

// What writers and exporters did.
struct RoomDeeds {
  std::vector<RoomWrite> writes;
  std::vector<ExportedRoom> exports;  // those of which something came
};

// A writer for each of RoomWriters() and some exporters, each on a thread and a connection of
// its own. All write into all rooms: messages, state that they contend for, memberships of
// guests of their own, and redactions of their own events.
class RoomTraffic {
 public:
  // Starts. `name` is different for every traffic on one store; `clock` gives the ticks, and
  // must outlive this.
  RoomTraffic(const std::string& address, const std::string& name, std::vector<std::string> rooms,
              std::atomic<int64_t>& clock, std::mt19937_64& random);

  // As Stop().
  ~RoomTraffic();

  // Waits until writers have `count` acknowledgements. False if that takes longer than
  // `timeout`.
  bool WaitForAcknowledged(int count, absl::Duration timeout);

  // Lets everybody finish the call that they are in, and returns what all of them did.
  RoomDeeds Stop();

 private:
  class Writer;

  void RunWriter(Writer& writer);
  void RunExporter(const std::string& address, std::mt19937_64 random);
  bool stopping() const;

  const std::vector<std::string> rooms_;
  std::atomic<int64_t>& clock_;
  mutable absl::Mutex mutex_;
  RoomDeeds deeds_ ABSL_GUARDED_BY(mutex_);
  int acknowledged_ ABSL_GUARDED_BY(mutex_) = 0;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_;
};

}  // namespace innkeeper::crash

#endif  // INNKEEPER_TESTS_CRASH_ROOM_TRAFFIC_H_
