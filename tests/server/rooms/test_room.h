// File: tests/server/rooms/test_room.h
//
// A room to be replaced, and an upgrade of it from end to end.

#ifndef INNKEEPER_TESTS_SERVER_ROOMS_TEST_ROOM_H_
#define INNKEEPER_TESTS_SERVER_ROOMS_TEST_ROOM_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/rooms/event.h"
#include "server/rooms/event_chain.h"
#include "server/rooms/json.h"
#include "server/rooms/old_room.h"
#include "server/rooms/room_state.h"
#include "server/rooms/room_version.h"
#include "server/rooms/upgrade_plan.h"
#include "tests/server/rooms/auth_checker.h"
#include "tests/server/rooms/build_context.h"
#include "tests/server/rooms/version.h"

namespace innkeeper::rooms {

constexpr char kAlice[] = "@alice:example.org";  // the creator
// After TestRoom::Populate:
constexpr char kBob[] = "@bob:example.org";    // joined
constexpr char kCarol[] = "@carol:elsewhere";  // joined
constexpr char kDave[] = "@dave:example.org";  // invited
constexpr char kErin[] = "@erin:elsewhere";    // invited
constexpr char kFay[] = "@fay:example.org";    // banned
constexpr char kGus[] = "@gus:elsewhere";      // banned
constexpr char kHal[] = "@hal:example.org";    // has left

// A room that is built event by event, each judged by the auth rules.
class TestRoom {
 public:
  explicit TestRoom(const RoomVersion& version, Json creation_content = Json::object());

  void Set(const std::string& type, const std::string& state_key, Json content,
           const std::string& sender = kAlice);
  void Join(const std::string& user);
  void Knock(const std::string& user);

  // Lets in the users in the table above; those of other servers if `remote`.
  void Populate(bool remote = true);

  OldRoom Get() const;

  const RoomVersion& version() const { return version_; }
  const AuthChecker& checker() const { return checker_; }
  const RoomState& state() const { return chain_.state(); }
  const std::string& room_id() const { return chain_.room_id(); }

 private:
  const RoomVersion& version_;
  EventChain chain_;
  AuthChecker checker_;
};

// What became of the two rooms.
struct Upgrade {
  std::string new_room_id;
  std::vector<Event> new_events;
  RoomState new_state;
  std::vector<Event> old_events;  // those that the upgrade appended
  RoomState old_state;
  RoomSummary summary;
  UpgradeReport report;
};

// How an upgrade is done in a test.
struct UpgradeSpec {
  std::string sender = kAlice;
  UpgradeOptions options;
  size_t chunk = 3;  // members that are planned at once
  std::string nonce = "new room, 16 bytes";
};

// Plans the upgrade, without judging it. The planner sees of the members what it is
// promised and no more.
absl::StatusOr<Upgrade> PlanUpgrade(const OldRoom& room, const RoomVersion& to,
                                    const UpgradeSpec& spec = {});

// Plans the upgrade, which must succeed, and has every event of both rooms judged.
Upgrade UpgradeAndJudge(const TestRoom& room, const RoomVersion& to, const UpgradeSpec& spec = {});

// "type" or "user membership" of each event.
std::vector<std::string> Names(const std::vector<Event>& events);

}  // namespace innkeeper::rooms

#endif  // INNKEEPER_TESTS_SERVER_ROOMS_TEST_ROOM_H_
