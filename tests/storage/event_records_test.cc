// How the events of rooms are kept: in runs, and as they were before.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "storage/keys.h"
#include "storage/record_codec.h"
#include "storage/room_store.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_engine.h"

namespace innkeeper::storage {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Le;
using testing::SizeIs;

constexpr char kRoom[] = "!a:example.org";

std::string IdOf(int64_t number) { return absl::StrCat("$", number); }

EventRecord EventOf(int64_t number, size_t content_bytes = 10) {
  EventRecord event;
  event.set_event_id(IdOf(number));
  event.set_content(std::string(content_bytes, static_cast<char>('a' + number % 26)));
  return event;
}

std::string EventsKey(int64_t number) {
  return KeyBuilder(Table::kEvent).Str(kRoom).U64(static_cast<uint64_t>(number)).Build();
}

class EventRecordsTest : public testing::Test {
 protected:
  EventRecordsTest() : engine_(OpenTestEngine(dir_.File("data"))) {}

  void MustCommit(CommitRequest request) {
    const CommitResult result = CommitAndWait(*engine_, std::move(request));
    ASSERT_TRUE(result.status.ok()) << result.status;
  }

  // Puts the events numbered `first` to `last`, in one commit.
  void PutEvents(int64_t first, int64_t last, size_t content_bytes = 10) {
    RoomCommit commit;
    for (int64_t number = first; number <= last; ++number) {
      commit.PutEvent(kRoom, number, EventOf(number, content_bytes));
    }
    MustCommit(commit.Take());
  }

  RoomReader Reader() { return RoomReader(*engine_); }

  // Expects that the room has just the events 1 to `last`.
  void ExpectEvents(int64_t last) {
    const RoomReader reader = Reader();
    int64_t expected = 1;
    const absl::Status scanned =
        reader.ScanEvents(kRoom, 1, [&](int64_t number, const EventRecord& event) {
          EXPECT_EQ(number, expected++);
          EXPECT_EQ(event.event_id(), IdOf(number));
          return true;
        });
    EXPECT_TRUE(scanned.ok()) << scanned;
    EXPECT_EQ(expected, last + 1);
    for (int64_t number = 1; number <= last; ++number) {
      EXPECT_EQ((*reader.GetEvent(kRoom, number))->event_id(), IdOf(number));
      EXPECT_EQ(*reader.GetEventNumber(kRoom, IdOf(number)), number);
    }
    for (const int64_t number : {int64_t{0}, last + 1}) {
      EXPECT_EQ(*reader.GetEventNumber(kRoom, IdOf(number)), std::nullopt);
      EXPECT_FALSE(reader.GetEvent(kRoom, number)->has_value()) << number;
    }
  }

  // The sizes of the values in the keys of `table`, in the order of those.
  std::vector<size_t> SizesIn(Table table) {
    const std::string prefix = KeyBuilder(table).Build();
    std::vector<size_t> sizes;
    EXPECT_TRUE(engine_->NewSnapshot()
                    ->Scan(prefix, PrefixEnd(prefix),
                           [&](absl::string_view, absl::string_view value, Revision) {
                             sizes.push_back(value.size());
                             return true;
                           })
                    .ok());
    return sizes;
  }

