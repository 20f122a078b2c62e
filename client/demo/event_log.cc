#include "client/demo/event_log.h"

#include <variant>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "client/demo/describe.h"
#include "client/demo/print.h"

namespace innkeeper {

EventLog::EventLog(const Client& client, absl::Duration patience)
    : patience_(patience), reader_(client, {.progress_interval = absl::Seconds(1)}) {}

absl::Status EventLog::AwaitStart() {
  return Await("the start of the watch", [](const WatchItem& item) {
    return std::holds_alternative<v1::WatchCaughtUp>(item.what);
  });
}

absl::Status EventLog::AwaitEvent(absl::string_view type, absl::string_view room_id) {
  return Await(absl::StrCat("the event ", type, " of ", room_id), [&](const WatchItem& item) {
    const auto* event = std::get_if<v1::RoomEvent>(&item.what);
    return event != nullptr && event->type() == type && event->room_id() == room_id;
  });
}

absl::Status EventLog::Await(absl::string_view what,
                             absl::FunctionRef<bool(const WatchItem& item)> is_awaited) {
  const absl::Time deadline = absl::Now() + patience_;
  // There is at least a v1::WatchProgress a second.
  while (const auto item = reader_.Next()) {
    if (const auto* interrupted = std::get_if<WatchInterrupted>(&item->what)) {
      return interrupted->error;
    }
    if (const auto* event = std::get_if<v1::RoomEvent>(&item->what)) {
      Print("   event " + Describe(*event));
    }
    if (is_awaited(*item)) return absl::OkStatus();
    if (absl::Now() > deadline) {
      return absl::DeadlineExceededError(absl::StrCat(what, " did not come"));
    }
  }
  return reader_.status();
}

}  // namespace innkeeper
