// The properties of streams: ordered, without gaps, atomic, resumable,
// bookmarkable, whatever the readers and the writers do.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "server/base/clock.h"
#include "server/errors/errors.h"
#include "server/events/event_codec.h"
#include "server/feed/event_feed.h"
#include "tests/server/feed/test_feed.h"

namespace innkeeper::feed {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Keeps so little in memory that readers must go to the log.
TestFeed::Options LittleMemoryAndBatches() {
  TestFeed::Options options;
  options.feed.log.max_recent_events = 4;
  options.feed.batch.events = 8;
  return options;
}

// A progress message after 20 ms of silence.
TestFeed::Options ShortSilence() {
  TestFeed::Options options;
  options.feed.progress_unit = absl::Milliseconds(20);
  return options;
}

v1::WatchRoomEventsRequest WithProgress(v1::WatchRoomEventsRequest request) {
  request.set_progress_interval_seconds(1);
  return request;
}

v1::WatchRoomEventsRequest ForRoom(const std::string& room_id, v1::WatchRoomEventsRequest request) {
  request.mutable_filter()->add_room_ids(room_id);
  return request;
}

TEST(EventStreamTest, BringsWhatIsThereAndThenWhatComes) {
  TestFeed feed;
  AppendRooms(feed.engine(), 3);
  TestStream stream(*feed, FromOldest());

  const auto confirmed = stream.Next();
  EXPECT_EQ(confirmed.confirmed().start_sequence(), 1);
  EXPECT_EQ(confirmed.confirmed().oldest_sequence(), 1);
  EXPECT_EQ(confirmed.confirmed().head_sequence(), 3);
  stream.ReadThrough(0, 3);
  EXPECT_EQ(stream.Next().caught_up().sequence(), 3);

  AppendRooms(feed.engine(), {"!later:x"});
  const auto later = stream.Next();
  EXPECT_THAT(Sequences(later.events().events()), ElementsAre(4));
  EXPECT_EQ(later.events().events(0).room_id(), "!later:x");
  EXPECT_EQ(later.events().events(0).cursor(), later.events().cursor());
}

TEST(EventStreamTest, BringsEventsInFullToThoseWhoMaySeeThem) {
  const TestCompleter completer;
  TestFeed::Options options;
  options.feed.log.completer = &completer;
  TestFeed feed(options);
  AppendRooms(feed.engine(), {"!full:x"});
  TestStream in_full(*feed, FromOldest(), AccessInFull());
  TestStream as_logged(*feed, FromOldest());
  for (TestStream* stream : {&in_full, &as_logged}) stream->Next();
  const auto new_room = [](TestStream& stream) {
    return stream.NextEvents(1).front().room_upgraded().new_room_id();
  };
  EXPECT_EQ(new_room(in_full), "!completed:x");
  EXPECT_EQ(new_room(as_logged), "");
  for (TestStream* stream : {&in_full, &as_logged}) EXPECT_TRUE(stream->Next().has_caught_up());

  AppendRooms(feed.engine(), {"!full:x"});
  EXPECT_EQ(new_room(in_full), "!completed:x");
  EXPECT_EQ(new_room(as_logged), "");
  AppendRooms(feed.engine(), {"!plain:x"});
  EXPECT_EQ(new_room(in_full), "");

  const auto listed = [&feed](std::unique_ptr<StreamAccess> access) {
    return feed->List({}, std::move(access))->events(0).room_upgraded().new_room_id();
  };
  EXPECT_EQ(listed(AccessInFull()), "!completed:x");
  EXPECT_EQ(listed(nullptr), "");
}

TEST(EventStreamTest, ReadsAheadOfTheMessageThatIsBeingSent) {
  TestFeed::Options options;
  options.threads = 1;
  TestFeed feed(options);
  AppendRooms(feed.engine(), 3);
  feed.Reopen();
  v1::WatchRoomEventsRequest request = FromOldest();
  request.set_max_batch_events(1);
  TestStream stream(*feed, request);
  for (uint64_t reads = 1; reads <= 3; ++reads) {
    stream.AwaitMessage();
    absl::Notification idle;  // the executor, once it has read
    ASSERT_TRUE(feed.executor().TrySubmit([&idle] { idle.Notify(); }));
    idle.WaitForNotification();
    EXPECT_EQ(options.feed.metrics->log_reads.value(), reads);
    stream.Next();
  }
  EXPECT_THAT(Sequences(stream.NextEvents(1)), ElementsAre(3));
  EXPECT_TRUE(stream.Next().has_caught_up());
}

TEST(EventStreamTest, StartsNowByDefault) {
  TestFeed feed;
  AppendRooms(feed.engine(), 3);
  TestStream stream(*feed, v1::WatchRoomEventsRequest());
  EXPECT_EQ(stream.Next().confirmed().start_sequence(), 4);
  EXPECT_EQ(stream.Next().caught_up().sequence(), 3);
  AppendRooms(feed.engine(), 1);
  EXPECT_THAT(Sequences(stream.Next().events().events()), ElementsAre(4));
}

TEST(EventStreamTest, EmptyLogIsCaughtUpAtOnce) {
  TestFeed feed;
  TestStream stream(*feed, FromOldest());
  const auto confirmed = stream.Next();
  EXPECT_EQ(confirmed.confirmed().start_sequence(), 1);
  EXPECT_EQ(confirmed.confirmed().oldest_sequence(), 1);
  EXPECT_EQ(confirmed.confirmed().head_sequence(), 0);
  EXPECT_EQ(stream.Next().caught_up().sequence(), 0);
  AppendRooms(feed.engine(), 1);
  EXPECT_THAT(Sequences(stream.Next().events().events()), ElementsAre(1));
}

TEST(EventStreamTest, FilterThatNothingPassesIsCaughtUpToo) {
  TestFeed feed;
  AppendRooms(feed.engine(), 100);
  TestStream stream(*feed, ForRoom("!nowhere:x", FromOldest()));
  EXPECT_TRUE(stream.Next().has_confirmed());
  EXPECT_EQ(stream.Next().caught_up().sequence(), 100);
}

TEST(EventStreamTest, WhatIsAcknowledgedBeforeTheStartComesBeforeCaughtUp) {
  TestFeed feed;
  for (int i = 1; i <= 200; ++i) {
    AppendRooms(feed.engine(), 1);
    TestStream stream(*feed, FromOldest());
    stream.Next();
    stream.ReadThrough(0, i);
    EXPECT_EQ(stream.Next().caught_up().sequence(), i);
  }
}

TEST(EventStreamTest, ResumesBehindEveryCursor) {
  TestFeed feed;
  AppendRooms(feed.engine(), {"!a:x", "!b:x"});
  AppendRooms(feed.engine(), {"!c:x"});
  TestStream stream(*feed, FromOldest());
  const auto confirmed = stream.Next();
  const std::vector<v1::RoomEvent> events = stream.NextEvents(3);
  const auto caught_up = stream.Next();
  ASSERT_THAT(Sequences(events), ElementsAre(1, 2, 3));
  AppendRooms(feed.engine(), 1);

  const auto first_behind = [&](const std::string& cursor) {
    TestStream resumed(*feed, After(cursor));
    EXPECT_TRUE(resumed.Next().has_confirmed());
    return resumed.NextEvents(1)[0].sequence();
  };
  EXPECT_EQ(first_behind(confirmed.confirmed().cursor()), 1);
  EXPECT_EQ(first_behind(events[0].cursor()), 2);
  EXPECT_EQ(first_behind(events[1].cursor()), 3);
  EXPECT_EQ(first_behind(events[2].cursor()), 4);
  EXPECT_EQ(first_behind(caught_up.caught_up().cursor()), 4);
}

TEST(EventStreamTest, ResumesAcrossARestart) {
  TestFeed feed;
  AppendRooms(feed.engine(), 5);
  std::string cursor;
  {
    TestStream stream(*feed, FromOldest());
    stream.Next();
    cursor = stream.NextEvents(5)[2].cursor();
  }
  feed.Reopen();
  AppendRooms(feed.engine(), 2);
  TestStream stream(*feed, After(cursor));
  EXPECT_EQ(stream.Next().confirmed().start_sequence(), 4);
  stream.ReadThrough(3, 7);
}

TEST(EventStreamTest, FilterChoosesAndTheCursorMovesOn) {
  TestFeed feed;
  AppendRooms(feed.engine(), 10);
  feed.Reopen();
  TestStream stream(*feed, ForRoom("!4:x", FromOldest()));
  stream.Next();
  const auto batch = stream.Next();
  EXPECT_THAT(Sequences(batch.events().events()), ElementsAre(4));
  EXPECT_EQ(stream.Next().caught_up().sequence(), 10);

  TestStream resumed(*feed, ForRoom("!4:x", After(batch.events().cursor())));
  EXPECT_EQ(resumed.Next().confirmed().start_sequence(), 11);
}

// A reader takes everything from a start that it chooses while others write.
class Reader {
 public:
  Reader(EventFeed& feed, const v1::WatchRoomEventsRequest& request, int64_t last)
      : stream_(feed, request), thread_([this, last] { Read(last); }) {}

