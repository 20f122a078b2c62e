// File: server/feed/stream_access.h
//
// What the reader of the log may see, who may be told otherwise at any time.

#ifndef INNKEEPER_SERVER_FEED_STREAM_ACCESS_H_
#define INNKEEPER_SERVER_FEED_STREAM_ACCESS_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/base/audience.h"
#include "server/feed/event_filter.h"
#include "server/feed/event_log.h"

namespace innkeeper::feed {

// The permission of one reader, to be implemented by who knows of callers. For one thread
// at a time. No method blocks.
class StreamAccess {
 public:
  virtual ~StreamAccess() = default;

  // Finds out anew what the reader may do; called before every message, so it should cost
  // nothing as long as nothing has changed. Returns whether that may have changed, which is
  // so the first time, or the error that the reader is to be sent away with.
  virtual absl::StatusOr<bool> Refresh() = 0;

  // The audiences whose events the reader may see, as of the last Refresh().
  virtual const AudienceScope& scope() const = 0;

  // How much of events the reader may see, as of the last Refresh().
  virtual EventDetail detail() const = 0;

  // OK if the reader may ask for events of that audience, else the error that says so.
  virtual absl::Status CheckAudience(absl::string_view audience) const = 0;
};

// Returns `filter` as a reader with that access sees it, or the error that it may not ask
// for an audience that the filter names.
absl::StatusOr<EventFilter> SeenThrough(const StreamAccess& access, const EventFilter& filter);

}  // namespace innkeeper::feed

#endif  // INNKEEPER_SERVER_FEED_STREAM_ACCESS_H_
