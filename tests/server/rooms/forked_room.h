// File: tests/server/rooms/forked_room.h
//
// Rooms with forks, built event by event under readable names.

#ifndef INNKEEPER_TESTS_SERVER_ROOMS_FORKED_ROOM_H_
#define INNKEEPER_TESTS_SERVER_ROOMS_FORKED_ROOM_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "server/rooms/event.h"
#include "server/rooms/event_graph.h"
#include "server/rooms/json.h"
#include "server/rooms/room_version.h"
#include "server/rooms/state_set.h"

namespace innkeeper::rooms {

// The users of these rooms.
constexpr char kAlice[] = "@alice:a.example";
constexpr char kBob[] = "@bob:b.example";
constexpr char kCarol[] = "@carol:c.example";
constexpr char kEve[] = "@eve:e.example";

// An event to be added.
struct Step {
  std::string sender = {};
  std::string type = {};
  std::optional<std::string> state_key = "";
  Json content = Json::object();
  std::string redacts = {};  // as in Event
  // The names of the events that it comes behind; left out, the last one added.
  std::vector<std::string> after = {};
  // The state that it is sent in; left out, that behind the only one of `after`.
  std::optional<StateSet> state = {};
  // Milliseconds; left out, one more than the last one's.
  std::optional<int64_t> timestamp = {};
  // Left out, one more than those of `after`.
  std::optional<int64_t> depth = {};
};

// Of a state: the name of the event at each place that is named as in "m.room.topic"
// or "m.room.member @bob:b.example".
using NamedState = std::map<std::string, std::string>;

// Every event is complete, with the auth events that the state before it gives, and
// allowed by them unless it is said to be forbidden: adding another fails the test. In versions 1
// and 2 the id of the event X is "$X:a.example".
class ForkedRoom {
 public:
  explicit ForkedRoom(absl::string_view version);

  // Adds an event called `name` if the state before it allows that; else returns false.
  bool TryAdd(const std::string& name, Step step);

  // Adds an event that the state it comes behind, or its auth events, forbid; `state` is
  // what it takes its auth events from. It does not become part of any state.
  void AddForbidden(const std::string& name, Step step);

  // Each of these adds an event called `name`.
  void Add(const std::string& name, Step step);
  void Create(const std::string& name, const std::string& sender);
  void Join(const std::string& name, const std::string& user, std::vector<std::string> after = {});
  // `sender` makes `user` leave, or bans them.
  void Kick(const std::string& name, const std::string& sender, const std::string& user,
            std::vector<std::string> after = {});
  void Ban(const std::string& name, const std::string& sender, const std::string& user,
           std::vector<std::string> after = {});
  // Sets the levels of `users`; everything else has its default.
  void PowerLevels(const std::string& name, const std::string& sender,
                   const std::map<std::string, int>& users, std::vector<std::string> after = {});
  void JoinRule(const std::string& name, const std::string& sender, const std::string& rule,
                std::vector<std::string> after = {});
  void Topic(const std::string& name, const std::string& sender,
             std::vector<std::string> after = {});
  void Message(const std::string& name, const std::string& sender,
               std::vector<std::string> after = {});

  // Adds Create, the creator's join JoinAlice, power levels PL in which Alice has 100
  // as far as the version lets her, and the public join rule JR.
  void Begin();

  const RoomVersion& version() const { return version_; }
  const EventGraph& graph() const { return graph_; }
  EventIndex Index(const std::string& name) const { return indexes_.at(name); }
  std::string Name(EventIndex index) const { return names_.at(index); }

  // The state behind an event.
  const StateSet& After(const std::string& name) const { return states_.at(Index(name)); }

  // `state` with `event` in its place: for states as another server may claim them.
  StateSet With(StateSet state, const std::string& event) const;

  // The resolution of states; of those behind the events called so.
  NamedState ResolveStates(const std::vector<StateSet>& states) const;
  NamedState Resolve(const std::vector<std::string>& names) const;

  NamedState Named(const StateSet& state) const;

 private:
  // Returns the event that `step` makes, and completes `step`.
  Event Build(const std::string& name, Step& step) const;

  // Puts an event into the graph, with the state behind it.
  EventIndex Put(const std::string& name, Event event, StateSet state);

  const RoomVersion& version_;
  EventGraph graph_;
  std::string room_id_;
  std::string last_;
  int64_t timestamp_ = 0;
  std::map<std::string, EventIndex> indexes_;
  std::map<EventIndex, std::string> names_;
  std::map<EventIndex, StateSet> states_;
};

}  // namespace innkeeper::rooms

#endif  // INNKEEPER_TESTS_SERVER_ROOMS_FORKED_ROOM_H_
