// CreateRoom does what its comments promise.

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "google/protobuf/util/message_differencer.h"
#include "tests/e2e/e2e_test.h"

namespace innkeeper {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using State = std::map<std::pair<std::string, std::string>, v1::StateEvent>;

class CreateTest : public E2eTest {};

std::string Content(const State& state, const std::string& type, const std::string& key = "") {
  const auto found = state.find({type, key});
  return found == state.end() ? "none" : ContentOf(found->second);
}

int64_t NumberIn(const google::protobuf::Struct& content, const std::string& key) {
  const auto found = content.fields().find(key);
  return found == content.fields().end() ? -1 : static_cast<int64_t>(found->second.number_value());
}

TEST_F(CreateTest, APlainRoomHasTheStateOfAPrivateChatAndOneMember) {
  const std::string alice = User("alice");
  const v1::Room room = backend().Create(RoomRequest(alice));

  EXPECT_EQ(room.creator(), alice);
  EXPECT_EQ(room.room_version(), "11");
  EXPECT_EQ(room.preset(), v1::ROOM_PRESET_PRIVATE_CHAT);
  EXPECT_EQ(room.status(), v1::ROOM_STATUS_ACTIVE);
  EXPECT_EQ(room.revision(), 1);
  EXPECT_EQ(room.joined_member_count(), 1);
  EXPECT_EQ(room.invited_member_count(), 0);
  EXPECT_FALSE(room.is_public());
  EXPECT_EQ(room.encryption_algorithm(), "");

  const State state = reader().State(room.room_id());
  std::set<std::string> types;
  for (const auto& [place, event] : state) {
    types.insert(place.first);
    EXPECT_EQ(event.sender(), alice);
    EXPECT_EQ(event.revision(), 1);
    EXPECT_THAT(event.event_id(), testing::StartsWith("$"));
  }
  EXPECT_THAT(types,
              ElementsAre("m.room.create", "m.room.guest_access", "m.room.history_visibility",
                          "m.room.join_rules", "m.room.member", "m.room.power_levels"));
  EXPECT_EQ(state.size(), types.size());
  EXPECT_EQ(Content(state, "m.room.member", alice), R"({"membership":"join"})");
}

TEST_F(CreateTest, ThePresetsSetTheirRules) {
  struct Row {
    v1::RoomPreset preset;
    bool is_public;
    v1::RoomPreset expected;
    std::string join_rule;
    std::string guest_access;
  };
  const Row rows[] = {
      {v1::ROOM_PRESET_PRIVATE_CHAT, false, v1::ROOM_PRESET_PRIVATE_CHAT, "invite", "can_join"},
      {v1::ROOM_PRESET_TRUSTED_PRIVATE_CHAT, false, v1::ROOM_PRESET_TRUSTED_PRIVATE_CHAT, "invite",
       "can_join"},
      {v1::ROOM_PRESET_PUBLIC_CHAT, false, v1::ROOM_PRESET_PUBLIC_CHAT, "public", "forbidden"},
      {v1::ROOM_PRESET_UNSPECIFIED, false, v1::ROOM_PRESET_PRIVATE_CHAT, "invite", "can_join"},
      {v1::ROOM_PRESET_UNSPECIFIED, true, v1::ROOM_PRESET_PUBLIC_CHAT, "public", "forbidden"},
      {v1::ROOM_PRESET_PRIVATE_CHAT, true, v1::ROOM_PRESET_PRIVATE_CHAT, "invite", "can_join"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(absl::StrCat("preset ", row.preset, " public ", row.is_public));
    v1::CreateRoomRequest request = RoomRequest(User("alice"));
    request.set_preset(row.preset);
    request.set_is_public(row.is_public);
    const v1::Room room = backend().Create(request);
    EXPECT_EQ(room.preset(), row.expected);
    EXPECT_EQ(room.is_public(), row.is_public);
    EXPECT_EQ(reader().Room(room.room_id()).is_public(), row.is_public);
    const State state = reader().State(room.room_id());
    EXPECT_EQ(Content(state, "m.room.join_rules"),
              absl::StrCat(R"({"join_rule":")", row.join_rule, R"("})"));
    EXPECT_EQ(Content(state, "m.room.guest_access"),
              absl::StrCat(R"({"guest_access":")", row.guest_access, R"("})"));
    EXPECT_EQ(Content(state, "m.room.history_visibility"), R"({"history_visibility":"shared"})");
  }
}

TEST_F(CreateTest, EveryVersionMakesARoomWhoseCreatorHasThePower) {
  for (int number = 1; number <= 12; ++number) {
    const std::string version = absl::StrCat(number);
    SCOPED_TRACE(version);
    const std::string alice = User("alice");
    v1::CreateRoomRequest request = RoomRequest(alice);
    request.set_room_version(version);
    const v1::Room room = backend().Create(request);
    EXPECT_EQ(room.room_version(), version);
    EXPECT_EQ(room.joined_member_count(), 1);
    if (number < 12) {
      EXPECT_THAT(room.room_id(), testing::MatchesRegex("!.+:example.org"));
    } else {
      EXPECT_THAT(room.room_id(), testing::MatchesRegex("![A-Za-z0-9_-]+"));
      EXPECT_EQ(room.room_id().size(), 44u);
    }
    const State state = reader().State(room.room_id());
    const auto& create = state.at({"m.room.create", ""}).content().fields();
    EXPECT_EQ(create.at("room_version").string_value(), version);
    EXPECT_EQ(create.count("creator"), number < 11 ? 1u : 0u);
    const auto& levels = state.at({"m.room.power_levels", ""}).content().fields();
    const google::protobuf::Struct& users = levels.at("users").struct_value();
    EXPECT_EQ(NumberIn(users, alice), number < 12 ? 100 : -1);
    EXPECT_EQ(NumberIn(levels.at("events").struct_value(), "m.room.tombstone"),
              number < 12 ? 100 : 150);
  }
}

TEST_F(CreateTest, EverythingThatIsAskedForIsThere) {
  const std::string alice = User("alice");
  v1::CreateRoomRequest request = FromJson<v1::CreateRoomRequest>(R"({
      "roomVersion": "12", "preset": "ROOM_PRESET_TRUSTED_PRIVATE_CHAT", "name": "Lobby",
      "topic": "Keys and coffee", "isDirect": true, "encryptionAlgorithm": "m.megolm.v1.aes-sha2",
      "creationContent": {"type": "m.space", "m.federate": true, "room_version": "1"},
      "powerLevelContentOverride": {"events": {"org.example.colour": 77}, "ban": 60},
      "initialState": [
        {"type": "org.example.colour", "content": {"colour": "red"}},
        {"type": "org.example.colour", "content": {"colour": "blue", "depth": 9007199254740991}},
        {"type": "m.room.name", "content": {"name": "Not this one"}},
        {"type": "m.room.join_rules", "content": {"join_rule": "knock"}}]})");
  request.set_creator(alice);
  request.set_alias(Alias("lobby"));
  request.add_invites(User("bob"));
  request.add_invites("@carol:elsewhere.example");
  const v1::Room room = backend().Create(request);

  EXPECT_EQ(room.name(), "Lobby");
  EXPECT_EQ(room.topic(), "Keys and coffee");
  EXPECT_EQ(room.canonical_alias(), Alias("lobby"));
  EXPECT_EQ(room.encryption_algorithm(), "m.megolm.v1.aes-sha2");
  EXPECT_EQ(room.room_type(), "m.space");
  EXPECT_EQ(room.joined_member_count(), 1);
  EXPECT_EQ(room.invited_member_count(), 2);
  EXPECT_EQ(reader().Room(room.room_id()).SerializeAsString(), room.SerializeAsString());

  const State state = reader().State(room.room_id());
  EXPECT_EQ(Content(state, "m.room.name"), R"({"name":"Lobby"})");
  EXPECT_THAT(Content(state, "m.room.topic"), HasSubstr(R"("topic":"Keys and coffee")"));
  EXPECT_EQ(Content(state, "m.room.canonical_alias"),
            absl::StrCat(R"({"alias":")", Alias("lobby"), R"("})"));
  EXPECT_EQ(Content(state, "m.room.encryption"), R"({"algorithm":"m.megolm.v1.aes-sha2"})");
  EXPECT_THAT(Content(state, "org.example.colour"), HasSubstr(R"("colour":"blue")"));
  EXPECT_EQ(Content(state, "m.room.join_rules"), R"({"join_rule":"knock"})");
  EXPECT_THAT(
      Content(state, "m.room.member", User("bob")),
      testing::AllOf(HasSubstr(R"("membership":"invite")"), HasSubstr(R"("is_direct":true)")));
  const auto& create = state.at({"m.room.create", ""}).content().fields();
  EXPECT_EQ(create.at("room_version").string_value(), "12");
  EXPECT_THAT(create.at("additional_creators").list_value().values(), testing::SizeIs(2));
  const auto& levels = state.at({"m.room.power_levels", ""}).content();
  EXPECT_EQ(NumberIn(levels, "ban"), 60);
  EXPECT_EQ(NumberIn(levels.fields().at("events").struct_value(), "org.example.colour"), 77);
  EXPECT_EQ(NumberIn(levels.fields().at("events").struct_value(), "m.room.encryption"), 100)
      << "an override is merged, and does not drop the other entries";

  const std::vector<v1::RoomEvent> events = EventsOf(watcher(), room.room_id());
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0].type(), "room.created");
  const v1::RoomCreated& created = events[0].room_created();
  EXPECT_EQ(created.room_id(), room.room_id());
  EXPECT_EQ(created.creator_id(), alice);
  EXPECT_EQ(created.preset(), v1::ROOM_PRESET_TRUSTED_PRIVATE_CHAT);
  EXPECT_EQ(created.room_version(), "12");
  EXPECT_EQ(created.encryption_algorithm(), "m.megolm.v1.aes-sha2");
  EXPECT_EQ(created.predecessor_room_id(), "");
}

