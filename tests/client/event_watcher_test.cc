// EventWatcher does what its comments promise, against the real server.

#include "client/event_watcher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "tests/client/test_clients.h"
#include "tests/support/test_client.h"
#include "tests/support/test_server.h"

namespace innkeeper {
namespace {

using testing::ElementsAreArray;

// What a watcher called back with.
class Calls {
 public:
  EventWatcher::OnItem on_item() {
    return [this](const WatchItem& item) {
      absl::MutexLock lock(&mutex_);
      EXPECT_FALSE(end_);
      if (const auto* event = std::get_if<v1::RoomEvent>(&item.what)) {
        room_ids_.push_back(event->room_id());
      }
      caught_up_ = caught_up_ || std::holds_alternative<v1::WatchCaughtUp>(item.what);
    };
  }

  EventWatcher::OnEnd on_end() {
    return [this](const absl::Status& status) {
      absl::MutexLock lock(&mutex_);
      EXPECT_FALSE(end_);
      end_ = status;
    };
  }

  void AwaitCaughtUp() {
    absl::MutexLock lock(&mutex_);
    mutex_.Await(absl::Condition(&caught_up_));
  }

  std::vector<std::string> AwaitRooms(size_t count) {
    absl::MutexLock lock(&mutex_);
    const auto came = [&]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
      return room_ids_.size() >= count || end_;
    };
    mutex_.Await(absl::Condition(&came));
    return room_ids_;
  }

  absl::Status AwaitEnd() {
    absl::MutexLock lock(&mutex_);
    const auto ended = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return end_.has_value(); };
    mutex_.Await(absl::Condition(&ended));
    return *end_;
  }

 private:
  absl::Mutex mutex_;
  std::vector<std::string> room_ids_ ABSL_GUARDED_BY(mutex_);
  bool caught_up_ ABSL_GUARDED_BY(mutex_) = false;
  std::optional<absl::Status> end_ ABSL_GUARDED_BY(mutex_);
};

class EventWatcherTest : public testing::Test {
 protected:
  std::string Create() { return direct_.Create(RoomRequest("@alice:example.org")).room_id(); }

  TestServer server_;
  const TestClient direct_{server_.address(), TestToken("admin")};
  const Client client_{TestOptions(server_.address(), "admin")};
  Calls calls_;
};

TEST_F(EventWatcherTest, CallsWithEachItemInOrder) {
  std::vector<std::string> room_ids = {Create(), Create()};
  EventWatcher watcher(client_, {.start = WatchStart::kOldest}, calls_.on_item(), calls_.on_end());
  calls_.AwaitCaughtUp();
  for (int i = 0; i < 3; ++i) room_ids.push_back(Create());
  EXPECT_THAT(calls_.AwaitRooms(room_ids.size()), ElementsAreArray(room_ids));
}

TEST_F(EventWatcherTest, TellsOfItsEnd) {
  EventWatcher watcher(client_, {.after_cursor = "nonsense"}, calls_.on_item(), calls_.on_end());
  EXPECT_EQ(calls_.AwaitEnd().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(EventWatcherTest, StopEndsIt) {
  EventWatcher watcher(client_, {}, calls_.on_item(), calls_.on_end());
  calls_.AwaitCaughtUp();
  watcher.Stop();
  EXPECT_EQ(calls_.AwaitEnd().code(), absl::StatusCode::kCancelled);
}

TEST_F(EventWatcherTest, ACallbackMayStopIt) {
  Create();
  Create();
  int items = 0;
  absl::Notification made;
  std::optional<EventWatcher> watcher;
  const auto stop = [&](const WatchItem&) {
    ++items;
    made.WaitForNotification();
    watcher->Stop();
  };
  watcher.emplace(client_, WatchOptions{.start = WatchStart::kOldest}, stop, calls_.on_end());
  made.Notify();
  EXPECT_EQ(calls_.AwaitEnd().code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(items, 1);
}

TEST_F(EventWatcherTest, NoCallbackOutlivesIt) {
  auto watcher =
      std::make_unique<EventWatcher>(client_, WatchOptions(), calls_.on_item(), calls_.on_end());
  calls_.AwaitCaughtUp();
  watcher.reset();
  Create();
  EXPECT_EQ(calls_.AwaitEnd().code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(calls_.AwaitRooms(0).size(), 0u);
}

}  // namespace
}  // namespace innkeeper
