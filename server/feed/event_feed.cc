#include "server/feed/event_feed.h"

#include <pthread.h>

#include <algorithm>
#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "server/base/clock.h"
#include "server/base/jitter.h"
#include "server/errors/errors.h"
#include "server/feed/event_filter.h"
#include "server/feed/start_position.h"
#include "server/feed/stream_errors.h"
#include "server/values/timestamp.h"

namespace innkeeper::feed {
namespace {

constexpr int32_t kDefaultPageSize = 100;
constexpr int32_t kMaxPageSize = 1000;
constexpr int32_t kDefaultProgressInterval = 30;
constexpr int32_t kMaxProgressInterval = 3600;
// How soon a read is tried again that the executor did not take on.
constexpr absl::Duration kRetryDelay = absl::Milliseconds(20);

constexpr int32_t kMaxBatchEvents = 4000;
constexpr int32_t kMinBatchBytes = 1 << 10;
constexpr int32_t kMaxBatchBytes = 1 << 20;
constexpr size_t kStreamIdBytes = 8;

int32_t PageSize(const v1::ListRoomEventsRequest& request, FieldErrors& errors) {
  if (request.page_size() < 0) errors.Add("page_size", "must not be negative");
  return request.page_size() == 0 ? kDefaultPageSize : std::min(request.page_size(), kMaxPageSize);
}

// The value of a field that may be `min` to `max`, or 0 for `if_zero`.
template <typename Value>
Value Limit(absl::string_view field, int32_t value, int32_t min, int32_t max, Value if_zero,
            FieldErrors& errors) {
  if (value == 0) return if_zero;
  if (value < min || value > max) {
    errors.Add(std::string(field),
               absl::StrCat("must be ", min, " to ", max, ", or 0 for ", if_zero));
  }
  return static_cast<Value>(value);
}

StretchLimits BatchLimits(const v1::WatchRoomEventsRequest& request, StretchLimits if_zero,
                          FieldErrors& errors) {
  return {Limit("max_batch_events", request.max_batch_events(), 1, kMaxBatchEvents, if_zero.events,
                errors),
          Limit("max_batch_bytes", request.max_batch_bytes(), kMinBatchBytes, kMaxBatchBytes,
                if_zero.bytes, errors)};
}

// What the request does not limit is `if_zero`, else as in `limits`.
StretchLimits CatchUpLimits(const v1::WatchRoomEventsRequest& request, StretchLimits limits,
                            StretchLimits if_zero) {
  return {request.max_batch_events() == 0 ? if_zero.events : limits.events,
          request.max_batch_bytes() == 0 ? if_zero.bytes : limits.bytes};
}

void CheckStart(const v1::WatchRoomEventsRequest& request, FieldErrors& errors) {
  if (!v1::StartPosition_IsValid(request.position())) {
    errors.Add("position", "must be one of START_POSITION_NOW, _OLDEST and _SNAPSHOT");
  }
  if (!TimeFrom(request.start_time())) errors.Add("start_time", kTimestampRange);
}

}  // namespace

EventFeed::EventFeed(storage::Engine& engine, const TokenSigner& signer, Executor& executor,
                     const RandomBytes& random, EventFeedOptions options, Clock clock)
    : engine_(engine),
      executor_(executor),
      random_(random),
      options_(std::move(options)),
      cursors_(signer, [&engine] { return engine.log_epochs(); }),
      clock_(std::move(clock)),
      log_(engine, options_.log, &options_.metrics->events),
      sources_{engine_, log_, cursors_, clock_, options_.retention, *options_.metrics},
      access_check_due_(MonotonicNow() + options_.access_check_period) {
  engine_.SetCommitListener([this](storage::LogPosition) { Signal(); });
  thread_ = std::thread([this] { Run(); });
}

EventFeed::~EventFeed() { Stop(); }

void EventFeed::Stop() {
  if (!thread_.joinable()) return;
  Drain(absl::InfinitePast());
  { absl::MutexLock lock(&mutex_, absl::Condition(this, &EventFeed::NoSubscriptions)); }
  engine_.SetCommitListener({});
  {
    absl::MutexLock lock(&signal_mutex_);
    stopping_ = true;
    signalled_ = true;
  }
  thread_.join();
}

absl::StatusOr<v1::ListRoomEventsResponse> EventFeed::List(
    const v1::ListRoomEventsRequest& request, std::unique_ptr<StreamAccess> access) const {
  FieldErrors errors;
  EventFilter filter = EventFilter::FromProto(request.filter(), errors);
  EventDetail detail = EventDetail::kAsLogged;
  const auto page_size = static_cast<size_t>(PageSize(request, errors));
  if (!TimeFrom(request.start_time())) errors.Add("start_time", kTimestampRange);
  if (!errors.empty()) return errors.ToStatus();
  if (access != nullptr) {
    const absl::StatusOr<bool> refreshed = access->Refresh();
    if (!refreshed.ok()) return refreshed.status();
    absl::StatusOr<EventFilter> seen = SeenThrough(*access, filter);
    if (!seen.ok()) return seen.status();
    filter = *std::move(seen);
    detail = access->detail();
  }

  const absl::StatusOr<storage::LogPosition> position = StartOf(request, filter.digest());
  if (!position.ok()) return position.status();
  const absl::StatusOr<Stretch> page =
      log_.Read(filter, *position, {page_size, options_.max_page_bytes}, detail);
  if (absl::IsOutOfRange(page.status())) {
    return cursors_.HistoryGone(filter.digest(), log_.bounds());
  }
  if (!page.ok()) return page.status();

  v1::ListRoomEventsResponse response;
  for (const auto& event : page->events) {
    v1::RoomEvent& listed = *response.add_events();
    listed = event->event;
    listed.set_cursor(cursors_.Encode(event->position(), filter.digest()));
  }
  response.set_next_cursor(cursors_.Encode(page->through, filter.digest()));
  response.set_has_more(page->through < log_.bounds().head);
  response.set_commit_continues(page->commit_continues);
  return response;
}

absl::StatusOr<storage::LogPosition> EventFeed::StartOf(const v1::ListRoomEventsRequest& request,
                                                        uint64_t filter_digest) const {
  const storage::LogBounds bounds = log_.bounds();
  if (!request.after_cursor().empty()) {
    return cursors_.Decode(request.after_cursor(), filter_digest, bounds);
  }
  if (!request.has_start_time()) return bounds.oldest - 1;
  return PositionBefore(*TimeFrom(request.start_time()), log_, cursors_, filter_digest);
}

absl::StatusOr<std::shared_ptr<Subscription>> EventFeed::Subscribe(
    const v1::WatchRoomEventsRequest& request, SubscriptionSink& sink,
    std::unique_ptr<StreamAccess> access) {
  FieldErrors errors;
  StreamReader::Parameters stream;
  stream.filter = EventFilter::FromProto(request.filter(), errors);
  stream.batch_limits = BatchLimits(request, options_.batch, errors);
  stream.catch_up_limits = CatchUpLimits(request, stream.batch_limits, options_.catch_up_batch);
  const int32_t progress_interval =
      Limit("progress_interval_seconds", request.progress_interval_seconds(), 1,
            kMaxProgressInterval, kDefaultProgressInterval, errors);
  CheckStart(request, errors);
  if (!errors.empty()) return errors.ToStatus();

  stream.bounds = log_.bounds();
  const auto start = StartOf(request, stream.filter.digest(), stream.bounds);
  if (!start.ok()) return start.status();
  stream.start = *start;
  stream.access = std::move(access);
  stream.stream_id = absl::BytesToHexString(random_(kStreamIdBytes));
  return Register(
      sink, StreamReader(sources_, std::move(stream)),
      {.progress_interval = WithJitter(options_.progress_unit * progress_interval, random_),
       .stall_timeout = options_.stall_timeout,
       .break_grace = options_.break_grace,
       .max_age = WithJitter(options_.max_age, random_),
       .snapshot_timeout = options_.snapshot_timeout});
}

absl::StatusOr<StreamStart> EventFeed::StartOf(const v1::WatchRoomEventsRequest& request,
                                               uint64_t filter_digest,
                                               storage::LogBounds bounds) const {
  if (request.has_start_time()) {
    return StreamStart{.kind = StreamStart::Kind::kAtTime, .time = *TimeFrom(request.start_time())};
  }
  if (request.has_after_cursor()) {
    const auto position = cursors_.Decode(request.after_cursor(), filter_digest, bounds);
    if (!position.ok()) return position.status();
    return StreamStart{.position = *position};
  }
  switch (request.position()) {
    case v1::START_POSITION_SNAPSHOT:
      return StreamStart{.kind = StreamStart::Kind::kSnapshot};
    case v1::START_POSITION_OLDEST:
      return StreamStart{.position = bounds.oldest - 1};
    default:
      return StreamStart{.position = bounds.head};
  }
}

absl::StatusOr<std::shared_ptr<Subscription>> EventFeed::Register(
    SubscriptionSink& sink, StreamReader reader, Subscription::Parameters parameters) {
  Subscription::Owner& owner = *this;
  std::shared_ptr<Subscription> subscription;
  {
    absl::MutexLock lock(&mutex_);
    if (draining_) return ShuttingDownError();
    if (entries_.size() >= options_.max_subscriptions) return TooManyStreamsError();
    parameters.id = ++last_id_;
    subscription = std::make_shared<Subscription>(owner, sink, *options_.metrics, std::move(reader),
                                                  parameters);
    options_.metrics->streams.Add(1);
    Entry& entry = entries_[subscription->id()];
    entry.subscription = subscription;
    SetAlarm(entry, subscription->NextWake());
  }
  Signal();
  return subscription;
}

bool EventFeed::Drain(absl::Time deadline) {
  {
    absl::MutexLock lock(&mutex_);
    draining_ = true;
  }
  for (const auto& subscription : Subscriptions()) subscription->Drain();
  {
    absl::MutexLock lock(&mutex_);
    if (mutex_.AwaitWithDeadline(absl::Condition(this, &EventFeed::NoSubscriptions), deadline)) {
      return true;
    }
  }
  for (const auto& subscription : Subscriptions()) subscription->Abort();
  return false;
}

bool EventFeed::TrySubmit(Executor::Task&& task) { return executor_.TrySubmit(std::move(task)); }

bool EventFeed::HasIdleThread() const { return executor_.HasIdleThread(); }

void EventFeed::WakeSoon() {
  absl::MutexLock lock(&signal_mutex_);
  retry_time_ = std::min(retry_time_, MonotonicNow() + kRetryDelay);
  signalled_ = true;
}

void EventFeed::Ended(uint64_t id) {
  absl::MutexLock lock(&mutex_);
  const auto entry = entries_.find(id);
  alarms_.erase({entry->second.wake_time, id});
  entries_.erase(entry);
  options_.metrics->streams.Add(-1);
}

void EventFeed::Run() {
  pthread_setname_np(pthread_self(), "feed");
  while (AwaitSignal()) {
    const bool retry = TakeRetry();
    const bool all = IsTimeForAccessCheck() || retry;
    if (log_.Refresh() || all) Rest(WakeAll());
    WakeDue();
  }
}

// Returns false if the feed is to stop.
bool EventFeed::AwaitSignal() {
  absl::Duration wake_time = absl::InfiniteDuration();
  {
    absl::MutexLock lock(&mutex_);
    if (!alarms_.empty()) wake_time = alarms_.begin()->first;
  }
  absl::MutexLock lock(&signal_mutex_);
  wake_time = std::min({wake_time, retry_time_, access_check_due_});
  signal_mutex_.AwaitWithTimeout(absl::Condition(&signalled_), wake_time - MonotonicNow());
  signalled_ = false;
  return !stopping_;
}

// Returns whether it is time to try again what could not be done before.
bool EventFeed::TakeRetry() {
  absl::MutexLock lock(&signal_mutex_);
  if (MonotonicNow() < retry_time_) return false;
  retry_time_ = absl::InfiniteDuration();
  return true;
}

bool EventFeed::IsTimeForAccessCheck() {
  const absl::Duration now = MonotonicNow();
  if (now < access_check_due_) return false;
  access_check_due_ = now + options_.access_check_period;
  return true;
}

void EventFeed::SetGrowthListener(absl::AnyInvocable<void()> listener) {
  absl::MutexLock lock(&listener_mutex_);
  growth_listener_ = std::move(listener);
}

// Returns how many there are.
size_t EventFeed::WakeAll() {
  {
    absl::MutexLock lock(&listener_mutex_);
    if (growth_listener_) growth_listener_();
  }
  const std::vector<std::shared_ptr<Subscription>> subscriptions = Subscriptions();
  for (const auto& subscription : subscriptions) subscription->Wake();
  return subscriptions.size();
}

void EventFeed::Rest(size_t woken) {
  const absl::Duration rest =
      std::min(options_.rest_per_stream * static_cast<int64_t>(woken), options_.max_rest);
  absl::MutexLock lock(&signal_mutex_);
  signal_mutex_.AwaitWithTimeout(absl::Condition(&stopping_), rest);
}

void EventFeed::WakeDue() {
  const absl::Duration now = MonotonicNow();
  while (true) {
    std::shared_ptr<Subscription> subscription;
    {
      absl::MutexLock lock(&mutex_);
      if (alarms_.empty() || alarms_.begin()->first > now) return;
      subscription = entries_.at(alarms_.begin()->second).subscription;
    }
    subscription->Wake();
    const absl::Duration wake_time = subscription->NextWake();
    absl::MutexLock lock(&mutex_);
    const auto entry = entries_.find(subscription->id());
    if (entry != entries_.end()) SetAlarm(entry->second, wake_time);
  }
}

void EventFeed::Signal() {
  absl::MutexLock lock(&signal_mutex_);
  signalled_ = true;
}

std::vector<std::shared_ptr<Subscription>> EventFeed::Subscriptions() const {
  std::vector<std::shared_ptr<Subscription>> subscriptions;
  absl::MutexLock lock(&mutex_);
  subscriptions.reserve(entries_.size());
  for (const auto& [id, entry] : entries_) subscriptions.push_back(entry.subscription);
  return subscriptions;
}

void EventFeed::SetAlarm(Entry& entry, absl::Duration wake_time) {
  alarms_.erase({entry.wake_time, entry.subscription->id()});
  entry.wake_time = wake_time;
  alarms_.emplace(wake_time, entry.subscription->id());
}

}  // namespace innkeeper::feed