TEST_F(CreateTest, CreatorsAreWhoTheyAreWhateverTheCreationContentSays) {
  const std::string alice = User("alice");
  auto request = FromJson<v1::CreateRoomRequest>(R"({
      "creationContent": {"room_version": "1", "creator": "@mallory:example.org"}})");
  request.set_creator(alice);
  for (const std::string version : {"10", "11"}) {
    request.set_room_version(version);
    EXPECT_EQ(Content(reader().State(backend().Create(request).room_id()), "m.room.create"),
              version == "10" ? absl::StrCat(R"({"creator":")", alice, R"(","room_version":"10"})")
                              : R"({"room_version":"11"})");
  }
  // Others are creators too in version 12, sorted and each once.
  request = FromJson<v1::CreateRoomRequest>(R"({"roomVersion": "12",
      "preset": "ROOM_PRESET_TRUSTED_PRIVATE_CHAT",
      "invites": ["@zoe:elsewhere.example", "@bob:example.org"],
      "creationContent": {"additional_creators":
          ["@zoe:elsewhere.example", "@carol:example.org", "@carol:example.org"]}})");
  request.set_creator(alice);
  EXPECT_THAT(Content(reader().State(backend().Create(request).room_id()), "m.room.create"),
              HasSubstr(R"("additional_creators":["@bob:example.org","@carol:example.org",)"
                        R"("@zoe:elsewhere.example"])"));
}

