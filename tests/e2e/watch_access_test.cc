// What a reader of the stream may see, also when that changes, and how streams begin.

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/e2e/e2e_test.h"
#include "tests/e2e/tenant_test.h"
#include "tests/support/watch_stream.h"

namespace innkeeper {
namespace {

using grpc::StatusCode;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

class WatchAccessTest : public TenantTest {
 protected:
  static v1::WatchRoomEventsRequest From(v1::StartPosition position) {
    v1::WatchRoomEventsRequest request;
    request.set_position(position);
    return request;
  }

  // The rooms of a stream's snapshot, which must end.
  static std::vector<std::string> Snapshot(WatchStream& stream) {
    std::vector<std::string> room_ids;
    while (const auto message = stream.Next()) {
      for (const v1::Room& room : message->snapshot().rooms()) room_ids.push_back(room.room_id());
      if (message->has_snapshot_end()) return room_ids;
    }
    ADD_FAILURE() << "no end of the snapshot: " << stream.Finish().error_message();
    return room_ids;
  }
};

TEST_F(WatchAccessTest, OnlyEventsOfTheReadersAudiencesAreShown) {
  SetTenant({"watch"}, {"tenant-*"});
  AwaitAudience("tenant-7");
  const std::string first = CreateFor("tenant-7");
  CreateFor("other");
  CreateFor("");
  const std::string second = CreateFor("tenant-8");
  WatchStream stream(tenant_, From(v1::START_POSITION_OLDEST));
  const std::vector<v1::RoomEvent> events = stream.UntilCaughtUp();
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0].room_id(), first);
  EXPECT_EQ(events[0].audience(), "tenant-7");
  EXPECT_EQ(events[0].creator(), kTenantTestUser);
  EXPECT_EQ(events[1].room_id(), second);
  EXPECT_EQ(tenant_.ListRoomEvents({}).response.events_size(), 2);
  EXPECT_EQ(admin_.ListRoomEvents({}).response.events_size(), 4);
}

TEST_F(WatchAccessTest, ForeignAudiencesMustNotBeAskedFor) {
  SetTenant({"watch"}, {"tenant-*"});
  AwaitAudience("tenant-7");
  for (const bool by_topic : {true, false}) {
    v1::WatchRoomEventsRequest watch;
    if (by_topic) watch.mutable_filter()->add_topics("audiences/other/events");
    if (!by_topic) watch.mutable_filter()->add_audiences("other");
    WatchStream stream(tenant_, watch);
    const grpc::Status refusal = stream.Finish();
    EXPECT_THAT(refusal, IsError(StatusCode::PERMISSION_DENIED, "AUDIENCE_NOT_ALLOWED"));
    EXPECT_EQ(MetadataOf(refusal)["audience"], "other");
    v1::ListRoomEventsRequest list;
    *list.mutable_filter() = watch.filter();
    EXPECT_THAT(tenant_.ListRoomEvents(list).status,
                IsError(StatusCode::PERMISSION_DENIED, "AUDIENCE_NOT_ALLOWED"));
  }
}

TEST_F(WatchAccessTest, ChangedAudiencesAreInForceDuringTheStream) {
  SetTenant({"watch"}, {"one"});
  AwaitAudience("one");
  WatchStream stream(tenant_, From(v1::START_POSITION_NOW));
  stream.UntilCaughtUp();
  const std::string first = CreateFor("one");
  EXPECT_EQ(stream.NextEvents(1)[0].room_id(), first);
  SetTenant({"watch"}, {"two"});
  AwaitAudience("two");
  CreateFor("one");
  const std::string last = CreateFor("two");
  EXPECT_EQ(stream.NextEvents(1)[0].room_id(), last);
}

TEST_F(WatchAccessTest, ARevokedTokenEndsTheStream) {
  SetTenant({"watch"}, {"one"});
  AwaitAudience("one");
  WatchStream stream(tenant_, From(v1::START_POSITION_NOW));
  stream.UntilCaughtUp();
  RevokeTenant();
  EXPECT_THAT(stream.Finish(), IsError(StatusCode::UNAUTHENTICATED, "CREDENTIALS_INVALID"));
}

