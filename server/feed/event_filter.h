// File: server/feed/event_filter.h
//
// Which events of the log a reader wants, and may see.

#ifndef INNKEEPER_SERVER_FEED_EVENT_FILTER_H_
#define INNKEEPER_SERVER_FEED_EVENT_FILTER_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/string_view.h"
#include "innkeeper/v1/room.pb.h"
#include "innkeeper/v1/room_event.pb.h"
#include "innkeeper/v1/room_lifecycle.pb.h"
#include "server/base/audience.h"
#include "server/errors/errors.h"

namespace innkeeper::feed {

// The meaning of a v1::RoomEventFilter. Immutable.
class EventFilter {
 public:
  // Lets everything through.
  EventFilter() : EventFilter(v1::RoomEventFilter()) {}

  // Takes over `filter`, and notes in `errors` what is wrong with it, as fields
  // below `field`, where it stands in its request: too many entries, unknown types, and strings
  // that cannot be room ids (empty, over 255 bytes, without the leading '!'), user ids (the same,
  // with a leading
  // '@'), audiences or topics. Of no use if anything was noted.
  static EventFilter FromProto(const v1::RoomEventFilter& filter, FieldErrors& errors,
                               absl::string_view field = "filter");

  // Returns a filter that lets the same through, but for events about rooms of audiences
  // that are not in `scope`. The digest is the same.
  EventFilter SeenBy(AudienceScope scope) const;

  // Tells whether the event passes. One of type "room.upgraded" is about both of
  // its rooms.
  bool Matches(const v1::RoomEvent& event) const;

  // Tells whether every event passes, so that nobody has to look.
  bool PassesAll() const;

  // Tells whether events about the room could pass, whatever their type.
  bool Matches(const v1::Room& room) const;

  // The rooms in `room_ids`, in bytewise order; none if they don't matter.
  std::vector<std::string> SortedRoomIds() const;

  // The audiences that the filter names, in `audiences` and in `topics`.
  std::vector<std::string> NamedAudiences() const;

  // Equal for filters that let the same events through by the same words: the
  // order of the entries and their repetition don't matter. The same in every process
  // and release.
  uint64_t digest() const { return digest_; }

 private:
  using Strings = absl::flat_hash_set<std::string>;

  // What an event or a room is about, as far as filters ask.
  struct Subject {
    absl::string_view room_id;
    absl::string_view new_room_id;  // of an upgrade
    absl::string_view creator;
    absl::string_view audience;
  };

  explicit EventFilter(const v1::RoomEventFilter& filter);

  bool Matches(const Subject& subject) const;
  bool MatchesTopic(const Subject& subject) const;
  static bool HasRoomOf(const Strings& rooms, const Subject& subject);

  // Empty: all.
  Strings types_;
  Strings room_ids_;
  Strings creators_;
  Strings audiences_;
  // An event passes if it is of one of these, or if there are none.
  Strings topic_rooms_;
  Strings topic_audiences_;
  uint64_t digest_;
  AudienceScope scope_ = AudienceScope::All();
};

}  // namespace innkeeper::feed

#endif  // INNKEEPER_SERVER_FEED_EVENT_FILTER_H_
