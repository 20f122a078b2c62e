#include "server/feed/logged_commit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/events/event_codec.h"
#include "tests/server/feed/stretch_limits.h"

namespace innkeeper::feed {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

storage::LogEntry Entry(storage::LogPosition position, storage::Revision revision,
                        const std::string& room_id) {
  v1::RoomCreated created;
  created.set_room_id(room_id);
  return {position, revision, absl::FromUnixMicros(1'700'000'000'123'456),
          EncodeEvent(created, {})};
}

// A commit of `count` rooms "!<position>", from `first` on.
std::shared_ptr<const LoggedCommit> Commit(storage::LogPosition first, int count) {
  std::vector<storage::LogEntry> entries;
  for (storage::LogPosition position = first; position < first + count; ++position) {
    entries.push_back(Entry(position, first, absl::StrCat("!", position)));
  }
  return DecodeCommit(entries).value();
}

EventFilter RoomFilter(const std::vector<std::string>& room_ids) {
  v1::RoomEventFilter proto;
  proto.mutable_room_ids()->Add(room_ids.begin(), room_ids.end());
  FieldErrors errors;
  return EventFilter::FromProto(proto, errors);
}

std::vector<storage::LogPosition> Positions(const Stretch& stretch) {
  std::vector<storage::LogPosition> positions;
  for (const auto& event : stretch.events) positions.push_back(event->position());
  return positions;
}

TEST(LoggedCommitTest, HoldsEventsAndTheirBytes) {
  const auto commit = DecodeCommit({Entry(7, 3, "!a:x"), Entry(8, 3, "!b:x")}).value();
  ASSERT_EQ(commit->events.size(), 2u);
  EXPECT_EQ(commit->first(), 7u);
  EXPECT_EQ(commit->last(), 8u);
  EXPECT_EQ(commit->bytes(), commit->events[0].bytes.size() + commit->events[1].bytes.size());
  const v1::RoomEvent& event = commit->events[1].event;
  EXPECT_EQ(event.type(), kRoomCreatedType);
  EXPECT_EQ(event.room_id(), "!b:x");
  EXPECT_EQ(event.sequence(), 8);
  EXPECT_EQ(event.commit_id(), 3);
  EXPECT_EQ(event.commit_time().nanos(), 123'456'000);
  EXPECT_EQ(event.cursor(), "");
  v1::RoomEvent parsed;
  ASSERT_TRUE(parsed.ParseFromString(commit->events[1].bytes));
  EXPECT_EQ(parsed.SerializeAsString(), event.SerializeAsString());
}

TEST(LoggedCommitTest, DamagedEntryIsDataLoss) {
  storage::LogEntry damaged = Entry(8, 3, "!b:x");
  damaged.payload[0] = 2;
  EXPECT_EQ(DecodeCommit({Entry(7, 3, "!a:x"), damaged}).status().code(),
            absl::StatusCode::kDataLoss);
}

TEST(LoggedCommitTest, EntriesOfOneRevisionAreOneCommit) {
  EXPECT_EQ(CommitLength({Entry(1, 5, "!a")}), 1u);
  EXPECT_EQ(CommitLength({Entry(1, 5, "!a"), Entry(2, 6, "!b")}), 1u);
  EXPECT_EQ(CommitLength({Entry(1, 5, "!a"), Entry(2, 5, "!b"), Entry(3, 9, "!c")}), 2u);
}

TEST(StretchBuilderTest, TakesWhatPassesAndMovesBehindWhatDoesNot) {
  const EventFilter filter = RoomFilter({"!2", "!5"});
  StretchBuilder builder(filter, 0, kAmple);
  EXPECT_TRUE(builder.Add(Commit(1, 3)));
  EXPECT_TRUE(builder.Add(Commit(4, 2)));
  EXPECT_TRUE(builder.Add(Commit(6, 4)));
  const Stretch stretch = builder.Take();
  EXPECT_THAT(Positions(stretch), ElementsAre(2, 5));
  EXPECT_EQ(stretch.through, 9u);
}

TEST(StretchBuilderTest, NeverPartsACommit) {
  const EventFilter filter;
  StretchBuilder builder(filter, 0, {3, 1 << 20});
  EXPECT_TRUE(builder.Add(Commit(1, 2)));
  EXPECT_FALSE(builder.Add(Commit(3, 2)));
  const Stretch stretch = builder.Take();
  EXPECT_THAT(Positions(stretch), ElementsAre(1, 2));
  EXPECT_EQ(stretch.through, 2u);
}

TEST(StretchBuilderTest, PartsACommitThatIsTooMuchByItself) {
  const EventFilter filter;
  const auto commit = Commit(1, 7);
  StretchBuilder first(filter, 0, {3, 1 << 20});
  EXPECT_FALSE(first.Add(commit));
  Stretch stretch = first.Take();
  EXPECT_THAT(Positions(stretch), ElementsAre(1, 2, 3));
  EXPECT_EQ(stretch.through, 3u);
  EXPECT_TRUE(stretch.commit_continues);

  StretchBuilder second(filter, 3, {3, 1 << 20});
  EXPECT_FALSE(second.Add(commit));
  stretch = second.Take();
  EXPECT_THAT(Positions(stretch), ElementsAre(4, 5, 6));
  EXPECT_TRUE(stretch.commit_continues);

  StretchBuilder last(filter, 6, {3, 1 << 20});
  EXPECT_TRUE(last.Add(commit));
  EXPECT_TRUE(last.Add(Commit(8, 2)));
  stretch = last.Take();
  EXPECT_THAT(Positions(stretch), ElementsAre(7, 8, 9));
  EXPECT_FALSE(stretch.commit_continues);
}

TEST(StretchBuilderTest, CommitThatIsTooMuchStartsAStretchOfItsOwn) {
  const EventFilter filter;
  StretchBuilder builder(filter, 0, {3, 1 << 20});
  EXPECT_TRUE(builder.Add(Commit(1, 1)));
  EXPECT_FALSE(builder.Add(Commit(2, 9)));
  const Stretch stretch = builder.Take();
  EXPECT_THAT(Positions(stretch), ElementsAre(1));
  EXPECT_EQ(stretch.through, 1u);
  EXPECT_FALSE(stretch.commit_continues);
}

TEST(StretchBuilderTest, CommitContinuesOnlyIfMoreOfItPasses) {
  const EventFilter filter = RoomFilter({"!1", "!2", "!5"});
  StretchBuilder all(filter, 2, {1, 1 << 20});
  EXPECT_TRUE(all.Add(Commit(1, 7)));
  Stretch stretch = all.Take();
  EXPECT_THAT(Positions(stretch), ElementsAre(5));
  EXPECT_EQ(stretch.through, 7u);
  EXPECT_FALSE(stretch.commit_continues);

  StretchBuilder part(filter, 1, {1, 1 << 20});
  EXPECT_FALSE(part.Add(Commit(1, 7)));
  stretch = part.Take();
  EXPECT_THAT(Positions(stretch), ElementsAre(2));
  EXPECT_EQ(stretch.through, 4u) << "behind what does not pass";
  EXPECT_TRUE(stretch.commit_continues);
}

TEST(StretchBuilderTest, EventThatIsTooMuchByItselfComesAlone) {
  const EventFilter filter;
  StretchBuilder builder(filter, 0, {1000, 1});
  EXPECT_FALSE(builder.Add(Commit(1, 2)));
  EXPECT_THAT(Positions(builder.Take()), ElementsAre(1));
}

TEST(StretchBuilderTest, TellsWhenWhatFollowsWasCommitted) {
  const EventFilter filter;
  const absl::Time time = absl::FromUnixSeconds(1'700'000'000);
  const auto commit_at = [&](storage::LogPosition position, int second) {
    storage::LogEntry entry = Entry(position, position, "!a");
    entry.commit_time = time + absl::Seconds(second);
    return DecodeCommit({entry}).value();
  };
  StretchBuilder builder(filter, 0, {2, 1 << 20});
  EXPECT_EQ(StretchBuilder(builder).Take().first_time, absl::InfiniteFuture());
  EXPECT_TRUE(builder.Add(commit_at(1, 1)));
  EXPECT_TRUE(builder.Add(commit_at(2, 2)));
  EXPECT_EQ(StretchBuilder(builder).Take().next_time, absl::InfiniteFuture());
  EXPECT_FALSE(builder.Add(commit_at(3, 3)));
  const Stretch stretch = builder.Take();
  EXPECT_EQ(stretch.first_time, time + absl::Seconds(1));
  EXPECT_EQ(stretch.next_time, time + absl::Seconds(3));
}

TEST(StretchBuilderTest, LimitsBytes) {
  const EventFilter filter;
  const size_t commit_bytes = Commit(1, 1)->bytes();
  StretchBuilder builder(filter, 0, {1000, 2 * commit_bytes});
  EXPECT_TRUE(builder.Add(Commit(1, 1)));
  EXPECT_TRUE(builder.Add(Commit(2, 1)));
  EXPECT_FALSE(builder.Add(Commit(3, 1)));
}

TEST(StretchBuilderTest, FullStretchStillMovesBehindWhatDoesNotPass) {
  const EventFilter filter = RoomFilter({"!1", "!3"});
  StretchBuilder builder(filter, 0, {1, 1 << 20});
  EXPECT_TRUE(builder.Add(Commit(1, 1)));
  EXPECT_TRUE(builder.Add(Commit(2, 1)));
  EXPECT_FALSE(builder.Add(Commit(3, 1)));
  EXPECT_EQ(builder.Take().through, 2u);
}

TEST(StretchBuilderTest, BeginsInTheMidstOfACommit) {
  const EventFilter filter;
  StretchBuilder builder(filter, 2, kAmple);
  EXPECT_TRUE(builder.Add(Commit(1, 4)));
  EXPECT_THAT(Positions(builder.Take()), ElementsAre(3, 4));
}

TEST(StretchBuilderTest, EmptyStretchStaysWhereItIs) {
  const EventFilter filter;
  const Stretch stretch = StretchBuilder(filter, 7, kAmple).Take();
  EXPECT_THAT(Positions(stretch), IsEmpty());
  EXPECT_EQ(stretch.through, 7u);
}

}  // namespace
}  // namespace innkeeper::feed