TEST_F(WatchAccessTest, ALostRoleEndsTheStream) {
  SetTenant({"watch"}, {"one"});
  AwaitAudience("one");
  WatchStream stream(tenant_, From(v1::START_POSITION_NOW));
  stream.UntilCaughtUp();
  SetTenant({"read-all"}, {"one"});
  EXPECT_THAT(stream.Finish(), IsError(StatusCode::PERMISSION_DENIED, "ROLE_MISSING"));
}

TEST_F(WatchAccessTest, ASnapshotTakesTwoRolesAndObeysAudiences) {
  CreateFor("other");
  const std::string mine = CreateFor("one");
  WatchStream refused(watcher_, From(v1::START_POSITION_SNAPSHOT));
  const grpc::Status refusal = refused.Finish();
  EXPECT_THAT(refusal, IsError(StatusCode::PERMISSION_DENIED, "ROLE_MISSING"));
  EXPECT_EQ(MetadataOf(refusal)["role"], "read-all");

  SetTenant({"watch", "read-all"}, {"one"});
  AwaitAudience("one");
  WatchStream stream(tenant_, From(v1::START_POSITION_SNAPSHOT));
  EXPECT_THAT(Snapshot(stream), ElementsAre(mine));
}

TEST_F(WatchAccessTest, ASnapshotIsFollowedByWhatComes) {
  const std::string first = CreateFor("one");
  const auto upgraded = admin_.UpgradeRoom(UpgradeRequest(first, kTenantTestUser, "12"));
  ASSERT_TRUE(upgraded.ok());
  WatchStream stream(admin_, From(v1::START_POSITION_SNAPSHOT));
  const auto confirmed = stream.Next()->confirmed();
  EXPECT_EQ(confirmed.cursor(), "");
  EXPECT_EQ(confirmed.start_sequence(), 4);
  EXPECT_THAT(Snapshot(stream), UnorderedElementsAre(first, upgraded.response.room().room_id()));
  const std::string cursor = stream.cursor();
  EXPECT_THAT(stream.UntilCaughtUp(), IsEmpty());
  const std::string later = CreateFor("");
  EXPECT_EQ(stream.NextEvents(1)[0].room_id(), later);

  v1::WatchRoomEventsRequest resume;
  resume.set_after_cursor(cursor);
  WatchStream resumed(admin_, resume);
  EXPECT_EQ(resumed.NextEvents(1)[0].room_id(), later);
}

TEST_F(WatchAccessTest, AStreamStartsAtATime) {
  CreateFor("");
  CreateFor("");
  const v1::RoomEvent second = admin_.ListRoomEvents({}).response.events(1);
  v1::WatchRoomEventsRequest request;
  *request.mutable_start_time() = second.commit_time();
  WatchStream stream(admin_, request);
  const std::vector<v1::RoomEvent> events = stream.UntilCaughtUp();
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].room_id(), second.room_id());

  request.mutable_start_time()->set_nanos(-1);
  WatchStream refused(admin_, request);
  EXPECT_THAT(refused.Finish(), IsInvalid({"start_time"}));
}

TEST_F(WatchAccessTest, BatchesAndFiltersAreCheckedFieldByField) {
  v1::WatchRoomEventsRequest request;
  request.set_max_batch_events(4001);
  request.set_max_batch_bytes(7);
  request.mutable_filter()->add_creators("alice");
  request.mutable_filter()->add_audiences("two words");
  request.mutable_filter()->add_topics("rooms");
  WatchStream stream(admin_, request);
  EXPECT_THAT(stream.Finish(),
              IsInvalid({"filter.creators[0]", "filter.audiences[0]", "filter.topics[0]",
                         "max_batch_events", "max_batch_bytes"}));
}

TEST_F(WatchAccessTest, AStreamTellsWhatIsKeptAndHowFarItIs) {
  CreateFor("");
  v1::WatchRoomEventsRequest request = From(v1::START_POSITION_OLDEST);
  request.set_max_batch_events(1);
  WatchStream stream(admin_, request);
  const auto confirmed = stream.Next()->confirmed();
  EXPECT_NE(confirmed.stream_id(), "");
  EXPECT_TRUE(confirmed.has_retention());
  EXPECT_EQ(stream.Next()->events().lag().events(), 0);
}

}  // namespace
}  // namespace innkeeper
