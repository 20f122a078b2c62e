// File: client/event_watcher.h
//
// The event stream, for an application that is called with each event.

#ifndef INNKEEPER_CLIENT_EVENT_WATCHER_H_
#define INNKEEPER_CLIENT_EVENT_WATCHER_H_

#include <functional>
#include <thread>

#include "absl/status/status.h"
#include "client/event_reader.h"
#include "client/innkeeper_client.h"

namespace innkeeper {

// A watch, as EventReader has it, on a thread of its own. Thread-safe.
class EventWatcher {
 public:
  // Called with each item, in order, one at a time. May block; must not destroy the
  // watcher.
  using OnItem = std::function<void(const WatchItem& item)>;
  // Called once, at the end, with what the watch ended with; CANCELLED by Stop(). Must
  // not destroy the watcher.
  using OnEnd = std::function<void(const absl::Status& status)>;

  // Begins to watch.
  EventWatcher(const Client& client, WatchOptions options, OnItem on_item, OnEnd on_end);

  // As Stop(), and waits for the callback under way and for OnEnd.
  ~EventWatcher();

  EventWatcher(const EventWatcher&) = delete;
  EventWatcher& operator=(const EventWatcher&) = delete;

  // Ends the watch. Does not wait: one more item may be delivered. Also for callbacks.
  // Idempotent.
  void Stop() { reader_.Stop(); }

 private:
  EventReader reader_;
  std::thread thread_;
};

}  // namespace innkeeper

#endif  // INNKEEPER_CLIENT_EVENT_WATCHER_H_
