// File: tests/server/rooms/random_room.h
//
// Rooms in which users do at random what they may, in branches that part and meet.

#ifndef INNKEEPER_TESTS_SERVER_ROOMS_RANDOM_ROOM_H_
#define INNKEEPER_TESTS_SERVER_ROOMS_RANDOM_ROOM_H_

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "server/rooms/state_set.h"
#include "tests/server/rooms/forked_room.h"

namespace innkeeper::rooms {

// The same seed makes the same room. Its events are called "E1" and so on behind those
// of ForkedRoom::Begin.
class RandomRoom {
 public:
  RandomRoom(absl::string_view version, uint32_t seed, int events);

  const ForkedRoom& room() const { return room_; }

  // Returns two to four states: those behind events;
  std::vector<StateSet> PickStates();

  // some of them with old entries in them, as another server may claim.
  std::vector<StateSet> PickClaimedStates();

 private:
  // A number from 0 to `end` - 1.
  int Random(int end) { return static_cast<int>(random_() % static_cast<uint32_t>(end)); }

  const std::string& RandomName();
  const std::string& RandomUser();
  Step RandomStep();
  Step RandomMembership();
  Step RandomPowerLevels();

  std::mt19937 random_;
  ForkedRoom room_;
  std::vector<std::string> names_;
};

}  // namespace innkeeper::rooms

#endif  // INNKEEPER_TESTS_SERVER_ROOMS_RANDOM_ROOM_H_
