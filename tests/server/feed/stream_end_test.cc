// How streams end that nobody broke off: readers that take nothing, and age.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "server/base/clock.h"
#include "server/errors/errors.h"
#include "server/feed/event_feed.h"
#include "tests/server/feed/test_feed.h"

namespace innkeeper::feed {
namespace {

constexpr absl::Duration kStallTimeout = absl::Milliseconds(80);

TestFeed::Options Impatient() {
  TestFeed::Options options;
  options.feed.stall_timeout = kStallTimeout;
  options.feed.max_subscriptions = 2;
  return options;
}

TEST(StreamEndTest, ReaderThatTakesNothingIsGivenUp) {
  TestFeed feed(Impatient());
  TestStream stalled(*feed, FromNow());
  stalled.AwaitMessage();
  const absl::Duration start = MonotonicNow();
  const absl::Status end = stalled.AwaitBreak();
  EXPECT_GE(MonotonicNow() - start, kStallTimeout / 2);
  EXPECT_EQ(end.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ReasonOf(end), v1::ERROR_REASON_STREAM_STALLED);
  EXPECT_EQ(MetadataOf(end, "limit_seconds"), "0.08");
  EXPECT_FALSE(stalled.aborted());

  TestStream other(*feed, FromNow());
  EXPECT_EQ(ReasonOf(RefusalOf(*feed, FromNow())), v1::ERROR_REASON_OVERLOADED);
  EXPECT_TRUE(stalled.Next().has_confirmed());
  TestStream in_its_place(*feed, FromNow());
}

TEST(StreamEndTest, ReaderThatDoesNotTakeTheErrorEitherIsBrokenOff) {
  TestFeed::Options options = Impatient();
  options.feed.break_grace = absl::Milliseconds(20);
  TestFeed feed(options);
  TestStream stalled(*feed, FromNow());
  stalled.AwaitBreak().IgnoreError();
  stalled.AwaitAbort();
  stalled.Fail();
  EXPECT_EQ(ReasonOf(stalled.AwaitEnd()), v1::ERROR_REASON_STREAM_STALLED);
}

// Takes messages as they come for thrice the timeout. Nothing if a message had to wait for
// nearly that long, on a machine that had no time for us; else whether the stream is there.
std::optional<bool> OutlivesItsTimeout(absl::Duration stall_timeout) {
  TestFeed::Options options;
  options.feed.stall_timeout = stall_timeout;
  TestFeed feed(options);
  TestStream stream(*feed, FromNow());
  absl::Duration longest;
  const absl::Duration start = MonotonicNow();
  for (absl::Duration now = start; now - start < 3 * stall_timeout;) {
    AppendRooms(feed.engine(), 1);
    const bool is_there = stream.NextIfAny().has_value();
    longest = std::max(longest, MonotonicNow() - now);
    now = MonotonicNow();
    if (longest >= stall_timeout / 2) return std::nullopt;
    if (!is_there) return false;
  }
  return true;
}

TEST(StreamEndTest, ReaderThatTakesWhatComesIsNotGivenUp) {
  absl::Duration timeout = kStallTimeout;
  std::optional<bool> outlives;
  for (; !outlives; timeout *= 2) outlives = OutlivesItsTimeout(timeout);
  EXPECT_TRUE(*outlives);
}

TEST(StreamEndTest, StreamThatIsSilentIsNotStalled) {
  TestFeed feed(Impatient());
  TestStream idle(*feed, FromNow());
  idle.Next();
  idle.Next();
  TestStream stalled(*feed, FromNow());
  stalled.AwaitMessage();
  stalled.AwaitBreak().IgnoreError();
  AppendRooms(feed.engine(), 1);
  EXPECT_TRUE(idle.Next().has_events());
}

TEST(StreamEndTest, OldStreamEndsBehindALastCursor) {
  TestFeed::Options options;
  options.feed.max_age = absl::Milliseconds(50);
  TestFeed feed(options);
  AppendRooms(feed.engine(), 3);
  const absl::Duration start = MonotonicNow();
  TestStream stream(*feed, FromOldest());
  stream.Next();
  stream.ReadThrough(0, 3);
  EXPECT_TRUE(stream.Next().has_caught_up());
  const auto farewell = stream.Next();
  EXPECT_EQ(farewell.progress().sequence(), 3);
  const absl::Status end = stream.AwaitEnd();
  EXPECT_GE(MonotonicNow() - start, absl::Milliseconds(45));
  EXPECT_EQ(end.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ReasonOf(end), v1::ERROR_REASON_STREAM_AGED);

  TestStream resumed(*feed, After(farewell.progress().cursor()));
  EXPECT_EQ(resumed.Next().confirmed().start_sequence(), 4);
}

}  // namespace
}  // namespace innkeeper::feed
