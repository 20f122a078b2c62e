// The validators find what is wrong: each property has recordings that break it and no
// other, and one that breaks nothing.

#include "tests/stream/validators.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/stream/consumption.h"

namespace innkeeper::stream {
namespace {

using StartKind = SeenStart::Kind;
using MessageKind = SeenMessage::Kind;

// Commits of one, two and three events in turns.
Log TestLog() {
  Log log;
  for (int64_t commit = 1; commit <= 9; ++commit) {
    for (int64_t i = 0; i <= (commit - 1) % 3; ++i) {
      v1::RoomEvent& event = log.emplace_back();
      event.set_type(i == 0 ? "room.created" : "room.invite.pending");
      event.set_room_id(absl::StrCat("!", commit, ":x"));
      event.set_sequence(static_cast<int64_t>(log.size()));
      event.set_commit_id(commit * 10);
    }
  }
  return log;
}

SeenMessage Confirmed(int64_t behind) {
  return {.kind = MessageKind::kConfirmed, .sequence = behind, .oldest_sequence = 1};
}

SeenMessage Bookmark(int64_t sequence) {
  return {.kind = MessageKind::kBookmark, .sequence = sequence};
}

SeenMessage Events(const Log& log, const std::vector<int64_t>& sequences, bool continues = false) {
  SeenMessage message{.kind = MessageKind::kEvents, .commit_continues = continues};
  for (int64_t sequence : sequences) {
    message.events.push_back(Seen(log[static_cast<size_t>(sequence) - 1]));
  }
  return message;
}

class ValidatorsTest : public testing::Test {
 protected:
  // A reader of everything that was interrupted once, lost history once, and got all else.
  Recording Sound() const {
    Recording recording{.reader = "reader", .through = 18};
    recording.streams = {
        {{StartKind::kOldest},
         {Confirmed(0), Events(log_, {1, 2, 3}), Bookmark(3), Events(log_, {4, 5}, true),
          Events(log_, {6})}},
        {{StartKind::kBehind, 6}, {Confirmed(6), Events(log_, {7}), Events(log_, {8, 9})}},
        {{StartKind::kAtLeast, 9}, {}, "EVENT_HISTORY_GONE"},
        {{StartKind::kOldestLeft}, {Confirmed(12), Events(log_, {13}), Bookmark(13)}},
        {{StartKind::kBehind, 13},
         {Confirmed(13), Events(log_, {14, 15}), Events(log_, {16, 17, 18}), Bookmark(18)}},
    };
    recording.streams[3].messages[0].oldest_sequence = 13;
    return recording;
  }

  // A reader of the first events of commits.
  Recording Filtered() const {
    Recording recording{.reader = "filtered reader", .through = 18};
    recording.filter.add_types("room.created");
    recording.streams = {
        {{StartKind::kGoingOn, 4}, {Events(log_, {7, 8}), Bookmark(9)}},
        {{StartKind::kAtLeast, 8}, {Confirmed(9), Events(log_, {10, 13, 14, 16}), Bookmark(18)}},
    };
    return recording;
  }

  // The names of the properties that the recording breaks.
  std::vector<std::string> Broken(const Recording& recording) const {
    std::vector<std::string> broken;
    if (!CheckOrdered(recording, log_).empty()) broken.emplace_back("Ordered");
    if (!CheckUnique(recording, log_).empty()) broken.emplace_back("Unique");
    if (!CheckReliable(recording, log_).empty()) broken.emplace_back("Reliable");
    if (!CheckAtomic(recording, log_).empty()) broken.emplace_back("Atomic");
    if (!CheckResumable(recording, log_).empty()) broken.emplace_back("Resumable");
    if (!CheckBookmarkable(recording, log_).empty()) broken.emplace_back("Bookmarkable");
    if (!CheckSnapshots(recording, log_).empty()) broken.emplace_back("Snapshots");
    return broken;
  }

