#include "server/subscriptions/ledger.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "server/feed/logged_commit.h"
#include "server/subscriptions/buckets.h"

namespace innkeeper::subscriptions {
namespace {

using storage::LogPosition;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr ConsumerNumber kA = 1;
constexpr ConsumerNumber kB = 2;
constexpr ConsumerNumber kC = 3;

// A log in which each event is about the room that it names, and a ledger over it.
class LedgerTest : public testing::Test {
 protected:
  static constexpr absl::Duration kDeadline = absl::Minutes(1);
  static constexpr absl::Duration kRetryDelay = absl::Seconds(1);

  LedgerTest() : ledger_({kDeadline, 3, kRetryDelay}, Positions{}, 100) {}

  void Append(const std::string& room_id) {
    v1::RoomEvent event;
    event.set_room_id(room_id);
    event.set_sequence(static_cast<int64_t>(log_.size()) + 1);
    log_.push_back(
        std::make_shared<feed::LoggedEvent>(feed::LoggedEvent{event, "", log_.size() + 1}));
  }

  void Append(const std::vector<std::string>& room_ids) {
    for (const std::string& room_id : room_ids) Append(room_id);
  }

  void Join(ConsumerNumber number, size_t max_unacknowledged = 1000) {
    ledger_.Join(number, max_unacknowledged);
    ledger_.Rebalance();
  }

  void Leave(ConsumerNumber number, bool broke_off) {
    ledger_.Leave(number, broke_off, now_);
    ledger_.Rebalance();
  }

  // The sequences in the consumer's next message; none if it gets none.
  std::vector<int64_t> Next(ConsumerNumber number, size_t max_events = 100) {
    while (const auto after = ledger_.NextRead(number, now_)) {
      feed::Stretch stretch;
      stretch.events.assign(log_.begin() + static_cast<int64_t>(*after), log_.end());
      stretch.through = log_.size();
      if (stretch.through <= *after) break;
      Ledger::Taken taken = ledger_.Take(number, stretch, max_events, now_);
      for (const Ledger::GivenUp& given_up : taken.given_up) {
        given_up_.push_back(given_up.event->event.sequence());
        errors_.push_back(given_up.error);
      }
      if (taken.events.empty()) continue;
      ledger_.NoteWritten(number);
      ordinal_ = taken.ordinal;
      std::vector<int64_t> sequences;
      for (const Ledger::Sent& sent : taken.events) {
        sequences.push_back(sent.event->event.sequence());
        attempts_[sequences.back()] = sent.attempt;
      }
      return sequences;
    }
    return {};
  }

  // All that the consumer gets without acknowledging anything.
  std::vector<int64_t> Drain(ConsumerNumber number) {
    std::vector<int64_t> all;
    for (auto next = Next(number); !next.empty(); next = Next(number)) {
      all.insert(all.end(), next.begin(), next.end());
    }
    return all;
  }

  size_t AckAll(ConsumerNumber number) {
    const size_t count = ledger_.Acknowledge(number, ordinal_);
    ledger_.Rebalance();
    return count;
  }

  void Pass(absl::Duration duration) {
    now_ += duration;
    ledger_.FailLapsed(now_);
    ledger_.Rebalance();
  }

  LogPosition PositionOfRoom(const std::string& room_id) {
    return ledger_.positions()[BucketOf(room_id)];
  }

  // Two rooms of different buckets.
  const std::string x_ = "!x:example.org";
  const std::string y_ = [] {
    for (int i = 0;; ++i) {
      std::string room_id = absl::StrCat("!y", i, ":example.org");
      if (BucketOf(room_id) != BucketOf("!x:example.org")) return room_id;
    }
  }();

