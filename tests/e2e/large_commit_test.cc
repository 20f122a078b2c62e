// A commit with more events than any message brings comes in parts, each but the last with a
// mark, on streams and on pages: here the largest that a call can make, a room with as many
// invites as a server may be told to take.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/e2e/e2e_test.h"
#include "tests/support/consumer_stream.h"
#include "tests/support/people.h"
#include "tests/support/watch_stream.h"

namespace innkeeper {
namespace {

constexpr int kInvites = 10'000;
constexpr int kMostInAMessage = 4000;  // of events, to readers who ask for no other limit
// Of a room before it, of the room and its invites, of a room behind it.
constexpr int64_t kFirst = 2;
constexpr int64_t kLast = kFirst + kInvites;
constexpr int64_t kEvents = kLast + 1;

// What goes together: a message of a stream, or a page.
struct Part {
  std::vector<v1::RoomEvent> events;
  bool commit_continues = false;
};

// Expects that the parts have all events behind `after`, and that a part which ends in the
// midst of a commit says so, and no other. Returns how many parts say so.
int ExpectWhole(const std::vector<Part>& parts, int64_t after) {
  int marks = 0;
  std::optional<Part> before;
  for (const Part& part : parts) {
    for (const v1::RoomEvent& event : part.events) EXPECT_EQ(event.sequence(), ++after);
    if (part.events.empty()) continue;
    if (before) {
      const bool goes_on = part.events.front().commit_id() == before->events.back().commit_id();
      EXPECT_EQ(before->commit_continues, goes_on)
          << "between " << before->events.back().sequence() << " and the next";
    }
    marks += part.commit_continues ? 1 : 0;
    before = part;
  }
  EXPECT_EQ(after, kEvents);
  EXPECT_FALSE(before && before->commit_continues);
  return marks;
}

class LargeCommitTest : public testing::Test {
 protected:
  void Fill() {
    client_->Create(RoomRequest(kAlice));
    v1::CreateRoomRequest request = RoomRequest(kAlice);
    for (int i = 0; i < kInvites; ++i) {
      request.add_invites(absl::StrCat("@guest", i, ":elsewhere.example"));
    }
    client_->Create(request);
    client_->Create(RoomRequest(kAlice));
  }

  void Restart() {
    ASSERT_TRUE(server_.Stop().ok());
    server_.Start();
    client_ = std::make_unique<TestClient>(server_.address(), TestToken("admin"));
  }

  static v1::WatchRoomEventsRequest FromOldest() {
    v1::WatchRoomEventsRequest request;
    request.set_position(v1::START_POSITION_OLDEST);
    return request;
  }

  // The messages with events up to the last.
  static std::vector<Part> Read(WatchStream& stream) {
    std::vector<Part> parts;
    for (int64_t sequence = 0; sequence < kEvents;) {
      const auto message = stream.Next();
      if (!message) {
        ADD_FAILURE() << stream.Finish().error_message();
        break;
      }
      if (!message->has_events()) {
        EXPECT_FALSE(!parts.empty() && parts.back().commit_continues)
            << "in the midst of a commit: " << message->ShortDebugString();
        continue;
      }
      const auto& events = message->events();
      parts.push_back(
          {{events.events().begin(), events.events().end()}, events.commit_continues()});
      sequence = parts.back().events.back().sequence();
    }
    return parts;
  }

  std::vector<Part> ReadPages(int page_size) {
    std::vector<Part> parts;
    v1::ListRoomEventsRequest request;
    request.set_page_size(page_size);
    while (true) {
      const auto page = client_->ListRoomEvents(request);
      EXPECT_TRUE(page.ok()) << page.status.error_message();
      const auto& response = page.response;
      parts.push_back(
          {{response.events().begin(), response.events().end()}, response.commit_continues()});
      if (!response.has_more()) return parts;
      request.set_after_cursor(response.next_cursor());
    }
  }

  TestServer server_{[](ServerConfig& config) { config.max_invites = kInvites; }};
  std::unique_ptr<TestClient> client_ =
      std::make_unique<TestClient>(server_.address(), TestToken("admin"));
};

TEST_F(LargeCommitTest, ComesInMarkedPartsLiveAndFromTheLog) {
  WatchStream live(*client_, FromOldest());
  v1::WatchRoomEventsRequest small = FromOldest();
  small.set_max_batch_events(7);
  small.set_max_batch_bytes(1024);
  WatchStream live_in_small_parts(*client_, small);
  Fill();
  EXPECT_GE(ExpectWhole(Read(live), 0), kInvites / kMostInAMessage);
  EXPECT_GE(ExpectWhole(Read(live_in_small_parts), 0), kInvites / 7);

  Restart();
  WatchStream again(*client_, FromOldest());
  const std::vector<Part> parts = Read(again);
  EXPECT_GE(ExpectWhole(parts, 0), kInvites / kMostInAMessage);
  EXPECT_GE(ExpectWhole(ReadPages(1000), 0), kInvites / 1000);

  // From a place in the midst of it.
  for (const Part& part : parts) {
    const v1::RoomEvent& event = part.events[part.events.size() / 2];
    if (event.sequence() < kFirst + kInvites / 2) continue;
    v1::WatchRoomEventsRequest resumed;
    resumed.set_after_cursor(event.cursor());
    WatchStream rest(*client_, resumed);
    EXPECT_GE(ExpectWhole(Read(rest), event.sequence()), kInvites / 2 / kMostInAMessage);
    break;
  }
}

TEST_F(LargeCommitTest, OfAFilterHasNoMarksBehindItsLastEvent) {
  Fill();
  v1::WatchRoomEventsRequest request = FromOldest();
  request.mutable_filter()->add_types("room.created");
  WatchStream stream(*client_, request);
  for (const Part& part : Read(stream)) EXPECT_FALSE(part.commit_continues);
}

TEST_F(LargeCommitTest, IsDeliveredToDurableSubscriptionsAsWell) {
  v1::CreateSubscriptionRequest create;
  create.mutable_subscription()->set_name("all");
  ASSERT_TRUE(client_->CreateSubscription(create).ok());
  Fill();
  v1::ConsumeEventsRequest request;
  request.set_name("all");
  request.set_max_batch_events(1000);
  ConsumerStream consumer(*client_, request);
  int64_t newest_of_room = kFirst - 1;
  for (int64_t count = 0; count < kEvents;) {
    for (const v1::DeliveredEvent& event : consumer.NextEvents(1)) {
      ++count;
      const int64_t sequence = event.event().sequence();
      if (sequence < kFirst || sequence > kLast) continue;
      EXPECT_EQ(sequence, ++newest_of_room);
    }
    ASSERT_TRUE(consumer.Ack().ok());
  }
  EXPECT_EQ(newest_of_room, kLast);
}

}  // namespace
}  // namespace innkeeper
