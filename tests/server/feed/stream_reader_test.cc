#include "server/feed/stream_reader.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "innkeeper/v1/room_lifecycle.pb.h"
#include "server/base/clock.h"
#include "server/base/signed_token.h"
#include "server/metrics/metrics.h"
#include "tests/server/feed/test_feed.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_engine.h"

namespace innkeeper::feed {
namespace {

// A stream that catches up with a log of events of about the same size.
class StreamReaderTest : public testing::Test {
 protected:
  StreamReaderTest() { AppendCommits(100); }

  // Commits of ten events.
  void AppendCommits(int count) {
    for (int i = 0; i < count; ++i) AppendRooms(*engine_, std::vector<std::string>(10, "!a:x"));
    log_.Refresh();
  }

  StreamReader Begin(StretchLimits batch, StretchLimits catch_up) {
    StreamReader reader(
        sources_, {.bounds = log_.bounds(), .batch_limits = batch, .catch_up_limits = catch_up});
    EXPECT_EQ(reader.TryNext().kind, StreamReader::Next::Kind::kMessage);
    return reader;
  }

  // Reads a message, and has the reader told of the pace. Returns how many events it has.
  static int Read(StreamReader& reader, bool reader_waited) {
    EXPECT_TRUE(reader.Read().ok());
    reader.NotePace(reader_waited);
    return Next(reader).events().events_size();
  }

  // The next message, which is known.
  static v1::WatchRoomEventsResponse Next(StreamReader& reader) {
    StreamReader::Next next = reader.TryNext();
    EXPECT_EQ(next.kind, StreamReader::Next::Kind::kMessage);
    v1::WatchRoomEventsResponse response;
    EXPECT_TRUE(response.ParseFromString(reader.Complete(std::move(next.message))));
    return response;
  }

  const TempDir dir_;
  const std::unique_ptr<storage::Engine> engine_ = storage::OpenTestEngine(dir_.File("store"));
  const TokenSigner signer_{"the key of these tests"};
  const CursorCodec cursors_{signer_, [this] { return engine_->log_epochs(); }};
  EventLog log_{*engine_, {.max_recent_events = 4}};  // so that it keeps one commit
  const Clock clock_ = SystemClock();
  const v1::EventRetention retention_;
  metrics::FeedMetrics metrics_;
  const StreamSources sources_{*engine_, log_, cursors_, clock_, retention_, metrics_};
};

TEST_F(StreamReaderTest, ReadsMoreAtATimeForAReaderWhoWaits) {
  StreamReader reader = Begin({10, 1 << 20}, {40, 1 << 20});
  EXPECT_EQ(Read(reader, true), 10);
  EXPECT_EQ(Read(reader, true), 20);
  EXPECT_EQ(Read(reader, true), 40);
  EXPECT_EQ(Read(reader, true), 40);
  EXPECT_EQ(Read(reader, false), 40);
  EXPECT_EQ(Read(reader, false), 20);
  EXPECT_EQ(Read(reader, false), 10);
  EXPECT_EQ(Read(reader, false), 10);
}

TEST_F(StreamReaderTest, ReadsMoreBytesAtATimeForAReaderWhoWaits) {
  const size_t ten =
      log_.Read(EventFilter(), 0, {10, 1 << 20}).value().events[0]->bytes.size() * 11;
  StreamReader reader = Begin({1000, ten}, {1000, 2 * ten});
  EXPECT_EQ(Read(reader, true), 10);
  EXPECT_EQ(Read(reader, true), 20);
  EXPECT_EQ(Read(reader, true), 20);
}

TEST_F(StreamReaderTest, BeginsWithLittleAgainOnceItHasCaughtUp) {
  StreamReader reader = Begin({10, 1 << 20}, {80, 1 << 20});
  while (Read(reader, true) < 80) continue;
  while (reader.CanReadAhead()) Read(reader, true);
  while (!Next(reader).has_caught_up()) continue;
  AppendCommits(20);
  EXPECT_EQ(reader.TryNext().kind, StreamReader::Next::Kind::kMustRead);
  ASSERT_TRUE(reader.Read().ok());
  EXPECT_TRUE(Next(reader).has_fell_behind());
  EXPECT_EQ(Next(reader).events().events_size(), 10);
}

TEST_F(StreamReaderTest, ReadsNoMoreAtATimeWhileMuchIsLeftUntaken) {
  StreamReader reader = Begin({10, 1 << 20}, {40, 1 << 20});
  metrics_.queued_bytes.Add(int64_t{1} << 30);
  EXPECT_EQ(Read(reader, true), 10);
  EXPECT_EQ(Read(reader, true), 10);
  metrics_.queued_bytes.Add(-(int64_t{1} << 30));
  EXPECT_EQ(Read(reader, true), 10);
  EXPECT_EQ(Read(reader, true), 20);
  metrics_.queued_bytes.Add(int64_t{1} << 30);
  EXPECT_EQ(Read(reader, true), 10);
}

}  // namespace
}  // namespace innkeeper::feed
