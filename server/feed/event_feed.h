// File: server/feed/event_feed.h
//
// The event stream: everything that reads the service's event log on behalf of
// callers, live and page by page.

#ifndef INNKEEPER_SERVER_FEED_EVENT_FEED_H_
#define INNKEEPER_SERVER_FEED_EVENT_FEED_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "innkeeper/v1/room_lifecycle.pb.h"
#include "server/base/clock.h"
#include "server/base/executor.h"
#include "server/base/random.h"
#include "server/base/signed_token.h"
#include "server/feed/cursor.h"
#include "server/feed/event_log.h"
#include "server/feed/logged_commit.h"
#include "server/feed/stream_access.h"
#include "server/feed/stream_reader.h"
#include "server/feed/subscription.h"
#include "server/metrics/metrics.h"
#include "storage/engine.h"

namespace innkeeper::feed {

// Limits of an EventFeed.
struct EventFeedOptions {
  EventLogOptions log;
  // One `events` message of a stream that asks for no other limits.
  StretchLimits batch = {1000, 256 << 10};
  // The same on the way to the end of the log, for readers who take what is sent faster than the
  // log is read: docs/decisions/0039-messages-of-a-fast-reader.md.
  StretchLimits catch_up_batch = {4000, 1 << 20};
  // One page of List(), whatever page size was asked for.
  size_t max_page_bytes = 1 << 20;
  // How many streams there may be at a time.
  size_t max_subscriptions = 20'000;
  // How long the feed rests after it has woken the idle streams, for each of them, and at
  // most. What is committed meanwhile goes out in one message, which costs a stream hardly
  // more than one event: docs/decisions/0020-hot-path-of-the-feed.md.
  absl::Duration rest_per_stream = absl::Microseconds(20);
  absl::Duration max_rest = absl::Milliseconds(5);
  // What WatchRoomEventsRequest.progress_interval_seconds counts. Shorter in tests.
  absl::Duration progress_unit = absl::Seconds(1);
  // How long a reader may leave a message untaken. The stream is ended within another
  // quarter of it.
  absl::Duration stall_timeout = absl::Minutes(10);
  // How long it then has to take that news before it is broken off.
  absl::Duration break_grace = absl::Seconds(30);
  // How old a stream may become, give or take 10 %.
  absl::Duration max_age = absl::InfiniteDuration();
  // What counts. Never null.
  std::shared_ptr<metrics::FeedMetrics> metrics = std::make_shared<metrics::FeedMetrics>();
  // How long the reader of a stream may take over its snapshot, which holds back the
  // reclaiming of space.
  absl::Duration snapshot_timeout = absl::Minutes(10);
  // How often streams that say nothing look whether they are still allowed; others do so
  // before each message.
  absl::Duration access_check_period = absl::Seconds(2);
  // What readers are told of how long the log keeps events.
  v1::EventRetention retention;
};

// Serves streams and pages of the event log. Thread-safe.
//
// A thread of its own takes new events into memory, where streams that keep up
// find them, and wakes idle streams: when the log has grown and when a progress
// message is due. Streams that have fallen behind read the log on the executor.
// A writer never waits for a stream, nor one stream for another.
class EventFeed : private Subscription::Owner {
 public:
  // Becomes the commit listener of `engine`. All references must outlive the
  // feed. `executor` must not be stopped before Drain() was called, nor `engine` be
  // closed before Stop() was.
  //
  // `clock` is the one that the engine takes commit times from.
  EventFeed(storage::Engine& engine, const TokenSigner& signer, Executor& executor,
            const RandomBytes& random, EventFeedOptions options = {}, Clock clock = SystemClock());

  // As Stop().
  ~EventFeed() override;

  EventFeed(const EventFeed&) = delete;
  EventFeed& operator=(const EventFeed&) = delete;

  // The log that it reads, and the cursors that it gives out.
  const EventLog& log() const { return log_; }
  const CursorCodec& cursors() const { return cursors_; }

  // Sets the function that is called on the feed's thread when log() may have more. It
  // must not block, nor call this function. An empty function removes it, and returns
  // only when no call of the old one is under way.
  void SetGrowthListener(absl::AnyInvocable<void()> listener);

  // Does what RoomLifecycle.ListRoomEvents does for a caller with that access; none:
  // for one who may see everything. Blocks.
  //
  // Errors: INVALID_REQUEST about `filter`, `page_size` and `start_time`; those of `access`;
  // CURSOR_INVALID, EVENT_HISTORY_GONE; those of Engine::ReadLog.
  absl::StatusOr<v1::ListRoomEventsResponse> List(
      const v1::ListRoomEventsRequest& request,
      std::unique_ptr<StreamAccess> access = nullptr) const;

