// File: tests/crash/expectation.h
//
// What a room must look like, worked out from what was asked for and without the
// server's code. Holds for the rooms that Traffic makes.

#ifndef INNKEEPER_TESTS_CRASH_EXPECTATION_H_
#define INNKEEPER_TESTS_CRASH_EXPECTATION_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "google/protobuf/struct.pb.h"
#include "innkeeper/v1/room_lifecycle.pb.h"

namespace innkeeper::crash {

// The contents of a room's state by type and state key. Contents that are left open
// are not set.
using ExpectedState =
    std::map<std::pair<std::string, std::string>, std::optional<google::protobuf::Struct>>;

struct ExpectedRoom {
  std::string creator;
  std::string version;
  v1::RoomPreset preset = v1::ROOM_PRESET_UNSPECIFIED;
  bool is_public = false;
  std::string name;
  std::string topic;
  std::string alias;
  std::string encryption_algorithm;
  std::string type;
  int64_t invited = 0;
  ExpectedState state;
};

// The room that `request` makes.
ExpectedRoom ExpectCreated(const v1::CreateRoomRequest& request);

// The room that replaces `old_room`, on behalf of its creator.
ExpectedRoom ExpectSuccessor(const ExpectedRoom& old_room, const std::string& new_version);

// The room once `successor_room_id` has replaced it.
ExpectedRoom ExpectTombstoned(ExpectedRoom room, const std::string& successor_room_id);

}  // namespace innkeeper::crash

#endif  // INNKEEPER_TESTS_CRASH_EXPECTATION_H_