  const Log log_ = TestLog();
};

TEST_F(ValidatorsTest, SoundRecordingsBreakNothing) {
  EXPECT_THAT(CheckOrdered(Sound(), log_), testing::IsEmpty());
  EXPECT_THAT(CheckUnique(Sound(), log_), testing::IsEmpty());
  EXPECT_THAT(CheckReliable(Sound(), log_), testing::IsEmpty());
  EXPECT_THAT(CheckAtomic(Sound(), log_), testing::IsEmpty());
  EXPECT_THAT(CheckResumable(Sound(), log_), testing::IsEmpty());
  EXPECT_THAT(CheckBookmarkable(Sound(), log_), testing::IsEmpty());
  EXPECT_THAT(Broken(Filtered()), testing::IsEmpty());
  EXPECT_THAT(Broken({.reader = "nothing yet"}), testing::IsEmpty());
  EXPECT_THAT(Broken({.reader = "in vain", .streams = {{{StartKind::kBehind, 5}, {}}}}),
              testing::IsEmpty());
}

// A way to spoil a recording, and what it breaks.
struct Spoiling {
  std::string name;
  std::function<void(Recording&)> spoil;
  std::vector<std::string> broken;
};

class SpoiledRecordingTest : public ValidatorsTest, public testing::WithParamInterface<Spoiling> {};

TEST_P(SpoiledRecordingTest, OfEverythingIsFound) {
  Recording recording = Sound();
  GetParam().spoil(recording);
  EXPECT_EQ(Broken(recording), GetParam().broken);
}

std::vector<SeenEvent>& EventsOf(Recording& recording, size_t stream, size_t message) {
  return recording.streams[stream].messages[message].events;
}

INSTANTIATE_TEST_SUITE_P(
    Ways, SpoiledRecordingTest,
    testing::Values(
        Spoiling{"TwoEventsSwapped",
                 [](Recording& r) { std::swap(EventsOf(r, 0, 1)[0], EventsOf(r, 0, 1)[1]); },
                 {"Ordered", "Resumable", "Bookmarkable"}},
        Spoiling{"TwoEventsOfACommitSwapped",
                 [](Recording& r) { std::swap(EventsOf(r, 0, 1)[1], EventsOf(r, 0, 1)[2]); },
                 {"Ordered", "Atomic", "Bookmarkable"}},
        Spoiling{"ACommitIdThatFalls",
                 [](Recording& r) { EventsOf(r, 1, 2)[0].commit_id = 1; },
                 {"Ordered"}},
        Spoiling{"AnEventTwiceInAMessage",
                 [](Recording& r) { EventsOf(r, 1, 1).push_back(EventsOf(r, 1, 1).back()); },
                 {"Unique", "Bookmarkable"}},
        Spoiling{"TheLastEventAgainOnTheNextStream",
                 [](Recording& r) {
                   r.streams[1].start = {StartKind::kBehind, 5};
                   r.streams[1].messages[0].sequence = 5;
                   r.streams[1].messages[1].events.insert(r.streams[1].messages[1].events.begin(),
                                                          EventsOf(r, 0, 4)[0]);
                 },
                 {"Unique"}},
        Spoiling{"AnEventMissingInTheMidst",
                 [](Recording& r) { EventsOf(r, 4, 1).erase(EventsOf(r, 4, 1).begin() + 1); },
                 {"Reliable", "Atomic"}},
        Spoiling{
            "ACommitMissing", [](Recording& r) { r.streams[1].messages.pop_back(); }, {"Reliable"}},
        Spoiling{"AnEventThatTheLogDoesNotHave",
                 [](Recording& r) {
                   EventsOf(r, 4, 2).push_back({.sequence = 19, .commit_id = 100});
                   r.streams[4].messages.pop_back();
                 },
                 {"Reliable"}},
        Spoiling{"AnEventWithOtherContents",
                 [](Recording& r) { ++EventsOf(r, 0, 1)[0].fingerprint; },
                 {"Reliable"}},
        Spoiling{"ACommitPartedWithoutAMark",
                 [](Recording& r) { r.streams[0].messages[3].commit_continues = false; },
                 {"Atomic"}},
        Spoiling{"AMarkOnAWholeCommit",
                 [](Recording& r) { r.streams[0].messages[1].commit_continues = true; },
                 {"Atomic"}},
        Spoiling{"AStreamThatResumesTooEarly",
                 [](Recording& r) { r.streams[1].messages[0].sequence = 5; },
                 {"Resumable"}},
        Spoiling{"AStreamThatResumesTooLate",
                 [](Recording& r) { r.streams[4].messages[0].sequence = 14; },
                 {"Resumable", "Bookmarkable"}},
        Spoiling{"AStreamThatBeginsWithALaterEvent",
                 [](Recording& r) { EventsOf(r, 4, 1).erase(EventsOf(r, 4, 1).begin()); },
                 {"Reliable", "Resumable"}},
        Spoiling{"HistoryGoneWhenItWasNot",
                 [](Recording& r) {
                   r.streams[3].messages = {Confirmed(9), Events(TestLog(), {10, 11, 12, 13})};
                   r.streams[3].messages[0].oldest_sequence = 10;
                 },
                 {"Resumable"}},
        Spoiling{"ABookmarkAheadOfTheStream",
                 [](Recording& r) { r.streams[0].messages[2].sequence = 5; },
                 {"Bookmarkable"}},
        Spoiling{"ABookmarkThatGoesBack",
                 [](Recording& r) { r.streams[4].messages.back().sequence = 17; },
                 {"Bookmarkable"}},
        Spoiling{"ABookmarkBeyondTheLog",
                 [](Recording& r) { r.streams[4].messages.back().sequence = 19; },
                 {"Bookmarkable"}},
        Spoiling{"ACatchingUpThatIsCutShort",
                 [](Recording& r) {
                   r.streams[0].messages[0].head_sequence = 4;
                   r.streams[0].messages[2].is_caught_up = true;
                 },
                 {"Bookmarkable"}},
        Spoiling{"AReaderThatDoesNotGetToTheEnd",
                 [](Recording& r) {
                   r.streams[4].messages.pop_back();
                   r.streams[4].messages.pop_back();
                 },
                 {"Reliable", "Bookmarkable"}}),
    [](const auto& param_info) { return param_info.param.name; });

TEST_F(ValidatorsTest, FilteredReadersMustGetWhatPassesAndNothingElse) {
  Recording recording = Filtered();
  EventsOf(recording, 1, 1).pop_back();
  EXPECT_THAT(Broken(recording), testing::ElementsAre("Reliable", "Bookmarkable"));
  recording = Filtered();
  EventsOf(recording, 1, 1).push_back(Seen(log_[16]));
  EXPECT_THAT(Broken(recording), testing::Contains("Reliable"));
  recording = Filtered();
  recording.streams[1].messages[0].sequence = 10;
  EXPECT_THAT(Broken(recording), testing::Contains("Resumable"));
  recording = Filtered();
  recording.streams[1].messages.pop_back();
  EXPECT_THAT(Broken(recording), testing::ElementsAre("Bookmarkable"))
      << "without a bookmark the reader does not know that it is at the end";
}

// A reader whose first snapshot was interrupted, as of event 8: the rooms of five commits.
class SnapshotTest : public ValidatorsTest {
 protected:
  SnapshotTest() {
    log_.back().mutable_room_upgraded();
    log_.back().set_room_id("!1:x");
    recording_.streams = {
        {{StartKind::kSnapshot}, {Confirmed(5), Rooms({"!1:x"})}},
        {{StartKind::kSnapshot},
         {Confirmed(8), Rooms({"!1:x", "!2:x"}), Rooms({"!3:x", "!4:x", "!5:x"}), End(8),
          Events(log_, {9}), Events(log_, {10, 11, 12}), Bookmark(12)}},
    };
  }