  // Opens a stream as RoomLifecycle.WatchRoomEvents does for a caller with that access;
  // none: for one who may see everything, for ever. The stream comes to life with
  // Subscription::Start(), which must be called, and sends to `sink` until its end. Does
  // not block.
  //
  // Errors, then or at the end of the stream: those of `access`; INVALID_REQUEST about
  // `filter`, `position`, `start_time`, `progress_interval_seconds`, `max_batch_events` and
  // `max_batch_bytes`; CURSOR_INVALID, EVENT_HISTORY_GONE; OVERLOADED if there are too many
  // streams; STREAM_STALLED, STREAM_AGED, SHUTTING_DOWN; CANCELLED; those of Engine::ReadLog.
  absl::StatusOr<std::shared_ptr<Subscription>> Subscribe(
      const v1::WatchRoomEventsRequest& request, SubscriptionSink& sink,
      std::unique_ptr<StreamAccess> access = nullptr);

  // Ends all streams: each gets a last progress message and then SHUTTING_DOWN,
  // as do those that are opened later. Waits for them until `deadline`; streams
  // whose readers have not taken their last message by then are broken off.
  // Returns whether there were none of those. Blocks.
  bool Drain(absl::Time deadline);

  // Breaks off what streams are left, waits for their end, and ends the feed's
  // thread: nothing but List() reads the log afterwards. Blocks. Idempotent, but
  // not thread-safe.
  void Stop();

 private:
  // Wakes a subscription at a time on the scale of MonotonicNow().
  using Alarm = std::pair<absl::Duration, uint64_t>;

  struct Entry {
    std::shared_ptr<Subscription> subscription;
    absl::Duration wake_time;  // of its alarm
  };

  // Subscription::Owner.
  bool TrySubmit(Executor::Task&& task) override;
  bool HasIdleThread() const override;
  void WakeSoon() override;
  void Ended(uint64_t id) override;

  // The position behind which a page begins.
  absl::StatusOr<storage::LogPosition> StartOf(const v1::ListRoomEventsRequest& request,
                                               uint64_t filter_digest) const;
  absl::StatusOr<StreamStart> StartOf(const v1::WatchRoomEventsRequest& request,
                                      uint64_t filter_digest, storage::LogBounds bounds) const;
  absl::StatusOr<std::shared_ptr<Subscription>> Register(SubscriptionSink& sink,
                                                         StreamReader reader,
                                                         Subscription::Parameters parameters);

  // The feed's thread.
  void Run();
  bool AwaitSignal();
  bool TakeRetry();
  bool IsTimeForAccessCheck();
  size_t WakeAll();
  void Rest(size_t woken);
  void WakeDue();
  void Signal();

  std::vector<std::shared_ptr<Subscription>> Subscriptions() const;
  void SetAlarm(Entry& entry, absl::Duration wake_time) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool NoSubscriptions() const ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return entries_.empty(); }

  storage::Engine& engine_;
  Executor& executor_;
  const RandomBytes& random_;
  const EventFeedOptions options_;
  const CursorCodec cursors_;
  const Clock clock_;
  EventLog log_;
  const StreamSources sources_;

  mutable absl::Mutex mutex_;
  std::map<uint64_t, Entry> entries_ ABSL_GUARDED_BY(mutex_);  // by subscription id
  std::set<Alarm> alarms_ ABSL_GUARDED_BY(mutex_);
  uint64_t last_id_ ABSL_GUARDED_BY(mutex_) = 0;
  bool draining_ ABSL_GUARDED_BY(mutex_) = false;

  // Never held for long: the engine's commit thread takes it.
  absl::Mutex signal_mutex_;
  bool signalled_ ABSL_GUARDED_BY(signal_mutex_) = true;
  bool stopping_ ABSL_GUARDED_BY(signal_mutex_) = false;
  // When to wake all subscriptions: for WakeSoon(), and for them to look at their access.
  absl::Duration retry_time_ ABSL_GUARDED_BY(signal_mutex_) = absl::InfiniteDuration();

  // For the feed's thread.
  absl::Duration access_check_due_;  // on the scale of MonotonicNow()

  absl::Mutex listener_mutex_;
  absl::AnyInvocable<void()> growth_listener_ ABSL_GUARDED_BY(listener_mutex_);

  std::thread thread_;
};

}  // namespace innkeeper::feed

#endif  // INNKEEPER_SERVER_FEED_EVENT_FEED_H_
