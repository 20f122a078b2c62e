// Each test hands a plain value from thread to thread through one of Abseil's
// means, correctly. A report ends the program.

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "absl/synchronization/blocking_counter.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"

namespace innkeeper {
namespace {

constexpr int kRounds = 1'000;
constexpr absl::Duration kLong = absl::Seconds(30);

// Runs both at once.
template <typename First, typename Second>
void Together(First first, Second second) {
  std::thread other(first);
  second();
  other.join();
}

bool IsPositive(int* value) { return *value > 0; }

TEST(ThreadSanitizerTest, SeesMutex) {
  absl::Mutex mutex;
  int value = 0;
  const auto work = [&] {
    for (int i = 0; i < kRounds; ++i) {
      absl::MutexLock lock(&mutex);
      ++value;
    }
  };
  Together(work, work);
  EXPECT_EQ(value, 2 * kRounds);
}

TEST(ThreadSanitizerTest, SeesTryLock) {
  absl::Mutex mutex;
  int value = 0;
  const auto work = [&] {
    for (int i = 0; i < kRounds; ++i) {
      while (!mutex.TryLock()) std::this_thread::yield();
      ++value;
      mutex.Unlock();
    }
  };
  Together(work, work);
  EXPECT_EQ(value, 2 * kRounds);
}

TEST(ThreadSanitizerTest, SeesReadersAndWriter) {
  absl::Mutex mutex;
  int value = 0;
  Together(
      [&] {
        for (int i = 0; i < kRounds; ++i) {
          absl::WriterMutexLock lock(&mutex);
          ++value;
        }
      },
      [&] {
        int last = 0;
        while (last < kRounds) {
          absl::ReaderMutexLock lock(&mutex);
          last = value;
        }
      });
}

TEST(ThreadSanitizerTest, SeesReaderBeforeWriter) {
  absl::Mutex mutex;
  int value = 0;
  std::atomic<bool> was_read = false;
  Together(
      [&] {
        mutex.ReaderLock();
        EXPECT_EQ(value, 0);
        mutex.ReaderUnlock();
        was_read.store(true, std::memory_order_relaxed);
      },
      [&] {
        while (!was_read.load(std::memory_order_relaxed)) std::this_thread::yield();
        absl::MutexLock lock(&mutex);
        value = 1;
      });
}

TEST(ThreadSanitizerTest, SeesLockWhen) {
  absl::Mutex mutex;
  int value = 0;
  Together(
      [&] {
        absl::MutexLock lock(&mutex);
        value = 1;
      },
      [&] {
        absl::MutexLock lock(&mutex, absl::Condition(&IsPositive, &value));
        ++value;
      });
  EXPECT_EQ(value, 2);
}

TEST(ThreadSanitizerTest, SeesAwaitToAndFro) {
  absl::Mutex mutex;
  int value = 0;
  const auto play = [&](int parity) {
    absl::MutexLock lock(&mutex);
    const auto my_turn = [&] { return value % 2 == parity; };
    for (int i = 0; i < kRounds; ++i) {
      EXPECT_TRUE(mutex.AwaitWithTimeout(absl::Condition(&my_turn), kLong));
      ++value;
    }
  };
  Together([&] { play(0); }, [&] { play(1); });
  EXPECT_EQ(value, 2 * kRounds);
}

TEST(ThreadSanitizerTest, SeesMutexInsideCondition) {
  absl::Mutex outer;
  absl::Mutex inner;
  bool published = false;
  int value = 0;
  const auto publish = [&] {
    absl::MutexLock lock(&inner);
    published = true;
    return true;
  };
  Together(
      [&] {
        value = 1;
        outer.LockWhen(absl::Condition(&publish));
        outer.Unlock();
      },
      [&] {
        { absl::MutexLock lock(&inner, absl::Condition(&published)); }
        EXPECT_EQ(value, 1);
      });
}

TEST(ThreadSanitizerTest, SeesWaitsThatTimeOut) {
  absl::Mutex mutex;
  int value = 0;
  const auto work = [&] {
    for (int i = 0; i < 20; ++i) {
      absl::MutexLock lock(&mutex);
      const auto never = [&] { return value < 0; };
      mutex.AwaitWithTimeout(absl::Condition(&never), absl::Microseconds(50));
      ++value;
    }
  };
  Together(work, work);
  EXPECT_EQ(value, 40);
}

TEST(ThreadSanitizerTest, SeesCondVar) {
  absl::Mutex mutex;
  absl::CondVar changed;
  int value = 0;
  const auto play = [&](int parity) {
    absl::MutexLock lock(&mutex);
    for (int i = 0; i < kRounds; ++i) {
      while (value % 2 != parity) changed.WaitWithTimeout(&mutex, kLong);
      ++value;
      changed.Signal();
    }
  };
  Together([&] { play(0); }, [&] { play(1); });
  EXPECT_EQ(value, 2 * kRounds);
}

TEST(ThreadSanitizerTest, SeesNotification) {
  for (int i = 0; i < kRounds; ++i) {
    absl::Notification written;
    int value = 0;
    Together(
        [&] {
          value = i;
          written.Notify();
        },
        [&] {
          written.WaitForNotification();
          EXPECT_EQ(value, i);
        });
  }
}

TEST(ThreadSanitizerTest, SeesBlockingCounter) {
  for (int i = 0; i < 100; ++i) {
    absl::BlockingCounter written(2);
    int values[2] = {};
    std::thread first([&] {
      values[0] = 1;
      written.DecrementCount();
    });
    std::thread second([&] {
      values[1] = 1;
      written.DecrementCount();
    });
    written.Wait();
    EXPECT_EQ(values[0] + values[1], 2);
    first.join();
    second.join();
  }
}

TEST(ThreadSanitizerTest, TakesEachMutexAtAnAddressForItself) {
  absl::Mutex other;
  {
    absl::Mutex mutex;
    absl::MutexLock first(&mutex);
    absl::MutexLock second(&other);
  }
  {
    absl::Mutex mutex;
    absl::MutexLock first(&other);
    absl::MutexLock second(&mutex);
  }
}

}  // namespace
}  // namespace innkeeper
