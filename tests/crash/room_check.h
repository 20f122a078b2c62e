// File: tests/crash/room_check.h
//
// Whether the rooms that the server has are those of the books.

#ifndef INNKEEPER_TESTS_CRASH_ROOM_CHECK_H_
#define INNKEEPER_TESTS_CRASH_ROOM_CHECK_H_

#include <string>
#include <vector>

#include "tests/crash/ledger.h"
#include "tests/crash/violations.h"
#include "tests/support/test_client.h"

namespace innkeeper::crash {

// Reads each of these rooms of `ledger` and checks that it is whole: that its
// fields and its whole state are those that were asked for; if it was replaced, that
// it is tombstoned and that it and its successor refer to each other; else, that it
// is active, has its alias, and can be upgraded. Rooms that the log does not have
// must not be there. `client` needs the role admin. Some rooms are read at a time.
void CheckRooms(const TestClient& client, const Ledger& ledger,
                const std::vector<std::string>& room_ids, Violations& violations);

// Lists all rooms and checks that they are those of the log, each once, and that
// none is upgrading.
void CheckRoomList(const TestClient& client, const Ledger& ledger, Violations& violations);

// Checks that no room is upgrading.
void CheckNoneUpgrading(const TestClient& client, Violations& violations);

}  // namespace innkeeper::crash

#endif  // INNKEEPER_TESTS_CRASH_ROOM_CHECK_H_
