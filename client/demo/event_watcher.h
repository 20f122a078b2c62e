// File: client/demo/event_watcher.h
//
// A subscription to the event stream that keeps what it saw.

#ifndef INNKEEPER_CLIENT_DEMO_EVENT_WATCHER_H_
#define INNKEEPER_CLIENT_DEMO_EVENT_WATCHER_H_

#include <grpcpp/grpcpp.h>

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "innkeeper/v1/room_lifecycle.grpc.pb.h"

namespace innkeeper {

// Watches every event from now on, on a thread of its own. Thread-safe.
class EventWatcher {
 public:
  // Called on the watcher's thread with each event as it arrives.
  using OnEvent = std::function<void(const v1::RoomEvent& event)>;

  // Subscribes with `token`. `stub` must outlive the watcher.
  EventWatcher(v1::RoomLifecycle::Stub* stub, absl::string_view token, OnEvent on_event);

  // Cancels the stream and joins the thread.
  ~EventWatcher();

  EventWatcher(const EventWatcher&) = delete;
  EventWatcher& operator=(const EventWatcher&) = delete;

  // Waits until the server confirmed the subscription.
  // Errors: DEADLINE_EXCEEDED, or that with which the stream ended.
  absl::Status WaitForConfirmation(absl::Duration timeout);

  // Waits for an event of this type about this room. Errors as above.
  absl::Status WaitForEvent(absl::string_view type, absl::string_view room_id,
                            absl::Duration timeout);

 private:
  struct Seen {
    std::string type;
    std::string room_id;
  };

  void Run();
  void Take(const v1::WatchRoomEventsResponse& message);
  bool HasSeen(absl::string_view type, absl::string_view room_id) const
      ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  absl::Status StatusOf(bool came, absl::string_view what) const ABSL_SHARED_LOCKS_REQUIRED(mutex_);

  const OnEvent on_event_;
  grpc::ClientContext context_;
  const std::unique_ptr<grpc::ClientReader<v1::WatchRoomEventsResponse>> stream_;

  absl::Mutex mutex_;
  bool confirmed_ ABSL_GUARDED_BY(mutex_) = false;
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
  grpc::Status end_ ABSL_GUARDED_BY(mutex_);
  std::vector<Seen> seen_ ABSL_GUARDED_BY(mutex_);

  std::thread thread_;
};

}  // namespace innkeeper

#endif  // INNKEEPER_CLIENT_DEMO_EVENT_WATCHER_H_
