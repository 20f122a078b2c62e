#include "tests/crash/event_log.h"

#include <algorithm>

#include "absl/time/time.h"
#include "google/protobuf/util/message_differencer.h"
#include "tests/support/test_client.h"
#include "tests/support/test_server.h"

namespace innkeeper::crash {
namespace {

using google::protobuf::util::MessageDifferencer;

// Far more than it takes a stream that does not hang.
constexpr absl::Duration kStreamPatience = absl::Minutes(1);

}  // namespace

std::vector<v1::RoomEvent> EventLog::ReadOn(const std::string& address) {
  const TestClient client(address, TestToken("watcher"));
  v1::ListRoomEventsRequest request;
  request.set_page_size(1000);
  std::vector<v1::RoomEvent> events;
  bool more = true;
  while (more) {
    request.set_after_cursor(cursor_);
    const Reply<v1::ListRoomEventsResponse> reply = client.ListRoomEvents(request);
    if (!violations_.Expect(reply.ok(), "no log: ", reply.status.error_message())) break;
    events.insert(events.end(), reply.response.events().begin(), reply.response.events().end());
    cursor_ = reply.response.next_cursor();
    more = reply.response.has_more();
  }
  if (!events.empty()) head_sequence_ = events.back().sequence();
  return events;
}

void CheckStream(const EventLog& log, const std::string& address, Watcher& watcher,
                 Violations& violations) {
  violations.Expect(watcher.WaitFor(log.head_sequence(), kStreamPatience),
                    "the stream does not get to event ", log.head_sequence());
  const std::vector<v1::RoomEvent> streamed = watcher.events();
  const std::vector<v1::RoomEvent> logged = EventLog(violations).ReadOn(address);
  violations.Expect(streamed.size() == logged.size(), "the stream had ", streamed.size(),
                    " events, and the log has ", logged.size());
  for (size_t i = 0; i < std::min(streamed.size(), logged.size()); ++i) {
    violations.Expect(MessageDifferencer::Equals(streamed[i], logged[i]),
                      "the log now has another event ", streamed[i].sequence());
  }
}

}  // namespace innkeeper::crash
