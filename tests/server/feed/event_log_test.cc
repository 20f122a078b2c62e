#include "server/feed/event_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "tests/server/feed/encoded_positions.h"
#include "tests/server/feed/stretch_limits.h"
#include "tests/server/feed/test_feed.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_engine.h"

namespace innkeeper::feed {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<storage::LogPosition> Positions(const Stretch& stretch) {
  std::vector<storage::LogPosition> positions;
  positions.reserve(stretch.events.size());
  for (const auto& event : stretch.events) positions.push_back(event->position());
  return positions;
}

class EventLogTest : public testing::Test {
 protected:
  void AppendDamage() {
    storage::CommitRequest request;
    request.log_entries.emplace_back("?");
    ASSERT_TRUE(CommitAndWait(*engine_, std::move(request)).status.ok());
  }

  // The first position that `log` gives from memory to one who has seen nothing of
  // what is there; 0 if there is nothing.
  static storage::LogPosition FirstInMemory(const EventLog& log) {
    for (storage::LogPosition after = 0; after <= log.bounds().head; ++after) {
      const std::optional<Stretch> stretch = log.ReadRecent(EventFilter(), after, kAmple);
      if (stretch && !stretch->events.empty()) return stretch->events[0]->position();
    }
    return 0;
  }

  const TempDir dir_;
  const std::unique_ptr<storage::Engine> engine_ = storage::OpenTestEngine(dir_.File("store"));
};

TEST_F(EventLogTest, TakesInWhatIsCommittedFromNowOn) {
  AppendRooms(*engine_, 2);
  EventLog log(*engine_, {});
  EXPECT_FALSE(log.Refresh());
  AppendRooms(*engine_, {"!a:x", "!b:x"});
  EXPECT_THAT(Positions(log.ReadRecent(EventFilter(), 2, kAmple).value()), IsEmpty());
  EXPECT_TRUE(log.Refresh());
  EXPECT_FALSE(log.Refresh());
  const Stretch stretch = log.ReadRecent(EventFilter(), 2, kAmple).value();
  EXPECT_THAT(Positions(stretch), ElementsAre(3, 4));
  EXPECT_EQ(stretch.through, 4u);
  EXPECT_EQ(log.ReadRecent(EventFilter(), 1, kAmple), std::nullopt);
}

TEST_F(EventLogTest, TakesInMoreThanOneReadBrings) {
  EventLog log(*engine_, {});
  for (int i = 0; i < 6; ++i) AppendRooms(*engine_, std::vector<std::string>(100, "!a:x"));
  EXPECT_TRUE(log.Refresh());
  EXPECT_EQ(Positions(log.ReadRecent(EventFilter(), 0, kAmple).value()).size(), 600u);
}

TEST_F(EventLogTest, ReachesBackExactlyAsFarAsItsMemory) {
  EventLog log(*engine_, {.max_recent_events = 4});
  AppendRooms(*engine_, 10);
  ASSERT_TRUE(log.Refresh());
  for (storage::LogPosition after = 0; after < 6; ++after) {
    EXPECT_EQ(log.ReadRecent(EventFilter(), after, kAmple), std::nullopt) << after;
  }
  for (storage::LogPosition after = 6; after < 10; ++after) {
    const Stretch stretch = log.ReadRecent(EventFilter(), after, kAmple).value();
    EXPECT_EQ(Positions(stretch).front(), after + 1);
    EXPECT_EQ(stretch.through, 10u);
  }
}

TEST_F(EventLogTest, KeepsWholeCommits) {
  EventLog log(*engine_, {.max_recent_events = 4});
  AppendRooms(*engine_, {"!1:x", "!2:x", "!3:x"});
  AppendRooms(*engine_, {"!4:x", "!5:x"});
  ASSERT_TRUE(log.Refresh());
  EXPECT_EQ(FirstInMemory(log), 4u);
  const Stretch part = log.ReadRecent(EventFilter(), 3, {1, 1 << 20}).value();
  EXPECT_THAT(Positions(part), ElementsAre(4));
  EXPECT_TRUE(part.commit_continues);
  AppendRooms(*engine_, std::vector<std::string>(20, "!a:x"));
  ASSERT_TRUE(log.Refresh());
  EXPECT_EQ(FirstInMemory(log), 6u);
}

TEST_F(EventLogTest, MemoryIsLimitedInBytes) {
  EventLog log(*engine_, {.max_recent_bytes = 1000});
  for (int i = 0; i < 5; ++i) AppendRooms(*engine_, {"!" + std::string(200, 'x')});
  ASSERT_TRUE(log.Refresh());
  EXPECT_EQ(FirstInMemory(log), 4u);
}

TEST_F(EventLogTest, WhatCannotBeReadIsLeftToReaders) {
  EventLog log(*engine_, {});
  AppendRooms(*engine_, 2);
  AppendDamage();
  AppendRooms(*engine_, 2);
  EXPECT_TRUE(log.Refresh());
  EXPECT_EQ(log.ReadRecent(EventFilter(), 0, kAmple), std::nullopt);
  EXPECT_EQ(log.ReadRecent(EventFilter(), 4, kAmple), std::nullopt);

  const Stretch before = log.Read(EventFilter(), 0, kAmple).value();
  EXPECT_THAT(Positions(before), ElementsAre(1, 2));
  EXPECT_EQ(before.through, 2u);
  EXPECT_TRUE(absl::IsDataLoss(log.Read(EventFilter(), 2, kAmple).status()));
  EXPECT_THAT(Positions(log.Read(EventFilter(), 3, kAmple).value()), ElementsAre(4, 5));

  AppendRooms(*engine_, 1);
  EXPECT_TRUE(log.Refresh());
  EXPECT_THAT(Positions(log.ReadRecent(EventFilter(), 5, kAmple).value()), ElementsAre(6));
}

TEST_F(EventLogTest, WhatWasRemovedBeforeItWasTakenInIsSkipped) {
  EventLog log(*engine_, {});
  AppendRooms(*engine_, 5);
  ASSERT_TRUE(engine_->TrimLog(4).ok());
  EXPECT_TRUE(log.Refresh());
  EXPECT_EQ(log.ReadRecent(EventFilter(), 0, kAmple), std::nullopt);
  EXPECT_TRUE(absl::IsOutOfRange(log.Read(EventFilter(), 0, kAmple).status()));
  EXPECT_THAT(Positions(log.Read(EventFilter(), 3, kAmple).value()), ElementsAre(4, 5));
}

TEST_F(EventLogTest, ReadsUpToTheLimits) {
  const EventLog log(*engine_, {});
  AppendRooms(*engine_, 10);
  const Stretch stretch = log.Read(EventFilter(), 2, {3, 1 << 20}).value();
  EXPECT_THAT(Positions(stretch), ElementsAre(3, 4, 5));
  EXPECT_EQ(stretch.through, 5u);
  EXPECT_EQ(Positions(log.Read(EventFilter(), 0, {3, 1}).value()).size(), 1u);
}

TEST_F(EventLogTest, CommitThatIsReadInPartsIsReadOnce) {
  const EventLog log(*engine_, {});
  AppendRooms(*engine_, std::vector<std::string>(10, "!a:x"));
  AppendRooms(*engine_, 2);
  const StretchLimits three = {3, 1 << 20};
  EXPECT_THAT(Positions(log.Read(EventFilter(), 0, three).value()), ElementsAre(1, 2, 3));
  // Gone from the database: what still comes, comes from memory.
  ASSERT_TRUE(engine_->TrimLog(11).ok());
  EXPECT_THAT(Positions(log.Read(EventFilter(), 3, three).value()), ElementsAre(4, 5, 6));
  EXPECT_THAT(Positions(log.Read(EventFilter(), 6, three).value()), ElementsAre(7, 8, 9));
  const Stretch rest = log.Read(EventFilter(), 9, three).value();
  EXPECT_THAT(Positions(rest), ElementsAre(10, 11, 12));
  EXPECT_FALSE(rest.commit_continues);
  // Its end was read.
  EXPECT_TRUE(absl::IsOutOfRange(log.Read(EventFilter(), 3, three).status()));
}

TEST_F(EventLogTest, SearchThatIsCutShortTellsWhenWhatFollowsWasCommitted) {
  const EventLog log(*engine_, {.max_scanned_entries = 1});
  for (int i = 0; i < 3; ++i) AppendRooms(*engine_, std::vector<std::string>(200, "!a:x"));
  v1::RoomEventFilter proto;
  proto.add_room_ids("!b:x");
  FieldErrors errors;
  const EventFilter filter = EventFilter::FromProto(proto, errors);
  const Stretch stretch = log.Read(filter, 0, kAmple).value();
  ASSERT_EQ(stretch.through, 200u);
  const auto next = engine_->ReadLog(201, 1, 1).value();
  EXPECT_EQ(stretch.next_time, next.front().commit_time);
  EXPECT_EQ(log.Read(filter, 400, kAmple).value().next_time, absl::InfiniteFuture());
}

TEST_F(EventLogTest, ReadAtTheEndIsEmpty) {
  const EventLog log(*engine_, {});
  AppendRooms(*engine_, 3);
  const Stretch stretch = log.Read(EventFilter(), 3, kAmple).value();
  EXPECT_THAT(Positions(stretch), IsEmpty());
  EXPECT_EQ(stretch.through, 3u);
}

// The positions of the events that were completed.
std::vector<storage::LogPosition> Completed(const Stretch& stretch) {
  std::vector<storage::LogPosition> positions;
  for (const auto& event : stretch.events) {
    if (event->event.room_upgraded().new_room_id().empty()) continue;
    EXPECT_EQ(event->bytes, event->event.SerializeAsString());
    positions.push_back(event->position());
  }
  return positions;
}

TEST_F(EventLogTest, CompletesEventsForThoseWhoGetThemInFull) {
  const TestCompleter completer;
  EventLog log(*engine_, {.completer = &completer});
  AppendRooms(*engine_, {"!plain:x", "!full:x"});
  AppendRooms(*engine_, {"!plain:x"});
  ASSERT_TRUE(log.Refresh());
  const Stretch full = log.Read(EventFilter(), 0, kAmple, EventDetail::kInFull).value();
  EXPECT_THAT(Positions(full), ElementsAre(1, 2, 3));
  EXPECT_THAT(Completed(full), ElementsAre(2));
  EXPECT_THAT(Completed(log.Read(EventFilter(), 0, kAmple).value()), IsEmpty());
}

TEST_F(EventLogTest, KnowsWhatMemoryLacks) {
  const TestCompleter completer;
  EventLog log(*engine_, {.completer = &completer});
  AppendRooms(*engine_, {"!full:x"});
  AppendRooms(*engine_, {"!plain:x"});
  ASSERT_TRUE(log.Refresh());
  const Stretch both = log.ReadRecent(EventFilter(), 0, kAmple).value();
  EXPECT_THAT(Completed(both), IsEmpty());
  EXPECT_TRUE(log.MayLackDetail(both, EventDetail::kInFull));
  EXPECT_FALSE(log.MayLackDetail(both, EventDetail::kAsLogged));
  const Stretch plain = log.ReadRecent(EventFilter(), 1, kAmple).value();
  EXPECT_FALSE(log.MayLackDetail(plain, EventDetail::kInFull));
}

TEST_F(EventLogTest, LimitsCountWhatIsAdded) {
  const TestCompleter completer;
  EventLog log(*engine_, {.completer = &completer});
  AppendRooms(*engine_, std::vector<std::string>(3, "!full:x"));
  const size_t bytes = log.Read(EventFilter(), 0, kAmple).value().events[0]->bytes.size();
  const StretchLimits limits = {1000, 2 * bytes};
  EXPECT_THAT(Positions(log.Read(EventFilter(), 0, limits).value()), ElementsAre(1, 2));
  EXPECT_THAT(Positions(log.Read(EventFilter(), 0, limits, EventDetail::kInFull).value()),
              ElementsAre(1));
}

TEST_F(EventLogTest, RestOfAPartedCommitIsForEveryReader) {
  AppendRooms(*engine_, std::vector<std::string>{"!a:x", "!b:x", "!c:x"});
  const EventLog log(*engine_, {});
  const auto part = log.Read(EventFilter(), 0, {1, 1 << 20});
  ASSERT_TRUE(part.ok() && part->commit_continues);
  EXPECT_THAT(Positions(*part), ElementsAre(1));
  FieldErrors errors;
  v1::RoomEventFilter filter;
  filter.add_room_ids("!c:x");
  const auto rest = log.Read(EventFilter::FromProto(filter, errors), 1, kAmple);
  ASSERT_TRUE(rest.ok());
  EXPECT_THAT(Positions(*rest), ElementsAre(3));
}

TEST_F(EventLogTest, EncodesWhatItReads) {
  const TestCompleter completer;
  const EventLog log(*engine_, {.completer = &completer});
  AppendRooms(*engine_, {"!full:x", "!plain:x"});
  AppendRooms(*engine_, {"!full:x"});
  for (const EventDetail detail : {EventDetail::kAsLogged, EventDetail::kInFull}) {
    for (const StretchLimits limits : {kAmple, StretchLimits{1, 1 << 20}}) {
      const auto encoded = log.ReadEncoded(EventFilter(), 0, limits, detail).value();
      const auto read = Encode(log.Read(EventFilter(), 0, limits, detail).value());
      EXPECT_EQ(Positions(encoded), Positions(read));
      EXPECT_EQ(encoded.events.event_bytes(), read.events.event_bytes());
      EXPECT_EQ(encoded.through, read.through);
      EXPECT_EQ(encoded.commit_continues, read.commit_continues);
      EXPECT_EQ(encoded.first_time, read.first_time);
      EXPECT_EQ(encoded.next_time, read.next_time);
    }
  }
}

}  // namespace
}  // namespace innkeeper::feed
