#include "server/feed/watch_messages.h"

#include <gmock/gmock.h>
#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "server/events/event_codec.h"

namespace innkeeper::feed {
namespace {

using ::google::protobuf::util::MessageDifferencer;

constexpr uint64_t kFilterDigest = 42;
constexpr Lag kLag = {.events = 7, .age = absl::Milliseconds(61'500)};

v1::StreamLag LagProto() {
  v1::StreamLag lag;
  lag.set_events(7);
  lag.mutable_age()->set_seconds(61);
  lag.mutable_age()->set_nanos(500'000'000);
  return lag;
}

v1::WatchRoomEventsResponse Parse(const std::string& bytes) {
  v1::WatchRoomEventsResponse response;
  EXPECT_TRUE(response.ParseFromString(bytes));
  return response;
}

class WatchMessagesTest : public testing::Test {
 protected:
  const TokenSigner signer_{"key"};
  const std::shared_ptr<const storage::LogEpochs> epochs_ =
      std::make_shared<storage::LogEpochs>(std::vector<storage::LogEpoch>{{7, 0}});
  const CursorCodec cursors_{signer_, [this] { return epochs_; }};
  const WatchMessages messages_{cursors_, kFilterDigest};
};

TEST_F(WatchMessagesTest, ConfirmedTellsWhereTheStreamAndTheLogStand) {
  v1::EventRetention retention;
  retention.mutable_min_age()->set_seconds(60);
  const auto response =
      Parse(messages_.Confirmed(20, 21, {.oldest = 5, .head = 30}, "stream", retention));
  EXPECT_EQ(response.confirmed().cursor(), cursors_.Encode(20, kFilterDigest));
  EXPECT_EQ(response.confirmed().start_sequence(), 21);
  EXPECT_EQ(response.confirmed().oldest_sequence(), 5);
  EXPECT_EQ(response.confirmed().head_sequence(), 30);
  EXPECT_EQ(response.confirmed().stream_id(), "stream");
  EXPECT_TRUE(MessageDifferencer::Equals(response.confirmed().retention(), retention));
}

TEST_F(WatchMessagesTest, OthersTellHowFarAndHowFarBehind) {
  const auto caught_up = Parse(messages_.CaughtUp(20));
  EXPECT_EQ(caught_up.caught_up().cursor(), cursors_.Encode(20, kFilterDigest));
  EXPECT_EQ(caught_up.caught_up().sequence(), 20);
  const auto progress = Parse(messages_.Progress(21, kLag));
  EXPECT_EQ(progress.progress().cursor(), cursors_.Encode(21, kFilterDigest));
  EXPECT_EQ(progress.progress().sequence(), 21);
  EXPECT_TRUE(MessageDifferencer::Equals(progress.progress().lag(), LagProto()));
  const auto fell_behind = Parse(messages_.FellBehind(22, kLag));
  EXPECT_EQ(fell_behind.fell_behind().cursor(), cursors_.Encode(22, kFilterDigest));
  EXPECT_EQ(fell_behind.fell_behind().sequence(), 22);
  EXPECT_TRUE(MessageDifferencer::Equals(fell_behind.fell_behind().lag(), LagProto()));
}

TEST_F(WatchMessagesTest, SnapshotHasNoCursorBeforeItsEnd) {
  const auto confirmed = Parse(messages_.Confirmed(std::nullopt, 21, {}, "stream", {}));
  EXPECT_EQ(confirmed.confirmed().cursor(), "");
  EXPECT_EQ(confirmed.confirmed().start_sequence(), 21);
  v1::Room room;
  room.set_room_id("!a:x");
  const auto snapshot = Parse(messages_.Snapshot({room, room}));
  ASSERT_EQ(snapshot.snapshot().rooms_size(), 2);
  EXPECT_EQ(snapshot.snapshot().rooms(1).room_id(), "!a:x");
  const auto end = Parse(messages_.SnapshotEnd(20));
  EXPECT_EQ(end.snapshot_end().cursor(), cursors_.Encode(20, kFilterDigest));
  EXPECT_EQ(end.snapshot_end().sequence(), 20);
}

TEST_F(WatchMessagesTest, EventsCarryWhatTheLogHasAndTheirCursors) {
  v1::RoomUpgraded upgraded;
  upgraded.set_old_room_id("!old:x");
  upgraded.set_new_room_id("!new:x");
  v1::RoomCreated created;
  created.set_room_id(std::string(5000, 'x'));  // lengths of more than one byte
  const absl::Time time = absl::FromUnixMicros(1'700'000'000'123'456);
  const auto commit = DecodeCommit({{11, 9, time, EncodeEvent(created, {})},
                                    {12, 9, time, EncodeEvent(upgraded, {})}})
                          .value();
  Stretch stretch;
  for (const LoggedEvent& event : commit->events) stretch.events.emplace_back(commit, &event);
  stretch.through = 15;

  v1::WatchRoomEventsResponse expected;
  for (const LoggedEvent& event : commit->events) {
    v1::RoomEvent& copy = *expected.mutable_events()->add_events();
    copy = event.event;
    copy.set_cursor(cursors_.Encode(event.position(), kFilterDigest));
  }
  expected.mutable_events()->set_cursor(cursors_.Encode(15, kFilterDigest));
  *expected.mutable_events()->mutable_lag() = LagProto();
  const auto events = [&] {
    DraftMessage message = messages_.Events(Encode(stretch), kLag);
    messages_.PutCursors(message);
    return Parse(message.bytes);
  };
  const auto response = events();
  EXPECT_TRUE(MessageDifferencer::Equals(response, expected)) << response.DebugString();

  stretch.commit_continues = true;
  expected.mutable_events()->set_commit_continues(true);
  EXPECT_TRUE(MessageDifferencer::Equals(events(), expected));
}

}  // namespace
}  // namespace innkeeper::feed
