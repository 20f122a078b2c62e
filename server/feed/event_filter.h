// File: server/feed/event_filter.h
//
// Which events of the log a reader wants.

#ifndef INNKEEPER_SERVER_FEED_EVENT_FILTER_H_
#define INNKEEPER_SERVER_FEED_EVENT_FILTER_H_

#include <cstdint>
#include <string>

#include "absl/container/flat_hash_set.h"
#include "innkeeper/v1/room_event.pb.h"
#include "innkeeper/v1/room_lifecycle.pb.h"
#include "server/errors/errors.h"

namespace innkeeper::feed {

// The meaning of a v1::RoomEventFilter. Immutable.
class EventFilter {
 public:
  // Lets everything through.
  EventFilter() : EventFilter(Strings(), Strings()) {}

  // Takes over `filter`, and notes in `errors` what is wrong with it, as fields
  // below "filter": more than 32 types or 1,000 rooms, unknown types, and
  // strings that cannot be room ids (empty, over 255 bytes, without the leading
  // '!'). Of no use if anything was noted.
  static EventFilter FromProto(const v1::RoomEventFilter& filter, FieldErrors& errors);

  // Tells whether the event passes. One of type "room.upgraded" is about both of
  // its rooms.
  bool Matches(const v1::RoomEvent& event) const;

  // Tells whether every event passes, so that nobody has to look.
  bool PassesAll() const;

  // Equal for filters that let the same events through by the same words: the
  // order of the types and rooms and their repetition don't matter. The same in
  // every process and release.
  uint64_t digest() const { return digest_; }

 private:
  using Strings = absl::flat_hash_set<std::string>;

  EventFilter(Strings types, Strings room_ids);

  bool MatchesRoom(const v1::RoomEvent& event) const;

  // Empty: all.
  Strings types_;
  Strings room_ids_;
  uint64_t digest_;
};

}  // namespace innkeeper::feed

#endif  // INNKEEPER_SERVER_FEED_EVENT_FILTER_H_
