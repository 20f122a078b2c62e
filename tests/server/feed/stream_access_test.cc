// Readers who may not see everything, or no longer.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "server/base/audience.h"
#include "server/errors/errors.h"
#include "server/events/event_codec.h"
#include "server/feed/event_feed.h"
#include "server/feed/stream_access.h"
#include "tests/server/feed/test_feed.h"

namespace innkeeper::feed {
namespace {

using ::testing::ElementsAre;

// What readers may see, which the test changes under them. Thread-safe.
class Rules {
 public:
  explicit Rules(AudienceScope scope) : scope_(std::move(scope)) {}

  void Set(AudienceScope scope) {
    absl::MutexLock lock(&mutex_);
    scope_ = std::move(scope);
    ++version_;
  }

  void Revoke() {
    absl::MutexLock lock(&mutex_);
    error_ = MakeError(absl::StatusCode::kUnauthenticated, v1::ERROR_REASON_CREDENTIALS_INVALID,
                       "revoked");
    ++version_;
  }

  std::unique_ptr<StreamAccess> Access() { return std::make_unique<ReaderAccess>(*this); }

 private:
  class ReaderAccess final : public StreamAccess {
   public:
    explicit ReaderAccess(Rules& rules) : rules_(rules) {}

    absl::StatusOr<bool> Refresh() override {
      absl::MutexLock lock(&rules_.mutex_);
      if (!rules_.error_.ok()) return rules_.error_;
      scope_ = rules_.scope_;
      return std::exchange(seen_version_, rules_.version_) != rules_.version_;
    }

    const AudienceScope& scope() const override { return scope_; }

    EventDetail detail() const override { return EventDetail::kAsLogged; }

    absl::Status CheckAudience(absl::string_view audience) const override {
      if (scope_.Includes(audience)) return absl::OkStatus();
      return MakeError(absl::StatusCode::kPermissionDenied, v1::ERROR_REASON_AUDIENCE_NOT_ALLOWED,
                       "not yours", {{"audience", audience}});
    }

   private:
    Rules& rules_;
    AudienceScope scope_ = AudienceScope::Nothing();
    int seen_version_ = 0;
  };

