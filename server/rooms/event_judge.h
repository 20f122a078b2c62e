// File: server/rooms/event_judge.h
//
// Judges the events of a room in the order in which they came to be, and follows the
// room's state along all its branches. Pure: no I/O.
//
// Source: Matrix server-server API, "Checks performed on receipt of a PDU", 4 and 5,
// "Rejection", and "Room State Resolution".

#ifndef INNKEEPER_SERVER_ROOMS_EVENT_JUDGE_H_
#define INNKEEPER_SERVER_ROOMS_EVENT_JUDGE_H_

#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "server/rooms/event.h"
#include "server/rooms/event_graph.h"
#include "server/rooms/graph_auth.h"
#include "server/rooms/room_version.h"
#include "server/rooms/state_set.h"

namespace innkeeper::rooms {

// Keeps the states of those events only that are still to be built on. Not thread-safe.
class EventJudge {
 public:
  // So many states are kept at a time. A room whose branches are many costs as many times
  // the memory of its state, so that a small export could take all that there is.
  static constexpr size_t kMaxStates = 1000;

  // Expects the events of a room of `version`.
  explicit EventJudge(const RoomVersion& version) : version_(version), auth_(version, graph_) {}

  EventJudge(const EventJudge&) = delete;
  EventJudge& operator=(const EventJudge&) = delete;

  // Judges `event`, a complete one, which comes after all that it refers to and is no
  // repetition. `followers` is how often other events to come have it in their
  // prev_events. Returns
  //   OK if it is accepted;
  //   PERMISSION_DENIED if it is rejected: it has no effect, but others may come behind
  //   it, which then come behind what is before it;
  //   FAILED_PRECONDITION if it can't be judged, because one of its prev_events is not
  //   there: it is forgotten;
  //   RESOURCE_EXHAUSTED if more than kMaxStates would have to be kept: nothing can be
  //   judged any more.
  // The message is a phrase.
  absl::Status Judge(Event event, size_t followers);

  // The room's m.room.create; nullopt as long as none was accepted.
  std::optional<EventIndex> create() const { return create_; }

  // The accepted events that none is built on, ascending.
  std::vector<EventIndex> LatestEvents() const;

  // The state behind all of LatestEvents.
  StateSet LatestState() const;

  // All that were accepted or rejected.
  const EventGraph& graph() const { return graph_; }
  bool rejected(EventIndex event) const { return progress_[event].rejected; }

  // The accepted redactions that take effect, with what they take the content from, in
  // the order in which they were judged. m.room.create keeps its content, for that is
  // what the room is.
  struct Redaction {
    EventIndex redaction = 0;
    EventIndex redacted = 0;
  };
  std::vector<Redaction> Redactions() const;

  // Gives the events of the graph away. Only `rejected` may be asked after that.
  std::vector<Event> TakeEvents() { return graph_.TakeEvents(); }

 private:
  // How far an event of the graph is.
  struct Progress {
    std::optional<StateSet> state;  // behind it; none once nobody needs it
    size_t followers = 0;           // still to come
    bool rejected = false;
    bool covered = false;  // an accepted event comes behind it, or behind rejected ones behind it
  };

  absl::Status CheckAllowed(EventIndex index, const StateSet& before);
  absl::Status CheckAuthEventsOf(EventIndex index) const;
  StateSet StateBefore(EventIndex index);
  // Returns the state that the branches come to which end in `events`.
  StateSet StateBehind(absl::Span<const EventIndex> events) const;
  // Notes that an accepted event comes behind these.
  void Cover(absl::Span<const EventIndex> events);
  // Notes that one of the followers of each of these has come.
  void CountDown(const std::vector<EventReference>& events);
  void ReleaseState(EventIndex event);

  const RoomVersion& version_;
  EventGraph graph_;
  GraphAuth auth_;
  std::vector<Progress> progress_;  // by event
  size_t states_ = 0;               // how many of them have one
  // The branches that were brought together last, and the state that they came to:
  // often many events come behind the same ones.
  std::vector<EventIndex> joined_;
  StateSet joined_state_;
  std::optional<EventIndex> create_;
  // The accepted redactions, and whether their senders may redact what others sent.
  std::vector<std::pair<EventIndex, bool>> redactions_;
};

}  // namespace innkeeper::rooms

#endif  // INNKEEPER_SERVER_ROOMS_EVENT_JUDGE_H_
