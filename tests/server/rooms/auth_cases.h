// File: tests/server/rooms/auth_cases.h
//
// The authorisation rules line by line: for each line, events that it refuses and
// events that just pass it, each with no more state than it takes.

#ifndef INNKEEPER_TESTS_SERVER_ROOMS_AUTH_CASES_H_
#define INNKEEPER_TESTS_SERVER_ROOMS_AUTH_CASES_H_

#include <optional>
#include <string>
#include <vector>

#include "server/rooms/event.h"
#include "server/rooms/json.h"
#include "server/rooms/room_state.h"
#include "server/rooms/room_version.h"

namespace innkeeper::rooms {

// Who there is in the cases. Alice made the room.
constexpr char kAlice[] = "@alice:here";
constexpr char kBob[] = "@bob:here";
constexpr char kDan[] = "@dan:here";
constexpr char kCarol[] = "@carol:there";

// The room versions that a case is for.
struct Versions {
  int first = 1;
  int last = 12;
};
inline constexpr Versions kAll;
constexpr Versions From(int first) { return {.first = first}; }
constexpr Versions UpTo(int last) { return {.last = last}; }

// An event of the room's state.
struct Entry {
  std::string type;
  std::string state_key;
  Json content = Json::object();
  std::string sender = kAlice;
};

// The event that is judged.
struct Judged {
  std::string type;
  std::optional<std::string> state_key;
  std::string sender;
  Json content = Json::object();
  std::string redacts;
  std::vector<std::string> prev_events = {"$previous"};
  std::string room_id;  // if not the room's
};

struct AuthCase {
  std::string what;
  Versions versions;
  std::vector<Entry> state;
  Judged event;
  std::string refused_by;  // the rule; "" if the event is allowed
};

// Puts `more` behind `cases`.
void Append(std::vector<AuthCase>& cases, std::vector<AuthCase> more);

// Parts of a state.

// The room's m.room.create with changes in its content: null takes a key out. Every
// state has one anyway, unless it has NoCreate.
Entry Create(Json more = Json::object());
Entry NoCreate();
Entry Levels(Json content);
Entry JoinRule(const std::string& join_rule);
Entry Member(const std::string& user, const std::string& membership);
Entry Joined(const std::string& user);

// Events.

// The m.room.create of a room, with changes in its content.
Judged Creation(Json changes = Json::object());
Judged Message(const std::string& sender, const std::string& type = "m.room.message");
Judged State(const std::string& sender, const std::string& type, const std::string& state_key = "",
             Json content = Json::object());
// Sets the membership of `target`, with `more` in the content.
Judged Sets(const std::string& sender, const std::string& target, const std::string& membership,
            Json more = Json::object());
Judged WithPrevEvents(std::vector<std::string> prev_events, Judged event);

// The event that every state with m.room.create begins with.
constexpr char kCreateId[] = "$create";

// Returns the state of a case in a room of `version`.
RoomState MakeState(const RoomVersion& version, const std::vector<Entry>& entries);

// Returns the event of a case.
Event MakeEvent(const RoomVersion& version, const Judged& judged);

// Returns what of `state` CheckAuthRules says that it looks at.
RoomState NeededOf(const RoomState& state, const RoomVersion& version, const Event& event);

std::vector<AuthCase> CreateCases();
std::vector<AuthCase> RoomCases();
std::vector<AuthCase> EventCases();
std::vector<AuthCase> MemberCases();
std::vector<AuthCase> ThirdPartyInviteCases();
std::vector<AuthCase> PowerLevelsCases();

}  // namespace innkeeper::rooms

#endif  // INNKEEPER_TESTS_SERVER_ROOMS_AUTH_CASES_H_
