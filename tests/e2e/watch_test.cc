// WatchRoomEvents and ListRoomEvents do what their comments promise.

#include <algorithm>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/e2e/e2e_test.h"
#include "tests/support/people.h"
#include "tests/support/watch_stream.h"

namespace innkeeper {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// Each test has a log of its own.
class WatchTest : public testing::Test {
 protected:
  void Restart() {
    ASSERT_TRUE(server_.Stop().ok());
    server_.Start();
    client_ = std::make_unique<TestClient>(server_.address(), TestToken("admin"));
  }

  std::string Create() { return client_->Create(RoomRequest(kAlice)).room_id(); }

  std::string Upgrade(const std::string& room_id) {
    const auto reply = client_->UpgradeRoom(UpgradeRequest(room_id, kAlice, "12"));
    EXPECT_TRUE(reply.ok()) << reply.status.error_message();
    return reply.response.room().room_id();
  }

  static v1::WatchRoomEventsRequest FromOldest() {
    v1::WatchRoomEventsRequest request;
    request.set_position(v1::START_POSITION_OLDEST);
    return request;
  }

  static v1::WatchRoomEventsRequest After(const std::string& cursor) {
    v1::WatchRoomEventsRequest request;
    request.set_after_cursor(cursor);
    return request;
  }

  grpc::Status Refusal(const v1::WatchRoomEventsRequest& request) {
    WatchStream stream(*client_, request);
    EXPECT_FALSE(stream.Next()) << "not even confirmed";
    return stream.Finish();
  }

