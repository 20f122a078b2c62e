#include "client/event_watcher.h"

#include <optional>
#include <utility>

namespace innkeeper {

EventWatcher::EventWatcher(const Client& client, WatchOptions options, OnItem on_item, OnEnd on_end)
    : reader_(client, std::move(options)),
      thread_([this, on_item = std::move(on_item), on_end = std::move(on_end)] {
        while (const std::optional<WatchItem> item = reader_.Next()) on_item(*item);
        on_end(reader_.status());
      }) {}

EventWatcher::~EventWatcher() {
  Stop();
  thread_.join();
}

}  // namespace innkeeper