  absl::Mutex mutex_;
  AudienceScope scope_ ABSL_GUARDED_BY(mutex_);
  absl::Status error_ ABSL_GUARDED_BY(mutex_);
  int version_ ABSL_GUARDED_BY(mutex_) = 1;
};

AudienceScope Only(const std::string& audience) { return AudienceScope::Of({audience}); }

void AppendTo(TestFeed& feed, const std::string& audience) {
  v1::RoomCreated created;
  created.set_room_id("!a:x");
  storage::CommitRequest request;
  request.log_entries.push_back(EncodeEvent(created, {.audience = audience, .creator = "@a:x"}));
  ASSERT_TRUE(CommitAndWait(feed.engine(), std::move(request)).status.ok());
}

// Idle streams look at their access every 10 ms.
TestFeed::Options Watchful() {
  TestFeed::Options options;
  options.feed.access_check_period = absl::Milliseconds(10);
  return options;
}

TEST(StreamAccessTest, ShowsOnlyWhatTheReaderMaySee) {
  TestFeed feed;
  for (const char* audience : {"one", "two", "", "one"}) AppendTo(feed, audience);
  Rules rules(Only("one"));
  for (const bool from_memory : {true, false}) {
    if (!from_memory) feed.Reopen();
    TestStream stream(*feed, FromOldest(), rules.Access());
    stream.Next();
    EXPECT_THAT(Sequences(stream.NextEvents(2)), ElementsAre(1, 4));
  }
  const auto page = feed->List({}, rules.Access()).value();
  EXPECT_THAT(Sequences(page.events()), ElementsAre(1, 4));
  EXPECT_THAT(Sequences(feed->List({}).value().events()), ElementsAre(1, 2, 3, 4));
}

TEST(StreamAccessTest, CursorMovesOnBehindWhatIsLeftOut) {
  TestFeed feed;
  Rules rules(AudienceScope::Nothing());
  for (int i = 0; i < 5; ++i) AppendTo(feed, "one");
  TestStream stream(*feed, FromOldest(), rules.Access());
  stream.Next();
  const auto caught_up = stream.Next().caught_up();
  EXPECT_EQ(caught_up.sequence(), 5);
  // The cursor is good for who may see more.
  TestStream resumed(*feed, After(caught_up.cursor()));
  EXPECT_EQ(resumed.Next().confirmed().start_sequence(), 6);
}

TEST(StreamAccessTest, FilterMustNotNameWhatTheReaderMayNotSee) {
  TestFeed feed;
  Rules rules(Only("one"));
  for (const bool by_topic : {true, false}) {
    v1::RoomEventFilter filter;
    if (by_topic) filter.add_topics("audiences/two/events");
    if (!by_topic) filter.add_audiences("two");
    v1::WatchRoomEventsRequest request = FromOldest();
    *request.mutable_filter() = filter;
    TestStream stream(*feed, request, rules.Access());
    const absl::Status end = stream.AwaitEnd();
    EXPECT_EQ(end.code(), absl::StatusCode::kPermissionDenied);
    EXPECT_EQ(ReasonOf(end), v1::ERROR_REASON_AUDIENCE_NOT_ALLOWED);
    EXPECT_EQ(stream.sent(), 0);
    v1::ListRoomEventsRequest list;
    *list.mutable_filter() = filter;
    EXPECT_EQ(ReasonOf(feed->List(list, rules.Access()).status()),
              v1::ERROR_REASON_AUDIENCE_NOT_ALLOWED);
  }
}

TEST(StreamAccessTest, RevokedReaderWhoIsIdleIsEnded) {
  TestFeed feed(Watchful());
  Rules rules(AudienceScope::All());
  TestStream stream(*feed, FromNow(), rules.Access());
  stream.Next();
  EXPECT_TRUE(stream.Next().has_caught_up());
  rules.Revoke();
  EXPECT_EQ(ReasonOf(stream.AwaitEnd()), v1::ERROR_REASON_CREDENTIALS_INVALID);
}

TEST(StreamAccessTest, RevokedReaderGetsNothingMore) {
  TestFeed feed;
  Rules rules(AudienceScope::All());
  TestStream stream(*feed, FromNow(), rules.Access());
  stream.Next();
  EXPECT_TRUE(stream.Next().has_caught_up());
  rules.Revoke();
  AppendTo(feed, "one");
  EXPECT_EQ(ReasonOf(stream.AwaitEnd()), v1::ERROR_REASON_CREDENTIALS_INVALID);
  EXPECT_EQ(stream.sent(), 2);
}

TEST(StreamAccessTest, RevokedReaderWhoDoesNotReadIsEndedToo) {
  TestFeed feed(Watchful());
  Rules rules(AudienceScope::All());
  TestStream stuck(*feed, FromNow(), rules.Access());
  stuck.AwaitMessage();
  rules.Revoke();
  EXPECT_EQ(ReasonOf(stuck.AwaitBreak()), v1::ERROR_REASON_CREDENTIALS_INVALID);
}

TEST(StreamAccessTest, RevocationDoesNotOvertakeAMessageThatIsOnItsWay) {
  TestFeed feed;
  Rules rules(AudienceScope::All());
  TestStream stream(*feed, FromNow(), rules.Access());
  stream.Next();
  EXPECT_TRUE(stream.Next().has_caught_up());
  stream.OnNextSend([&] {
    rules.Revoke();
    stream.subscription().lock()->Wake();
  });
  AppendTo(feed, "one");
  EXPECT_EQ(stream.NextEvents(1).size(), 1u);
  EXPECT_EQ(ReasonOf(stream.AwaitEnd()), v1::ERROR_REASON_CREDENTIALS_INVALID);
}

TEST(StreamAccessTest, ChangedAudiencesAreInForceAtOnce) {
  TestFeed feed;
  Rules rules(Only("one"));
  TestStream stream(*feed, FromNow(), rules.Access());
  stream.Next();
  EXPECT_TRUE(stream.Next().has_caught_up());
  AppendTo(feed, "one");
  EXPECT_THAT(Sequences(stream.NextEvents(1)), ElementsAre(1));
  rules.Set(Only("two"));
  AppendTo(feed, "one");
  AppendTo(feed, "two");
  EXPECT_THAT(Sequences(stream.NextEvents(1)), ElementsAre(3));
}

TEST(StreamAccessTest, WhatWasReadFromTheLogIsReadAgain) {
  TestFeed::Options options;
  options.feed.log.max_recent_events = 1;
  options.feed.batch.events = 1;
  TestFeed feed(options);
  Rules rules(Only("one"));
  TestStream stream(*feed, FromNow(), rules.Access());
  stream.Next();
  EXPECT_TRUE(stream.Next().has_caught_up());
  AppendTo(feed, "one");
  stream.AwaitMessage();
  TestStream witness(*feed, FromOldest());
  witness.Next();
  for (const char* audience : {"one", "two", "one"}) AppendTo(feed, audience);
  witness.ReadThrough(0, 4);  // so that only the last is in memory
  EXPECT_THAT(Sequences(stream.Next().events().events()), ElementsAre(1));
  stream.AwaitMessage();
  rules.Set(Only("two"));
  EXPECT_TRUE(stream.Next().has_fell_behind()) << "which waits for what was read";
  EXPECT_THAT(Sequences(stream.NextEvents(1)), ElementsAre(3));
}

}  // namespace
}  // namespace innkeeper::feed
