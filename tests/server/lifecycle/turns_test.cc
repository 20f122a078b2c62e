#include "server/lifecycle/turns.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace innkeeper::lifecycle {
namespace {

using testing::ElementsAre;

class TurnsTest : public testing::Test {
 protected:
  // A task that notes that it ran.
  Turns::Task Note(const std::string& name) {
    return [this, name](bool may_begin) { ran_.push_back(may_begin ? name : name + " refused"); };
  }

  // Runs the task if there is one.
  static void Run(std::optional<Turns::Task> task) {
    if (task) (*task)(true);
  }

  Turns turns_;
  std::vector<std::string> ran_;
};

TEST_F(TurnsTest, TheFirstBeginsAndTheOthersWaitInTheirOrder) {
  Run(turns_.Take("room", Note("first")));
  for (const char* name : {"second", "third", "fourth"}) {
    EXPECT_FALSE(turns_.Take("room", Note(name)).has_value());
  }
  EXPECT_THAT(ran_, ElementsAre("first"));
  Run(turns_.Pass("room"));
  EXPECT_THAT(ran_, ElementsAre("first", "second"));
  Run(turns_.Pass("room"));
  EXPECT_FALSE(turns_.Take("room", Note("fifth")).has_value());
  Run(turns_.Pass("room"));
  Run(turns_.Pass("room"));
  EXPECT_THAT(ran_, ElementsAre("first", "second", "third", "fourth", "fifth"));
  EXPECT_FALSE(turns_.Pass("room").has_value());
}

TEST_F(TurnsTest, AThingIsFreeOnceNobodyWaits) {
  for (const char* name : {"first", "second"}) {
    Run(turns_.Take("room", Note(name)));
    EXPECT_FALSE(turns_.Pass("room").has_value());
  }
  EXPECT_THAT(ran_, ElementsAre("first", "second"));
}

TEST_F(TurnsTest, OtherThingsDontWait) {
  Run(turns_.Take("one", Note("one")));
  Run(turns_.Take("other", Note("other")));
  EXPECT_THAT(ran_, ElementsAre("one", "other"));
  EXPECT_FALSE(turns_.Take("one", Note("one's next")).has_value());
  EXPECT_FALSE(turns_.Pass("other").has_value());
  Run(turns_.Pass("one"));
  EXPECT_THAT(ran_, ElementsAre("one", "other", "one's next"));
}

TEST_F(TurnsTest, WhoeverPassesSaysWhetherTheNextMayBegin) {
  Run(turns_.Take("room", Note("first")));
  EXPECT_FALSE(turns_.Take("room", Note("second")).has_value());
  (*turns_.Pass("room"))(false);
  EXPECT_THAT(ran_, ElementsAre("first", "second refused"));
}

// Shows under ThreadSanitizer too that a turn sees what the one before it did.
TEST_F(TurnsTest, NeverTwoAtOnce) {
  constexpr int kThreads = 4;
  constexpr int kTurns = 2000;
  int at_once = 0;
  int ran = 0;
  const auto run_all = [&](std::optional<Turns::Task> task) {
    while (task) {
      (*task)(true);
      task = turns_.Pass("room");
    }
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      for (int turn = 0; turn < kTurns; ++turn) {
        run_all(turns_.Take("room", [&](bool) {
          EXPECT_EQ(++at_once, 1);
          ++ran;
          --at_once;
        }));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(ran, kThreads * kTurns);
}

}  // namespace
}  // namespace innkeeper::lifecycle
