// File: tests/e2e/exported_pdu.h
//
// What a reader of an export can find out without asking the server.

#ifndef INNKEEPER_TESTS_E2E_EXPORTED_PDU_H_
#define INNKEEPER_TESTS_E2E_EXPORTED_PDU_H_

#include <string>

#include "innkeeper/v1/room_lifecycle.pb.h"
#include "server/rooms/json.h"
#include "server/rooms/room_version.h"
#include "server/rooms/signing.h"

namespace innkeeper {

// The id of `pdu` by the rules of the version.
std::string EventIdOf(const rooms::RoomVersion& version, const rooms::Json& pdu);

// The keys that an export brings, to check its signatures with.
rooms::VerifyKeys KeysIn(const v1::RoomExportHeader& header);

}  // namespace innkeeper

#endif  // INNKEEPER_TESTS_E2E_EXPORTED_PDU_H_
