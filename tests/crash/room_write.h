// File: tests/crash/room_write.h
//
// What is written into a room that is there.

#ifndef INNKEEPER_TESTS_CRASH_ROOM_WRITE_H_
#define INNKEEPER_TESTS_CRASH_ROOM_WRITE_H_

#include <cstdint>
#include <limits>
#include <string>

#include "innkeeper/v1/room_state.pb.h"
#include "tests/crash/operation.h"
#include "tests/support/test_client.h"

namespace innkeeper::crash {

// The event that is to come of a write: a message, an entry of the state, a membership
// (invite, join, leave or ban) or a redaction.
struct WantedEvent {
  std::string room_id;
  // Type, sender, content, state key and what it redacts; the rest is the server's to give.
  v1::TimelineEvent event;
  // Told apart by it from all others: it is in the content.
  std::string mark;
  std::string request_id;  // empty: not to be repeated
};

WantedEvent MessageOf(const std::string& sender, const std::string& mark);
WantedEvent StateOf(const std::string& sender, const std::string& state_key,
                    const std::string& mark);
WantedEvent MembershipOf(const std::string& sender, const std::string& user,
                         const std::string& membership, const std::string& mark);
WantedEvent RedactionOf(const std::string& sender, const std::string& event_id,
                        const std::string& mark);

// The mark in an event's content; empty if it has none, as one that was redacted.
std::string MarkOf(const v1::TimelineEvent& event);

// A write; answered with the event's id. Times are ticks of one clock for all writers.
struct RoomWrite : Operation<WantedEvent, std::string> {
  int64_t begun = 0;
  int64_t answered = std::numeric_limits<int64_t>::max();
};

// Makes an attempt of `write`. `client` may act for the event's sender.
void Attempt(const TestClient& client, RoomWrite& write);

}  // namespace innkeeper::crash

#endif  // INNKEEPER_TESTS_CRASH_ROOM_WRITE_H_
