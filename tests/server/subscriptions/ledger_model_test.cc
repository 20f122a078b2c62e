// Whatever consumers do, events of a room come in order, what is acknowledged does not
// come again, and nothing gets lost.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "server/feed/logged_commit.h"
#include "server/subscriptions/ledger.h"

namespace innkeeper::subscriptions {
namespace {

constexpr int kRooms = 12;
constexpr int kSteps = 3000;

class Model {
 public:
  explicit Model(uint32_t seed) : random_(seed) {}

  void Run() {
    for (int step = 0; step < kSteps && !testing::Test::HasFailure(); ++step) Step();
    while (!consumers_.empty()) Leave(consumers_.begin()->first, Draw(2) == 0);
    Join();
    const ConsumerNumber last = consumers_.begin()->first;
    for (int round = 0; round < kSteps * 4 && settled_.size() < log_.size(); ++round) {
      Receive(last);
      AcknowledgeAll(last);
      Pass(kRetryDelay);
    }
    EXPECT_EQ(settled_.size(), log_.size()) << "events got lost";
    for (const storage::LogPosition position : ledger_.positions()) {
      EXPECT_EQ(position, log_.size());
    }
  }

  int64_t parked() const { return parked_; }

 private:
  static constexpr absl::Duration kDeadline = absl::Seconds(60);
  static constexpr absl::Duration kRetryDelay = absl::Seconds(1);

  struct Message {
    Ordinal ordinal = 0;
    std::vector<int64_t> sequences;
  };

  uint32_t Draw(uint32_t below) { return random_() % below; }

  ConsumerNumber DrawConsumer() {
    auto consumer = consumers_.begin();
    std::advance(consumer, Draw(static_cast<uint32_t>(consumers_.size())));
    return consumer->first;
  }

  void Step() {
    const uint32_t dice = Draw(100);
    if (dice < 30) Append();
    if (dice >= 98 || consumers_.empty()) Join();
    if (dice >= 96 && dice < 98) return Leave(DrawConsumer(), Draw(2) == 0);
    if (dice >= 90 && dice < 96) Pass(absl::Seconds(Draw(2) == 0 ? 1 : 70));
    const ConsumerNumber number = DrawConsumer();
    if (dice >= 30 && dice < 60) Receive(number);
    if (dice >= 60 && dice < 80) AcknowledgeSome(number);
    if (dice >= 80 && dice < 90) Reject(number);
  }

  void Append() {
    v1::RoomEvent event;
    event.set_room_id(absl::StrCat("!", Draw(kRooms), ":example.org"));
    event.set_sequence(static_cast<int64_t>(log_.size()) + 1);
    rooms_[event.room_id()].push_back(event.sequence());
    log_.push_back(
        std::make_shared<feed::LoggedEvent>(feed::LoggedEvent{event, "", log_.size() + 1}));
  }

  void Join() {
    ledger_.Join(++last_number_, 1 + Draw(20));
    ledger_.Rebalance();
    consumers_[last_number_];
  }

  void Leave(ConsumerNumber number, bool broke_off) {
    ledger_.Leave(number, broke_off, now_);
    ledger_.Rebalance();
    consumers_.erase(number);
  }

  void Pass(absl::Duration duration) {
    now_ += duration;
    ledger_.FailLapsed(now_);
    ledger_.Rebalance();
  }

  void Receive(ConsumerNumber number) {
    const auto after = ledger_.NextRead(number, now_);
    if (!after || *after == log_.size()) return;
    feed::Stretch stretch;
    const size_t length = std::min<size_t>(log_.size() - *after, 1 + Draw(40));
    const auto begin = log_.begin() + static_cast<int64_t>(*after);
    stretch.events.assign(begin, begin + static_cast<int64_t>(length));
    stretch.through = *after + length;
    const Ledger::Taken taken = ledger_.Take(number, stretch, 1 + Draw(10), now_);
    for (const Ledger::GivenUp& given_up : taken.given_up) {
      EXPECT_GE(given_up.attempts, 3);
      Settle(given_up.event->event.sequence());
      ++parked_;
    }
    Message message = {taken.ordinal, {}};
    for (const Ledger::Sent& sent : taken.events) {
      Deliver(sent.event->event);
      message.sequences.push_back(sent.event->event.sequence());
    }
    if (message.sequences.empty()) return;
    consumers_.at(number).push_back(std::move(message));
    if (Draw(10) > 0) ledger_.NoteWritten(number);
  }

