// File: server/rooms/upgrade_report.h
//
// What an upgrade comes to, for people: what was moved, what will not be in the new
// room, and why.

#ifndef INNKEEPER_SERVER_ROOMS_UPGRADE_REPORT_H_
#define INNKEEPER_SERVER_ROOMS_UPGRADE_REPORT_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "server/rooms/json.h"
#include "server/rooms/room_state.h"

namespace innkeeper::rooms {

// A list in a report names at most this many.
inline constexpr size_t kMaxListed = 1000;

// Counts everything and remembers the first kMaxListed, so that the report on a
// large room stays small.
template <typename Item>
class BoundedList {
 public:
  void Add(Item item) {
    ++count_;
    if (items_.size() < kMaxListed) items_.push_back(std::move(item));
  }

  const std::vector<Item>& items() const { return items_; }
  int64_t count() const { return count_; }

 private:
  std::vector<Item> items_;
  int64_t count_ = 0;
};

// Something that an upgrade could not take along or bring about.
struct Unmoved {
  enum class Kind {
    kStateEvent,          // an entry of the state; `name` is its type
    kAlias,               // an alias in m.room.canonical_alias
    kMember,              // a joined member; `name` is the user id, as in the next three
    kInvite,              // an open invite
    kBan,                 // a ban
    kKnock,               // a knock
    kJoinRule,            // `name` is the old rule; a stricter one stands in its place
    kOldRoomPowerLevels,  // the old room could not be locked; `name` is its id
    kOldRoomAlias,        // the old room keeps its canonical alias; `name` is its id
    kSpaceChild,          // the m.space.child of the space `name`, as in the next two
    kSpaceParent,         // the m.space.parent of the room `name`
    kAllowedRoom,         // an entry of `allow` in the join rules of the room `name`
  };

  enum class Reason {
    kBelongsToOldRoom,   // would mean nothing in another room
    kBelongsToUser,      // only the user in its state key could set it
    kOtherServer,        // only another server could move it
    kNotFederated,       // the room is closed to users of other servers
    kJoinRule,           // the new room's join rule does not take it
    kRoomVersion,        // the new room's version does not know it
    kInsufficientPower,  // the sender's power in the room does not suffice
    kNotJoined,          // the sender is not joined to that room
    kTooLarge,           // makes too large an event
    kUpgradeInProgress,  // that room is being upgraded itself
    kTooMany,            // more rooms refer to the old one than an upgrade changes
  };

  Kind kind;
  std::string name;
  std::string state_key;  // of a kStateEvent
  Reason reason;

  bool operator==(const Unmoved&) const = default;
};

// A reference of another room to the old one that was made to name the new one.
struct RepairedLink {
  std::string room_id;  // the other room
  std::string type;     // of the state event

  bool operator==(const RepairedLink&) const = default;
};

struct UpgradeReport {
  // Who sends the events, and created the new room.
  std::string sender;

  // The places of the old room's state that the new room has too, m.room.create and
  // members aside. Contents are the same, except for those of m.room.power_levels,
  // m.room.canonical_alias and weakened m.room.join_rules.
  BoundedList<StateKey> copied;
  // Those that the copy policy leaves behind.
  BoundedList<StateKey> left_behind;

  // User ids: joined by us (`sender` first), and invited.
  BoundedList<std::string> joined;
  BoundedList<std::string> invited;
  int64_t banned_count = 0;
  int64_t knock_count = 0;
  // Those joined or invited whom the member policy leaves behind.
  int64_t left_behind_member_count = 0;

  // The contents of m.room.power_levels in the old room, before it was locked, and
  // in the new one.
  Json old_power_levels = Json::object();
  Json new_power_levels = Json::object();

  BoundedList<Unmoved> unmoved;
  BoundedList<RepairedLink> repaired_links;
};

}  // namespace innkeeper::rooms

#endif  // INNKEEPER_SERVER_ROOMS_UPGRADE_REPORT_H_
