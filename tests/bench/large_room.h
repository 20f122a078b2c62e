// File: tests/bench/large_room.h
//
// Rooms with more members than could be made to join one by one.

#ifndef INNKEEPER_TESTS_BENCH_LARGE_ROOM_H_
#define INNKEEPER_TESTS_BENCH_LARGE_ROOM_H_

#include <string>

#include "server/config/config.h"

namespace innkeeper::bench {

// Lets `count` users, every other of them of another server, join a public room of a store
// that no server has open: other servers' users can't join through the API.
void AddMembers(const ServerConfig& config, const std::string& room_id, int count);

}  // namespace innkeeper::bench

#endif  // INNKEEPER_TESTS_BENCH_LARGE_ROOM_H_