  void Join() { thread_.join(); }

 private:
  void Read(int64_t last) {
    int64_t sequence = stream_.Next().confirmed().start_sequence() - 1;
    int64_t commit = 0;
    while (sequence < last) {
      const auto message = stream_.Next();
      if (!message.has_events()) continue;
      ASSERT_GT(message.events().events(0).commit_id(), commit) << "a commit was parted";
      for (const v1::RoomEvent& event : message.events().events()) {
        ASSERT_EQ(event.sequence(), ++sequence);
        ASSERT_GE(event.commit_id(), commit);
        commit = event.commit_id();
      }
    }
  }

  TestStream stream_;
  std::thread thread_;
};

constexpr int64_t kWriters = 4;
constexpr int64_t kCommits = 150;  // of each writer, of 1, 2 and 3 events in turn

TEST(EventStreamTest, NoGapAndNoRepetitionWhileOthersWrite) {
  const int64_t last = kWriters * kCommits / 3 * (1 + 2 + 3);
  TestFeed feed(LittleMemoryAndBatches());
  std::vector<std::thread> writers;
  writers.reserve(kWriters);
  for (int w = 0; w < kWriters; ++w) {
    writers.emplace_back([&feed] {
      for (int c = 0; c < kCommits; ++c) {
        AppendRooms(feed.engine(), std::vector<std::string>(c % 3 + 1, "!a:x"));
      }
    });
  }
  std::vector<std::unique_ptr<Reader>> readers;
  for (int r = 0; r < 5; ++r) {
    readers.push_back(std::make_unique<Reader>(*feed, FromOldest(), last));
    readers.push_back(std::make_unique<Reader>(*feed, FromNow(), last));
    const auto page = feed->List(v1::ListRoomEventsRequest()).value();
    readers.push_back(std::make_unique<Reader>(*feed, After(page.next_cursor()), last));
  }
  for (std::thread& writer : writers) writer.join();
  for (const auto& reader : readers) reader->Join();
}

TEST(EventStreamTest, SlowReaderHoldsOneMessageAndNobodyUp) {
  TestFeed feed(LittleMemoryAndBatches());
  TestStream slow(*feed, FromOldest());
  TestStream quick(*feed, FromOldest());
  quick.Next();
  quick.Next();
  for (int i = 1; i <= 300; ++i) {
    AppendRooms(feed.engine(), 1);
    quick.ReadThrough(i - 1, i);
  }
  EXPECT_EQ(slow.sent(), 1);
  EXPECT_TRUE(slow.Next().has_confirmed());
  slow.ReadThrough(0, 300);
  EXPECT_EQ(slow.Next().caught_up().sequence(), 300);
}

TEST(EventStreamTest, ReaderThatFellBehindReadsTheLog) {
  TestFeed feed(LittleMemoryAndBatches());
  TestStream stream(*feed, FromNow());
  stream.Next();
  stream.Next();
  AppendRooms(feed.engine(), 1);
  stream.AwaitMessage();
  AppendRooms(feed.engine(), 100);
  stream.ReadThrough(0, 101);
  AppendRooms(feed.engine(), 1);
  stream.ReadThrough(101, 102);
}

TEST(EventStreamTest, ReaderWhoseReadIsNotTakenOnGoesOnLater) {
  TestFeed::Options options = LittleMemoryAndBatches();
  options.threads = 1;
  options.max_queued_tasks = 1;
  TestFeed feed(options);
  AppendRooms(feed.engine(), 50);
  feed.Reopen();
  absl::Notification running, release;
  ASSERT_TRUE(feed.executor().TrySubmit([&] {
    running.Notify();
    release.WaitForNotification();
  }));
  running.WaitForNotification();
  ASSERT_TRUE(feed.executor().TrySubmit([] {}));

  TestStream stream(*feed, FromOldest());
  TestStream cancelled(*feed, FromOldest());
  stream.Next();
  cancelled.Next();
  cancelled.Cancel();
  EXPECT_TRUE(absl::IsCancelled(cancelled.AwaitEnd()));
  EXPECT_EQ(stream.sent(), 1);
  release.Notify();
  stream.ReadThrough(0, 50);
}

TEST(EventStreamTest, ProgressComesAfterSilenceAgainAndAgain) {
  TestFeed feed(ShortSilence());
  AppendRooms(feed.engine(), 2);
  const absl::Duration start = MonotonicNow();
  TestStream stream(*feed, WithProgress(FromNow()));
  stream.Next();
  stream.Next();
  for (int i = 1; i <= 5; ++i) {
    EXPECT_EQ(stream.Next().progress().sequence(), 2);
    EXPECT_GE(MonotonicNow() - start, i * absl::Milliseconds(18));
  }
}

TEST(EventStreamTest, ProgressMovesTheCursorBehindWhatTheFilterLeftOut) {
  TestFeed feed(ShortSilence());
  TestStream stream(*feed, WithProgress(ForRoom("!nowhere:x", FromNow())));
  stream.Next();
  stream.Next();
  AppendRooms(feed.engine(), 7);
  v1::WatchProgress progress;
  while (progress.sequence() < 7) progress = stream.Next().progress();

  TestStream resumed(*feed, ForRoom("!nowhere:x", After(progress.cursor())));
  EXPECT_EQ(resumed.Next().confirmed().start_sequence(), 8);
}

TEST(EventStreamTest, ProgressComesWhileALongLogIsSearchedInVain) {
  TestFeed::Options options = LittleMemoryAndBatches();
  options.feed.progress_unit = absl::Nanoseconds(1);
  options.feed.log.max_scanned_entries = 1;
  TestFeed feed(options);
  for (int i = 0; i < 4; ++i) AppendRooms(feed.engine(), std::vector<std::string>(300, "!a:x"));
  TestStream stream(*feed, WithProgress(ForRoom("!nowhere:x", FromOldest())));
  stream.Next();
  const auto message = stream.Next();
  EXPECT_TRUE(message.has_progress()) << message.DebugString();
  EXPECT_LT(message.progress().sequence(), 1200);
}

TEST(EventStreamTest, HistoryGoneBeforeTheStart) {
  TestFeed feed;
  AppendRooms(feed.engine(), 10);
  TestStream stream(*feed, FromOldest());
  stream.Next();
  const std::vector<v1::RoomEvent> events = stream.NextEvents(10);
  ASSERT_TRUE(feed.engine().TrimLog(6).ok());

  TestStream fits(*feed, After(events[4].cursor()));
  const auto confirmed = fits.Next();
  EXPECT_EQ(confirmed.confirmed().start_sequence(), 6);
  EXPECT_EQ(confirmed.confirmed().oldest_sequence(), 6);
  const absl::Status gone = RefusalOf(*feed, After(events[3].cursor()));
  EXPECT_EQ(ReasonOf(gone), v1::ERROR_REASON_EVENT_HISTORY_GONE);
  TestStream resumed(*feed, After(MetadataOf(gone, "oldest_cursor")));
  resumed.Next();
  resumed.ReadThrough(5, 10);
}

TEST(EventStreamTest, HistoryGoneUnderASlowReader) {
  TestFeed feed(LittleMemoryAndBatches());
  AppendRooms(feed.engine(), 20);
  feed.Reopen();
  TestStream slow(*feed, FromOldest());
  slow.Next();
  slow.AwaitMessage();
  AppendRooms(feed.engine(), 20);
  ASSERT_TRUE(feed.engine().TrimLog(31).ok());
  EXPECT_THAT(Sequences(slow.Next().events().events()), ElementsAre(1, 2, 3, 4, 5, 6, 7, 8));
  const absl::Status gone = slow.AwaitEnd();
  EXPECT_EQ(gone.code(), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(ReasonOf(gone), v1::ERROR_REASON_EVENT_HISTORY_GONE);
  TestStream resumed(*feed, After(MetadataOf(gone, "oldest_cursor")));
  EXPECT_EQ(resumed.Next().confirmed().start_sequence(), 31);
}

TEST(EventStreamTest, TrimmingDoesNotDisturbReadersThatKeepUp) {
  TestFeed feed;
  TestStream stream(*feed, FromNow());
  stream.Next();
  stream.Next();
  for (int i = 1; i <= 20; ++i) {
    AppendRooms(feed.engine(), 1);
    stream.ReadThrough(i - 1, i);
    ASSERT_TRUE(feed.engine().TrimLog(i + 1).ok());
  }
}

TEST(EventStreamTest, DamagedEntryEndsTheStreamsThatNeedItAndNoOthers) {
  TestFeed feed;
  TestStream live(*feed, FromNow());
  live.Next();
  live.Next();
  AppendRooms(feed.engine(), 3);
  live.ReadThrough(0, 3);
  storage::CommitRequest damaged;
  damaged.log_entries.push_back("?");
  ASSERT_TRUE(CommitAndWait(feed.engine(), std::move(damaged)).status.ok());
  EXPECT_EQ(live.AwaitEnd().code(), absl::StatusCode::kDataLoss);

  TestStream before(*feed, FromOldest());
  before.Next();
  before.ReadThrough(0, 3);
  EXPECT_EQ(before.AwaitEnd().code(), absl::StatusCode::kDataLoss);

  TestStream behind(*feed, FromNow());
  behind.Next();
  behind.Next();
  AppendRooms(feed.engine(), 1);
  behind.ReadThrough(4, 5);
}

TEST(EventStreamTest, CancellingEndsAnIdleStreamAtOnceAndFreesIt) {
  TestFeed feed;
  TestStream stream(*feed, FromNow());
  stream.Next();
  stream.Next();
  const std::weak_ptr<Subscription> subscription = stream.subscription();
  stream.Cancel();
  EXPECT_TRUE(absl::IsCancelled(stream.AwaitEnd()));
  stream.Forget();
  EXPECT_TRUE(subscription.expired());
}

TEST(EventStreamTest, CancellingWaitsForTheMessageUnderWay) {
  TestFeed feed;
  TestStream stream(*feed, FromNow());
  stream.AwaitMessage();
  stream.Cancel();
  stream.Next();
  EXPECT_TRUE(absl::IsCancelled(stream.AwaitEnd()));
  EXPECT_EQ(stream.sent(), 1);
}

TEST(EventStreamTest, MessageThatCannotBeSentEndsTheStream) {
  TestFeed feed;
  TestStream stream(*feed, FromNow());
  stream.Fail();
  EXPECT_TRUE(absl::IsCancelled(stream.AwaitEnd()));
}

TEST(EventStreamTest, DrainingGivesALastCursorAndRefusesNewStreams) {
  TestFeed feed;
  AppendRooms(feed.engine(), 3);
  TestStream idle(*feed, FromNow());
  idle.Next();
  idle.Next();
  bool drained = false;
  std::thread drain([&] { drained = feed->Drain(absl::InfiniteFuture()); });
  const auto farewell = idle.Next();
  EXPECT_EQ(farewell.progress().sequence(), 3);
  const absl::Status end = idle.AwaitEnd();
  drain.join();
  EXPECT_TRUE(drained);
  EXPECT_EQ(end.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ReasonOf(end), v1::ERROR_REASON_SHUTTING_DOWN);
  EXPECT_EQ(ReasonOf(RefusalOf(*feed, FromNow())), v1::ERROR_REASON_SHUTTING_DOWN);

  feed.Reopen();
  TestStream resumed(*feed, After(farewell.progress().cursor()));
  EXPECT_EQ(resumed.Next().confirmed().start_sequence(), 4);
}

TEST(EventStreamTest, DrainingAStreamInTheMidstOfTheLogTellsHowFarItGot) {
  TestFeed feed(LittleMemoryAndBatches());
  AppendRooms(feed.engine(), 50);
  feed.Reopen();
  TestStream stream(*feed, FromOldest());
  stream.Next();
  stream.AwaitMessage();
  TestStream witness(*feed, FromNow());
  witness.Next();
  witness.Next();
  std::thread drain([&] { EXPECT_TRUE(feed->Drain(absl::InfiniteFuture())); });
  EXPECT_TRUE(witness.Next().has_progress());
  EXPECT_THAT(Sequences(stream.Next().events().events()), ElementsAre(1, 2, 3, 4, 5, 6, 7, 8));
  EXPECT_EQ(stream.Next().progress().sequence(), 8);
  EXPECT_TRUE(absl::IsUnavailable(stream.AwaitEnd()));
  EXPECT_TRUE(absl::IsUnavailable(witness.AwaitEnd()));
  drain.join();
}

TEST(EventStreamTest, DrainingBreaksOffReadersThatDoNotRead) {
  TestFeed feed;
  TestStream stuck(*feed, FromNow());
  stuck.AwaitMessage();
  TestStream idle(*feed, FromNow());
  idle.Next();
  idle.Next();
  idle.Cancel();
  EXPECT_FALSE(feed->Drain(absl::InfinitePast()));
  EXPECT_TRUE(stuck.aborted());
  EXPECT_FALSE(idle.aborted());
  stuck.Fail();
  EXPECT_TRUE(absl::IsCancelled(stuck.AwaitEnd()));
}

TEST(EventStreamTest, NumberOfStreamsIsLimited) {
  TestFeed::Options options;
  options.feed.max_subscriptions = 2;
  TestFeed feed(options);
  auto first = std::make_unique<TestStream>(*feed, FromNow());
  TestStream second(*feed, FromNow());
  const absl::Status refusal = RefusalOf(*feed, FromNow());
  EXPECT_EQ(refusal.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ReasonOf(refusal), v1::ERROR_REASON_OVERLOADED);
  EXPECT_TRUE(refusal.GetPayload("type.googleapis.com/google.rpc.RetryInfo").has_value());
  first.reset();
  TestStream third(*feed, FromNow());
}

TEST(EventStreamTest, RefusesBadRequests) {
  TestFeed feed;
  v1::WatchRoomEventsRequest request;
  request.set_progress_interval_seconds(3601);
  EXPECT_THAT(RefusalOf(*feed, request).message(), HasSubstr("progress_interval_seconds"));
  request.set_progress_interval_seconds(-1);
  EXPECT_THAT(RefusalOf(*feed, request).message(), HasSubstr("progress_interval_seconds"));
  request.set_position(static_cast<v1::StartPosition>(7));
  request.mutable_filter()->add_types("room.exploded");
  const absl::Status refusal = RefusalOf(*feed, request);
  EXPECT_EQ(refusal.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ReasonOf(refusal), v1::ERROR_REASON_INVALID_REQUEST);
  EXPECT_THAT(refusal.message(), HasSubstr("filter.types[0]"));
  EXPECT_THAT(refusal.message(), HasSubstr("and 2 more"));
}

TEST(EventStreamTest, RefusesForeignCursors) {
  TestFeed feed, other;
  AppendRooms(other.engine(), 1);
  TestStream stream(*other, FromOldest());
  const std::string cursor = stream.Next().confirmed().cursor();
  EXPECT_EQ(MetadataOf(RefusalOf(*feed, After(cursor)), "cause"), "other-log");
  EXPECT_EQ(MetadataOf(RefusalOf(*other, ForRoom("!a:x", After(cursor))), "cause"), "other-filter");
  EXPECT_EQ(MetadataOf(RefusalOf(*other, After("x" + cursor)), "cause"), "damaged");
  EXPECT_EQ(MetadataOf(RefusalOf(*other, After("")), "cause"), "damaged");
}

}  // namespace
}  // namespace innkeeper::feed
