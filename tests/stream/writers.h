// File: tests/stream/writers.h
//
// Writers that fill the event log, also across the deaths of the server.

#ifndef INNKEEPER_TESTS_STREAM_WRITERS_H_
#define INNKEEPER_TESTS_STREAM_WRITERS_H_

#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "tests/support/test_client.h"

namespace innkeeper::stream {

// Some threads. Each creates rooms, some of them with invites of other servers' users, which
// are many events in one commit, upgrades them, which are two, and sends events. Thread-safe.
class Writers {
 public:
  struct Options {
    int threads = 4;
    int sends_per_room = 4;  // how many events are sent for each room that is created
    // How often all of them together write in a second; 0: as fast as it goes.
    double writes_per_second = 0;
  };

  explicit Writers(Options options);

  // As Stop().
  ~Writers();

  // Tells where the server is now.
  void Connect(const std::string& address);

  // Waits until that many more writes were acknowledged. False if that takes longer than
  // `timeout`.
  bool AwaitWrites(int64_t count, absl::Duration timeout);

  // Lets each thread finish what it is doing.
  void Stop();

  int64_t acknowledged() const;

 private:
  void Run(int index);
  // Waits for an address other than `tried`, and for the time of the next write. Nothing if it
  // is time to stop.
  std::string AwaitAddress(const std::string& tried);
  bool AwaitTurn();
  bool Write(const TestClient& client, const std::string& user, int64_t index);
  bool Count(const grpc::Status& status);

  const Options options_;
  mutable absl::Mutex mutex_;
  std::string address_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  int64_t acknowledged_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::Time next_turn_ ABSL_GUARDED_BY(mutex_) = absl::InfinitePast();
  std::vector<std::thread> threads_;
};

}  // namespace innkeeper::stream

#endif  // INNKEEPER_TESTS_STREAM_WRITERS_H_
