#include "server/base/executor.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "absl/synchronization/barrier.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "server/base/clock.h"

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
  refused();  // it was not taken: NOLINT(bugprone-use-after-move)
  EXPECT_EQ(ran, 11);
}

TEST(ExecutorTest, TellsHowLongTheNextTaskHasBeenWaiting) {
  Executor executor(1, 10);
  EXPECT_EQ(executor.LongestWait(), absl::ZeroDuration());
  absl::Notification started;
  absl::Notification release;
  ASSERT_TRUE(executor.TrySubmit([&] {
    started.Notify();
    release.WaitForNotification();
  }));
  started.WaitForNotification();
  EXPECT_EQ(executor.LongestWait(), absl::ZeroDuration()) << "it is being run";
  const absl::Duration before = MonotonicNow();
  absl::Notification first_is_run;
  absl::Notification let_first_end;
  ASSERT_TRUE(executor.TrySubmit([&] {
    first_is_run.Notify();
    let_first_end.WaitForNotification();
  }));
  const absl::Duration between = MonotonicNow();
  while (MonotonicNow() - between < absl::Milliseconds(2)) {
  }
  const absl::Duration second_submitted = MonotonicNow();
  ASSERT_TRUE(executor.TrySubmit([] {}));
  absl::Duration wait = executor.LongestWait();
  EXPECT_GE(wait, absl::Milliseconds(2));
  EXPECT_LE(wait, MonotonicNow() - before);
  release.Notify();
  first_is_run.WaitForNotification();
  wait = executor.LongestWait();
  EXPECT_GT(wait, absl::ZeroDuration());
  EXPECT_LE(wait, MonotonicNow() - second_submitted);
  let_first_end.Notify();
  executor.Stop();
  EXPECT_EQ(executor.LongestWait(), absl::ZeroDuration());
}

TEST(ExecutorTest, KnowsWhetherAThreadIsFree) {
  Executor executor(1, 10);
  while (!executor.HasIdleThread()) std::this_thread::yield();  // until it has started
  absl::Notification release;
  ASSERT_TRUE(executor.TrySubmit([&] { release.WaitForNotification(); }));
  EXPECT_FALSE(executor.HasIdleThread());  // whether it has begun with that or not
  release.Notify();
  while (!executor.HasIdleThread()) std::this_thread::yield();
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
