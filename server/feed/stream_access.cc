#include "server/feed/stream_access.h"

#include <string>

namespace innkeeper::feed {

absl::StatusOr<EventFilter> SeenThrough(const StreamAccess& access, const EventFilter& filter) {
  for (const std::string& audience : filter.NamedAudiences()) {
    absl::Status allowed = access.CheckAudience(audience);
    if (!allowed.ok()) return allowed;
  }
  return filter.SeenBy(access.scope());
}

}  // namespace innkeeper::feed
