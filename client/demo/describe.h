// File: client/demo/describe.h
//
// Messages of the API as text for people to read.

#ifndef INNKEEPER_CLIENT_DEMO_DESCRIBE_H_
#define INNKEEPER_CLIENT_DEMO_DESCRIBE_H_

#include <string>

#include "innkeeper/v1/room.pb.h"
#include "innkeeper/v1/room_event.pb.h"

namespace innkeeper {

// Returns several lines, each with a line end: what a room is and where it stands.
std::string Describe(const v1::Room& room);

// Returns one line without a line end: the entry's place in the state and its content.
std::string Describe(const v1::StateEvent& event);

// Returns one line without a line end: what happened to which room.
std::string Describe(const v1::RoomEvent& event);

}  // namespace innkeeper

#endif  // INNKEEPER_CLIENT_DEMO_DESCRIBE_H_