  static SeenMessage Rooms(const std::vector<std::string>& room_ids) {
    SeenMessage message{.kind = MessageKind::kSnapshot};
    for (const std::string& room_id : room_ids) message.rooms.push_back({.room_id = room_id});
    return message;
  }

  static SeenMessage End(int64_t sequence) {
    return {.kind = MessageKind::kSnapshotEnd, .sequence = sequence};
  }

  std::vector<SeenMessage>& messages() { return recording_.streams[1].messages; }

  Log log_ = TestLog();
  Recording recording_{.reader = "reader", .streams = {}, .through = 12};
};

TEST_F(SnapshotTest, SoundOnesBreakNothing) { EXPECT_THAT(Broken(recording_), testing::IsEmpty()); }

TEST_F(SnapshotTest, ShowsEveryRoom) {
  messages()[2].rooms.pop_back();
  EXPECT_THAT(Broken(recording_), testing::ElementsAre("Snapshots"));
}

TEST_F(SnapshotTest, ShowsNoRoomOfLater) {
  messages()[2].rooms.push_back({.room_id = "!6:x"});
  EXPECT_THAT(Broken(recording_), testing::ElementsAre("Snapshots"));
}

TEST_F(SnapshotTest, ShowsNoRoomTwice) {
  messages()[2].rooms.push_back({.room_id = "!1:x"});
  EXPECT_THAT(Broken(recording_), testing::ElementsAre("Snapshots"));
}

TEST_F(SnapshotTest, ShowsRoomsAsTheyWereThen) {
  messages()[1].rooms[0].is_tombstoned = true;
  EXPECT_THAT(CheckSnapshots(recording_, log_), testing::Not(testing::IsEmpty()));
  messages().resize(3);
  messages().push_back(End(18));  // with what was upgraded in the last event
  for (const int commit : {6, 7, 8, 9}) {
    messages()[1].rooms.push_back({.room_id = absl::StrCat("!", commit, ":x")});
  }
  EXPECT_THAT(CheckSnapshots(recording_, log_), testing::IsEmpty());
  messages()[1].rooms[0].is_tombstoned = false;
  EXPECT_THAT(CheckSnapshots(recording_, log_), testing::Not(testing::IsEmpty()));
}

TEST_F(SnapshotTest, ShowsRoomsAsOftenChangedAsTheLogSays) {
  messages()[1].rooms[0].revision = 1;
  EXPECT_THAT(Broken(recording_), testing::IsEmpty());
  messages()[1].rooms[0].revision = 2;
  EXPECT_THAT(Broken(recording_), testing::ElementsAre("Snapshots"));
}

TEST_F(SnapshotTest, ComesBeforeEvents) {
  std::swap(messages()[3], messages()[4]);
  EXPECT_THAT(Broken(recording_), testing::Contains("Snapshots"));
}

TEST_F(SnapshotTest, IsFollowedByWhatComesRightBehindIt) {
  messages().erase(messages().begin() + 4);
  EXPECT_THAT(Broken(recording_), testing::ElementsAre("Reliable", "Resumable"));
}

// Events 1 to 6 of two rooms, in turns.
class ConsumptionTest : public testing::Test {
 protected:
  ConsumptionTest() {
    for (int64_t sequence = 1; sequence <= 6; ++sequence) {
      v1::RoomEvent& event = log_.emplace_back();
      event.set_type("room.created");
      event.set_sequence(sequence);
      event.set_room_id(sequence % 2 == 0 ? "!even:x" : "!odd:x");
    }
  }

