// File: tests/server/rooms/build_context.h

#ifndef INNKEEPER_TESTS_SERVER_ROOMS_BUILD_CONTEXT_H_
#define INNKEEPER_TESTS_SERVER_ROOMS_BUILD_CONTEXT_H_

#include <string>

#include "server/rooms/event_chain.h"

namespace innkeeper::rooms {

inline constexpr char kServer[] = "example.org";

// What this server gives to what builds events.
inline BuildContext Context(const std::string& nonce = "0123456789abcdef") {
  return {.server_name = kServer, .origin_server_ts = 1700000000000, .nonce = nonce};
}

}  // namespace innkeeper::rooms

#endif  // INNKEEPER_TESTS_SERVER_ROOMS_BUILD_CONTEXT_H_