  TestServer server_;
  std::unique_ptr<TestClient> client_ =
      std::make_unique<TestClient>(server_.address(), TestToken("admin"));
};

std::vector<int64_t> Sequences(const std::vector<v1::RoomEvent>& events) {
  std::vector<int64_t> sequences;
  for (const v1::RoomEvent& event : events) sequences.push_back(event.sequence());
  return sequences;
}

std::vector<std::string> Bytes(const std::vector<v1::RoomEvent>& events) {
  std::vector<std::string> bytes;
  for (const v1::RoomEvent& event : events) bytes.push_back(event.SerializeAsString());
  return bytes;
}

TEST_F(WatchTest, AStreamOfAnEmptyLogIsConfirmedCaughtUpAndThenLive) {
  WatchStream stream(*client_, FromOldest());
  const auto first = stream.Next();
  ASSERT_TRUE(first && first->has_confirmed());
  EXPECT_EQ(first->confirmed().start_sequence(), 1);
  EXPECT_EQ(first->confirmed().head_sequence(), 0);
  EXPECT_NE(first->confirmed().cursor(), "");
  const auto second = stream.Next();
  ASSERT_TRUE(second && second->has_caught_up());
  EXPECT_EQ(second->caught_up().sequence(), 0);

  const std::string room_id = Create();
  const auto third = stream.Next();
  ASSERT_TRUE(third && third->has_events());
  ASSERT_EQ(third->events().events_size(), 1);
  const v1::RoomEvent& event = third->events().events(0);
  EXPECT_EQ(event.type(), "room.created");
  EXPECT_EQ(event.room_id(), room_id);
  EXPECT_EQ(event.sequence(), 1);
  EXPECT_TRUE(event.has_commit_time());
  EXPECT_LE(event.cursor().size(), 256u);
}

TEST_F(WatchTest, NowIsBehindTheNewestEvent) {
  Create();
  Create();
  for (const auto position : {v1::START_POSITION_UNSPECIFIED, v1::START_POSITION_NOW}) {
    v1::WatchRoomEventsRequest request;
    if (position != v1::START_POSITION_UNSPECIFIED) request.set_position(position);
    WatchStream stream(*client_, request);
    const auto confirmed = stream.Next()->confirmed();
    EXPECT_EQ(confirmed.start_sequence(), confirmed.head_sequence() + 1);
    EXPECT_EQ(confirmed.oldest_sequence(), 1);
    EXPECT_THAT(stream.UntilCaughtUp(), IsEmpty());
    const std::string room_id = Create();
    EXPECT_EQ(stream.NextEvents(1)[0].room_id(), room_id);
  }
}

TEST_F(WatchTest, OldestBringsTheWholeLogInOrder) {
  for (int i = 0; i < 5; ++i) Upgrade(Create());
  WatchStream stream(*client_, FromOldest());
  const auto confirmed = stream.Next()->confirmed();
  EXPECT_EQ(confirmed.start_sequence(), 1);
  EXPECT_EQ(confirmed.head_sequence(), 15);
  const std::vector<v1::RoomEvent> events = stream.UntilCaughtUp();
  ASSERT_EQ(events.size(), 15u);
  for (size_t i = 0; i < events.size(); ++i) {
    EXPECT_EQ(events[i].sequence(), static_cast<int64_t>(i) + 1);
    if (i > 0) {
      EXPECT_GE(events[i].commit_id(), events[i - 1].commit_id());
    }
  }
  EXPECT_EQ(Bytes(client_->AllEvents()), Bytes(events)) << "the unary twin says the same";
}

TEST_F(WatchTest, EveryEventsCursorResumesRightBehindIt) {
  Upgrade(Upgrade(Create()));
  const std::vector<v1::RoomEvent> events = client_->AllEvents();
  for (size_t i = 0; i < events.size(); ++i) {
    const std::vector<std::string> rest =
        Bytes({events.begin() + static_cast<long>(i) + 1, events.end()});
    WatchStream stream(*client_, After(events[i].cursor()));
    EXPECT_EQ(stream.Next()->confirmed().start_sequence(), events[i].sequence() + 1);
    EXPECT_EQ(Bytes(stream.UntilCaughtUp()), rest);
    v1::ListRoomEventsRequest list;
    list.set_after_cursor(events[i].cursor());
    const auto page = client_->ListRoomEvents(list).response;
    EXPECT_EQ(Bytes({page.events().begin(), page.events().end()}), rest);
  }
}

TEST_F(WatchTest, TheEventsOfACommitAreInOneBatch) {
  WatchStream stream(*client_, {});
  stream.UntilCaughtUp();
  const std::string room_id = Create();
  stream.NextEvents(1);
  const std::string new_id = Upgrade(room_id);
  const auto message = stream.Next();
  ASSERT_EQ(message->events().events_size(), 2);
  EXPECT_EQ(message->events().events(0).room_id(), new_id);
  EXPECT_EQ(message->events().events(1).room_id(), room_id);
  EXPECT_EQ(message->events().events(0).commit_id(), message->events().events(1).commit_id());

  v1::ListRoomEventsRequest list;
  list.set_page_size(2);
  auto page = client_->ListRoomEvents(list).response;
  EXPECT_TRUE(page.has_more());
  int events = page.events_size();
  while (page.has_more()) {
    list.set_after_cursor(page.next_cursor());
    page = client_->ListRoomEvents(list).response;
    EXPECT_NE(page.events_size() > 0 ? page.events(0).type() : "", "room.upgraded");
    events += page.events_size();
  }
  EXPECT_EQ(events, 3);
}

TEST_F(WatchTest, FiltersByTypeAndRoom) {
  const std::string first = Create();
  const std::string second = Create();
  const std::string third = Upgrade(first);
  client_->UpgradeRoom(UpgradeRequest(second, kAlice, "99"));

  const auto expect = [&](const v1::RoomEventFilter& filter,
                          const std::vector<int64_t>& sequences) {
    v1::WatchRoomEventsRequest request = FromOldest();
    *request.mutable_filter() = filter;
    WatchStream stream(*client_, request);
    EXPECT_EQ(Sequences(stream.UntilCaughtUp()), sequences);
    v1::ListRoomEventsRequest list;
    *list.mutable_filter() = filter;
    const auto page = client_->ListRoomEvents(list).response;
    EXPECT_EQ(Sequences({page.events().begin(), page.events().end()}), sequences);
  };
  v1::RoomEventFilter filter;
  expect(filter, {1, 2, 3, 4, 5});
  filter.add_types("room.created");
  expect(filter, {1, 2, 3});
  filter.add_types("room.upgrade.failed");
  expect(filter, {1, 2, 3, 5});
  filter.add_room_ids(second);
  expect(filter, {2, 5});
  filter.clear_types();
  expect(filter, {2, 5});
  filter.set_room_ids(0, third);
  expect(filter, {3, 4});  // room.upgraded is about both rooms
  filter.set_room_ids(0, first);
  expect(filter, {1, 4});
  filter.set_room_ids(0, "!nobody:example.org");
  expect(filter, {});
}

TEST_F(WatchTest, ACursorKeepsItsPlaceInAFilteredStream) {
  v1::RoomEventFilter filter;
  filter.add_types("room.upgraded");
  v1::ListRoomEventsRequest list;
  *list.mutable_filter() = filter;
  Create();
  auto page = client_->ListRoomEvents(list).response;
  EXPECT_THAT(page.events(), IsEmpty());
  EXPECT_FALSE(page.has_more());
  ASSERT_NE(page.next_cursor(), "");
  const std::string room_id = Create();
  Upgrade(room_id);
  list.set_after_cursor(page.next_cursor());
  page = client_->ListRoomEvents(list).response;
  ASSERT_EQ(page.events_size(), 1);
  EXPECT_EQ(page.events(0).room_id(), room_id);
}

TEST_F(WatchTest, SilenceIsBrokenByProgress) {
  v1::WatchRoomEventsRequest request;
  request.set_progress_interval_seconds(1);
  request.mutable_filter()->add_types("room.upgraded");
  WatchStream stream(*client_, request);
  stream.UntilCaughtUp();
  Create();
  // The filter leaves the event out, but not its place.
  std::optional<v1::WatchRoomEventsResponse> message;
  do {
    message = stream.Next();
    ASSERT_TRUE(message && message->has_progress());
  } while (message->progress().sequence() < 1);
  v1::WatchRoomEventsRequest rest = After(stream.cursor());
  *rest.mutable_filter() = request.filter();
  WatchStream resumed(*client_, rest);
  EXPECT_EQ(resumed.Next()->confirmed().start_sequence(), 2);
}

TEST_F(WatchTest, ResumesAcrossARestartWithoutLossOrRepetition) {
  Create();
  std::string cursor;
  std::vector<v1::RoomEvent> seen;
  {
    WatchStream stream(*client_, FromOldest());
    stream.Next();
    seen = stream.UntilCaughtUp();
    Upgrade(Create());
    for (v1::RoomEvent& event : stream.NextEvents(3)) seen.push_back(std::move(event));
    cursor = stream.cursor();
  }
  Restart();
  Create();
  WatchStream stream(*client_, After(cursor));
  for (v1::RoomEvent& event : stream.UntilCaughtUp()) seen.push_back(std::move(event));
  Create();
  for (v1::RoomEvent& event : stream.NextEvents(1)) seen.push_back(std::move(event));
  EXPECT_THAT(Sequences(seen), ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_EQ(Bytes(seen), Bytes(client_->AllEvents()));
}

TEST_F(WatchTest, ManyWritersAndStreamsSeeOneOrder) {
  std::vector<std::unique_ptr<WatchStream>> streams;
  for (int i = 0; i < 4; ++i) {
    streams.push_back(std::make_unique<WatchStream>(*client_, FromOldest()));
  }
  AtOnce(8, [&](int) {
    for (int i = 0; i < 5; ++i) Upgrade(Create());
    return 0;
  });
  const std::vector<std::string> expected = Bytes(client_->AllEvents());
  EXPECT_EQ(expected.size(), 8u * 5 * 3);
  for (auto& stream : streams) EXPECT_EQ(Bytes(stream->NextEvents(expected.size())), expected);
}

TEST_F(WatchTest, CursorsThatCannotBeUsedAreRefused) {
  Create();
  v1::ListRoomEventsRequest list;
  list.mutable_filter()->add_types("room.created");
  const std::string filtered = client_->ListRoomEvents(list).response.next_cursor();
  const std::string plain = client_->ListRoomEvents({}).response.next_cursor();
  std::string tampered = plain;
  tampered[tampered.size() / 2] = tampered[tampered.size() / 2] == 'A' ? 'B' : 'A';
  TestServer other;
  const TestClient other_client(other.address(), TestToken("admin"));
  const std::string foreign = other_client.ListRoomEvents({}).response.next_cursor();

  for (const std::string& cursor : {tampered, filtered, foreign, std::string("nonsense"),
                                    std::string(5000, 'A'), plain.substr(1)}) {
    SCOPED_TRACE(cursor.substr(0, 60));
    const grpc::Status watched = Refusal(After(cursor));
    EXPECT_THAT(watched, IsError(grpc::StatusCode::INVALID_ARGUMENT, "CURSOR_INVALID"));
    EXPECT_NE(MetadataOf(watched)["cause"], "");
    list.Clear();
    list.set_after_cursor(cursor);
    const grpc::Status listed = client_->ListRoomEvents(list).status;
    EXPECT_THAT(listed, IsError(grpc::StatusCode::INVALID_ARGUMENT, "CURSOR_INVALID"));
    EXPECT_EQ(listed.error_details(), watched.error_details());
  }
  EXPECT_EQ(MetadataOf(Refusal(After(filtered)))["cause"], "other-filter");
}

TEST_F(WatchTest, BadRequestsAreRefusedFieldByField) {
  v1::WatchRoomEventsRequest request;
  request.set_position(static_cast<v1::StartPosition>(7));
  request.set_progress_interval_seconds(3601);
  request.mutable_filter()->add_types("room.created");
  request.mutable_filter()->add_types("room.vanished");
  request.mutable_filter()->add_room_ids("room");
  EXPECT_THAT(Refusal(request), IsInvalid({"position", "progress_interval_seconds",
                                           "filter.types[1]", "filter.room_ids[0]"}));
  request.Clear();
  request.set_progress_interval_seconds(-1);
  EXPECT_THAT(Refusal(request), IsInvalid({"progress_interval_seconds"}));
  request.Clear();
  for (int i = 0; i < 33; ++i) request.mutable_filter()->add_types("room.created");
  for (int i = 0; i < 1001; ++i) request.mutable_filter()->add_room_ids(absl::StrCat("!", i, ":x"));
  EXPECT_THAT(Refusal(request), IsInvalid({"filter.types", "filter.room_ids"}));
  v1::ListRoomEventsRequest list;
  *list.mutable_filter() = request.filter();
  list.set_page_size(-5);
  EXPECT_THAT(client_->ListRoomEvents(list).status,
              IsInvalid({"filter.types", "filter.room_ids", "page_size"}));
}

TEST_F(WatchTest, ADrainEndsStreamsWithALastProgressAndTheShutdown) {
  const std::string room_id = Create();
  WatchStream stream(*client_, FromOldest());
  stream.UntilCaughtUp();
  std::thread stopping([this] { EXPECT_TRUE(server_.Stop().ok()); });
  std::optional<v1::WatchRoomEventsResponse> last;
  while (auto message = stream.Next()) last = std::move(message);
  EXPECT_THAT(stream.Finish(), IsError(grpc::StatusCode::UNAVAILABLE, "SHUTTING_DOWN"));
  stopping.join();
  ASSERT_TRUE(last && last->has_progress());
  EXPECT_EQ(last->progress().sequence(), 1);

  server_.Start();
  client_ = std::make_unique<TestClient>(server_.address(), TestToken("admin"));
  Upgrade(room_id);
  WatchStream resumed(*client_, After(stream.cursor()));
  EXPECT_THAT(Sequences(resumed.UntilCaughtUp()), ElementsAre(2, 3));
}

}  // namespace
}  // namespace innkeeper
