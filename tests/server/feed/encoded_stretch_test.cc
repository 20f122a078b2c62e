#include "server/feed/encoded_stretch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "innkeeper/v1/room_event.pb.h"
#include "innkeeper/v1/room_lifecycle.pb.h"
#include "server/events/event_codec.h"
#include "server/feed/cursor.h"
#include "tests/server/feed/encoded_positions.h"
#include "tests/server/feed/stretch_limits.h"

namespace innkeeper::feed {
namespace {

using ::testing::ElementsAre;

const absl::Time kTime = absl::FromUnixMicros(1'700'000'000'123'456);

// The `count` entries of a commit at `revision`, from `first` on, of rooms "!<position>".
std::vector<storage::LogEntry> Commit(storage::Revision revision, storage::LogPosition first,
                                      int count) {
  std::vector<storage::LogEntry> entries;
  for (int i = 0; i < count; ++i) {
    v1::RoomCreated created;
    created.set_room_id(absl::StrCat("!", first + i));
    entries.push_back(
        {first + i, revision, kTime + absl::Seconds(revision), EncodeEvent(created, {})});
  }
  return entries;
}

// What comes of offering `commits` to a stretch behind `after`.
absl::StatusOr<EncodedStretch> Build(storage::LogPosition after, StretchLimits limits,
                                     const std::vector<std::vector<storage::LogEntry>>& commits,
                                     absl::Status scanned = absl::OkStatus()) {
  EncodedStretchBuilder builder(after, limits);
  for (const auto& commit : commits) {
    for (const storage::LogEntry& entry : commit) {
      if (!builder.Add(entry)) return builder.Take(std::move(scanned));
    }
  }
  return builder.Take(std::move(scanned));
}

// A cursor that stands for the `i`th one.
std::string CursorOf(size_t i) { return std::string(kCursorSize, static_cast<char>('a' + i % 26)); }

v1::RoomEventBatch Parse(const EncodedStretch& stretch, absl::string_view rest = "") {
  EncodedEvents events = stretch.events;
  DraftMessage message =
      std::move(events).Wrap(v1::WatchRoomEventsResponse::kEventsFieldNumber, rest);
  EXPECT_EQ(message.gaps.size(), stretch.events.count());
  for (size_t i = 0; i < message.gaps.size(); ++i) {
    message.bytes.replace(message.gaps[i].begin, kCursorSize, CursorOf(i));
  }
  v1::WatchRoomEventsResponse response;
  EXPECT_TRUE(response.ParseFromString(message.bytes));
  return response.events();
}

// Whatever the length of what stands before them.
TEST(EncodedStretchTest, AreWrappedWithWhatBelongsToThem) {
  v1::RoomEventBatch rest;
  rest.set_cursor("the end");
  for (const size_t size : {1u, 200u, 20'000u, 3'000'000u}) {
    EncodedStretch stretch;
    v1::RoomEvent event;
    event.set_room_id(std::string(size, 'x'));
    stretch.events.Add(7, event.SerializeAsString());
    const v1::RoomEventBatch batch = Parse(stretch, rest.SerializeAsString());
    ASSERT_EQ(batch.events_size(), 1);
    EXPECT_EQ(batch.events(0).room_id(), event.room_id());
    EXPECT_EQ(batch.events(0).cursor(), CursorOf(0));
    EXPECT_EQ(batch.cursor(), "the end");
  }
}

TEST(EncodedStretchTest, HoldsEventsAsTheyAreDecoded) {
  const auto commit = Commit(9, uint64_t{1} << 40, 2);
  const EncodedStretch stretch = Build((uint64_t{1} << 40) - 1, kAmple, {commit}).value();
  const v1::RoomEventBatch batch = Parse(stretch);
  ASSERT_EQ(batch.events_size(), 2);
  for (int i = 0; i < 2; ++i) {
    v1::RoomEvent expected = DecodeEvent(commit[static_cast<size_t>(i)]).value();
    expected.set_cursor(CursorOf(static_cast<size_t>(i)));
    EXPECT_EQ(batch.events(i).SerializeAsString(), expected.SerializeAsString());
  }
  EXPECT_EQ(stretch.through, (uint64_t{1} << 40) + 1);
  EXPECT_EQ(stretch.first_time, kTime + absl::Seconds(9));
  EXPECT_EQ(stretch.next_time, absl::InfiniteFuture());
}

TEST(EncodedStretchTest, TypeIsFoundWithoutParsing) {
  for (const storage::LogEntry& entry : Commit(1, 1, 1)) {
    EXPECT_EQ(SerializedEvent::Of(entry)->type(), kRoomCreatedType);
    for (size_t size = 1; size < 3; ++size) {
      storage::LogEntry cut = entry;
      cut.payload.resize(size);
      EXPECT_EQ(SerializedEvent::Of(cut)->type(), "");
    }
  }
}

TEST(EncodedStretchTest, NothingIsAStretchThatEndsWhereItBegins) {
  const EncodedStretch stretch = Build(7, kAmple, {}).value();
  EXPECT_TRUE(stretch.events.empty());
  EXPECT_EQ(stretch.through, 7u);
}

TEST(EncodedStretchTest, LeavesACommitThatDoesNotFitToTheNext) {
  const EncodedStretch stretch =
      Build(0, {3, 1 << 20}, {Commit(1, 1, 1), Commit(2, 2, 1), Commit(3, 3, 2)}).value();
  EXPECT_THAT(Positions(stretch), ElementsAre(1, 2));
  EXPECT_EQ(Parse(stretch).events_size(), 2);
  EXPECT_EQ(stretch.through, 2u);
  EXPECT_FALSE(stretch.commit_continues);
  EXPECT_EQ(stretch.next_time, kTime + absl::Seconds(3));
}

TEST(EncodedStretchTest, PartsACommitThatIsTooLargeByItself) {
  const EncodedStretch stretch = Build(0, {2, 1 << 20}, {Commit(1, 1, 3)}).value();
  EXPECT_THAT(Positions(stretch), ElementsAre(1, 2));
  EXPECT_EQ(stretch.through, 2u);
  EXPECT_TRUE(stretch.commit_continues);
  EXPECT_EQ(stretch.next_time, kTime + absl::Seconds(1));
}

TEST(EncodedStretchTest, CountsBytesButTakesOneEventInAnyCase) {
  const auto commits = {Commit(1, 1, 1), Commit(2, 2, 1), Commit(3, 3, 1)};
  const size_t bytes = Build(0, {1, 1}, commits).value().events.event_bytes();
  EXPECT_THAT(Positions(Build(0, {9, 1}, commits).value()), ElementsAre(1));
  EXPECT_THAT(Positions(Build(0, {9, 2 * bytes}, commits).value()), ElementsAre(1, 2));
  EXPECT_THAT(Positions(Build(0, {9, 2 * bytes - 1}, commits).value()), ElementsAre(1));
}

TEST(EncodedStretchTest, EndsBeforeACommitWithDamage) {
  auto damaged = Commit(2, 2, 2);
  damaged[1].payload[0] = 2;
  const EncodedStretch before = Build(0, kAmple, {Commit(1, 1, 1), damaged}).value();
  EXPECT_THAT(Positions(before), ElementsAre(1));
  EXPECT_EQ(before.through, 1u);
  EXPECT_EQ(Build(1, kAmple, {damaged}).status().code(), absl::StatusCode::kDataLoss);
}

TEST(EncodedStretchTest, AfterAnErrorOfTheScanOnlyWholeCommitsCount) {
  const absl::Status error = absl::UnavailableError("the disk");
  const EncodedStretch before = Build(0, kAmple, {Commit(1, 1, 1), Commit(2, 2, 1)}, error).value();
  EXPECT_THAT(Positions(before), ElementsAre(1));
  EXPECT_EQ(Build(0, kAmple, {Commit(1, 1, 2)}, error).status(), error);
  EXPECT_EQ(Build(0, kAmple, {}, error).status(), error);
}

}  // namespace
}  // namespace innkeeper::feed
