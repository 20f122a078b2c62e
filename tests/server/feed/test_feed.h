// File: tests/server/feed/test_feed.h
//
// A feed over a real store, and streams of it whose reader is the test.

#ifndef INNKEEPER_TESTS_SERVER_FEED_TEST_FEED_H_
#define INNKEEPER_TESTS_SERVER_FEED_TEST_FEED_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "innkeeper/v1/room_event.pb.h"
#include "innkeeper/v1/room_lifecycle.pb.h"
#include "server/base/executor.h"
#include "server/base/random.h"
#include "server/base/signed_token.h"
#include "server/events/event_completer.h"
#include "server/feed/event_feed.h"
#include "server/feed/stream_access.h"
#include "server/feed/subscription.h"
#include "storage/engine.h"
#include "tests/support/temp_dir.h"

namespace innkeeper::feed {

// Says what room is the new one in each "room.upgraded".
class TestCompleter final : public EventCompleter {
 public:
  bool MayComplete(absl::string_view type) const override;
  void Complete(v1::RoomEvent& event) const override;
};

// Commits a "room.created" for each of `room_ids`, or if it begins with "!full" a
// "room.upgraded", together.
void AppendRooms(storage::Engine& engine, const std::vector<std::string>& room_ids);

// Commits `count` rooms "!<position>:x", one by one.
void AppendRooms(storage::Engine& engine, int count);

// Requests for a stream that starts there.
v1::WatchRoomEventsRequest FromOldest();
v1::WatchRoomEventsRequest FromNow();
v1::WatchRoomEventsRequest After(const std::string& cursor);

// The error that the feed refuses a stream with. Crashes if it doesn't.
absl::Status RefusalOf(EventFeed& feed, const v1::WatchRoomEventsRequest& request);

// The value of `key` in the metadata of the error.
std::string MetadataOf(const absl::Status& status, const std::string& key);

// The sequences of events.
template <typename Events>
std::vector<int64_t> Sequences(const Events& events) {
  std::vector<int64_t> sequences;
  sequences.reserve(static_cast<size_t>(events.size()));
  for (const v1::RoomEvent& event : events) sequences.push_back(event.sequence());
  return sequences;
}

// The access of a reader who may see everything, in full.
std::unique_ptr<StreamAccess> AccessInFull();

// A store, an executor and a feed.
class TestFeed {
 public:
  struct Options {
    EventFeedOptions feed;
    size_t threads = 2;
    size_t max_queued_tasks = 1000;
  };

  TestFeed() : TestFeed(Options()) {}
  explicit TestFeed(Options options);
  ~TestFeed();

  storage::Engine& engine() { return *engine_; }
  EventFeed& operator*() { return *feed_; }
  EventFeed* operator->() { return feed_.get(); }
  Executor& executor() { return *executor_; }

  // Closes everything and opens the same store again. The feed has no event in
  // memory then.
  void Reopen();

 private:
  void Open();
  void Close();

  const Options options_;
  const TempDir dir_;
  const TokenSigner signer_{"the key of these tests"};
  const RandomBytes random_ = SecureRandom();
  std::unique_ptr<storage::Engine> engine_;
  std::unique_ptr<Executor> executor_;
  std::unique_ptr<EventFeed> feed_;
};

// A stream. A message that was sent stays unread until the test takes it.
class TestStream final : private SubscriptionSink {
 public:
  // Crashes if the feed refuses the stream.
  TestStream(EventFeed& feed, const v1::WatchRoomEventsRequest& request,
             std::unique_ptr<StreamAccess> access = nullptr);

  // Ends the stream if it has not ended.
  ~TestStream() override;

  // Waits for the next message and takes it. Crashes if the stream ends instead.
  v1::WatchRoomEventsResponse Next();

  // Takes messages, all of them events, but for `caught_up` and `fell_behind`, until there
  // are `count` events at least.
  std::vector<v1::RoomEvent> NextEvents(size_t count);

  // Takes events up to the one with that sequence, and checks that they follow on
  // each other, the first on `after`.
  void ReadThrough(int64_t after, int64_t sequence);

  // As Next(), but returns nothing if the stream ends.
  std::optional<v1::WatchRoomEventsResponse> NextIfAny() { return TakeMessage(); }

  // Waits for the end, past messages, and returns what the stream ended with.
  absl::Status AwaitEnd();

  // Waits for a message to be sent, and leaves it.
  void AwaitMessage();

  // Waits until the stream is ended although a message is still being sent, and returns
  // what it is ended with. The message has to be taken all the same.
  absl::Status AwaitBreak();

  // Waits until the stream is broken off.
  void AwaitAbort();

  // How many messages were sent, and whether the stream was broken off.
  int sent() const;
  bool aborted() const;

  // Has `call` called as soon as the next message is on its way, before it can be taken.
  void OnNextSend(std::function<void()> call);

  void Cancel() { subscription_->Cancel(); }
  void Fail();  // the transport could not send the message that is being sent
  std::weak_ptr<Subscription> subscription() const { return subscription_; }
  void Forget() { subscription_.reset(); }

 private:
  void Send(std::string message) override;
  void End(absl::Status status) override;
  void Break(absl::Status status) override;
  void Abort() override;

  bool HasMessageOrEnded() const ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    return message_.has_value() || end_.has_value();
  }
  std::optional<v1::WatchRoomEventsResponse> TakeMessage();

  std::shared_ptr<Subscription> subscription_;

  mutable absl::Mutex mutex_;
  std::function<void()> on_next_send_ ABSL_GUARDED_BY(mutex_);
  std::optional<v1::WatchRoomEventsResponse> message_ ABSL_GUARDED_BY(mutex_);
  std::optional<absl::Status> end_ ABSL_GUARDED_BY(mutex_);
  bool broken_ ABSL_GUARDED_BY(mutex_) = false;
  int sent_ ABSL_GUARDED_BY(mutex_) = 0;
  bool aborted_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace innkeeper::feed

#endif  // INNKEEPER_TESTS_SERVER_FEED_TEST_FEED_H_
