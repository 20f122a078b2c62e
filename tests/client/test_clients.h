// File: tests/client/test_clients.h
//
// What the tests of the client library share.

#ifndef INNKEEPER_TESTS_CLIENT_TEST_CLIENTS_H_
#define INNKEEPER_TESTS_CLIENT_TEST_CLIENTS_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "client/event_reader.h"
#include "client/options.h"
#include "innkeeper/v1/room_event.pb.h"
#include "tests/support/test_server.h"

namespace innkeeper {

// Options for a client that speaks for a principal of TestServer and hardly waits
// between attempts.
inline ClientOptions TestOptions(const std::string& endpoint, absl::string_view principal) {
  return {.endpoint = endpoint,
          .tls = std::nullopt,
          .token = FixedToken(TestToken(principal)),
          .backoff = {.initial = absl::Milliseconds(1), .maximum = absl::Milliseconds(20)}};
}

// The next item that is a What; the others up to it are dropped. Nothing if the watch
// ends before.
template <typename What>
std::optional<What> NextOf(EventReader& reader) {
  while (auto item = reader.Next()) {
    if (auto* what = std::get_if<What>(&item->what)) return std::move(*what);
  }
  return std::nullopt;
}

// The sequences of the next `count` events; fewer if the watch ends before.
inline std::vector<int64_t> NextSequences(EventReader& reader, size_t count) {
  std::vector<int64_t> sequences;
  while (sequences.size() < count) {
    const auto event = NextOf<v1::RoomEvent>(reader);
    if (!event) break;
    sequences.push_back(event->sequence());
  }
  return sequences;
}

}  // namespace innkeeper

#endif  // INNKEEPER_TESTS_CLIENT_TEST_CLIENTS_H_
