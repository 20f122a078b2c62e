// File: server/rooms/event_chain.h
//
// Builds the events of a room, one behind the other: each gets the previous one
// as its predecessor, its auth events from the state before it, its hashes and its
// id. Rooms have one writer per event here, so that they never fork; the branches of
// a room that was taken over are brought together by the first event behind them.

#ifndef INNKEEPER_SERVER_ROOMS_EVENT_CHAIN_H_
#define INNKEEPER_SERVER_ROOMS_EVENT_CHAIN_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "server/rooms/event.h"
#include "server/rooms/room_state.h"
#include "server/rooms/room_version.h"

namespace innkeeper::rooms {

// How long a nonce is.
inline constexpr size_t kNonceBytes = 32;

// What the outside gives to an operation that builds events, so that the rules
// need neither clock nor random numbers.
struct BuildContext {
  std::string server_name;
  int64_t origin_server_ts = 0;  // milliseconds since the Unix epoch
  // Random bytes, used for nothing else: kNonceBytes of them, or at least 16. Opaque
  // room and event ids are derived from it.
  std::string nonce;
};

// The end of a room.
struct RoomTip {
  std::string room_id;
  int64_t depth = 0;  // of the deepest event
  // The events that no event comes behind: one, or several of a room that was taken
  // over with branches. Empty before the m.room.create.
  std::vector<EventReference> latest_events;
};

// Not thread-safe.
class EventChain {
 public:
  // Starts a new room: the first event appended must be its m.room.create.
  EventChain(const RoomVersion& version, BuildContext context);

  // Goes on with a room whose end is `tip` and whose state there is `state`. Of the
  // state only those places are needed that authorise the events to come:
  // AuthStateKeys in auth_events.h.
  EventChain(const RoomVersion& version, BuildContext context, RoomTip tip, RoomState state);

  // Adds what stands at a place of the room's state that was not given so far.
  void AddState(StateKey key, StateEntry entry) {
    state_.emplace(std::move(key), std::move(entry));
  }

  // Appends an event behind the latest ones; of more than kMaxPrevEvents the others
  // are left to the events that follow. INVALID_ARGUMENT with a BadRequest naming
  // `draft.source_field` if the event is too large (kMaxEventBytes, which
  // leaves 512 bytes for a signature; kMaxEventKeyBytes), or a place in it if the
  // version wants canonical JSON and it is none; PERMISSION_DENIED with the `rule` in
  // its metadata if the authorisation rules refuse it (auth_rules.h). Nothing is
  // appended then.
  absl::Status Append(EventDraft draft);

  // The id of the room; empty before the m.room.create of a room whose id is a
  // hash.
  const std::string& room_id() const { return tip_.room_id; }

  // The state behind the last event.
  const RoomState& state() const { return state_; }

  // The events appended since the last TakeEvents.
  const std::vector<Event>& events() const { return events_; }

  // Hands over the events appended since the last time. The chain goes on behind
  // them.
  std::vector<Event> TakeEvents() { return std::exchange(events_, {}); }

  // Drops an entry of the state that no event to come depends on, so that a long
  // chain need not hold it: a membership, while neither the member nor anybody else
  // changes it. In the room it stands.
  void Forget(const StateKey& key) { state_.erase(key); }

  // Gives the state away. The chain must not be appended to then.
  RoomState TakeState() { return std::move(state_); }

 private:
  // Returns the opaque id that follows from the nonce and from `what` it is for.
  std::string OpaqueId(char sigil, absl::string_view what) const;

  // Returns what authorises an event made of `draft`: references into the state.
  std::vector<EventReference> AuthEvents(const EventDraft& draft) const;

  // Returns OK if the room allows the event, or PERMISSION_DENIED.
  absl::Status Authorise(const Event& event) const;

  const RoomVersion& version_;
  const BuildContext context_;
  RoomTip tip_;
  RoomState state_;
  std::vector<Event> events_;
};

}  // namespace innkeeper::rooms

#endif  // INNKEEPER_SERVER_ROOMS_EVENT_CHAIN_H_
