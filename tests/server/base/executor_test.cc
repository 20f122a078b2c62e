#include "server/base/executor.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>

#include "absl/synchronization/barrier.h"
#include "absl/synchronization/notification.h"

namespace innkeeper {
namespace {

TEST(ExecutorTest, RunsTasksSideBySide) {
  Executor executor(3, 10);
  // Each task waits for the others: they finish only if all three run at once.
  absl::Barrier* barrier = new absl::Barrier(3);
  std::atomic<int> ran{0};
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(executor.TrySubmit([&, barrier] {
      if (barrier->Block()) delete barrier;
      ++ran;
    }));
  }
  executor.Stop();
  EXPECT_EQ(ran, 3);
}

TEST(ExecutorTest, RefusesWhatItCannotQueueAndLeavesItToTheCaller) {
  Executor executor(1, 1);
  absl::Notification started;
  absl::Notification release;
  ASSERT_TRUE(executor.TrySubmit([&] {
    started.Notify();
    release.WaitForNotification();
  }));
  started.WaitForNotification();
  std::atomic<int> ran{0};
  ASSERT_TRUE(executor.TrySubmit([&] { ++ran; }));
  Executor::Task refused = [&] { ran += 10; };
  EXPECT_FALSE(executor.TrySubmit(std::move(refused)));
  release.Notify();
  executor.Stop();
  EXPECT_EQ(ran, 1);
  refused();
  EXPECT_EQ(ran, 11);
}

TEST(ExecutorTest, StopRunsWhatWasSubmittedAndRefusesMore) {
  Executor executor(2, 1000);
  std::atomic<int> ran{0};
  for (int i = 0; i < 500; ++i) ASSERT_TRUE(executor.TrySubmit([&] { ++ran; }));
  executor.Stop();
  EXPECT_EQ(ran, 500);
  EXPECT_FALSE(executor.TrySubmit([&] { ++ran; }));
  executor.Stop();
  EXPECT_EQ(ran, 500);
}

int NicenessOfThisThread() { return getpriority(PRIO_PROCESS, static_cast<id_t>(gettid())); }

TEST(ExecutorTest, ThreadsOfLowPriorityGiveWay) {
  int normal = 0;
  int low = 0;
  Executor executor(1, 1);
  Executor low_executor(1, 1, ThreadPriority::kLow);
  ASSERT_TRUE(executor.TrySubmit([&] { normal = NicenessOfThisThread(); }));
  ASSERT_TRUE(low_executor.TrySubmit([&] { low = NicenessOfThisThread(); }));
  executor.Stop();
  low_executor.Stop();
  EXPECT_EQ(normal, NicenessOfThisThread());
  EXPECT_GT(low, normal);
}

}  // namespace
}  // namespace innkeeper
