// Requests that are wrong: each wrong field is named, and nothing is written.

#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "google/protobuf/struct.pb.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "tests/e2e/e2e_test.h"
#include "tests/support/raw_call.h"

namespace innkeeper {
namespace {

using google::protobuf::Struct;
using google::protobuf::Value;
using testing::ElementsAre;
using testing::SizeIs;

class BadInputTest : public E2eTest {
 protected:
  // Expects that the server refuses to create a room of an otherwise right
  // request, names these fields, and writes nothing. The same with validate_only.
  void ExpectRefused(const std::function<void(v1::CreateRoomRequest&)>& spoil,
                     const std::vector<std::string>& fields) {
    v1::CreateRoomRequest request = RoomRequest(User("alice"));
    spoil(request);
    const int64_t head = LogHead();
    for (const bool validate_only : {true, false}) {
      request.set_validate_only(validate_only);
      EXPECT_THAT(admin().CreateRoom(request).status, IsInvalid(fields));
    }
    EXPECT_EQ(LogHead(), head);
    v1::ListRoomsRequest rooms;
    rooms.set_requester(User("alice"));
    EXPECT_EQ(backend().ListRooms(rooms).response.rooms_size(), 0);
  }

  void ExpectStateRefused(const std::string& event_json, const std::vector<std::string>& fields) {
    SCOPED_TRACE(event_json.substr(0, 80));
    ExpectRefused(
        [&](auto& request) {
          *request.add_initial_state() = FromJson<v1::InitialStateEvent>(event_json);
        },
        fields);
  }
};

Value Number(double number) {
  Value value;
  value.set_number_value(number);
  return value;
}

// An object in which the deepest of `levels` objects is empty.
Struct NestedObjects(int levels) {
  Struct innermost;
  Struct* at = &innermost;
  for (int i = 1; i < levels; ++i) at = (*at->mutable_fields())["a"].mutable_struct_value();
  return innermost;
}

TEST_F(BadInputTest, Creators) {
  for (const std::string creator :
       {"", "alice", "@alice", "alice:example.org", "@alice:", "@alice:exa mple.org",
        "@al:ice:example.org", "@alice:elsewhere.example", "!alice:example.org"}) {
    SCOPED_TRACE(creator);
    ExpectRefused([&](auto& request) { request.set_creator(creator); }, {"creator"});
  }
  ExpectRefused(
      [](auto& request) {
        request.set_creator(absl::StrCat("@", std::string(250, 'a'), ":example.org"));
      },
      {"creator"});
}

TEST_F(BadInputTest, PresetsAndVersions) {
  ExpectRefused([](auto& request) { request.set_preset(static_cast<v1::RoomPreset>(4)); },
                {"preset"});
  for (const std::string version : {"0", "13", "01", "11 ", "org.example.version", "1.0"}) {
    SCOPED_TRACE(version);
    v1::CreateRoomRequest request = RoomRequest(User("alice"));
    request.set_room_version(version);
    const int64_t head = LogHead();
    const auto reply = backend().CreateRoom(request);
    EXPECT_THAT(reply.status,
                IsError(grpc::StatusCode::INVALID_ARGUMENT, "ROOM_VERSION_UNSUPPORTED"));
    EXPECT_THAT(FieldsOf(reply.status), ElementsAre("room_version"));
    EXPECT_EQ(LogHead(), head);
  }
}

TEST_F(BadInputTest, AnUnsupportedVersionHidesNothingElse) {
  v1::CreateRoomRequest request = RoomRequest(User("alice"));
  request.set_room_version("13");
  request.set_request_id("not an id");
  request.add_invites("nobody");
  const auto reply = backend().CreateRoom(request);
  EXPECT_THAT(reply.status,
              IsError(grpc::StatusCode::INVALID_ARGUMENT, "ROOM_VERSION_UNSUPPORTED"));
  EXPECT_EQ(reply.status.error_message(),
            "The requested room version is not supported by this server");
  EXPECT_THAT(FieldsOf(reply.status),
              testing::UnorderedElementsAre("room_version", "request_id", "invites[0]"));
}

TEST_F(BadInputTest, NamesTopicsAndAliases) {
  for (const std::string& name :
       {std::string(" \t\n"), std::string(256, 'n'), std::string("a\0b", 3)}) {
    SCOPED_TRACE(name);
    ExpectRefused([&](auto& request) { request.set_name(name); }, {"name"});
  }
  ExpectRefused([](auto& request) { request.set_topic(std::string(32'769, 't')); }, {"topic"});
  for (const std::string& alias :
       {std::string("lobby"), std::string("#lobby"), std::string("#:example.org"),
        std::string("#lob by:example.org"), std::string("#lobby:elsewhere.example"),
        std::string("#lobby:example.org:1"),
        absl::StrCat("#", std::string(255, 'a'), ":example.org")}) {
    SCOPED_TRACE(alias);
    ExpectRefused([&](auto& request) { request.set_alias(alias); }, {"alias"});
  }
}

TEST_F(BadInputTest, TheLongestThatAreAllowed) {
  v1::CreateRoomRequest request = RoomRequest(User("alice"));
  request.set_name(std::string(255, 'n'));
  // A topic stands twice in its event, which has at most 65,536 bytes.
  request.set_topic(std::string(32'000, 't'));
  request.set_request_id(std::string(128, 'r'));
  for (int i = 0; i < 1000; ++i) request.add_invites(absl::StrCat("@user", i, ":example.org"));
  const v1::Room room = backend().Create(request);
  EXPECT_EQ(room.invited_member_count(), 1000);
}

TEST_F(BadInputTest, TopicsOfTheAllowedLengthAreTaken) {
  v1::CreateRoomRequest request = RoomRequest(User("alice"));
  request.set_topic(std::string(32'768, 't'));
  const auto reply = backend().CreateRoom(request);
  EXPECT_TRUE(reply.ok()) << reply.status.error_message();
}

TEST_F(BadInputTest, Invites) {
  ExpectRefused(
      [](auto& request) {
        for (int i = 0; i < 10'000; ++i) request.add_invites(absl::StrCat("@u", i, ":x.org"));
      },
      {"invites"});
  ExpectRefused(
      [](auto& request) {
        request.add_invites("@bob:example.org");
        request.add_invites(request.creator());
        request.add_invites("@bob:example.org");
        request.add_invites("carol");
        request.add_invites("");
        request.add_invites("@dave:example.org");
      },
      {"invites[1]", "invites[2]", "invites[3]", "invites[4]"});
}

TEST_F(BadInputTest, StateTypesAndKeys) {
  for (const std::string type : {"", "m.room.create", "m.room.member", "m.room.tombstone",
                                 "m.room.canonical_alias", "m.room.message", "m.no.such.type"}) {
    ExpectStateRefused(absl::StrCat(R"({"type": ")", type, R"("})"), {"initial_state[0].type"});
  }
  ExpectStateRefused(absl::StrCat(R"({"type": "org.)", std::string(252, 'x'), R"("})"),
                     {"initial_state[0].type"});
  ExpectStateRefused(
      absl::StrCat(R"({"type": "org.example.x", "stateKey": ")", std::string(256, 'x'), R"("})"),
      {"initial_state[0].state_key"});
  ExpectRefused(
      [](auto& request) {
        for (int i = 0; i < 1001; ++i) {
          request.add_initial_state()->set_type(absl::StrCat("org.example.t", i));
        }
      },
      {"initial_state"});
}

TEST_F(BadInputTest, ContentThatIsNotCanonical) {
  const double numbers[] = {1.5,
                            9007199254740992.0,
                            -9007199254740992.0,
                            1e300,
                            std::numeric_limits<double>::infinity(),
                            std::numeric_limits<double>::quiet_NaN()};
  for (const double number : numbers) {
    SCOPED_TRACE(number);
    ExpectRefused(
        [&](auto& request) {
          auto* event = request.add_initial_state();
          event->set_type("org.example.x");
          *(*event->mutable_content()->mutable_fields())["list"]
               .mutable_list_value()
               ->add_values() = Number(0);
          *(*event->mutable_content()->mutable_fields())["list"]
               .mutable_list_value()
               ->add_values() = Number(number);
        },
        {"initial_state[0].content.list[1]"});
    ExpectRefused(
        [&](auto& request) {
          (*request.mutable_creation_content()->mutable_fields())["org.example.n"] = Number(number);
        },
        {"creation_content.org.example.n"});
  }
  ExpectStateRefused(absl::StrCat(R"({"type": "org.example.x", "content": {"text": ")",
                                  std::string(66'000, 'x'), R"("}})"),
                     {"initial_state[0]"});
}

// Standard stubs don't parse what is much deeper.
TEST_F(BadInputTest, TheDeepestContentCanBeReadBack) {
  v1::CreateRoomRequest request = RoomRequest(User("bob"));
  auto* event = request.add_initial_state();
  event->set_type("org.example.x");
  *event->mutable_content() = NestedObjects(30);
  const std::string room_id = backend().Create(request).room_id();
  v1::SendEventRequest message = SendRequest(room_id, User("bob"), "deep");
  message.set_transaction_id("deep");
  (*message.mutable_content()->mutable_fields())["x"].mutable_struct_value()->CopyFrom(
      NestedObjects(29));
  for (int i = 0; i < 2; ++i) {
    const auto sent = backend().SendEvent(message);
    EXPECT_TRUE(sent.ok()) << sent.status.error_message();
  }
  v1::GetRoomStateRequest state;
  state.set_room_id(room_id);
  state.set_requester(User("bob"));
  EXPECT_TRUE(backend().GetRoomState(state).ok());
  v1::ListEventsRequest events;
  events.set_room_id(room_id);
  events.set_requester(User("bob"));
  EXPECT_TRUE(backend().ListEvents(events).ok());
}

TEST_F(BadInputTest, DeepContent) {
  const auto with_depth = [](int levels) {
    return [levels](v1::CreateRoomRequest& request) {
      auto* event = request.add_initial_state();
      event->set_type("org.example.x");
      *event->mutable_content() = NestedObjects(levels);
    };
  };
  v1::CreateRoomRequest deepest = RoomRequest(User("bob"));
  with_depth(30)(deepest);
  EXPECT_TRUE(backend().CreateRoom(deepest).ok());

  for (const int levels : {31, 150}) {
    SCOPED_TRACE(levels);
    v1::CreateRoomRequest request = RoomRequest(User("alice"));
    with_depth(levels)(request);
    const int64_t head = LogHead();
    const auto reply = backend().CreateRoom(request);
    EXPECT_THAT(reply.status, IsError(grpc::StatusCode::INVALID_ARGUMENT, "INVALID_REQUEST"));
    const std::vector<std::string> fields = FieldsOf(reply.status);
    ASSERT_THAT(fields, SizeIs(1));
    EXPECT_TRUE(absl::StartsWith(fields[0], "initial_state[0].content.a.a.a")) << fields[0];
    EXPECT_EQ(LogHead(), head);
  }
  v1::CreateRoomRequest absurd = RoomRequest(User("alice"));
  with_depth(5000)(absurd);
  EXPECT_THAT(backend().CreateRoom(absurd).status,
              IsError(grpc::StatusCode::INVALID_ARGUMENT, "INVALID_REQUEST"));
}

TEST_F(BadInputTest, PowerLevelsAndCreationContent) {
  const std::string alice = User("alice");
  ExpectRefused(
      [](auto& request) {
        *request.mutable_power_level_content_override() =
            FromJson<Struct>(R"({"ban": "50", "users": {"bob": 1}, "events": []})");
      },
      {"power_level_content_override.ban", "power_level_content_override.users.bob",
       "power_level_content_override.events"});
  ExpectRefused(
      [&](auto& request) {
        Struct users;
        (*users.mutable_fields())[alice] = Number(50);
        *(*request.mutable_power_level_content_override()->mutable_fields())["users"]
             .mutable_struct_value() = users;
      },
      {absl::StrCat("power_level_content_override.users.", alice)});
  ExpectRefused(
      [](auto& request) {
        *request.mutable_power_level_content_override() = FromJson<Struct>(R"({"ban": 60})");
        *request.add_initial_state() = FromJson<v1::InitialStateEvent>(
            absl::StrCat(R"({"type": "m.room.power_levels", "content": {"users": {")",
                         request.creator(), R"(": 100}}})"));
      },
      {"power_level_content_override"});
  ExpectRefused(
      [](auto& request) {
        *request.mutable_creation_content() = FromJson<Struct>(
            R"({"m.federate": "yes", "type": 5, "additional_creators": ["@bob:example.org"]})");
      },
      {"creation_content.m.federate", "creation_content.type",
       "creation_content.additional_creators"});
}

TEST_F(BadInputTest, EncryptionAndRequestIds) {
  for (const std::string algorithm : {"Megolm", "m megolm", "5m"}) {
    ExpectRefused([&](auto& request) { request.set_encryption_algorithm(algorithm); },
                  {"encryption_algorithm"});
  }
  ExpectRefused(
      [](auto& request) {
        request.set_encryption_algorithm("m.megolm.v1.aes-sha2");
        *request.add_initial_state() = FromJson<v1::InitialStateEvent>(
            R"({"type": "m.room.encryption", "content": {"algorithm": "org.example.other"}})");
      },
      {"encryption_algorithm"});
  ExpectStateRefused(R"({"type": "m.room.encryption", "content": {}})",
                     {"initial_state[0].content.algorithm"});
  for (const std::string& id : {std::string("a b"), std::string(129, 'a'), std::string("\u00e9")}) {
    ExpectRefused([&](auto& request) { request.set_request_id(id); }, {"request_id"});
  }
}

TEST_F(BadInputTest, EveryWrongFieldIsNamedAtOnce) {
  ExpectRefused(
      [](auto& request) {
        request.set_creator("alice");
        request.set_preset(static_cast<v1::RoomPreset>(9));
        request.set_name(" ");
        request.set_topic(std::string(40'000, 't'));
        request.set_alias("lobby");
        request.add_invites("bob");
        request.set_request_id("?");
        request.set_encryption_algorithm("?");
        request.add_initial_state()->set_type("m.typo");
        (*request.mutable_creation_content()->mutable_fields())["x"] = Number(0.5);
        (*request.mutable_power_level_content_override()->mutable_fields())["ban"] = Number(0.5);
      },
      {"creator", "preset", "name", "topic", "alias", "invites[0]", "request_id",
       "encryption_algorithm", "initial_state[0].type", "creation_content.x",
       "power_level_content_override.ban"});
}

TEST_F(BadInputTest, UpgradesAndReads) {
  v1::UpgradeRoomRequest upgrade;
  upgrade.set_request_id("?");
  EXPECT_THAT(admin().UpgradeRoom(upgrade).status,
              IsInvalid({"room_id", "requester", "new_version", "request_id"}));
  v1::GetRoomStateRequest state = StateRequest("room", "alice");
  state.set_state_key("");
  state.set_revision(-1);
  state.set_page_size(-1);
  EXPECT_THAT(admin().GetRoomState(state).status,
              IsInvalid({"room_id", "requester", "state_key", "revision", "page_size"}));
  for (const std::string room_id : {"", "!", "room", "!a", "#a:example.org", "!a:exa mple.org"}) {
    SCOPED_TRACE(room_id);
    EXPECT_THAT(admin().GetRoom(GetRequest(room_id)).status, IsInvalid({"room_id"}));
    EXPECT_THAT(admin().GetRoomState(StateRequest(room_id)).status, IsInvalid({"room_id"}));
    EXPECT_THAT(admin().ExportRoom(ExportRequest(room_id)).status, IsInvalid({"room_id"}));
    EXPECT_THAT(admin().UpgradeRoom(UpgradeRequest(room_id, User("alice"), "12")).status,
                IsInvalid({"room_id"}));
  }
  EXPECT_THAT(admin().GetRoom(GetRequest("!" + std::string(300, 'a') + ":example.org")).status,
              IsInvalid({"room_id"}));
  const std::string room_id = backend().Create(RoomRequest(User("alice"))).room_id();
  const int64_t head = LogHead();
  EXPECT_THAT(admin().UpgradeRoom(UpgradeRequest(room_id, "@alice:elsewhere.example", "12")).status,
              IsInvalid({"requester"}))
      << "upgraders are users of this server";
  EXPECT_EQ(LogHead(), head);
}

TEST_F(BadInputTest, BytesThatAreNoRequest) {
  const auto channel = grpc::CreateChannel(server().address(), grpc::InsecureChannelCredentials());
  const auto& service =
      *v1::CreateRoomRequest::descriptor()->file()->FindServiceByName("RoomLifecycle");
  const int64_t head = LogHead();
  for (int i = 0; i < service.method_count(); ++i) {
    SCOPED_TRACE(service.method(i)->name());
    for (const std::string& bytes :
         {std::string("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"), std::string("\x0a\x05xy"),
          // Text that is not UTF-8.
          std::string("\x0a\x02\xc3\x28")}) {
      if (service.method(i)->name() == "ListRoomEvents" ||
          service.method(i)->name() == "WatchRoomEvents") {
        if (bytes.size() == 4 && bytes[2] == '\xc3') continue;  // no text in that field
      }
      EXPECT_THAT(CallRaw(channel, *service.method(i), {bytes},
                          {{"authorization", "Bearer " + TestToken("admin")}}),
                  IsError(grpc::StatusCode::INVALID_ARGUMENT, "INVALID_REQUEST"));
    }
  }
  EXPECT_EQ(LogHead(), head);
}

TEST_F(BadInputTest, ARequestThatIsTooLongIsRefused) {
  v1::CreateRoomRequest request = RoomRequest(User("alice"));
  request.set_topic(std::string(5 << 20, 't'));
  EXPECT_EQ(backend().CreateRoom(request).status.error_code(),
            grpc::StatusCode::RESOURCE_EXHAUSTED);
}

TEST_F(BadInputTest, ManyErrorsFitIntoAnAnswer) {
  v1::CreateRoomRequest request = RoomRequest(User("alice"));
  for (int i = 0; i < 1000; ++i) request.add_invites(std::string(200, 'x'));
  const auto reply = backend().CreateRoom(request);
  EXPECT_THAT(reply.status, IsError(grpc::StatusCode::INVALID_ARGUMENT, "INVALID_REQUEST"));
  EXPECT_THAT(FieldsOf(reply.status), testing::Contains("invites[0]"));
}

}  // namespace
}  // namespace innkeeper