  // The names of the properties that are broken.
  std::vector<std::string> Broken(std::vector<int64_t> done, int64_t acknowledged,
                                  std::set<int64_t> parked = {},
                                  std::set<int64_t> once_parked = {}) {
    const Consumption consumption{.subscription = "all",
                                  .filter = filter_,
                                  .done = std::move(done),
                                  .parked = std::move(parked),
                                  .once_parked = std::move(once_parked),
                                  .acknowledged = acknowledged};
    std::vector<std::string> broken;
    if (!CheckDelivered(consumption, log_).empty()) broken.emplace_back("Delivered");
    if (!CheckRoomOrder(consumption, log_).empty()) broken.emplace_back("RoomOrder");
    return broken;
  }

  Log log_;
  v1::RoomEventFilter filter_;
};

TEST_F(ConsumptionTest, SoundOnesBreakNothing) {
  EXPECT_THAT(Broken({}, 0), testing::IsEmpty());
  EXPECT_THAT(Broken({1, 2, 3, 4, 5, 6}, 6), testing::IsEmpty());
  EXPECT_THAT(Broken({2, 4, 6, 1, 3, 5}, 6), testing::IsEmpty()) << "no order between rooms";
  EXPECT_THAT(Broken({1, 3, 1, 3, 5, 2}, 3), testing::IsEmpty()) << "twice";
  EXPECT_THAT(Broken({1, 2, 5, 4}, 5, {3}), testing::IsEmpty()) << "what is parked is passed";
}

TEST_F(ConsumptionTest, NothingAcknowledgedIsLost) {
  EXPECT_THAT(Broken({1, 3, 4, 5}, 1), testing::IsEmpty()) << "what is not there may come";
  EXPECT_THAT(Broken({1, 3, 4, 5}, 2), testing::ElementsAre("Delivered"));
  EXPECT_THAT(Broken({1, 2, 3, 4, 5}, 6), testing::ElementsAre("Delivered"));
}

TEST_F(ConsumptionTest, NothingOvertakesAnotherEventOfItsRoom) {
  EXPECT_THAT(Broken({3, 1, 5, 2, 4, 6}, 6), testing::ElementsAre("RoomOrder"));
  EXPECT_THAT(Broken({3, 5, 1, 2, 4, 6}, 6, {}, {1}), testing::IsEmpty()) << "it was parked";
  EXPECT_THAT(Broken({5, 3, 1}, 0, {1}), testing::ElementsAre("RoomOrder")) << "1 is parked";
}

TEST_F(ConsumptionTest, NothingComesThatTheFilterLeavesOut) {
  filter_.add_room_ids("!even:x");
  EXPECT_THAT(Broken({2, 4, 6}, 6), testing::IsEmpty());
  EXPECT_THAT(Broken({1, 2, 4, 6}, 6), testing::ElementsAre("Delivered"));
}

}  // namespace
}  // namespace innkeeper::stream
