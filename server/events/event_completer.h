// File: server/events/event_completer.h
//
// What readers of an event get beyond what stands in the log: what would be too much for
// a commit, or is over before long.

#ifndef INNKEEPER_SERVER_EVENTS_EVENT_COMPLETER_H_
#define INNKEEPER_SERVER_EVENTS_EVENT_COMPLETER_H_

#include "absl/strings/string_view.h"
#include "innkeeper/v1/room_event.pb.h"

namespace innkeeper {

// Completes events. Thread-safe.
class EventCompleter {
 public:
  virtual ~EventCompleter() = default;

  // True if there may be something to add to events of a type. Does not block.
  virtual bool MayComplete(absl::string_view type) const = 0;

  // Adds to an event that is complete but for that what is true now; an event that is
  // over, or cannot be completed, stays as it is. Blocks.
  virtual void Complete(v1::RoomEvent& event) const = 0;
};

}  // namespace innkeeper

#endif  // INNKEEPER_SERVER_EVENTS_EVENT_COMPLETER_H_
