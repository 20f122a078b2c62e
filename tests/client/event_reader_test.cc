// EventReader does what its comments promise, against the real server.

#include "client/event_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <numeric>
#include <optional>
#include <random>
#include <semaphore>
#include <string>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include <nlohmann/json.hpp>

#include "absl/status/status.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "client/error_info.h"
#include "client/innkeeper_client.h"
#include "server/store.h"
#include "storage/engine.h"
#include "tests/client/tcp_proxy.h"
#include "tests/client/test_clients.h"
#include "tests/support/people.h"
#include "tests/support/test_client.h"
#include "tests/support/test_server.h"

namespace innkeeper {
namespace {

using testing::ElementsAre;
using testing::UnorderedElementsAreArray;

// Of the test that breaks connections everywhere: how many there are, and how many the
// writer may be ahead of the reader.
constexpr int kEvents = 300;
constexpr int kMostAhead = 8;

// 1, 2, 3 ... count
std::vector<int64_t> UpTo(int64_t count) {
  std::vector<int64_t> numbers(static_cast<size_t>(count));
  std::iota(numbers.begin(), numbers.end(), 1);
  return numbers;
}

// Each test has a server and so a log of its own, and a proxy between it and the
// client under test.
class EventReaderTest : public testing::Test {
 protected:
  static WatchOptions FromOldest() { return {.start = WatchStart::kOldest}; }
  static WatchOptions After(const std::string& cursor,
                            OnHistoryGone on_history_gone = OnHistoryGone::kFail) {
    return {.after_cursor = cursor, .on_history_gone = on_history_gone};
  }

  // Creates a room, without going through the proxy.
  std::string Create() { return direct_->Create(RoomRequest(kAlice)).room_id(); }

  std::vector<std::string> Create(int count) {
    std::vector<std::string> room_ids;
    room_ids.reserve(static_cast<size_t>(count));
    for (int i = 0; i < count; ++i) room_ids.push_back(Create());
    return room_ids;
  }

  void Stop() {
    proxy_.SetServer("");
    ASSERT_TRUE(server_.Stop().ok());
  }

  void Start() {
    server_.Start();
    direct_ = std::make_unique<TestClient>(server_.address(), TestToken("admin"));
    proxy_.SetServer(server_.address());
  }

  // Removes the events before `oldest`, as retention does.
  void RestartWithout(storage::LogPosition oldest) {
    Stop();
    auto engine = std::move(OpenStore(server_.config())->engine);
    ASSERT_TRUE(engine->TrimLog(oldest).ok());
    ASSERT_TRUE(engine->Close().ok());
    engine.reset();
    Start();
  }

  // The cursor behind the first `count` events.
  std::string CursorBehind(int count) {
    EventReader reader(client_, FromOldest());
    std::string cursor;
    while (count > 0) {
      const auto item = reader.Next();
      if (!std::holds_alternative<v1::RoomEvent>(item->what)) continue;
      cursor = item->cursor;
      --count;
    }
    return cursor;
  }

  // Reads a snapshot to its end, from its begin on, or the last if it begins again.
  static std::vector<std::string> RestOfSnapshot(EventReader& reader) {
    std::vector<std::string> room_ids;
    while (const auto item = reader.Next()) {
      if (const auto* room = std::get_if<v1::Room>(&item->what)) {
        room_ids.push_back(room->room_id());
      } else if (std::holds_alternative<SnapshotBegin>(item->what)) {
        room_ids.clear();
      } else if (std::holds_alternative<SnapshotEnd>(item->what)) {
        break;
      }
    }
    return room_ids;
  }

