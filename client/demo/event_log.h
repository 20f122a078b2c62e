// File: client/demo/event_log.h
//
// The events of the server, printed as the demo waits for them.

#ifndef INNKEEPER_CLIENT_DEMO_EVENT_LOG_H_
#define INNKEEPER_CLIENT_DEMO_EVENT_LOG_H_

#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "client/event_reader.h"
#include "client/innkeeper_client.h"

namespace innkeeper {

// Watches every event from now on. For one thread.
class EventLog {
 public:
  // Waits at most about `patience` for anything.
  EventLog(const Client& client, absl::Duration patience);

  // Waits until the watch has begun.
  // Errors: DEADLINE_EXCEEDED, or that which interrupted the watch.
  absl::Status AwaitStart();

  // Prints events up to one of this type about this room. Errors as above.
  absl::Status AwaitEvent(absl::string_view type, absl::string_view room_id);

 private:
  absl::Status Await(absl::string_view what,
                     absl::FunctionRef<bool(const WatchItem& item)> is_awaited);

  const absl::Duration patience_;
  EventReader reader_;
};

}  // namespace innkeeper

#endif  // INNKEEPER_CLIENT_DEMO_EVENT_LOG_H_