TEST_F(CreateTest, OverriddenLevelsAreMergedIntoTheDefaults) {
  const std::string alice = User("alice"), bob = User("bob");
  v1::CreateRoomRequest request = RoomRequest(alice);
  ParseJsonMessage(absl::StrCat(R"({"users": {")", bob, R"(": 50}, "events": {"m.room.name": 10},
      "notifications": {"org.example.all": 7}, "ban": 60, "org.example.map": {"x": 1}})"),
                   request.mutable_power_level_content_override());
  const auto levels_of = [](const v1::Room& room) {
    return reader().State(room.room_id()).at({"m.room.power_levels", ""}).content();
  };
  const auto with = levels_of(backend().Create(request));
  request.clear_power_level_content_override();
  auto expected = levels_of(backend().Create(request));
  // The maps are merged key by key, everything else is replaced.
  auto& fields = *expected.mutable_fields();
  const auto set = [&](const std::string& map, const std::string& key, int level) {
    auto& entries = *fields[map].mutable_struct_value()->mutable_fields();
    entries[key].set_number_value(level);
    return entries.size();
  };
  EXPECT_GT(set("users", bob, 50), 1u);
  EXPECT_GT(set("events", "m.room.name", 10), 1u);
  set("notifications", "org.example.all", 7);
  fields["ban"].set_number_value(60);
  set("org.example.map", "x", 1);
  EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(with, expected))
      << with.DebugString();
}

