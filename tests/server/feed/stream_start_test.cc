// Streams that start at a time, or with the rooms as they are.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "server/base/clock.h"
#include "server/errors/errors.h"
#include "server/events/event_codec.h"
#include "server/feed/event_feed.h"
#include "server/feed/stream_reader.h"
#include "server/metrics/metrics.h"
#include "server/values/timestamp.h"
#include "storage/room_store.h"
#include "tests/server/feed/test_feed.h"
#include "tests/support/hooked_engine.h"

namespace innkeeper::feed {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

v1::WatchRoomEventsRequest FromTime(absl::Time time) {
  v1::WatchRoomEventsRequest request;
  SetTimestamp(absl::ToUnixMicros(time), request.mutable_start_time());
  return request;
}

v1::WatchRoomEventsRequest FromSnapshot() {
  v1::WatchRoomEventsRequest request;
  request.set_position(v1::START_POSITION_SNAPSHOT);
  return request;
}

absl::Time CommitTime(TestFeed& feed, storage::LogPosition position) {
  return feed.engine().ReadLog(position, 1, 1).value().front().commit_time;
}

// Commits a room together with its "room.created".
void CreateRoom(TestFeed& feed, const std::string& room_id, const std::string& audience = "") {
  storage::RoomRecord record;
  record.set_room_id(room_id);
  record.set_creator("@a:x");
  record.set_audience(audience);
  v1::RoomCreated created;
  created.set_room_id(room_id);
  storage::RoomCommit commit;
  commit.CreateRoom(record);
  commit.AppendLog(EncodeEvent(created, {.audience = audience, .creator = "@a:x"}));
  const storage::CommitResult result = CommitAndWait(feed.engine(), commit.Take());
  ASSERT_TRUE(result.status.ok()) << result.status;
}

// Takes the rooms of a snapshot up to its end, and returns their ids.
std::vector<std::string> TakeSnapshot(TestStream& stream, v1::RoomSnapshotEnd* end = nullptr) {
  std::vector<std::string> room_ids;
  while (true) {
    const v1::WatchRoomEventsResponse message = stream.Next();
    if (message.has_snapshot_end()) {
      if (end != nullptr) *end = message.snapshot_end();
      return room_ids;
    }
    EXPECT_TRUE(message.has_snapshot()) << message.DebugString();
    EXPECT_GT(message.snapshot().rooms_size(), 0);
    for (const v1::Room& room : message.snapshot().rooms()) room_ids.push_back(room.room_id());
  }
}

TEST(StartTimeTest, FindsTheFirstEventSinceATime) {
  TestFeed feed;
  AppendRooms(feed.engine(), {"!1:x", "!2:x"});
  AppendRooms(feed.engine(), 3);
  const auto first_from = [&](absl::Time time) {
    TestStream stream(*feed, FromTime(time));
    const auto confirmed = stream.Next().confirmed();
    EXPECT_EQ(confirmed.head_sequence(), 5);
    TestStream resumed(*feed, After(confirmed.cursor()));
    EXPECT_EQ(resumed.Next().confirmed().start_sequence(), confirmed.start_sequence());
    return confirmed.start_sequence();
  };
  EXPECT_EQ(first_from(absl::UnixEpoch()), 1);
  EXPECT_EQ(first_from(CommitTime(feed, 1)), 1);
  for (int64_t position = 3; position <= 5; ++position) {
    const absl::Time time = CommitTime(feed, static_cast<storage::LogPosition>(position));
    const absl::Time before = CommitTime(feed, static_cast<storage::LogPosition>(position - 1));
    if (before == time) continue;  // within one microsecond
    EXPECT_EQ(first_from(time), position);
    EXPECT_EQ(first_from(before + absl::Microseconds(1)), position);
  }
  EXPECT_EQ(first_from(CommitTime(feed, 5) + absl::Microseconds(1)), 6);
}

TEST(StartTimeTest, BringsWhatFollows) {
  TestFeed feed;
  AppendRooms(feed.engine(), 4);
  feed.Reopen();
  TestStream stream(*feed, FromTime(CommitTime(feed, 3)));
  const int64_t start = stream.Next().confirmed().start_sequence();
  stream.ReadThrough(start - 1, 4);
  EXPECT_EQ(stream.Next().caught_up().sequence(), 4);
}

TEST(StartTimeTest, FutureIsNow) {
  TestFeed feed;
  AppendRooms(feed.engine(), 2);
  TestStream stream(*feed, FromTime(absl::Now() + absl::Hours(1)));
  EXPECT_EQ(stream.Next().confirmed().start_sequence(), 3);
  EXPECT_TRUE(stream.Next().has_caught_up());
  AppendRooms(feed.engine(), 1);
  EXPECT_THAT(Sequences(stream.Next().events().events()), ElementsAre(3));
}

TEST(StartTimeTest, TimeBeforeTheOldestEventIsGoneUnlessNothingWasRemoved) {
  TestFeed feed;
  AppendRooms(feed.engine(), 10);
  const absl::Time sixth = CommitTime(feed, 6);
  ASSERT_TRUE(feed.engine().TrimLog(6).ok());
  for (const absl::Time time : {absl::UnixEpoch(), sixth}) {
    TestStream stream(*feed, FromTime(time));
    const absl::Status gone = stream.AwaitEnd();
    EXPECT_EQ(ReasonOf(gone), v1::ERROR_REASON_EVENT_HISTORY_GONE);
    EXPECT_EQ(stream.sent(), 0);
    TestStream resumed(*feed, After(MetadataOf(gone, "oldest_cursor")));
    EXPECT_EQ(resumed.Next().confirmed().start_sequence(), 6);
  }
  TestStream stream(*feed, FromTime(sixth + absl::Microseconds(1)));
  EXPECT_GE(stream.Next().confirmed().start_sequence(), 7);
}

TEST(StartTimeTest, MustBeATime) {
  TestFeed feed;
  v1::WatchRoomEventsRequest request;
  request.mutable_start_time()->set_nanos(-1);
  EXPECT_THAT(RefusalOf(*feed, request).message(), HasSubstr("start_time"));
  request.mutable_start_time()->set_nanos(0);
  request.mutable_start_time()->set_seconds(300'000'000'000);
  EXPECT_THAT(RefusalOf(*feed, request).message(), HasSubstr("start_time"));
}

TEST(SnapshotTest, ShowsTheRoomsAndThenWhatComes) {
  TestFeed feed;
  for (const char* id : {"!c:x", "!a:x", "!b:x"}) CreateRoom(feed, id);
  TestStream stream(*feed, FromSnapshot());
  const auto confirmed = stream.Next().confirmed();
  EXPECT_EQ(confirmed.cursor(), "");
  EXPECT_EQ(confirmed.start_sequence(), 4);
  CreateRoom(feed, "!later:x");
  v1::RoomSnapshotEnd end;
  EXPECT_THAT(TakeSnapshot(stream, &end), ElementsAre("!a:x", "!b:x", "!c:x"));
  EXPECT_EQ(end.sequence(), 3);
  stream.ReadThrough(3, 4);

  TestStream resumed(*feed, After(end.cursor()));
  EXPECT_EQ(resumed.Next().confirmed().start_sequence(), 4);
}

TEST(SnapshotTest, WhatIsCommittedWhileItIsTakenComesBehindIt) {
  TestFeed feed;
  CreateRoom(feed, "!a:x");
  storage::HookedEngine engine(feed.engine());
  engine.SetSnapshotHook([&feed] { CreateRoom(feed, "!b:x"); });
  const Clock clock = absl::Now;
  const v1::EventRetention retention;
  metrics::FeedMetrics metrics;
  const StreamSources sources = {engine, feed->log(), feed->cursors(), clock, retention, metrics};
  StreamReader reader(
      sources, {.start = {.kind = StreamStart::Kind::kSnapshot}, .batch_limits = {10, 1000}});
  std::vector<std::string> room_ids;
  v1::WatchRoomEventsResponse message;
  while (!message.has_snapshot_end()) {
    const StreamReader::Next next = reader.TryNext();
    if (next.kind == StreamReader::Next::Kind::kMustRead) {
      ASSERT_TRUE(reader.Read().ok());
      continue;
    }
    ASSERT_TRUE(message.ParseFromString(next.message.bytes));
    for (const v1::Room& room : message.snapshot().rooms()) room_ids.push_back(room.room_id());
  }
  EXPECT_THAT(room_ids, ElementsAre("!a:x"));
  EXPECT_EQ(message.snapshot_end().sequence(), 1);
}

TEST(SnapshotTest, OfNoRoomsJustEnds) {
  TestFeed feed;
  TestStream stream(*feed, FromSnapshot());
  EXPECT_TRUE(stream.Next().has_confirmed());
  EXPECT_THAT(TakeSnapshot(stream), IsEmpty());
  EXPECT_EQ(stream.Next().caught_up().sequence(), 0);
}

TEST(SnapshotTest, ComesInMessagesThatAreLimited) {
  TestFeed feed;
  for (int i = 10; i < 30; ++i) CreateRoom(feed, absl::StrCat("!", i, ":x"));
  v1::WatchRoomEventsRequest request = FromSnapshot();
  request.set_max_batch_events(7);
  TestStream stream(*feed, request);
  stream.Next();
  EXPECT_EQ(stream.Next().snapshot().rooms_size(), 7);
  EXPECT_EQ(stream.Next().snapshot().rooms_size(), 7);
  const auto last = stream.Next();
  ASSERT_EQ(last.snapshot().rooms_size(), 6);
  EXPECT_EQ(last.snapshot().rooms(5).room_id(), "!29:x");
  EXPECT_TRUE(stream.Next().has_snapshot_end());
}

TEST(SnapshotTest, FilterChoosesTheRooms) {
  TestFeed feed;
  CreateRoom(feed, "!a:x", "one");
  CreateRoom(feed, "!b:x", "two");
  CreateRoom(feed, "!c:x", "one");
  const auto rooms_with = [&](void (*choose)(v1::RoomEventFilter&)) {
    v1::WatchRoomEventsRequest request = FromSnapshot();
    choose(*request.mutable_filter());
    TestStream stream(*feed, request);
    stream.Next();
    return TakeSnapshot(stream);
  };
  EXPECT_THAT(rooms_with([](v1::RoomEventFilter& f) { f.add_audiences("one"); }),
              ElementsAre("!a:x", "!c:x"));
  EXPECT_THAT(rooms_with([](v1::RoomEventFilter& f) {
                for (const char* id : {"!c:x", "!b:x", "!missing:x"}) f.add_room_ids(id);
              }),
              ElementsAre("!b:x", "!c:x"));
  EXPECT_THAT(rooms_with([](v1::RoomEventFilter& f) {
                for (const char* id : {"!c:x", "!b:x"}) f.add_room_ids(id);
                f.add_audiences("one");
              }),
              ElementsAre("!c:x"));
  EXPECT_THAT(rooms_with([](v1::RoomEventFilter& f) { f.add_topics("rooms/!b:x/events"); }),
              ElementsAre("!b:x"));
  EXPECT_THAT(rooms_with([](v1::RoomEventFilter& f) { f.add_types(kRoomUpgradedType); }),
              ElementsAre("!a:x", "!b:x", "!c:x"));
  EXPECT_THAT(rooms_with([](v1::RoomEventFilter& f) { f.add_creators("@b:x"); }), IsEmpty());
}

TEST(SnapshotTest, DoesNotShowRoomsThatAreBeingMade) {
  TestFeed feed;
  CreateRoom(feed, "!a:x");
  storage::RoomCommit staging;
  staging.BeginStaging("!b:x", {});
  staging.PutEvent("!b:x", 1, {});
  ASSERT_TRUE(CommitAndWait(feed.engine(), staging.Take()).status.ok());
  TestStream stream(*feed, FromSnapshot());
  stream.Next();
  EXPECT_THAT(TakeSnapshot(stream), ElementsAre("!a:x"));
}

TEST(SnapshotTest, RoomsAreInTheSnapshotOrComeBehindItButNotBoth) {
  TestFeed feed;
  constexpr int kRooms = 300;
  std::thread writer([&] {
    for (int i = 0; i < kRooms; ++i) CreateRoom(feed, absl::StrCat("!", 1000 + i, ":x"));
  });
  for (int i = 0; i < 10; ++i) {
    v1::WatchRoomEventsRequest request = FromSnapshot();
    request.set_max_batch_events(10);
    TestStream stream(*feed, request);
    const auto confirmed = stream.Next().confirmed();
    v1::RoomSnapshotEnd end;
    const std::vector<std::string> rooms = TakeSnapshot(stream, &end);
    // One event made each room.
    EXPECT_EQ(static_cast<int64_t>(rooms.size()), end.sequence());
    EXPECT_EQ(confirmed.start_sequence(), end.sequence() + 1);
    stream.ReadThrough(end.sequence(), kRooms);
  }
  writer.join();
}

TEST(SnapshotTest, ReaderThatTakesTooLongIsEndedAndHoldsNothing) {
  TestFeed::Options options;
  options.feed.snapshot_timeout = absl::Milliseconds(100);
  TestFeed feed(options);
  for (int i = 10; i < 30; ++i) CreateRoom(feed, absl::StrCat("!", i, ":x"));
  v1::WatchRoomEventsRequest request = FromSnapshot();
  request.set_max_batch_events(1);
  TestStream slow(*feed, request);
  slow.Next();
  slow.AwaitMessage();
  const absl::Status end = slow.AwaitBreak();
  EXPECT_EQ(ReasonOf(end), v1::ERROR_REASON_STREAM_STALLED);
  EXPECT_THAT(end.message(), HasSubstr("snapshot"));

  TestStream quick(*feed, FromSnapshot());
  quick.Next();
  EXPECT_EQ(TakeSnapshot(quick).size(), 20u);
}

TEST(SnapshotTest, DrainDoesNotWaitForIt) {
  TestFeed feed;
  for (int i = 10; i < 30; ++i) CreateRoom(feed, absl::StrCat("!", i, ":x"));
  v1::WatchRoomEventsRequest request = FromSnapshot();
  request.set_max_batch_events(1);
  TestStream stream(*feed, request);
  stream.Next();
  stream.AwaitMessage();
  TestStream witness(*feed, FromNow());  // is told of the drain behind the other
  witness.Next();
  witness.Next();
  std::thread drain([&] { EXPECT_TRUE(feed->Drain(absl::InfiniteFuture())); });
  EXPECT_TRUE(witness.Next().has_progress());
  EXPECT_TRUE(stream.Next().has_snapshot());
  EXPECT_EQ(ReasonOf(stream.AwaitEnd()), v1::ERROR_REASON_SHUTTING_DOWN);
  EXPECT_EQ(stream.sent(), 2) << "and no progress, which would have no cursor";
  EXPECT_TRUE(absl::IsUnavailable(witness.AwaitEnd()));
  drain.join();
}

}  // namespace
}  // namespace innkeeper::feed