  std::vector<std::shared_ptr<const feed::LoggedEvent>> log_;
  absl::Duration now_ = absl::Hours(1);
  Ledger ledger_;
  Ordinal ordinal_ = 0;  // of the latest message
  std::map<int64_t, int> attempts_;
  std::vector<int64_t> given_up_;
  std::vector<std::string> errors_;
};

TEST(BucketsTest, StayWhatTheyAre) {
  // Positions are stored by bucket: these must never change.
  EXPECT_EQ(BucketOf(""), 1u);
  EXPECT_EQ(BucketOf("!abc:example.org"), 28u);
  EXPECT_EQ(BucketOf("!x:example.org"), 46u);
  std::set<size_t> buckets;
  for (int i = 0; i < 1000; ++i) buckets.insert(BucketOf(absl::StrCat("!", i, ":example.org")));
  EXPECT_EQ(buckets.size(), kBuckets) << "some buckets get no rooms";
}

TEST_F(LedgerTest, OneConsumerGetsEverythingInOrder) {
  Join(kA);
  Append({x_, y_, x_, "!z:example.org"});
  EXPECT_THAT(Next(kA), ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(Next(kA), IsEmpty());
  Append(x_);
  EXPECT_THAT(Next(kA), ElementsAre(5));
}

TEST_F(LedgerTest, PositionsRiseWithWhatIsAcknowledged) {
  Join(kA);
  Append({x_, y_, x_, y_});
  EXPECT_THAT(Next(kA, 2), ElementsAre(1, 2));
  EXPECT_EQ(PositionOfRoom(x_), 0u);
  EXPECT_THAT(Next(kA), ElementsAre(3, 4));
  EXPECT_EQ(ledger_.Acknowledge(kA, 1), 2u);
  EXPECT_EQ(PositionOfRoom(x_), 2u);
  EXPECT_EQ(PositionOfRoom(y_), 3u);
  EXPECT_EQ(ledger_.Acknowledge(kA, 1), 0u);
  EXPECT_EQ(ledger_.Acknowledge(kA, 2), 2u);
  for (const LogPosition position : ledger_.positions()) EXPECT_EQ(position, 4u);
}

TEST_F(LedgerTest, WhatTheFilterLeavesOutIsPassed) {
  Join(kA);
  feed::Stretch stretch;
  stretch.through = 10;
  EXPECT_THAT(ledger_.Take(kA, stretch, 100, now_).events, IsEmpty());
  for (const LogPosition position : ledger_.positions()) EXPECT_EQ(position, 10u);
}

TEST_F(LedgerTest, NoMoreIsOutThanTheConsumerTakes) {
  Join(kA, 3);
  Append({x_, x_, x_, x_, x_});
  EXPECT_THAT(Next(kA, 2), ElementsAre(1, 2));
  EXPECT_THAT(Next(kA, 2), ElementsAre(3));
  EXPECT_THAT(Next(kA), IsEmpty());
  EXPECT_EQ(ledger_.Acknowledge(kA, 1), 2u);
  EXPECT_THAT(Next(kA), ElementsAre(4, 5));
  EXPECT_EQ(ledger_.UnacknowledgedBy(kA), 3u);
}

TEST_F(LedgerTest, ConsumersShareTheBucketsEvenly) {
  for (ConsumerNumber number = 1; number <= 5; ++number) {
    Join(number);
    for (ConsumerNumber i = 1; i <= number; ++i) {
      EXPECT_GE(ledger_.ShareOf(i), kBuckets / number);
      EXPECT_LE(ledger_.ShareOf(i), kBuckets / number + 1);
    }
  }
  Leave(kB, false);
  Leave(kC, false);
  EXPECT_EQ(ledger_.ShareOf(1) + ledger_.ShareOf(4) + ledger_.ShareOf(5), kBuckets);
  EXPECT_GE(ledger_.ShareOf(4), kBuckets / 3);
}

TEST_F(LedgerTest, MoreConsumersThanBucketsAreFine) {
  for (ConsumerNumber number = 1; number <= 70; ++number) Join(number);
  size_t shares = 0;
  for (ConsumerNumber number = 1; number <= 70; ++number) {
    EXPECT_LE(ledger_.ShareOf(number), 1u);
    shares += ledger_.ShareOf(number);
  }
  EXPECT_EQ(shares, kBuckets);
}

TEST_F(LedgerTest, ABucketIsHandedOverOnceNothingOfItIsOut) {
  // Enough rooms for each bucket to have some.
  const auto append_to_all = [this] {
    for (int i = 0; i < 1500; ++i) Append(absl::StrCat("!", i, ":example.org"));
  };
  Join(kA, 10'000);
  append_to_all();
  EXPECT_EQ(Drain(kA).size(), 1500u);
  Join(kB, 10'000);
  EXPECT_EQ(ledger_.ShareOf(kB), 0u);
  append_to_all();
  EXPECT_THAT(Drain(kB), IsEmpty()) << "events are with two consumers at once";
  const std::vector<int64_t> kept = Drain(kA);
  EXPECT_LT(kept.size(), 1000u) << "what is to be handed over must not be added to";
  AckAll(kA);
  EXPECT_EQ(ledger_.ShareOf(kB), kBuckets / 2);
  EXPECT_EQ(Drain(kB).size(), 1500u - kept.size());
}

TEST_F(LedgerTest, ANewConsumerGetsBucketsThatHaveEvents) {
  Join(kA);
  for (int i = 0; i < 30; ++i) Append(absl::StrCat("!", i, ":example.org"));
  Drain(kA);
  Join(kB);
  AckAll(kA);
  for (int i = 0; i < 30; ++i) Append(absl::StrCat("!", i, ":example.org"));
  EXPECT_GT(Drain(kB).size(), 5u);
}

TEST_F(LedgerTest, HeirsThatHaveNotGotAnythingYetGiveWay) {
  Join(kA);
  for (int i = 0; i < 200; ++i) Append(absl::StrCat("!", i, ":example.org"));
  Drain(kA);
  Join(kB);
  Join(kC);
  Leave(kB, false);
  AckAll(kA);
  EXPECT_EQ(ledger_.ShareOf(kA), kBuckets / 2);
  EXPECT_EQ(ledger_.ShareOf(kC), kBuckets / 2);
}

TEST_F(LedgerTest, WhatALeavingConsumerHadGoesToOthers) {
  Join(kA);
  Append({x_, x_, y_});
  Drain(kA);
  Leave(kA, false);
  Join(kB);
  EXPECT_THAT(Drain(kB), ElementsAre(1, 2, 3));
  EXPECT_EQ(attempts_[1], 1) << "nobody failed";
}

TEST_F(LedgerTest, ALapseTakesTheWholeBucketBack) {
  Join(kA);
  Append({x_, y_, x_});
  Next(kA);
  ledger_.Acknowledge(kA, 0);
  Pass(kDeadline - absl::Seconds(1));
  EXPECT_THAT(Next(kA), IsEmpty());
  Pass(absl::Seconds(1));
  EXPECT_EQ(ledger_.UnacknowledgedBy(kA), 0u);
  EXPECT_THAT(Next(kA), IsEmpty()) << "before the delay";
  EXPECT_EQ(ledger_.NextDue(now_), now_ + kRetryDelay);
  Pass(kRetryDelay);
  EXPECT_THAT(Next(kA), ElementsAre(1));
  EXPECT_EQ(attempts_[1], 2);
  EXPECT_THAT(Next(kA), ElementsAre(2)) << "one at a time";
  EXPECT_THAT(Next(kA), IsEmpty()) << "the third must wait for the first";
  AckAll(kA);
  EXPECT_THAT(Next(kA), ElementsAre(3));
  EXPECT_EQ(attempts_[3], 1);
}

TEST_F(LedgerTest, ALateAcknowledgementOfAnEarlierAttemptDoesNotCount) {
  Join(kA);
  Append(x_);
  Next(kA);
  const Ordinal first = ordinal_;
  Pass(kDeadline);
  Pass(kRetryDelay);
  EXPECT_THAT(Next(kA), ElementsAre(1));
  EXPECT_EQ(ledger_.Acknowledge(kA, first), 0u);
  EXPECT_EQ(PositionOfRoom(x_), 0u);
}

TEST_F(LedgerTest, WhatTheTransportHasNotTakenOnDoesNotLapse) {
  Join(kA);
  Append(x_);
  feed::Stretch stretch = {.events = {log_[0]}, .through = 1};
  ASSERT_EQ(ledger_.Take(kA, stretch, 100, now_).events.size(), 1u);
  Pass(kDeadline);
  EXPECT_EQ(ledger_.UnacknowledgedBy(kA), 1u);
  EXPECT_EQ(ledger_.NextDue(now_), absl::InfiniteDuration());
  ledger_.NoteWritten(kA);
  Pass(absl::ZeroDuration());
  EXPECT_EQ(ledger_.UnacknowledgedBy(kA), 0u);
}

TEST_F(LedgerTest, AnEventThatFailsForGoodIsGivenUpAndTheBucketGoesOn) {
  Join(kA);
  Append({x_, x_});
  for (int attempt = 1; attempt <= 3; ++attempt) {
    const auto next = Next(kA);
    ASSERT_FALSE(next.empty());
    EXPECT_EQ(next.front(), 1);
    EXPECT_EQ(attempts_[1], attempt);
    EXPECT_TRUE(ledger_.Reject(kA, 1, absl::StrCat("error ", attempt), now_).was_out);
    if (attempt < 3) Pass(kRetryDelay);
  }
  EXPECT_THAT(Next(kA), ElementsAre(2)) << "at once";
  EXPECT_THAT(given_up_, ElementsAre(1));
  EXPECT_THAT(errors_, ElementsAre("error 3"));
  EXPECT_EQ(PositionOfRoom(x_), 1u);
  EXPECT_EQ(AckAll(kA), 1u);
  EXPECT_FALSE(ledger_.HasFailures());
}

TEST_F(LedgerTest, WhenNoMoreCanBeGivenUpEventsAreDeliveredAgain) {
  ledger_.set_parkable(0);
  Join(kA);
  Append(x_);
  for (int attempt = 1; attempt <= 6; ++attempt) {
    ASSERT_THAT(Next(kA), ElementsAre(1));
    EXPECT_EQ(attempts_[1], attempt);
    ledger_.Reject(kA, 1, "", now_);
    EXPECT_THAT(Next(kA), IsEmpty()) << "before the delay";
    Pass(kRetryDelay);
  }
  EXPECT_THAT(given_up_, IsEmpty());
}

TEST_F(LedgerTest, NothingIsGivenUpWhenMoreThanMayBeIsParked) {
  ledger_.set_parkable(-1);
  Join(kA);
  Append(x_);
  for (int attempt = 1; attempt <= 4; ++attempt) {
    ASSERT_THAT(Next(kA), ElementsAre(1));
    ledger_.Reject(kA, 1, "", now_);
    Pass(kRetryDelay);
  }
  EXPECT_THAT(given_up_, IsEmpty());
}

TEST_F(LedgerTest, ARejectionTellsWhatElseCountsNoMore) {
  Join(kA);
  Append({x_, x_, y_});
  EXPECT_THAT(Next(kA, 1), ElementsAre(1));
  EXPECT_THAT(Next(kA, 1), ElementsAre(2));
  EXPECT_THAT(Next(kA, 1), ElementsAre(3));
  EXPECT_EQ(ledger_.Reject(kA, 1, "", now_).taken_back_through, 3u) << "the last message";
  EXPECT_EQ(ledger_.Reject(kA, 2, "", now_).taken_back_through, std::nullopt) << "not out";
  ledger_.AddReplay(9, 0);
  ledger_.SendReplay(kA, 9, now_);
  EXPECT_EQ(ledger_.Reject(kA, 9, "", now_).taken_back_through, std::nullopt) << "a replay";
}

TEST_F(LedgerTest, ARejectedEventWaitsForThoseBeforeIt) {
  Join(kA);
  Append({x_, x_, x_});
  EXPECT_THAT(Next(kA), ElementsAre(1, 2, 3));
  EXPECT_TRUE(ledger_.Reject(kA, 2, "", now_).was_out);
  EXPECT_FALSE(ledger_.Reject(kA, 3, "", now_).was_out) << "it is no longer out";
  Pass(kRetryDelay);
  EXPECT_THAT(Next(kA), ElementsAre(1));
  EXPECT_EQ(attempts_[1], 1);
  AckAll(kA);
  EXPECT_THAT(Next(kA), ElementsAre(2));
  EXPECT_EQ(attempts_[2], 2);
}

TEST_F(LedgerTest, OneEventIsBlamedForABrokenStream) {
  Join(kA);
  Append({x_, x_, y_, y_});
  EXPECT_THAT(Next(kA, 1), ElementsAre(1));
  EXPECT_THAT(Next(kA), ElementsAre(2, 3, 4));
  ledger_.Acknowledge(kA, 1);
  Leave(kA, true);
  Join(kB);
  Pass(kRetryDelay);
  EXPECT_THAT(Next(kB), ElementsAre(2));
  EXPECT_THAT(Next(kB), ElementsAre(3)) << "one at a time, whoever was blamed";
  EXPECT_EQ(attempts_[2], 2);
  EXPECT_EQ(attempts_[3], 1);
  AckAll(kB);
  EXPECT_THAT(Next(kB), ElementsAre(4));
}

TEST_F(LedgerTest, AnEventThatKillsItsConsumersIsGivenUp) {
  Append({x_, x_, x_});
  int consumers = 0;
  // Acknowledges everything but the second event, of which it dies.
  for (ConsumerNumber number = 1; number <= 10; ++number) {
    Join(number);
    ++consumers;
    bool alive = true;
    bool done = false;
    while (alive && !done) {
      const auto next = Next(number);
      done = next.empty();
      for (const int64_t sequence : next) alive = alive && sequence != 2;
      if (alive) AckAll(number);
    }
    Leave(number, !alive);
    Pass(kRetryDelay);
    if (done) break;
  }
  EXPECT_EQ(consumers, 5) << "one attempt at the batch, three at the event, one behind it";
  EXPECT_THAT(given_up_, ElementsAre(2));
  EXPECT_EQ(PositionOfRoom(x_), 3u);
}

TEST_F(LedgerTest, ANewBucketsBacklogDoesNotHoldUpTheOthers) {
  Join(kA);
  Append({x_, y_});
  Next(kA);
  EXPECT_TRUE(ledger_.Reject(kA, 1, "", now_).was_out);
  for (int i = 0; i < 10; ++i) Append(y_);
  EXPECT_EQ(Drain(kA).size(), 10u);
  Pass(kRetryDelay);
  EXPECT_THAT(Drain(kA), ElementsAre(1));
}

TEST_F(LedgerTest, SeekingForgetsWhatWasOut) {
  Join(kA);
  Append({x_, x_, x_});
  Next(kA);
  Positions positions;
  positions.fill(1);
  ledger_.Seek(positions);
  EXPECT_EQ(AckAll(kA), 0u);
  EXPECT_EQ(ledger_.positions(), positions);
  EXPECT_THAT(Next(kA), ElementsAre(2, 3));
  EXPECT_EQ(attempts_[2], 1);
}

TEST_F(LedgerTest, ReplaysGoToTheBucketsConsumerOneByOne) {
  Join(kA);
  Join(kB);
  const size_t bucket = BucketOf(x_);
  ledger_.AddReplay(5, bucket);
  ledger_.AddReplay(7, bucket);
  ledger_.AddReplay(5, bucket);
  const ConsumerNumber owner = ledger_.NextReplay(kA, now_) ? kA : kB;
  EXPECT_EQ(ledger_.NextReplay(owner == kA ? kB : kA, now_), std::nullopt);
  ASSERT_EQ(ledger_.NextReplay(owner, now_), 5);
  const Ledger::SentReplay sent = ledger_.SendReplay(owner, 5, now_);
  EXPECT_EQ(sent.attempt, 1);
  ledger_.AddReplay(5, bucket);
  ASSERT_EQ(ledger_.NextReplay(owner, now_), 7);
  EXPECT_EQ(ledger_.Acknowledge(owner, sent.ordinal), 1u);
  ledger_.AddReplay(5, bucket);
  EXPECT_EQ(ledger_.NextReplay(owner, now_), 7);
  const auto ends = ledger_.TakeReplayEnds();
  ASSERT_EQ(ends.size(), 1u);
  EXPECT_EQ(ends[0].sequence, 5);
  EXPECT_TRUE(ends[0].acknowledged);
  EXPECT_THAT(ledger_.TakeReplayEnds(), IsEmpty());
}

TEST_F(LedgerTest, ReplaysThatFailForGoodAreParkedAgain) {
  Join(kA);
  ledger_.AddReplay(5, 0);
  for (int attempt = 1; attempt <= 3; ++attempt) {
    ASSERT_EQ(ledger_.NextReplay(kA, now_), 5);
    EXPECT_EQ(ledger_.SendReplay(kA, 5, now_).attempt, attempt);
    ledger_.NoteWritten(kA);
    if (attempt < 3) {
      EXPECT_TRUE(ledger_.Reject(kA, 5, "no", now_).was_out);
      EXPECT_EQ(ledger_.NextReplay(kA, now_), std::nullopt);
      Pass(kRetryDelay);
    } else {
      Pass(kDeadline);
    }
  }
  const auto ends = ledger_.TakeReplayEnds();
  ASSERT_EQ(ends.size(), 1u);
  EXPECT_FALSE(ends[0].acknowledged);
  EXPECT_EQ(ends[0].attempts, 3);
  EXPECT_EQ(ledger_.UnacknowledgedBy(kA), 0u);
  EXPECT_EQ(ledger_.NextReplay(kA, now_), std::nullopt);
}

TEST_F(LedgerTest, ReplaysSurviveTheirConsumer) {
  Join(kA);
  ledger_.AddReplay(5, 0);
  ledger_.SendReplay(kA, 5, now_);
  Leave(kA, false);
  Join(kB);
  EXPECT_EQ(ledger_.NextReplay(kB, now_), 5);
  ledger_.SendReplay(kB, 5, now_);
  ledger_.DropReplay(5);
  EXPECT_EQ(ledger_.UnacknowledgedBy(kB), 0u);
}

}  // namespace
}  // namespace innkeeper::subscriptions
