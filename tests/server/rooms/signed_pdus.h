// File: tests/server/rooms/signed_pdus.h
//
// The events of a ForkedRoom as the servers of its users would export them.

#ifndef INNKEEPER_TESTS_SERVER_ROOMS_SIGNED_PDUS_H_
#define INNKEEPER_TESTS_SERVER_ROOMS_SIGNED_PDUS_H_

#include <string>
#include <vector>

#include "server/rooms/event.h"
#include "server/rooms/event_graph.h"
#include "server/rooms/json.h"
#include "server/rooms/signing.h"
#include "tests/server/rooms/forked_room.h"

namespace innkeeper::rooms {

// The key that a server signs with; each has its own.
SigningKey KeyOf(const std::string& server);

// The public halves.
VerifyKeys KeysOf(const std::vector<std::string>& servers);

// The event, signed by all servers that must have signed it.
Json SignedPdu(const RoomVersion& version, const Event& event);

Json SignedPdu(const ForkedRoom& room, EventIndex index);

// All events of the room, as canonical JSON.
std::vector<std::string> SignedPdus(const ForkedRoom& room);

}  // namespace innkeeper::rooms

#endif  // INNKEEPER_TESTS_SERVER_ROOMS_SIGNED_PDUS_H_