  TestServer server_;
  std::unique_ptr<TestClient> direct_ =
      std::make_unique<TestClient>(server_.address(), TestToken("admin"));
  TcpProxy proxy_{server_.address()};
  const Client client_{TestOptions(proxy_.address(), "admin")};
};

TEST_F(EventReaderTest, DeliversTheLogAndThenWhatHappens) {
  const std::vector<std::string> room_ids = Create(2);
  EventReader reader(client_, FromOldest());
  for (const std::string& room_id : room_ids) {
    const auto item = reader.Next();
    ASSERT_TRUE(item && std::holds_alternative<v1::RoomEvent>(item->what));
    EXPECT_EQ(std::get<v1::RoomEvent>(item->what).room_id(), room_id);
  }
  const auto item = reader.Next();
  ASSERT_TRUE(item && std::holds_alternative<v1::WatchCaughtUp>(item->what));
  const std::string room_id = Create();
  EXPECT_EQ(NextOf<v1::RoomEvent>(reader)->room_id(), room_id);
  EXPECT_TRUE(reader.status().ok());
}

TEST_F(EventReaderTest, NowIsBehindTheNewestEvent) {
  Create();
  EventReader reader(client_, {});
  NextOf<v1::WatchCaughtUp>(reader);
  Create();
  EXPECT_THAT(NextSequences(reader, 1), ElementsAre(2));
}

TEST_F(EventReaderTest, DeliversOnlyWhatTheFilterLetsThrough) {
  const std::vector<std::string> room_ids = Create(3);
  WatchOptions options = FromOldest();
  options.filter.add_room_ids(room_ids[1]);
  EventReader reader(client_, options);
  EXPECT_THAT(NextSequences(reader, 1), ElementsAre(2));
  EXPECT_TRUE(NextOf<v1::WatchCaughtUp>(reader));
}

TEST_F(EventReaderTest, EveryItemsCursorGoesOnRightBehindIt) {
  Create(4);
  for (int64_t seen = 1; seen <= 3; ++seen) {
    EventReader reader(client_, After(CursorBehind(static_cast<int>(seen))));
    EXPECT_THAT(NextSequences(reader, 1), ElementsAre(seen + 1));
  }
  EventReader reader(client_, FromOldest());
  std::optional<WatchItem> item;
  do {
    item = reader.Next();
  } while (!std::holds_alternative<v1::WatchCaughtUp>(item->what));
  Create();
  EventReader later(client_, After(item->cursor));
  EXPECT_THAT(NextSequences(later, 1), ElementsAre(5));
}

TEST_F(EventReaderTest, AnIdleWatchMovesItsCursorOn) {
  WatchOptions options;
  options.filter.add_types("room.upgraded");
  options.progress_interval = absl::Seconds(1);
  EventReader reader(client_, options);
  NextOf<v1::WatchCaughtUp>(reader);
  Create(3);
  std::optional<WatchItem> item;
  do {
    item = reader.Next();
    ASSERT_TRUE(std::holds_alternative<v1::WatchProgress>(item->what));
  } while (std::get<v1::WatchProgress>(item->what).sequence() < 3);
  // The history before it may go.
  RestartWithout(3);
  options.after_cursor = item->cursor;
  EventReader later(client_, options);
  EXPECT_TRUE(NextOf<v1::WatchCaughtUp>(later)) << later.status();
}

TEST_F(EventReaderTest, EveryEventComesOnceInOrderWhereverConnectionsBreak) {
  std::mt19937 random(1);  // the same each time
  // A connection begins with some 300 bytes; an event has about as many. So the cuts
  // come anywhere, and yet what the writer may be ahead gets through now and then.
  proxy_.CutEachAfter([&] { return std::uniform_int_distribution<size_t>(0, 6000)(random); });
  std::counting_semaphore<> ahead(kMostAhead);
  const std::jthread writer([&] {
    for (int i = 0; i < kEvents; ++i) {
      ahead.acquire();
      Create();
    }
  });
  EventReader reader(client_, FromOldest());
  std::vector<int64_t> sequences;
  int interruptions = 0;
  while (sequences.size() < kEvents) {
    const auto item = reader.Next();
    if (!item) break;
    interruptions += std::holds_alternative<WatchInterrupted>(item->what);
    if (const auto* event = std::get_if<v1::RoomEvent>(&item->what)) {
      sequences.push_back(event->sequence());
      ahead.release();
    }
  }
  ahead.release(kEvents);
  EXPECT_EQ(sequences, UpTo(kEvents)) << reader.status();
  EXPECT_GT(interruptions, 10);
}

TEST_F(EventReaderTest, GoesOnAcrossARestartOfTheServer) {
  Create(2);
  EventReader reader(client_, FromOldest());
  std::vector<int64_t> sequences = NextSequences(reader, 2);
  Create();  // whichever process delivers it
  Stop();
  std::optional<WatchItem> item;
  while ((item = reader.Next()) && !std::holds_alternative<WatchInterrupted>(item->what)) {
    if (const auto* event = std::get_if<v1::RoomEvent>(&item->what)) {
      sequences.push_back(event->sequence());
    }
  }
  ASSERT_TRUE(item) << reader.status();
  Start();
  Create();
  for (const int64_t sequence : NextSequences(reader, 4 - sequences.size())) {
    sequences.push_back(sequence);
  }
  EXPECT_THAT(sequences, ElementsAre(1, 2, 3, 4));
}

TEST_F(EventReaderTest, WaitsLongerEachTimeUntilTheServerIsBack) {
  std::vector<absl::Duration> waits;
  ClientSurroundings surroundings;
  surroundings.random = [] { return ~uint64_t{0}; };
  surroundings.sleep = [&](absl::Duration duration, const absl::Notification&) {
    waits.push_back(duration);
  };
  const Client client(TestOptions(proxy_.address(), "admin"), surroundings);
  Stop();
  EventReader reader(client, {});
  for (int i = 0; i < 7; ++i) NextOf<WatchInterrupted>(reader);
  EXPECT_THAT(waits,
              ElementsAre(absl::Milliseconds(1), absl::Milliseconds(2), absl::Milliseconds(4),
                          absl::Milliseconds(8), absl::Milliseconds(16), absl::Milliseconds(20)));
  Start();
  ASSERT_TRUE(NextOf<v1::WatchCaughtUp>(reader));
  proxy_.Cut();
  EXPECT_EQ(NextOf<WatchInterrupted>(reader)->retry_delay, absl::Milliseconds(1));
}

TEST_F(EventReaderTest, ASilentServerIsTakenForDead) {
  WatchOptions options;
  options.silence_limit = absl::Milliseconds(300);
  EventReader reader(client_, options);
  ASSERT_TRUE(NextOf<v1::WatchCaughtUp>(reader));
  proxy_.Hold();
  Create();
  // Two times: it isn't heard on a new connection either.
  for (int i = 0; i < 2; ++i) {
    const auto interrupted = NextOf<WatchInterrupted>(reader);
    ASSERT_TRUE(interrupted);
    EXPECT_EQ(interrupted->error.code(), absl::StatusCode::kUnavailable);
  }
  EXPECT_GE(proxy_.connections(), 2);
  proxy_.Release();
  EXPECT_THAT(NextSequences(reader, 1), ElementsAre(1));
}

TEST_F(EventReaderTest, AQuietLogIsNoSilence) {
  EventReader reader(client_, {.progress_interval = absl::Milliseconds(1)});
  NextOf<v1::WatchCaughtUp>(reader);
  EXPECT_TRUE(std::holds_alternative<v1::WatchProgress>(reader.Next()->what));
}

TEST_F(EventReaderTest, WithoutItsHistoryAWatchMayFail) {
  Create(5);
  const std::string cursor = CursorBehind(2);
  RestartWithout(5);
  EventReader reader(client_, After(cursor));
  EXPECT_FALSE(reader.Next());
  EXPECT_EQ(reader.status().code(), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(ErrorReasonOf(reader.status()), v1::ERROR_REASON_EVENT_HISTORY_GONE);
  EventReader later(client_, After(ErrorMetadataOf(reader.status(), "oldest_cursor")));
  EXPECT_THAT(NextSequences(later, 1), ElementsAre(5));
  EXPECT_FALSE(reader.Next()) << "the end is the end";
}

TEST_F(EventReaderTest, WithoutItsHistoryAWatchMaySkip) {
  Create(5);
  const std::string cursor = CursorBehind(2);
  RestartWithout(5);
  EventReader reader(client_, After(cursor, OnHistoryGone::kSkip));
  const auto item = reader.Next();
  ASSERT_TRUE(item && std::holds_alternative<HistorySkipped>(item->what));
  EXPECT_EQ(std::get<HistorySkipped>(item->what).lost_cursor, cursor);
  EXPECT_THAT(NextSequences(reader, 1), ElementsAre(5));
  EventReader later(client_, After(item->cursor));
  EXPECT_THAT(NextSequences(later, 1), ElementsAre(5));
}

TEST_F(EventReaderTest, AWatchUnderWayThatWasAwayForTooLongSkipsToo) {
  Create(2);
  WatchOptions options = FromOldest();
  options.on_history_gone = OnHistoryGone::kSkip;
  EventReader reader(client_, options);
  EXPECT_THAT(NextSequences(reader, 2), ElementsAre(1, 2));
  proxy_.SetServer("");
  proxy_.Cut();
  Create(3);
  RestartWithout(5);
  ASSERT_TRUE(NextOf<HistorySkipped>(reader));
  EXPECT_THAT(NextSequences(reader, 1), ElementsAre(5));
}

TEST_F(EventReaderTest, WithoutItsHistoryAWatchMayTakeASnapshot) {
  const std::vector<std::string> room_ids = Create(5);
  const std::string cursor = CursorBehind(2);
  RestartWithout(5);

  EventReader reader(client_, After(cursor, OnHistoryGone::kSnapshot));
  const auto begin = reader.Next();
  ASSERT_TRUE(begin && std::holds_alternative<SnapshotBegin>(begin->what));
  EXPECT_EQ(begin->cursor, cursor) << "who stops here must begin again";
  std::vector<std::string> listed;
  std::optional<WatchItem> item;
  while ((item = reader.Next()) && std::holds_alternative<v1::Room>(item->what)) {
    listed.push_back(std::get<v1::Room>(item->what).room_id());
    EXPECT_EQ(item->cursor, cursor);
  }
  EXPECT_THAT(listed, UnorderedElementsAreArray(room_ids));
  ASSERT_TRUE(item && std::holds_alternative<SnapshotEnd>(item->what));

  Create();
  EventReader later(client_, After(item->cursor));
  EXPECT_THAT(NextSequences(later, 1), ElementsAre(6));
  EXPECT_THAT(NextSequences(reader, 1), ElementsAre(6));
}

TEST_F(EventReaderTest, NothingThatHappensDuringASnapshotIsMissedOrToldTwice) {
  Create(3);
  EventReader reader(client_, {.start = WatchStart::kSnapshot});
  ASSERT_TRUE(NextOf<v1::Room>(reader));
  Create(10);
  EXPECT_EQ(RestOfSnapshot(reader).size(), 2u);
  EXPECT_THAT(NextSequences(reader, 10), ElementsAre(4, 5, 6, 7, 8, 9, 10, 11, 12, 13));
}

TEST_F(EventReaderTest, ASnapshotSurvivesBrokenConnections) {
  const std::vector<std::string> room_ids = Create(20);
  int connections = 0;
  proxy_.CutEachAfter([&]() -> size_t { return ++connections <= 3 ? 2000 : 1 << 30; });
  EventReader reader(client_, {.start = WatchStart::kSnapshot});
  EXPECT_THAT(RestOfSnapshot(reader), UnorderedElementsAreArray(room_ids));
  EXPECT_EQ(proxy_.connections(), 4);
}

TEST_F(EventReaderTest, ASnapshotHasTheRoomsOfTheFilter) {
  const std::vector<std::string> room_ids = Create(3);
  WatchOptions options = {.start = WatchStart::kSnapshot};
  options.filter.add_room_ids(room_ids[1]);
  EventReader reader(client_, options);
  EXPECT_THAT(RestOfSnapshot(reader), ElementsAre(room_ids[1]));
}

TEST_F(EventReaderTest, ARefusedSnapshotEndsTheWatch) {
  const Client watcher(TestOptions(server_.address(), "watcher"));  // lacks read-all
  EventReader reader(watcher, {.start = WatchStart::kSnapshot});
  EXPECT_FALSE(NextOf<SnapshotEnd>(reader));
  EXPECT_EQ(reader.status().code(), absl::StatusCode::kPermissionDenied);
}

TEST_F(EventReaderTest, WhoMayNotWatchIsToldSo) {
  const Client backend(TestOptions(server_.address(), "backend"));
  EventReader reader(backend, {});
  EXPECT_FALSE(reader.Next());
  EXPECT_EQ(ErrorReasonOf(reader.status()), v1::ERROR_REASON_ROLE_MISSING);
  EXPECT_FALSE(reader.Next());
}

TEST_F(EventReaderTest, WrongOptionsEndTheWatch) {
  EventReader cursor(client_, After("nonsense", OnHistoryGone::kSnapshot));
  EXPECT_FALSE(cursor.Next());
  EXPECT_EQ(ErrorReasonOf(cursor.status()), v1::ERROR_REASON_CURSOR_INVALID);
  EventReader interval(client_, {.progress_interval = absl::Hours(2)});
  EXPECT_FALSE(interval.Next());
  EXPECT_EQ(ErrorReasonOf(interval.status()), v1::ERROR_REASON_INVALID_REQUEST);
}

TEST_F(EventReaderTest, ARevokedTokenEndsTheWatch) {
  EventReader reader(client_, {});
  ASSERT_TRUE(NextOf<v1::WatchCaughtUp>(reader));
  Stop();
  server_.dir().Write("tokens.json", R"({"principals": []})");
  server_.Start();
  proxy_.SetServer(server_.address());
  EXPECT_FALSE(NextOf<v1::WatchCaughtUp>(reader));
  EXPECT_EQ(ErrorReasonOf(reader.status()), v1::ERROR_REASON_CREDENTIALS_INVALID);
}

TEST_F(EventReaderTest, ANewTokenIsUsedForTheNextConnection) {
  ClientOptions options = TestOptions(proxy_.address(), "admin");
  std::string token = TestToken("admin");
  options.token = [&] { return token; };
  EventReader reader(Client(options), {});
  ASSERT_TRUE(NextOf<v1::WatchCaughtUp>(reader));
  token = "no longer this";
  proxy_.Cut();
  EXPECT_FALSE(NextOf<v1::RoomEvent>(reader));
  EXPECT_EQ(reader.status().code(), absl::StatusCode::kUnauthenticated);
}

TEST_F(EventReaderTest, AStreamWhoseTokenIsNoLongerGoodIsTakenUpWithTheNextOne) {
  ClientOptions options = TestOptions(proxy_.address(), "backend");
  std::string token = TestToken("watcher");
  options.token = [&] { return token; };
  EventReader reader(Client(options), {});
  ASSERT_TRUE(NextOf<v1::WatchCaughtUp>(reader));
  token = TestToken("admin");
  // The server notices that the stream's token is gone, as it does when one expires.
  const nlohmann::json file = nlohmann::json::parse(TestTokenFile());
  auto others = nlohmann::json::array();
  for (const auto& principal : file["principals"]) {
    if (principal["name"] != "watcher") others.push_back(principal);
  }
  server_.dir().Write("tokens.json", nlohmann::json({{"principals", others}}).dump());
  const auto interrupted = NextOf<WatchInterrupted>(reader);
  ASSERT_TRUE(interrupted);
  EXPECT_EQ(interrupted->error.code(), absl::StatusCode::kUnauthenticated);
  EXPECT_TRUE(NextOf<v1::WatchCaughtUp>(reader)) << reader.status();
}

// Stops a reader while another thread waits in Next().
class StopTest : public EventReaderTest {
 protected:
  // Calls Next() until the end on another thread. `is_waiting` returns once that is
  // where it is to be stopped, or soon will be.
  template <typename IsWaiting>
  void StopWhileWaiting(EventReader& reader, const IsWaiting& is_waiting) {
    std::thread thread([&] {
      while (reader.Next()) {
      }
    });
    is_waiting();
    reader.Stop();
    thread.join();
    EXPECT_EQ(reader.status().code(), absl::StatusCode::kCancelled);
    EXPECT_FALSE(reader.Next());
    reader.Stop();
  }
};

TEST_F(StopTest, WhileNothingHappens) {
  EventReader reader(client_, {});
  ASSERT_TRUE(NextOf<v1::WatchCaughtUp>(reader));
  StopWhileWaiting(reader, [] {});
}

TEST_F(StopTest, WhileItConnects) {
  proxy_.Hold();
  EventReader reader(client_, {});
  StopWhileWaiting(reader, [&] { proxy_.AwaitConnections(1); });
}

TEST_F(StopTest, BeforeItBegins) {
  EventReader reader(client_, {});
  reader.Stop();
  StopWhileWaiting(reader, [] {});
}

TEST_F(StopTest, WhileItWaitsToConnectAgain) {
  absl::Notification sleeps;
  ClientSurroundings surroundings;
  surroundings.sleep = [&](absl::Duration, const absl::Notification& stop) {
    sleeps.Notify();
    stop.WaitForNotification();
  };
  proxy_.SetServer("");
  EventReader reader(Client(TestOptions(proxy_.address(), "admin"), surroundings), {});
  StopWhileWaiting(reader, [&] { sleeps.WaitForNotification(); });
}

}  // namespace
}  // namespace innkeeper
