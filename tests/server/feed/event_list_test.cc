#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "server/errors/errors.h"
#include "server/feed/event_feed.h"
#include "server/values/timestamp.h"
#include "tests/server/feed/test_feed.h"

namespace innkeeper::feed {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

v1::ListRoomEventsRequest Page(int32_t size, const std::string& after_cursor = "") {
  v1::ListRoomEventsRequest request;
  request.set_page_size(size);
  request.set_after_cursor(after_cursor);
  return request;
}

v1::ListRoomEventsRequest ForRoom(const std::string& room_id, v1::ListRoomEventsRequest request) {
  request.mutable_filter()->add_room_ids(room_id);
  return request;
}

TEST(EventListTest, PagesGoThroughTheLogAndOnAtItsEnd) {
  TestFeed feed;
  AppendRooms(feed.engine(), 5);
  auto page = feed->List(Page(2)).value();
  EXPECT_THAT(Sequences(page.events()), ElementsAre(1, 2));
  EXPECT_EQ(page.events(1).room_id(), "!2:x");
  EXPECT_TRUE(page.has_more());
  page = feed->List(Page(2, page.next_cursor())).value();
  EXPECT_THAT(Sequences(page.events()), ElementsAre(3, 4));
  EXPECT_TRUE(page.has_more());
  page = feed->List(Page(2, page.next_cursor())).value();
  EXPECT_THAT(Sequences(page.events()), ElementsAre(5));
  EXPECT_FALSE(page.has_more());
  page = feed->List(Page(2, page.next_cursor())).value();
  EXPECT_THAT(Sequences(page.events()), IsEmpty());
  EXPECT_FALSE(page.has_more());
  AppendRooms(feed.engine(), 1);
  EXPECT_THAT(Sequences(feed->List(Page(2, page.next_cursor())).value().events()), ElementsAre(6));
}

TEST(EventListTest, EmptyLogHasACursorToGoOnWith) {
  TestFeed feed;
  const auto page = feed->List(Page(0)).value();
  EXPECT_THAT(Sequences(page.events()), IsEmpty());
  EXPECT_FALSE(page.has_more());
  AppendRooms(feed.engine(), 1);
  EXPECT_THAT(Sequences(feed->List(Page(0, page.next_cursor())).value().events()), ElementsAre(1));
}

TEST(EventListTest, PageSizeHasADefaultAndALimit) {
  TestFeed feed;
  AppendRooms(feed.engine(), 1100);
  EXPECT_EQ(feed->List(Page(0)).value().events_size(), 100);
  EXPECT_EQ(feed->List(Page(5000)).value().events_size(), 1000);
  EXPECT_EQ(feed->List(Page(1)).value().events_size(), 1);
}

TEST(EventListTest, PagesAreLimitedInBytes) {
  TestFeed::Options options;
  options.feed.max_page_bytes = 1000;
  TestFeed feed(options);
  for (int i = 0; i < 5; ++i) AppendRooms(feed.engine(), {"!" + std::string(200, 'x')});
  const auto page = feed->List(Page(0)).value();
  EXPECT_THAT(Sequences(page.events()), ElementsAre(1, 2));
  EXPECT_TRUE(page.has_more());
}

TEST(EventListTest, CommitsAreNotPartedBetweenPagesUnlessTheyAreLargerThanOne) {
  TestFeed feed;
  AppendRooms(feed.engine(), {"!1:x"});
  AppendRooms(feed.engine(), {"!2:x", "!3:x"});
  AppendRooms(feed.engine(), {"!4:x", "!5:x", "!6:x"});
  auto page = feed->List(Page(2)).value();
  EXPECT_THAT(Sequences(page.events()), ElementsAre(1));
  page = feed->List(Page(2, page.next_cursor())).value();
  EXPECT_THAT(Sequences(page.events()), ElementsAre(2, 3));
  EXPECT_FALSE(page.commit_continues());
  page = feed->List(Page(2, page.next_cursor())).value();
  EXPECT_THAT(Sequences(page.events()), ElementsAre(4, 5));
  EXPECT_TRUE(page.commit_continues());
  EXPECT_TRUE(page.has_more());
  page = feed->List(Page(2, page.next_cursor())).value();
  EXPECT_THAT(Sequences(page.events()), ElementsAre(6));
  EXPECT_FALSE(page.commit_continues());
}

TEST(EventListTest, SearchInAPageIsBounded) {
  TestFeed::Options options;
  options.feed.log.max_scanned_entries = 100;
  TestFeed feed(options);
  for (int i = 0; i < 20; ++i) {
    AppendRooms(feed.engine(), std::vector<std::string>(100, absl::StrCat("!", i, ":x")));
  }
  auto page = feed->List(ForRoom("!19:x", Page(0))).value();
  EXPECT_THAT(Sequences(page.events()), IsEmpty());
  EXPECT_TRUE(page.has_more());
  int pages = 1;
  while (page.events().empty()) {
    page = feed->List(ForRoom("!19:x", Page(0, page.next_cursor()))).value();
    ++pages;
  }
  EXPECT_GT(pages, 5);
  EXPECT_EQ(page.events(0).sequence(), 1901);
  EXPECT_EQ(page.events_size(), 100);
}

TEST(EventListTest, CursorsServeStreamsToo) {
  TestFeed feed;
  AppendRooms(feed.engine(), 4);
  const auto page = feed->List(Page(3)).value();
  const auto first_behind = [&](const std::string& cursor) {
    TestStream stream(*feed, After(cursor));
    return stream.Next().confirmed().start_sequence();
  };
  EXPECT_EQ(first_behind(page.next_cursor()), 4);
  EXPECT_EQ(first_behind(page.events(0).cursor()), 2);

  TestStream stream(*feed, FromOldest());
  stream.Next();
  const std::string cursor = stream.NextEvents(4)[1].cursor();
  EXPECT_THAT(Sequences(feed->List(Page(0, cursor)).value().events()), ElementsAre(3, 4));
}

TEST(EventListTest, StartsWithTheOldestThereIs) {
  TestFeed feed;
  AppendRooms(feed.engine(), 10);
  const auto page = feed->List(Page(3)).value();
  ASSERT_TRUE(feed.engine().TrimLog(8).ok());
  EXPECT_THAT(Sequences(feed->List(Page(0)).value().events()), ElementsAre(8, 9, 10));
  const absl::Status gone = feed->List(Page(0, page.next_cursor())).status();
  EXPECT_EQ(ReasonOf(gone), v1::ERROR_REASON_EVENT_HISTORY_GONE);
  EXPECT_THAT(Sequences(feed->List(Page(0, MetadataOf(gone, "oldest_cursor"))).value().events()),
              ElementsAre(8, 9, 10));
}

v1::ListRoomEventsRequest PageFrom(absl::Time time) {
  v1::ListRoomEventsRequest request = Page(2);
  SetTimestamp(absl::ToUnixMicros(time), request.mutable_start_time());
  return request;
}

TEST(EventListTest, StartsAtATimeAndGoesOnWithTheSameRequest) {
  TestFeed feed;
  AppendRooms(feed.engine(), 6);
  const absl::Time third = feed.engine().ReadLog(3, 1, 1).value()[0].commit_time;
  v1::ListRoomEventsRequest request = PageFrom(third);
  auto page = feed->List(request).value();
  // Those before it may be of the same microsecond.
  const int64_t first = page.events(0).sequence();
  EXPECT_LE(first, 3);
  request.set_after_cursor(page.next_cursor());
  EXPECT_EQ(feed->List(request).value().events(0).sequence(), first + 2);
  page = feed->List(PageFrom(absl::Now() + absl::Hours(1))).value();
  EXPECT_THAT(Sequences(page.events()), IsEmpty());
  AppendRooms(feed.engine(), 1);
  EXPECT_THAT(Sequences(feed->List(Page(0, page.next_cursor())).value().events()), ElementsAre(7));
}

TEST(EventListTest, TimeBeforeTheOldestEventIsGoneUnlessNothingWasRemoved) {
  TestFeed feed;
  AppendRooms(feed.engine(), 10);
  EXPECT_THAT(Sequences(feed->List(PageFrom(absl::UnixEpoch())).value().events()),
              ElementsAre(1, 2));
  ASSERT_TRUE(feed.engine().TrimLog(6).ok());
  const absl::Status gone = feed->List(PageFrom(absl::UnixEpoch())).status();
  EXPECT_EQ(ReasonOf(gone), v1::ERROR_REASON_EVENT_HISTORY_GONE);
  EXPECT_THAT(Sequences(feed->List(Page(2, MetadataOf(gone, "oldest_cursor"))).value().events()),
              ElementsAre(6, 7));
}

TEST(EventListTest, RefusesBadRequests) {
  TestFeed feed;
  v1::ListRoomEventsRequest request = Page(-1);
  request.mutable_filter()->add_types("room.exploded");
  request.mutable_start_time()->set_nanos(-1);
  const absl::Status refusal = feed->List(request).status();
  EXPECT_EQ(ReasonOf(refusal), v1::ERROR_REASON_INVALID_REQUEST);
  EXPECT_THAT(refusal.message(), HasSubstr("filter.types[0]"));
  EXPECT_THAT(refusal.message(), HasSubstr("and 2 more"));
  EXPECT_EQ(MetadataOf(feed->List(Page(0, "nonsense")).status(), "cause"), "damaged");
}

}  // namespace
}  // namespace innkeeper::feed
