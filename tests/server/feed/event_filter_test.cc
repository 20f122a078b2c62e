#include "server/feed/event_filter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "google/rpc/error_details.pb.h"
#include "server/events/event_codec.h"

namespace innkeeper::feed {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using Strings = std::vector<std::string>;

v1::RoomEventFilter Proto(const Strings& types, const Strings& room_ids) {
  v1::RoomEventFilter filter;
  filter.mutable_types()->Add(types.begin(), types.end());
  filter.mutable_room_ids()->Add(room_ids.begin(), room_ids.end());
  return filter;
}

EventFilter Filter(const Strings& types, const Strings& room_ids) {
  FieldErrors errors;
  EventFilter filter = EventFilter::FromProto(Proto(types, room_ids), errors);
  EXPECT_TRUE(errors.empty()) << errors.ToStatus();
  return filter;
}

// The wrong fields and what is said of them.
std::vector<std::pair<std::string, std::string>> ErrorsOf(const v1::RoomEventFilter& filter) {
  FieldErrors errors;
  EventFilter::FromProto(filter, errors);
  google::rpc::BadRequest bad_request;
  if (const auto payload = errors.ToStatus().GetPayload(
          absl::StrCat("type.googleapis.com/", bad_request.GetDescriptor()->full_name()))) {
    EXPECT_TRUE(bad_request.ParseFromString(std::string(*payload)));
  }
  std::vector<std::pair<std::string, std::string>> result;
  for (const auto& violation : bad_request.field_violations()) {
    result.emplace_back(violation.field(), violation.description());
  }
  return result;
}

v1::RoomEvent Created(const std::string& room_id) {
  v1::RoomEvent event;
  event.set_type(kRoomCreatedType);
  event.set_room_id(room_id);
  event.mutable_room_created()->set_room_id(room_id);
  return event;
}

v1::RoomEvent Upgraded(const std::string& old_room_id, const std::string& new_room_id) {
  v1::RoomEvent event;
  event.set_type(kRoomUpgradedType);
  event.set_room_id(old_room_id);
  event.mutable_room_upgraded()->set_old_room_id(old_room_id);
  event.mutable_room_upgraded()->set_new_room_id(new_room_id);
  return event;
}

TEST(EventFilterTest, EmptyFilterLetsEverythingThrough) {
  EXPECT_TRUE(EventFilter().Matches(Created("!a:x")));
  EXPECT_TRUE(EventFilter().Matches(Upgraded("!a:x", "!b:x")));
  EXPECT_EQ(EventFilter().digest(), Filter({}, {}).digest());
}

TEST(EventFilterTest, ChoosesByType) {
  const EventFilter filter = Filter({kRoomUpgradedType, kRoomUpgradeFailedType}, {});
  EXPECT_FALSE(filter.Matches(Created("!a:x")));
  EXPECT_TRUE(filter.Matches(Upgraded("!a:x", "!b:x")));
}

TEST(EventFilterTest, ChoosesByRoom) {
  const EventFilter filter = Filter({}, {"!a:x", "!b:x"});
  EXPECT_TRUE(filter.Matches(Created("!a:x")));
  EXPECT_TRUE(filter.Matches(Created("!b:x")));
  EXPECT_FALSE(filter.Matches(Created("!c:x")));
}

TEST(EventFilterTest, UpgradeIsAboutBothRooms) {
  EXPECT_TRUE(Filter({}, {"!old:x"}).Matches(Upgraded("!old:x", "!new:x")));
  EXPECT_TRUE(Filter({}, {"!new:x"}).Matches(Upgraded("!old:x", "!new:x")));
  EXPECT_FALSE(Filter({}, {"!other:x"}).Matches(Upgraded("!old:x", "!new:x")));
}

TEST(EventFilterTest, TypeAndRoomMustBothMatch) {
  const EventFilter filter = Filter({kRoomUpgradedType}, {"!a:x"});
  EXPECT_FALSE(filter.Matches(Created("!a:x")));
  EXPECT_FALSE(filter.Matches(Upgraded("!b:x", "!c:x")));
  EXPECT_TRUE(filter.Matches(Upgraded("!a:x", "!c:x")));
}

TEST(EventFilterTest, DigestIgnoresOrderAndRepetition) {
  EXPECT_EQ(
      Filter({kRoomCreatedType, kRoomUpgradedType}, {"!a:x", "!b:x"}).digest(),
      Filter({kRoomUpgradedType, kRoomCreatedType, kRoomUpgradedType}, {"!b:x", "!a:x", "!a:x"})
          .digest());
}

TEST(EventFilterTest, DigestTellsFiltersApart) {
  const std::vector<EventFilter> filters = {
      EventFilter(),
      Filter({kRoomCreatedType}, {}),
      Filter({kRoomUpgradedType}, {}),
      Filter({}, {"!a:x"}),
      Filter({}, {"!a:x", "!b:x"}),
      Filter({}, {"!a:x4:!b:x"}),
      Filter({kRoomCreatedType}, {"!a:x"}),
  };
  for (size_t i = 0; i < filters.size(); ++i) {
    for (size_t j = 0; j < i; ++j) EXPECT_NE(filters[i].digest(), filters[j].digest()) << i << j;
  }
}

TEST(EventFilterTest, DigestIsTheSameInEveryRelease) {
  EXPECT_EQ(Filter({kRoomCreatedType}, {"!a:x"}).digest(), 1424049886053927688u);
}

TEST(EventFilterTest, NamesUnknownTypesAndListsTheKnown) {
  EXPECT_THAT(ErrorsOf(Proto({kRoomCreatedType, "room.crated"}, {})),
              ElementsAre(Pair("filter.types[1]",
                               HasSubstr("room.created, room.upgraded, room.upgrade.failed"))));
}

TEST(EventFilterTest, NamesWhatCannotBeRoomIds) {
  EXPECT_THAT(ErrorsOf(Proto({}, {"!ok", "", "#alias:x", "!" + std::string(255, 'x'),
                                  "!" + std::string(254, 'x')})),
              ElementsAre(Pair("filter.room_ids[1]", HasSubstr("room id")),
                          Pair("filter.room_ids[2]", HasSubstr("room id")),
                          Pair("filter.room_ids[3]", HasSubstr("room id"))));
}

TEST(EventFilterTest, LimitsItsSize) {
  EXPECT_THAT(ErrorsOf(Proto(Strings(32, kRoomCreatedType), Strings(1000, "!a:x"))), IsEmpty());
  EXPECT_THAT(ErrorsOf(Proto(Strings(33, kRoomCreatedType), Strings(1001, "!a:x"))),
              ElementsAre(Pair("filter.types", HasSubstr("more than 32")),
                          Pair("filter.room_ids", HasSubstr("more than 1000"))));
}

TEST(EventFilterTest, OnlyTheEmptyFilterPassesAll) {
  FieldErrors errors;
  EXPECT_TRUE(EventFilter().PassesAll());
  v1::RoomEventFilter types;
  types.add_types("room.created");
  EXPECT_FALSE(EventFilter::FromProto(types, errors).PassesAll());
  v1::RoomEventFilter rooms;
  rooms.add_room_ids("!a:example.org");
  EXPECT_FALSE(EventFilter::FromProto(rooms, errors).PassesAll());
  EXPECT_FALSE(EventFilter().SeenBy(AudienceScope::Of({"*"})).PassesAll());
  EXPECT_TRUE(EventFilter().SeenBy(AudienceScope::All()).PassesAll());
  for (const auto& add : std::vector<void (*)(v1::RoomEventFilter&)>{
           [](v1::RoomEventFilter& f) { f.add_creators("@a:x"); },
           [](v1::RoomEventFilter& f) { f.add_audiences("a"); },
           [](v1::RoomEventFilter& f) { f.add_topics("audiences/a/events"); },
           [](v1::RoomEventFilter& f) { f.add_topics("rooms/!a:x/events"); }}) {
    v1::RoomEventFilter later;
    add(later);
    EXPECT_FALSE(EventFilter::FromProto(later, errors).PassesAll());
  }
}

v1::RoomEvent About(const std::string& room_id, const std::string& creator,
                    const std::string& audience) {
  v1::RoomEvent event = Created(room_id);
  event.set_creator(creator);
  event.set_audience(audience);
  return event;
}

EventFilter Valid(const v1::RoomEventFilter& proto) {
  FieldErrors errors;
  EventFilter filter = EventFilter::FromProto(proto, errors);
  EXPECT_TRUE(errors.empty()) << errors.ToStatus();
  return filter;
}

TEST(EventFilterTest, ChoosesByCreatorAndAudience) {
  v1::RoomEventFilter proto;
  proto.add_creators("@a:x");
  proto.add_creators("@b:x");
  EXPECT_TRUE(Valid(proto).Matches(About("!r:x", "@b:x", "")));
  EXPECT_FALSE(Valid(proto).Matches(About("!r:x", "@c:x", "")));
  EXPECT_FALSE(Valid(proto).Matches(About("!r:x", "", "")));
  proto.add_audiences("tenant-1");
  EXPECT_TRUE(Valid(proto).Matches(About("!r:x", "@b:x", "tenant-1")));
  EXPECT_FALSE(Valid(proto).Matches(About("!r:x", "@b:x", "tenant-2")));
  EXPECT_FALSE(Valid(proto).Matches(About("!r:x", "@b:x", "")));
  EXPECT_FALSE(Valid(proto).Matches(About("!r:x", "@c:x", "tenant-1")));
}

TEST(EventFilterTest, EventOfAnyTopicPasses) {
  v1::RoomEventFilter proto;
  proto.add_topics("rooms/!r:x/events");
  proto.add_topics("rooms/!with/slash:x/events");
  proto.add_topics("audiences/tenant-1/events");
  const EventFilter filter = Valid(proto);
  EXPECT_TRUE(filter.Matches(About("!r:x", "@a:x", "tenant-2")));
  EXPECT_TRUE(filter.Matches(About("!with/slash:x", "@a:x", "")));
  EXPECT_TRUE(filter.Matches(About("!s:x", "@a:x", "tenant-1")));
  EXPECT_TRUE(filter.Matches(Upgraded("!old:x", "!r:x")));
  EXPECT_FALSE(filter.Matches(About("!s:x", "@a:x", "tenant-2")));
  EXPECT_FALSE(filter.Matches(About("!s:x", "@a:x", "")));
  EXPECT_THAT(filter.NamedAudiences(), ElementsAre("tenant-1"));
  proto.add_creators("@a:x");
  EXPECT_FALSE(Valid(proto).Matches(About("!r:x", "@b:x", ""))) << "every field has to pass";
}

TEST(EventFilterTest, ChoosesRoomsWhateverTheTypes) {
  v1::Room room;
  room.set_room_id("!r:x");
  room.set_creator("@a:x");
  room.set_audience("tenant-1");
  v1::RoomEventFilter proto;
  proto.add_types(kRoomUpgradedType);
  proto.add_room_ids("!r:x");
  proto.add_creators("@a:x");
  proto.add_audiences("tenant-1");
  proto.add_topics("rooms/!r:x/events");
  EXPECT_TRUE(Valid(proto).Matches(room));
  for (const auto& change : std::vector<void (*)(v1::Room&)>{
           [](v1::Room& r) { r.set_room_id("!s:x"); }, [](v1::Room& r) { r.set_creator("@b:x"); },
           [](v1::Room& r) { r.set_audience("tenant-2"); }}) {
    v1::Room other = room;
    change(other);
    EXPECT_FALSE(Valid(proto).Matches(other)) << other.DebugString();
  }
}

TEST(EventFilterTest, ShowsWhatAScopeIncludes) {
  const EventFilter all;
  const EventFilter seen = all.SeenBy(AudienceScope::Of({"tenant-*"}));
  EXPECT_TRUE(seen.Matches(About("!r:x", "@a:x", "tenant-1")));
  EXPECT_FALSE(seen.Matches(About("!r:x", "@a:x", "other")));
  EXPECT_FALSE(seen.Matches(About("!r:x", "@a:x", "")));
  EXPECT_EQ(seen.digest(), all.digest()) << "permission is no part of a cursor";
  EXPECT_TRUE(seen.SeenBy(AudienceScope::All()).Matches(About("!r:x", "@a:x", "")));
}

TEST(EventFilterTest, DigestTellsTheLaterFieldsApart) {
  std::vector<EventFilter> filters = {EventFilter(), Filter({}, {"!a:x"})};
  for (const auto& add : std::vector<void (*)(v1::RoomEventFilter&)>{
           [](v1::RoomEventFilter& f) { f.add_creators("@a:x"); },
           [](v1::RoomEventFilter& f) { f.add_audiences("a"); },
           [](v1::RoomEventFilter& f) { f.add_topics("audiences/a/events"); },
           [](v1::RoomEventFilter& f) { f.add_topics("rooms/!a:x/events"); }}) {
    v1::RoomEventFilter proto;
    add(proto);
    filters.push_back(Valid(proto));
  }
  for (size_t i = 0; i < filters.size(); ++i) {
    for (size_t j = 0; j < i; ++j) EXPECT_NE(filters[i].digest(), filters[j].digest()) << i << j;
  }
}

TEST(EventFilterTest, NamesWhatCannotBeCreatorsAudiencesAndTopics) {
  v1::RoomEventFilter proto;
  proto.add_creators("@ok:x");
  proto.add_creators("alice");
  proto.add_audiences("ok");
  proto.add_audiences("not ok");
  proto.add_audiences("tenant-*");
  proto.add_topics("rooms/!ok:x/events");
  for (const char* topic :
       {"rooms/no/events", "rooms/!a:x", "audiences//events", "users/@a:x/events",
        "audiences/*/events", "/rooms/!a:x/events", "rooms/events"}) {
    proto.add_topics(topic);
  }
  Strings fields;
  for (const auto& [field, description] : ErrorsOf(proto)) fields.push_back(field);
  EXPECT_THAT(fields, ElementsAre("filter.creators[1]", "filter.audiences[1]",
                                  "filter.audiences[2]", "filter.topics[1]", "filter.topics[2]",
                                  "filter.topics[3]", "filter.topics[4]", "filter.topics[5]",
                                  "filter.topics[6]", "filter.topics[7]"));
}

TEST(EventFilterTest, LimitsItsLaterFields) {
  v1::RoomEventFilter proto;
  for (int i = 0; i <= 1000; ++i) {
    proto.add_creators("@a:x");
    proto.add_topics("audiences/a/events");
    if (i <= 100) proto.add_audiences("a");
  }
  EXPECT_THAT(ErrorsOf(proto), ElementsAre(Pair("filter.creators", HasSubstr("more than 1000")),
                                           Pair("filter.audiences", HasSubstr("more than 100")),
                                           Pair("filter.topics", HasSubstr("more than 1000"))));
}

}  // namespace
}  // namespace innkeeper::feed
