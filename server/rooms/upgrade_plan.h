// File: server/rooms/upgrade_plan.h
//
// How a room is replaced: from the old room's state to the events of the new room
// and the last events of the old one. Values in, values out.
//
// Source: Matrix client-server API, "Room Upgrades".
//
// The new room, whose creator is the sender, gets in this order
//
//   1. m.room.create with the old one's `type` and `m.federate` and with
//      `predecessor`; the sender's join; m.room.power_levels (UpgradedPowerLevels);
//      what is copied (state_copy.h); m.room.join_rules if members can come in
//      under them;
//   2. members (member_migration.h), in events of their own (join_rules.h);
//   3. m.room.join_rules if not yet there, and the aliases that move.
//
// and nothing that the old room lacked, but for m.room.power_levels. Where the
// sender's level would not carry all that (they may be below a user whose ban is
// carried over), m.room.power_levels come last: until then the creator alone has
// power. Every event is allowed by the rules of the room where it stands.
//
// The old room gets its last events (old_room_end.h). Each room refers to the other:
// to version 11 the first event of the new room names the tombstone, which is then made
// first; in version 12 the id of the new room is the hash of its first event.

#ifndef INNKEEPER_SERVER_ROOMS_UPGRADE_PLAN_H_
#define INNKEEPER_SERVER_ROOMS_UPGRADE_PLAN_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "server/rooms/canonical_alias.h"
#include "server/rooms/event.h"
#include "server/rooms/event_chain.h"
#include "server/rooms/join_rules.h"
#include "server/rooms/json.h"
#include "server/rooms/member_migration.h"
#include "server/rooms/old_room.h"
#include "server/rooms/room_state.h"
#include "server/rooms/room_version.h"
#include "server/rooms/upgrade_options.h"
#include "server/rooms/upgrade_report.h"

namespace innkeeper::rooms {

// Plans one upgrade, in pieces, so that a room of any size can be replaced in bounded
// memory: Open, then AddMembers for each part of the members, then Close. What
// comes out depends on the old room, the options and the context only, not on how the
// members are divided. Not thread-safe.
//
// An error ends the upgrade: INVALID_ARGUMENT with a BadRequest naming "room_id" if
// something that the new room cannot do without is too large in it.
class UpgradePlanner {
 public:
  // `sender` comes from ChooseSender; `options` have passed CheckUpgradeOptions and
  // CheckNewCreators.
  UpgradePlanner(OldRoom old_room, std::string sender, const RoomVersion& new_version,
                 UpgradeOptions options, BuildContext context);

  // Returns the new room's first events.
  absl::StatusOr<std::vector<Event>> Open();

  // Returns the events that bring these members of the old room into the new one:
  // at most two for each, and once one more. Members come in any order, each
  // once; the sender may be among them or not. Those who have left may be left out. Holds nothing
  // of them but what the report lists.
  absl::StatusOr<std::vector<Event>> AddMembers(absl::Span<const OldMember> members);

  struct Closing {
    std::vector<Event> new_room_events;  // the new room's last; often none
    std::vector<Event> old_room_events;
    RoomSummary new_room;
  };
  absl::StatusOr<Closing> Close();

  // The id of the new room; in version 12 empty before Open.
  const std::string& new_room_id() const { return new_.room_id(); }

  // What the upgrade comes to, as far as it is planned.
  const UpgradeReport& report() const { return report_; }

 private:
  void EndTheOldRoom();
  void AddCreate();
  void AddPowerLevels();
  void AddJoinRules();
  void CopyState();
  void CopyEntry(const StateKey& key, const Json& content);
  bool SenderCarriesAll() const;

  void AddMember(const OldMember& member);
  void Join(const OldMember& member);
  void LetMembersIn();
  bool SetMember(const OldMember& member, const std::string& sender, Json content,
                 Unmoved::Kind reported_as);

  void AddToNew(const StateKey& key, Json content);
  bool AddIfItFits(EventDraft draft, Unmoved unmoved);

  const std::string sender_;
  const RoomVersion& old_version_;
  const RoomVersion& new_version_;
  const UpgradeOptions options_;
  const std::vector<std::string> creators_;
  const BuildContext context_;
  const bool had_power_levels_;
  const DividedAlias alias_;
  const Json join_rules_;  // of the new room in the end; null if it has none
  const JoinPlan joins_;
  const MemberRules member_rules_;
  EventChain old_;
  EventChain new_;
  UpgradeReport report_;
  bool levels_are_set_ = false;
  bool members_are_let_in_ = false;
  absl::Status status_;  // the first error; nothing is appended after it
};

}  // namespace innkeeper::rooms

#endif  // INNKEEPER_SERVER_ROOMS_UPGRADE_PLAN_H_