TEST_F(CreateTest, TrustedInviteesHaveTheCreatorsPower) {
  v1::CreateRoomRequest request = RoomRequest(User("alice"));
  request.set_preset(v1::ROOM_PRESET_TRUSTED_PRIVATE_CHAT);
  request.add_invites(User("bob"));
  const v1::Room room = backend().Create(request);
  const State state = reader().State(room.room_id());
  const auto& users =
      state.at({"m.room.power_levels", ""}).content().fields().at("users").struct_value();
  EXPECT_EQ(NumberIn(users, User("bob")), 100);
  EXPECT_EQ(NumberIn(users, User("alice")), 100);
}

TEST_F(CreateTest, EncryptionOfTheInitialStateCounts) {
  v1::CreateRoomRequest request = FromJson<v1::CreateRoomRequest>(
      R"({"initialState": [{"type": "m.room.encryption",
          "content": {"algorithm": "org.example.cipher", "rotation_period_ms": 1000}}]})");
  request.set_creator(User("alice"));
  const v1::Room room = backend().Create(request);
  EXPECT_EQ(room.encryption_algorithm(), "org.example.cipher");
  EXPECT_EQ(Content(reader().State(room.room_id()), "m.room.encryption"),
            R"({"algorithm":"org.example.cipher","rotation_period_ms":1000})");
  EXPECT_EQ(EventsOf(watcher(), room.room_id())[0].room_created().encryption_algorithm(),
            "org.example.cipher");
}

TEST_F(CreateTest, AnAliasBelongsToOneRoom) {
  v1::CreateRoomRequest request = RoomRequest(User("alice"));
  request.set_alias(Alias("lobby"));
  backend().Create(request);
  const int64_t head = LogHead();
  request.set_creator(User("bob"));
  const auto second = backend().CreateRoom(request);
  EXPECT_THAT(second.status, IsError(grpc::StatusCode::ALREADY_EXISTS, "ALIAS_IN_USE"));
  EXPECT_THAT(DetailOf(second.status, "google.rpc.ResourceInfo"), HasSubstr(Alias("lobby")));
  EXPECT_EQ(LogHead(), head);
  v1::ListRoomsRequest rooms_of_bob;
  rooms_of_bob.set_requester(User("bob"));
  EXPECT_THAT(backend().ListRooms(rooms_of_bob).response.rooms(), IsEmpty());
}

TEST_F(CreateTest, ValidateOnlyTellsWhatWouldBeAndWritesNothing) {
  const int64_t head = LogHead();
  v1::CreateRoomRequest request = RoomRequest(User("alice"));
  request.set_name("Lobby");
  request.set_alias(Alias("lobby"));
  request.set_request_id("dry-run");
  request.set_validate_only(true);
  const auto preview = backend().CreateRoom(request);
  ASSERT_TRUE(preview.ok()) << preview.status.error_message();
  EXPECT_EQ(preview.response.room().room_id(), "");
  EXPECT_EQ(preview.response.room().name(), "Lobby");
  EXPECT_EQ(preview.response.room().canonical_alias(), Alias("lobby"));
  EXPECT_EQ(preview.response.room().joined_member_count(), 1);
  EXPECT_EQ(LogHead(), head);

  // Neither the alias nor the request_id was used up.
  request.set_validate_only(false);
  const v1::Room room = backend().Create(request);
  EXPECT_THAT(room.room_id(), Not(IsEmpty()));
  v1::ListRoomsRequest rooms_of_alice;
  rooms_of_alice.set_requester(User("alice"));
  EXPECT_EQ(backend().ListRooms(rooms_of_alice).response.rooms_size(), 1);

  // And what would fail, fails.
  request.clear_request_id();
  request.set_validate_only(true);
  EXPECT_THAT(backend().CreateRoom(request).status,
              IsError(grpc::StatusCode::ALREADY_EXISTS, "ALIAS_IN_USE"));
}

}  // namespace
}  // namespace innkeeper
