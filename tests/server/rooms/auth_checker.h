// File: tests/server/rooms/auth_checker.h
//
// Judges the events of a room one by one, as another server would that receives
// them: form, hashes, place in the room, auth events and authorisation rules. Written
// against the specification, without the product's own power levels, so that both
// would have to be wrong in the same way.

#ifndef INNKEEPER_TESTS_SERVER_ROOMS_AUTH_CHECKER_H_
#define INNKEEPER_TESTS_SERVER_ROOMS_AUTH_CHECKER_H_

#include <map>
#include <string>
#include <utility>

#include "server/rooms/event.h"
#include "server/rooms/json.h"
#include "server/rooms/room_version.h"

namespace innkeeper::rooms {

// Follows one room without forks. The signatures of servers are not covered.
class AuthChecker {
 public:
  explicit AuthChecker(const RoomVersion& version);

  // Returns "" if the event is allowed as the next one of the room, and takes it
  // into the state; else the rule that refuses it.
  std::string Check(const Event& event);

 private:
  using Key = std::pair<std::string, std::string>;

  std::string CheckForm(const Event& event) const;
  std::string CheckAuthEvents(const Event& event) const;
  std::string CheckRules(const Event& event) const;
  std::string CheckCreate(const Event& event) const;
  std::string CheckMember(const Event& event) const;
  std::string CheckJoin(const Event& event) const;
  std::string CheckThirdPartyInvite(const Event& event) const;
  std::string CheckLeave(const Event& event) const;
  std::string CheckPowerLevels(const Event& event) const;
  std::string CheckLevelChanges(const Event& event, const Json& before) const;
  std::string CheckRedaction(const Event& event) const;

  Json Content(const std::string& type) const;
  std::string MembershipOf(const std::string& user) const;
  std::string Creator() const;
  bool IsCreator(const std::string& user) const;
  // The integer that `value` stands for in this version; false if it is none.
  bool ReadLevel(const Json& value, int64_t& level) const;
  int64_t LevelOf(const std::string& user) const;
  int64_t LevelFor(const std::string& action, int64_t fallback) const;
  int64_t LevelToSend(const Event& event) const;

  const RoomVersion& version_;
  const int number_;
  std::map<Key, Event> state_;
  std::map<std::string, Event> events_;  // by id
  std::string last_event_id_;
  int64_t depth_ = 0;
};

}  // namespace innkeeper::rooms

#endif  // INNKEEPER_TESTS_SERVER_ROOMS_AUTH_CHECKER_H_
