// What a message brings, how far behind a stream is, and what it says of that.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "server/base/clock.h"
#include "server/errors/errors.h"
#include "server/feed/event_feed.h"
#include "tests/server/feed/test_feed.h"

namespace innkeeper::feed {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Ge;
using ::testing::HasSubstr;
using ::testing::Le;

// Keeps so little in memory that readers must go to the log.
TestFeed::Options LittleMemory() {
  TestFeed::Options options;
  options.feed.log.max_recent_events = 4;
  return options;
}

v1::WatchRoomEventsRequest InBatchesOf(int32_t events, v1::WatchRoomEventsRequest request) {
  request.set_max_batch_events(events);
  return request;
}

// Waits until the feed has the events up to that one in memory, as far as they fit.
void AwaitEvents(TestFeed& feed, int64_t sequence) {
  TestStream stream(*feed, FromOldest());
  stream.Next();
  stream.ReadThrough(0, sequence);
}

absl::Duration AgeIn(const v1::StreamLag& lag) {
  return absl::Seconds(lag.age().seconds()) + absl::Nanoseconds(lag.age().nanos());
}

TEST(EventBatchTest, CommitsArePartedOnlyIfTheyAreLargerThanABatch) {
  TestFeed feed;
  AppendRooms(feed.engine(), {"!1:x", "!2:x"});
  AppendRooms(feed.engine(), {"!3:x", "!4:x"});
  AppendRooms(feed.engine(), {"!5:x", "!6:x", "!7:x", "!8:x", "!9:x"});
  AppendRooms(feed.engine(), {"!10:x"});
  AwaitEvents(feed, 10);
  for (const bool from_memory : {true, false}) {
    SCOPED_TRACE(from_memory);
    if (!from_memory) feed.Reopen();
    TestStream stream(*feed, InBatchesOf(3, FromOldest()));
    stream.Next();
    const auto expect = [&](const std::vector<int64_t>& sequences, bool continues) {
      const auto message = stream.Next();
      EXPECT_EQ(Sequences(message.events().events()), sequences);
      EXPECT_EQ(message.events().commit_continues(), continues);
    };
    expect({1, 2}, false);
    expect({3, 4}, false);
    expect({5, 6, 7}, true);
    expect({8, 9, 10}, false);
    EXPECT_EQ(stream.Next().caught_up().sequence(), 10);
  }
}

TEST(EventBatchTest, CursorsInsideACommitResumeExactly) {
  TestFeed feed;
  AppendRooms(feed.engine(), std::vector<std::string>(10, "!a:x"));
  std::vector<std::string> cursors;
  {
    TestStream stream(*feed, InBatchesOf(4, FromOldest()));
    stream.Next();
    for (int i = 0; i < 3; ++i) cursors.push_back(stream.Next().events().cursor());
  }
  for (const bool from_memory : {true, false}) {
    if (!from_memory) feed.Reopen();
    TestStream second(*feed, InBatchesOf(4, After(cursors[0])));
    EXPECT_EQ(second.Next().confirmed().start_sequence(), 5);
    auto message = second.Next();
    EXPECT_THAT(Sequences(message.events().events()), ElementsAre(5, 6, 7, 8));
    EXPECT_TRUE(message.events().commit_continues());
    message = second.Next();
    EXPECT_THAT(Sequences(message.events().events()), ElementsAre(9, 10));
    EXPECT_FALSE(message.events().commit_continues());
    // With other limits, too.
    TestStream third(*feed, InBatchesOf(2, After(cursors[1])));
    third.Next();
    EXPECT_THAT(Sequences(third.Next().events().events()), ElementsAre(9, 10));
  }
}

TEST(EventBatchTest, CommitThatOnlyPartlyPassesContinuesOnlyForThat) {
  TestFeed feed;
  AppendRooms(feed.engine(), {"!a:x", "!b:x", "!a:x", "!b:x", "!b:x"});
  v1::WatchRoomEventsRequest request = InBatchesOf(2, FromOldest());
  request.mutable_filter()->add_room_ids("!a:x");
  TestStream stream(*feed, request);
  stream.Next();
  const auto message = stream.Next();
  EXPECT_THAT(Sequences(message.events().events()), ElementsAre(1, 3));
  EXPECT_FALSE(message.events().commit_continues());
}

TEST(EventBatchTest, BatchesAreLimitedInBytes) {
  TestFeed feed;
  for (int i = 0; i < 5; ++i) AppendRooms(feed.engine(), {"!" + std::string(400, 'x')});
  AppendRooms(feed.engine(), {"!" + std::string(3000, 'x')});
  AwaitEvents(feed, 6);
  v1::WatchRoomEventsRequest request = FromOldest();
  request.set_max_batch_bytes(2048);
  TestStream stream(*feed, request);
  stream.Next();
  EXPECT_THAT(Sequences(stream.Next().events().events()), ElementsAre(1, 2));
  EXPECT_THAT(Sequences(stream.Next().events().events()), ElementsAre(3, 4));
  EXPECT_THAT(Sequences(stream.Next().events().events()), ElementsAre(5));
  EXPECT_THAT(Sequences(stream.Next().events().events()), ElementsAre(6));
}

TEST(EventBatchTest, HugeCommitDoesNotBecomeAHugeMessage) {
  TestFeed feed(LittleMemory());
  AppendRooms(feed.engine(), std::vector<std::string>(60'000, "!a.room.of.this.server:x"));
  for (const bool from_memory : {true, false}) {
    if (!from_memory) feed.Reopen();
    TestStream stream(*feed, FromOldest());
    stream.Next();
    int64_t sequence = 0;
    while (sequence < 60'000) {
      const auto message = stream.Next();
      ASSERT_LE(message.ByteSizeLong(), 1400u << 10);
      ASSERT_GE(message.events().events_size(), 1);
      for (const v1::RoomEvent& event : message.events().events()) {
        ASSERT_EQ(event.sequence(), ++sequence);
      }
      ASSERT_EQ(message.events().commit_continues(), sequence < 60'000);
    }
  }
}

TEST(EventBatchTest, LimitsAreCheckedFieldByField) {
  TestFeed feed;
  v1::WatchRoomEventsRequest request;
  for (const int32_t wrong : {-1, 4001}) {
    request.set_max_batch_events(wrong);
    EXPECT_THAT(RefusalOf(*feed, request).message(), HasSubstr("max_batch_events: must be 1 to"));
  }
  request.Clear();
  for (const int32_t wrong : {-1, 1023, 1'048'577}) {
    request.set_max_batch_bytes(wrong);
    EXPECT_THAT(RefusalOf(*feed, request).message(), HasSubstr("max_batch_bytes: must be 1024 to"));
  }
  request.set_max_batch_events(4000);
  request.set_max_batch_bytes(1'048'576);
  TestStream stream(*feed, request);
}

TEST(EventBatchTest, LagIsWhatIsLeftAndHowOldThatIs) {
  TestFeed feed;
  AppendRooms(feed.engine(), 3);
  const absl::Time third = feed.engine().ReadLog(3, 1, 1).value().front().commit_time;
  feed.Reopen();
  TestStream stream(*feed, InBatchesOf(2, FromOldest()));
  stream.Next();
  const absl::Time before = absl::Now();
  auto batch = stream.Next().events();
  EXPECT_EQ(batch.lag().events(), 1);
  EXPECT_THAT(AgeIn(batch.lag()),
              AllOf(Ge(before - third - absl::Seconds(1)), Le(absl::Now() - third)));
  EXPECT_GT(AgeIn(batch.lag()), absl::ZeroDuration());
  batch = stream.Next().events();
  EXPECT_EQ(batch.lag().events(), 0);
  EXPECT_TRUE(batch.has_lag());
  EXPECT_EQ(AgeIn(batch.lag()), absl::ZeroDuration());
}

TEST(EventBatchTest, StreamThatFellBehindSaysSoOnceAndIsCaughtUpAgain) {
  TestFeed feed(LittleMemory());
  TestStream stream(*feed, InBatchesOf(8, FromNow()));
  stream.Next();
  EXPECT_TRUE(stream.Next().has_caught_up());
  AppendRooms(feed.engine(), 1);
  stream.AwaitMessage();
  AppendRooms(feed.engine(), 100);
  stream.ReadThrough(0, 1);

  auto message = stream.Next();
  ASSERT_TRUE(message.has_fell_behind()) << message.DebugString();
  EXPECT_EQ(message.fell_behind().sequence(), 1);
  EXPECT_EQ(message.fell_behind().lag().events(), 100);
  EXPECT_GT(AgeIn(message.fell_behind().lag()), absl::ZeroDuration());
  {
    TestStream resumed(*feed, After(message.fell_behind().cursor()));
    EXPECT_EQ(resumed.Next().confirmed().start_sequence(), 2);
  }
  int64_t sequence = 1;
  for (message = stream.Next(); message.has_events(); message = stream.Next()) {
    for (const v1::RoomEvent& event : message.events().events()) {
      ASSERT_EQ(event.sequence(), ++sequence);
    }
  }
  EXPECT_EQ(message.caught_up().sequence(), 101) << message.DebugString();
  AppendRooms(feed.engine(), 1);
  EXPECT_TRUE(stream.Next().has_events());
}

TEST(EventBatchTest, StreamThatNeverCaughtUpDoesNotFallBehind) {
  TestFeed feed(LittleMemory());
  AppendRooms(feed.engine(), 50);
  TestStream stream(*feed, InBatchesOf(8, FromOldest()));
  stream.Next();
  auto message = stream.Next();
  while (message.has_events()) message = stream.Next();
  EXPECT_TRUE(message.has_caught_up()) << message.DebugString();
}

TEST(EventBatchTest, ConfirmationNamesTheStreamAndTheRetention) {
  TestFeed::Options options;
  options.feed.retention.mutable_min_age()->set_seconds(3600);
  options.feed.retention.set_max_bytes(1 << 30);
  TestFeed feed(options);
  TestStream first(*feed, FromNow()), second(*feed, FromNow());
  const auto confirmed = first.Next().confirmed();
  EXPECT_EQ(confirmed.stream_id().size(), 16u);
  EXPECT_NE(confirmed.stream_id(), second.Next().confirmed().stream_id());
  EXPECT_EQ(confirmed.retention().min_age().seconds(), 3600);
  EXPECT_FALSE(confirmed.retention().has_max_age());
  EXPECT_EQ(confirmed.retention().max_bytes(), 1 << 30);
}

}  // namespace
}  // namespace innkeeper::feed