  TempDir dir_;
  std::unique_ptr<Engine> engine_;
};

TEST_F(EventRecordsTest, EventsOfOneCommitShareARecord) {
  PutEvents(1, 9);
  EXPECT_THAT(SizesIn(Table::kEvent), SizeIs(1));
  EXPECT_THAT(SizesIn(Table::kEventId), IsEmpty());
  ExpectEvents(9);

  PutEvents(10, 10);
  PutEvents(11, 12);
  EXPECT_THAT(SizesIn(Table::kEvent), SizeIs(3));
  EXPECT_THAT(SizesIn(Table::kEventId), ElementsAre(0u, 0u, 0u));
  ExpectEvents(12);
}

TEST_F(EventRecordsTest, RecordsAreBounded) {
  constexpr size_t kContentBytes = 1'000;
  PutEvents(1, 100, kContentBytes);
  EXPECT_THAT(SizesIn(Table::kEvent), testing::Each(Le((8u << 10) + 1'200)));
  EXPECT_THAT(SizesIn(Table::kEvent), SizeIs(Le(13u)));
  ExpectEvents(100);
}

TEST_F(EventRecordsTest, EventsOfRoomsInTurnsAreKeptApart) {
  RoomCommit commit;
  for (int64_t number = 1; number <= 3; ++number) {
    commit.PutEvent(kRoom, number, EventOf(number));
    commit.PutEvent("!b:example.org", number, EventOf(number));
  }
  MustCommit(commit.Take());
  ExpectEvents(3);
}

TEST_F(EventRecordsTest, ARewrittenEventLeavesItsNeighboursAlone) {
  PutEvents(1, 3);
  PutEvents(4, 7);
  for (const int64_t number : {1, 5, 7}) {
    EventRecord event = EventOf(number);
    event.set_content("rewritten");
    RoomCommit commit;
    ASSERT_TRUE(commit.RewriteEvent(Reader(), kRoom, number, event).ok());
    MustCommit(commit.Take());
  }
  ExpectEvents(7);
  for (int64_t number = 1; number <= 7; ++number) {
    const bool is_rewritten = number == 1 || number == 5 || number == 7;
    EXPECT_EQ((*Reader().GetEvent(kRoom, number))->content(),
              is_rewritten ? "rewritten" : EventOf(number).content());
  }
  RoomCommit commit;
  EXPECT_TRUE(absl::IsDataLoss(commit.RewriteEvent(Reader(), kRoom, 8, EventOf(8))));
  EXPECT_TRUE(commit.empty());
}

TEST_F(EventRecordsTest, AScanBeginsInTheMidstOfARecord) {
  PutEvents(1, 5);
  PutEvents(6, 8);
  std::vector<int64_t> visited;
  ASSERT_TRUE(Reader()
                  .ScanEvents(kRoom, 4,
                              [&](int64_t number, const EventRecord&) {
                                visited.push_back(number);
                                return number < 7;
                              })
                  .ok());
  EXPECT_THAT(visited, ElementsAre(4, 5, 6, 7));
}

TEST_F(EventRecordsTest, ReadsWhatWasKeptEventByEvent) {
  CommitRequest request;
  for (int64_t number = 1; number <= 5; ++number) {
    EventNumberRecord record;
    record.set_number(number);
    request.writes.push_back({EventsKey(number), Encode(EventOf(number))});
    request.writes.push_back(
        {KeyBuilder(Table::kEventId).Str(kRoom).Str(IdOf(number)).Build(), Encode(record)});
  }
  MustCommit(std::move(request));
  ExpectEvents(5);
  PutEvents(6, 9);
  ExpectEvents(9);

  RoomCommit commit;
  EventRecord event = EventOf(3);
  event.set_content("rewritten");
  ASSERT_TRUE(commit.RewriteEvent(Reader(), kRoom, 3, event).ok());
  MustCommit(commit.Take());
  ExpectEvents(9);
  EXPECT_EQ((*Reader().GetEvent(kRoom, 3))->content(), "rewritten");
}

TEST_F(EventRecordsTest, DamagedRecordsAreNoticed) {
  PutEvents(1, 3);
  EventsRecord none;
  EventsRecord too_many;
  for (int64_t number = 1; number <= 4; ++number) *too_many.add_events() = EventOf(number);
  for (const std::string& value : {std::string(), std::string("\2\xff"), std::string("\3"),
                                   Encode(none, 2), Encode(too_many, 2)}) {
    MustCommit({.writes = {{EventsKey(3), value}}});
    EXPECT_TRUE(absl::IsDataLoss(Reader().GetEvent(kRoom, 2).status()));
    EXPECT_TRUE(absl::IsDataLoss(Reader().GetEventNumber(kRoom, "$2").status()));
    EXPECT_TRUE(absl::IsDataLoss(Reader().ScanEvents(kRoom, 1, [](auto, auto) { return true; })));
  }
}

}  // namespace
}  // namespace innkeeper::storage
