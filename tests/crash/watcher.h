// File: tests/crash/watcher.h
//
// A subscriber that keeps up with the event stream across the server's deaths.

#ifndef INNKEEPER_TESTS_CRASH_WATCHER_H_
#define INNKEEPER_TESTS_CRASH_WATCHER_H_

#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "grpcpp/client_context.h"
#include "innkeeper/v1/room_lifecycle.pb.h"
#include "tests/crash/violations.h"

namespace innkeeper::crash {

// Streams from the oldest event on, and after each break from its last cursor.
// Every event must have the sequence after that of the event before, also across
// breaks. Thread-safe.
class Watcher {
 public:
  // `violations` must outlive it.
  explicit Watcher(Violations& violations);

  // Ends the stream.
  ~Watcher();

  // Tells that the server is now at `address`.
  void Connect(const std::string& address);

  // Waits until the event `sequence` has arrived. False if that takes longer than
  // `timeout`.
  bool WaitFor(int64_t sequence, absl::Duration timeout);

  // What arrived, in the order in which it arrived.
  std::vector<v1::RoomEvent> events() const;

  // How often the stream was opened.
  int streams() const;

 private:
  void Run();
  // Waits for an address that has not been tried. Empty if it is time to end.
  std::string AwaitAddress();
  void Stream(const std::string& address);
  void Receive(const v1::WatchRoomEventsResponse& message);
  void ReceiveConfirmed(const v1::WatchConfirmed& confirmed) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ReceiveEvents(const v1::RoomEventBatch& batch) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  int64_t last_sequence() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  Violations& violations_;
  mutable absl::Mutex mutex_;
  std::string address_ ABSL_GUARDED_BY(mutex_);  // empty once it was tried
  bool ending_ ABSL_GUARDED_BY(mutex_) = false;
  grpc::ClientContext* context_ ABSL_GUARDED_BY(mutex_) = nullptr;  // of the open stream
  int streams_ ABSL_GUARDED_BY(mutex_) = 0;
  std::string cursor_ ABSL_GUARDED_BY(mutex_);
  std::vector<v1::RoomEvent> events_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace innkeeper::crash

#endif  // INNKEEPER_TESTS_CRASH_WATCHER_H_