  // An event comes behind the one that came last of its room, or it is the first that is
  // not settled.
  void Deliver(const v1::RoomEvent& event) {
    const std::vector<int64_t>& room = rooms_.at(event.room_id());
    const int64_t sequence = event.sequence();
    EXPECT_FALSE(settled_.contains(sequence)) << sequence << " comes again";
    const auto unsettled = std::find_if(
        room.begin(), room.end(), [&](int64_t earlier) { return !settled_.contains(earlier); });
    const auto follower = std::upper_bound(room.begin(), room.end(), latest_[event.room_id()]);
    EXPECT_TRUE(sequence == *unsettled || (follower != room.end() && sequence == *follower))
        << sequence << " is out of order";
    latest_[event.room_id()] = sequence;
  }

  void AcknowledgeSome(ConsumerNumber number) {
    const std::vector<Message>& messages = consumers_.at(number);
    if (!messages.empty()) {
      Acknowledge(number, messages[Draw(static_cast<uint32_t>(messages.size()))].ordinal);
    }
  }

  void AcknowledgeAll(ConsumerNumber number) {
    const std::vector<Message>& messages = consumers_.at(number);
    if (!messages.empty()) Acknowledge(number, messages.back().ordinal);
  }

  // Everything up to the least position of an event's bucket is settled.
  void Acknowledge(ConsumerNumber number, Ordinal ordinal) {
    const size_t before = ledger_.UnacknowledgedBy(number);
    const size_t count = ledger_.Acknowledge(number, ordinal);
    EXPECT_EQ(ledger_.UnacknowledgedBy(number), before - count);
    const Positions positions = ledger_.positions();
    ledger_.Rebalance();
    size_t settled = 0;
    for (const Message& message : consumers_.at(number)) {
      if (message.ordinal > ordinal) break;
      for (const int64_t sequence : message.sequences) {
        const auto& event = log_[static_cast<size_t>(sequence) - 1]->event;
        if (positions[BucketOf(event.room_id())] < static_cast<uint64_t>(sequence)) continue;
        settled += settled_.contains(sequence) ? 0 : 1;
        Settle(sequence);
      }
    }
    EXPECT_EQ(settled, count) << "what is counted is not what the positions say";
  }

  void Settle(int64_t sequence) { settled_.insert(sequence); }

  void Reject(ConsumerNumber number) {
    const std::vector<Message>& messages = consumers_.at(number);
    if (messages.empty()) return;
    const Message& message = messages[Draw(static_cast<uint32_t>(messages.size()))];
    ledger_.Reject(number, message.sequences[Draw(static_cast<uint32_t>(message.sequences.size()))],
                   "", now_);
    ledger_.Rebalance();
  }

  std::mt19937 random_;
  absl::Duration now_ = absl::Hours(1);
  Ledger ledger_{{kDeadline, 3, kRetryDelay}, Positions{}, 1'000'000};
  std::vector<std::shared_ptr<const feed::LoggedEvent>> log_;
  std::map<std::string, std::vector<int64_t>> rooms_;
  std::map<std::string, int64_t> latest_;  // delivered, by room
  std::set<int64_t> settled_;              // acknowledged or parked
  std::map<ConsumerNumber, std::vector<Message>> consumers_;
  ConsumerNumber last_number_ = 0;
  int64_t parked_ = 0;
};

TEST(LedgerModelTest, EventsOfARoomComeInOrderUntilTheyAreSettled) {
  int64_t parked = 0;
  for (uint32_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE(absl::StrCat("seed ", seed));
    Model model(seed);
    model.Run();
    parked += model.parked();
    if (HasFailure()) break;
  }
  EXPECT_GT(parked, 0);
}

}  // namespace
}  // namespace innkeeper::subscriptions
