// RoomState does what its comments promise.

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/rooms/event.h"
#include "server/rooms/json.h"
#include "server/rooms/room_version.h"
#include "server/rooms/signing.h"
#include "tests/e2e/e2e_test.h"
#include "tests/e2e/exported_pdu.h"

namespace innkeeper {
namespace {

using rooms::Json;
using testing::ElementsAre;
using testing::IsEmpty;

class RoomStateTest : public E2eTest {
 protected:
  // A room of `creator` in which the text of no event has been heard before.
  static std::string NewRoom(const std::string& creator, const std::string& version = "11") {
    v1::CreateRoomRequest request = RoomRequest(creator);
    request.set_room_version(version);
    return backend().Create(request).room_id();
  }

  static v1::TimelineEvent Send(const std::string& room_id, const std::string& sender,
                                const std::string& text) {
    const auto reply = backend().SendEvent(SendRequest(room_id, sender, text));
    EXPECT_TRUE(reply.ok()) << reply.status.error_message();
    return reply.response.event();
  }

  static v1::StateEvent Set(const std::string& room_id, const std::string& sender,
                            const std::string& type, absl::string_view content) {
    const auto reply = backend().SetState(SetStateRequest(room_id, sender, type, content));
    EXPECT_TRUE(reply.ok()) << reply.status.error_message();
    return reply.response.event();
  }

  static v1::TimelineEvent Redact(const std::string& room_id, const std::string& sender,
                                  const std::string& event_id) {
    const auto reply = backend().RedactEvent(RedactRequest(room_id, sender, event_id));
    EXPECT_TRUE(reply.ok()) << reply.status.error_message();
    return reply.response.event();
  }

  static v1::TimelineEvent Get(const std::string& room_id, const std::string& event_id) {
    const auto reply = reader().GetEvent(EventRequest(room_id, event_id));
    EXPECT_TRUE(reply.ok()) << reply.status.error_message();
    return reply.response.event();
  }

  // The numbers of the events on all pages.
  static std::vector<int64_t> Numbers(v1::ListEventsRequest request) {
    std::vector<int64_t> numbers;
    do {
      const auto reply = reader().ListEvents(request);
      EXPECT_TRUE(reply.ok()) << reply.status.error_message();
      for (const auto& event : reply.response.events()) numbers.push_back(event.number());
      request.set_page_token(reply.response.next_page_token());
    } while (!request.page_token().empty());
    return numbers;
  }
};

TEST_F(RoomStateTest, WhatIsSentStandsInTheTimelineAndOnTheStream) {
  const std::string alice = User("alice");
  const std::string room_id = NewRoom(alice);
  const v1::Room before = reader().Room(room_id);
  const v1::TimelineEvent sent = Send(room_id, alice, "Hello");
  EXPECT_EQ(sent.type(), "m.room.message");
  EXPECT_FALSE(sent.has_state_key());
  EXPECT_EQ(ContentOf(sent), R"({"body":"Hello","msgtype":"m.text"})");
  EXPECT_EQ(sent.sender(), alice);
  EXPECT_EQ(sent.revision(), before.revision() + 1);
  EXPECT_EQ(reader().Room(room_id).revision(), before.revision() + 1);

  const auto got = backend().GetEvent(EventRequest(room_id, sent.event_id(), alice));
  ASSERT_TRUE(got.ok()) << got.status.error_message();
  EXPECT_EQ(got.response.event().DebugString(), sent.DebugString());

  const v1::RoomEvent told = EventsOf(watcher(), room_id).back();
  EXPECT_EQ(told.type(), "room.event.sent");
  EXPECT_EQ(told.room_event_sent().event_id(), sent.event_id());
  EXPECT_EQ(told.room_event_sent().sender(), alice);
}

TEST_F(RoomStateTest, ATransactionIsCarriedOutOnce) {
  const std::string alice = User("alice");
  const std::string room_id = NewRoom(alice);
  v1::SendEventRequest request = SendRequest(room_id, alice, "Hello");
  request.set_transaction_id(absl::StrCat("m1.", room_id.substr(1, 5)));
  const auto first = backend().SendEvent(request);
  const auto second = backend().SendEvent(request);
  ASSERT_TRUE(first.ok() && second.ok()) << second.status.error_message();
  EXPECT_EQ(first.response.DebugString(), second.response.DebugString());
  EXPECT_EQ(Numbers(ListRequest(room_id)).front(), first.response.event().number());

  (*request.mutable_content()->mutable_fields())["body"].set_string_value("Goodbye");
  EXPECT_THAT(backend().SendEvent(request).status,
              IsError(grpc::StatusCode::INVALID_ARGUMENT, "REQUEST_ID_REUSED"));
}

TEST_F(RoomStateTest, UsersBehindOneCallerChooseTransactionIdsForThemselves) {
  const std::string alice = User("alice"), bob = User("bob");
  const std::string room_id = NewRoom(alice);
  ASSERT_TRUE(backend().InviteUser(InviteRequest(room_id, alice, bob)).ok());
  ASSERT_TRUE(backend().JoinRoom(JoinRequest(room_id, bob)).ok());
  v1::SendEventRequest of_alice = SendRequest(room_id, alice, "Hello");
  v1::SendEventRequest of_bob = SendRequest(room_id, bob, "Hi");
  for (v1::SendEventRequest* request : {&of_alice, &of_bob}) request->set_transaction_id("m1.1");
  const auto first = backend().SendEvent(of_alice), second = backend().SendEvent(of_bob);
  ASSERT_TRUE(first.ok() && second.ok()) << second.status.error_message();
  EXPECT_EQ(second.response.event().sender(), bob);
  EXPECT_EQ(backend().SendEvent(of_alice).response.DebugString(), first.response.DebugString());
  EXPECT_EQ(backend().SendEvent(of_bob).response.DebugString(), second.response.DebugString());

  // Nor do they meet the request ids of the caller.
  v1::SetStateRequest set = SetStateRequest(room_id, alice, "m.room.name", R"({"name": "one"})");
  set.set_request_id("m1.1");
  EXPECT_TRUE(backend().SetState(set).ok());
  v1::RedactEventRequest redact = RedactRequest(room_id, bob, second.response.event().event_id());
  redact.set_transaction_id("redact." + room_id.substr(1, 5));
  ASSERT_TRUE(backend().RedactEvent(redact).ok());
  redact.set_requester(alice);
  EXPECT_TRUE(backend().RedactEvent(redact).ok());
}

TEST_F(RoomStateTest, StateIsSetOnceAndShowsWhereverItIsLookedFor) {
  const std::string alice = User("alice");
  const std::string room_id = NewRoom(alice);
  const v1::SetStateRequest request =
      SetStateRequest(room_id, alice, "m.room.name", R"({"name": "Lobby"})");
  const auto first = backend().SetState(request);
  ASSERT_TRUE(first.ok()) << first.status.error_message();
  EXPECT_TRUE(first.response.changed());
  EXPECT_EQ(reader().Room(room_id).name(), "Lobby");
  const v1::StateEvent standing = reader().State(room_id).at({"m.room.name", ""});
  EXPECT_EQ(standing.DebugString(), first.response.event().DebugString());
  EXPECT_EQ(EventsOf(watcher(), room_id).back().room_state_changed().event_id(),
            standing.event_id());

  const int64_t head = LogHead();
  const auto again = backend().SetState(request);
  ASSERT_TRUE(again.ok()) << again.status.error_message();
  EXPECT_FALSE(again.response.changed());
  EXPECT_EQ(again.response.event().DebugString(), standing.DebugString());
  EXPECT_EQ(reader().Room(room_id).revision(), standing.revision());
  EXPECT_EQ(LogHead(), head);
}

TEST_F(RoomStateTest, RepeatedRequestsAreCarriedOutOnce) {
  const std::string alice = User("alice");
  const std::string room_id = NewRoom(alice);
  const std::string message = Send(room_id, alice, "secret").event_id();
  v1::SetStateRequest set = SetStateRequest(room_id, alice, "m.room.name", R"({"name": "one"})");
  set.set_request_id("set");
  const auto first = backend().SetState(set);
  ASSERT_TRUE(first.ok()) << first.status.error_message();
  Set(room_id, alice, "m.room.name", R"({"name": "two"})");
  EXPECT_EQ(backend().SetState(set).response.DebugString(), first.response.DebugString());
  EXPECT_EQ(reader().Room(room_id).name(), "two");

  v1::RedactEventRequest redact = RedactRequest(room_id, alice, message);
  redact.set_transaction_id("redact");
  const auto redacted = backend().RedactEvent(redact);
  ASSERT_TRUE(redacted.ok()) << redacted.status.error_message();
  const int64_t head = LogHead();
  EXPECT_EQ(backend().RedactEvent(redact).response.DebugString(), redacted.response.DebugString());
  redact.set_reason("another");
  EXPECT_THAT(backend().RedactEvent(redact).status,
              IsError(grpc::StatusCode::INVALID_ARGUMENT, "REQUEST_ID_REUSED"));
  EXPECT_EQ(LogHead(), head);
}

TEST_F(RoomStateTest, ACanonicalAliasIsOneOfTheRoom) {
  const std::string alice = User("alice");
  const std::string room_id = NewRoom(alice);
  const auto set = [&](const std::string& content) {
    return backend().SetState(SetStateRequest(room_id, alice, "m.room.canonical_alias", content));
  };
  const std::string lobby = absl::StrCat("\"", Alias("lobby"), "\"");
  const std::string other = absl::StrCat("\"", Alias("other"), "\"");
  const std::string remote = "\"#lobby:elsewhere.example\"";
  ASSERT_TRUE(backend().SetAlias(SetAliasRequest(Alias("lobby"), room_id, alice)).ok());
  ASSERT_TRUE(backend().SetAlias(SetAliasRequest(Alias("other"), NewRoom(alice), alice)).ok());

  EXPECT_THAT(set(absl::StrCat(R"({"alias": )", other, R"(, "alt_aliases": [)", lobby, ", ", remote,
                               ", ", other, "]}"))
                  .status,
              IsInvalid({"content.alias", "content.alt_aliases[2]"}));
  EXPECT_THAT(set(R"({"alias": "lobby", "alt_aliases": "lobby"})").status,
              IsInvalid({"content.alias", "content.alt_aliases"}));
  EXPECT_EQ(reader().Room(room_id).canonical_alias(), "");
  const auto done =
      set(absl::StrCat(R"({"alias": )", lobby, R"(, "alt_aliases": [)", remote, "]}"));
  ASSERT_TRUE(done.ok()) << done.status.error_message();
  EXPECT_EQ(reader().Room(room_id).canonical_alias(), Alias("lobby"));
  ASSERT_TRUE(set("{}").ok());
  EXPECT_EQ(reader().Room(room_id).canonical_alias(), "");
}

TEST_F(RoomStateTest, WhatMayBeSetIsForThePowerLevelsToSayAndForWhoeverOwnsIt) {
  const std::string alice = User("alice"), bob = User("bob");
  v1::CreateRoomRequest create = RoomRequest(alice);
  create.set_preset(v1::ROOM_PRESET_PUBLIC_CHAT);
  const std::string room_id = backend().Create(create).room_id();
  ASSERT_TRUE(backend().JoinRoom(JoinRequest(room_id, bob)).ok());
  const auto name = SetStateRequest(room_id, bob, "m.room.name", R"({"name": "Bobs"})");
  const grpc::Status powerless = backend().SetState(name).status;
  EXPECT_THAT(powerless, IsError(grpc::StatusCode::PERMISSION_DENIED, "INSUFFICIENT_POWER"));
  EXPECT_EQ(MetadataOf(powerless)["required"], "50");
  EXPECT_EQ(MetadataOf(powerless)["actual"], "0");

  google::protobuf::Struct levels =
      reader().State(room_id).at({"m.room.power_levels", ""}).content();
  auto& users = *(*levels.mutable_fields())["users"].mutable_struct_value()->mutable_fields();
  users[bob].set_number_value(50);
  v1::SetStateRequest raise = SetStateRequest(room_id, alice, "m.room.power_levels", "{}");
  *raise.mutable_content() = levels;
  ASSERT_TRUE(backend().SetState(raise).ok());
  EXPECT_TRUE(backend().SetState(name).ok());

  v1::SetStateRequest own = SetStateRequest(room_id, bob, "org.example.own", R"({"x": 1})");
  own.set_state_key(bob);
  EXPECT_TRUE(backend().SetState(own).ok());
  own.set_requester(alice);
  EXPECT_THAT(backend().SetState(own).status,
              IsError(grpc::StatusCode::PERMISSION_DENIED, "EVENT_NOT_AUTHORIZED"));
  for (const std::string type : {"m.room.create", "m.room.member", "m.room.tombstone"}) {
    EXPECT_THAT(backend().SetState(SetStateRequest(room_id, alice, type, "{}")).status,
                IsInvalid({"type"}));
  }
}

TEST_F(RoomStateTest, EverythingWrongWithARequestIsNamed) {
  const std::string alice = User("alice");
  const std::string room_id = NewRoom(alice);
  v1::SetStateRequest set = SetStateRequest("x", "y", "", R"({"a": 0.5})");
  set.set_state_key(std::string(256, 'k'));
  set.set_request_id("no spaces");
  EXPECT_THAT(admin().SetState(set).status,
              IsInvalid({"room_id", "requester", "type", "state_key", "content.a", "request_id"}));

  v1::SendEventRequest send = SendRequest(room_id, "@a:elsewhere.net", "");
  send.set_type("m.room.avatar");
  send.set_transaction_id("no spaces");
  EXPECT_THAT(admin().SendEvent(send).status, IsInvalid({"requester", "type", "transaction_id"}));

  v1::RedactEventRequest redact = RedactRequest(room_id, alice, "");
  redact.set_reason(std::string(1025, 'r'));
  EXPECT_THAT(backend().RedactEvent(redact).status, IsInvalid({"event_id", "reason"}));

  EXPECT_THAT(backend().GetEvent(EventRequest("x", "", alice)).status,
              IsInvalid({"room_id", "event_id"}));
  v1::ListEventsRequest list = ListRequest("x", alice);
  list.set_page_size(-1);
  list.set_direction(static_cast<v1::TimelineDirection>(9));
  EXPECT_THAT(backend().ListEvents(list).status, IsInvalid({"room_id", "page_size", "direction"}));
}

TEST_F(RoomStateTest, StrangersLearnNothingAndTheInvitedCannotWrite) {
  const std::string alice = User("alice");
  const std::string bob = User("bob");
  const std::string carol = User("carol");
  v1::CreateRoomRequest create = RoomRequest(alice);
  create.set_preset(v1::ROOM_PRESET_TRUSTED_PRIVATE_CHAT);
  create.add_invites(bob);
  const std::string room_id = backend().Create(create).room_id();
  const std::string event_id = Send(room_id, alice, "Hello").event_id();
  const std::string nowhere = "!nowhere:example.org";

  const auto same = [](const grpc::Status& there, const grpc::Status& missing) {
    EXPECT_THAT(there, IsError(grpc::StatusCode::NOT_FOUND, "ROOM_NOT_FOUND"));
    EXPECT_EQ(there.error_message(), missing.error_message());
    EXPECT_EQ(ReasonOf(missing), "ROOM_NOT_FOUND");
  };
  same(backend().SendEvent(SendRequest(room_id, carol, "")).status,
       backend().SendEvent(SendRequest(nowhere, carol, "")).status);
  same(
      backend().SetState(SetStateRequest(room_id, carol, "m.room.name", R"({"name": "x"})")).status,
      backend()
          .SetState(SetStateRequest(nowhere, carol, "m.room.name", R"({"name": "x"})"))
          .status);
  same(backend().RedactEvent(RedactRequest(room_id, carol, event_id)).status,
       backend().RedactEvent(RedactRequest(nowhere, carol, event_id)).status);
  for (const std::string& user : {bob, carol}) {
    same(backend().GetEvent(EventRequest(room_id, event_id, user)).status,
         backend().GetEvent(EventRequest(nowhere, event_id, user)).status);
    same(backend().ListEvents(ListRequest(room_id, user)).status,
         backend().ListEvents(ListRequest(nowhere, user)).status);
  }
  const grpc::Status invited = backend().SendEvent(SendRequest(room_id, bob, "")).status;
  EXPECT_THAT(invited, IsError(grpc::StatusCode::PERMISSION_DENIED, "EVENT_NOT_AUTHORIZED"));
  EXPECT_EQ(MetadataOf(invited)["rule"], "event.sender_not_joined");
}

TEST_F(RoomStateTest, ATombstonedRoomTakesNothing) {
  const std::string alice = User("alice");
  const std::string room_id = NewRoom(alice);
  const std::string event_id = Send(room_id, alice, "Hello").event_id();
  ASSERT_TRUE(backend().UpgradeRoom(UpgradeRequest(room_id, alice, "12")).ok());
  const auto refused = IsError(grpc::StatusCode::FAILED_PRECONDITION, "ROOM_TOMBSTONED");
  EXPECT_THAT(backend().SendEvent(SendRequest(room_id, alice, "")).status, refused);
  EXPECT_THAT(
      backend().SetState(SetStateRequest(room_id, alice, "m.room.name", R"({"name": "x"})")).status,
      refused);
  EXPECT_THAT(backend().RedactEvent(RedactRequest(room_id, alice, event_id)).status, refused);
  EXPECT_EQ(Get(room_id, event_id).event_id(), event_id);
}

TEST_F(RoomStateTest, AnUnknownEventIsNotFound) {
  const std::string alice = User("alice");
  const std::string room_id = NewRoom(alice);
  const std::string elsewhere = Send(NewRoom(alice), alice, "Hello").event_id();
  const auto missing = IsError(grpc::StatusCode::NOT_FOUND, "EVENT_NOT_FOUND");
  EXPECT_THAT(backend().GetEvent(EventRequest(room_id, elsewhere, alice)).status, missing);
  EXPECT_THAT(backend().RedactEvent(RedactRequest(room_id, alice, elsewhere)).status, missing);
}

TEST_F(RoomStateTest, PagesGoBothWaysAndAreNotMovedByWhatComesMeanwhile) {
  const std::string alice = User("alice");
  const std::string room_id = NewRoom(alice);
  for (int i = 0; i < 5; ++i) Send(room_id, alice, absl::StrCat(i));
  std::vector<int64_t> forward = Numbers([&] {
    v1::ListEventsRequest request = ListRequest(room_id);
    request.set_direction(v1::TIMELINE_DIRECTION_FORWARD);
    request.set_page_size(3);
    return request;
  }());
  std::vector<int64_t> expected;
  for (size_t i = 1; i <= forward.size(); ++i) expected.push_back(static_cast<int64_t>(i));
  EXPECT_EQ(forward, expected);
  v1::ListEventsRequest request = ListRequest(room_id);
  request.set_page_size(4);
  EXPECT_EQ(Numbers(request), std::vector<int64_t>(expected.rbegin(), expected.rend()));

  for (const auto direction : {v1::TIMELINE_DIRECTION_FORWARD, v1::TIMELINE_DIRECTION_BACKWARD}) {
    request.set_direction(direction);
    request.clear_page_token();
    const int64_t last = reader().ListEvents(ListRequest(room_id)).response.events(0).number();
    const auto first = reader().ListEvents(request);
    Send(room_id, alice, "meanwhile");
    request.set_page_token(first.response.next_page_token());
    EXPECT_EQ(first.response.events_size() + static_cast<int>(Numbers(request).size()), last);
  }
}

TEST_F(RoomStateTest, PagesEndByTheirSize) {
  const std::string alice = User("alice");
  const std::string room_id = NewRoom(alice);
  for (int i = 0; i < 25; ++i) Send(room_id, alice, std::string(60'000, 'x'));
  for (const auto direction : {v1::TIMELINE_DIRECTION_FORWARD, v1::TIMELINE_DIRECTION_BACKWARD}) {
    v1::ListEventsRequest request = ListRequest(room_id);
    request.set_direction(direction);
    request.set_page_size(1'000'000);
    const auto page = reader().ListEvents(request);
    ASSERT_TRUE(page.ok()) << page.status.error_message();
    EXPECT_GE(page.response.ByteSizeLong(), 1u << 20);
    EXPECT_LE(page.response.ByteSizeLong(), (1u << 20) + 100'000);
    EXPECT_FALSE(page.response.next_page_token().empty());
    const std::vector<int64_t> all = Numbers(request);
    EXPECT_EQ(all.size(), static_cast<size_t>(std::max(all.front(), all.back())));
  }
}

TEST_F(RoomStateTest, PageTokensAreGoodForTheirRequestOnly) {
  const std::string alice = User("alice");
  const std::string room_id = NewRoom(alice);
  v1::ListEventsRequest request = ListRequest(room_id);
  request.set_page_size(1);
  request.set_page_token(reader().ListEvents(request).response.next_page_token());
  ASSERT_TRUE(admin().ListEvents(request).ok());
  const auto invalid = IsError(grpc::StatusCode::INVALID_ARGUMENT, "CURSOR_INVALID");

  v1::ListEventsRequest other = request;
  other.set_direction(v1::TIMELINE_DIRECTION_FORWARD);
  EXPECT_THAT(admin().ListEvents(other).status, invalid);
  other = request;
  other.set_requester(alice);
  EXPECT_THAT(admin().ListEvents(other).status, invalid);
  other = request;
  other.set_room_id(NewRoom(alice));
  EXPECT_THAT(admin().ListEvents(other).status, invalid);
  other = request;
  other.mutable_page_token()->back() ^= 1;
  EXPECT_THAT(admin().ListEvents(other).status, invalid);
}

// What the export of a room says by itself.
struct ExportFindings {
  std::map<std::string, Json> by_id;
  // Of the events whose content is no longer what their sender signed for.
  std::vector<std::string> changed;
};

ExportFindings FindingsIn(const ExportedRoom& room) {
  EXPECT_TRUE(room.status.ok()) << room.status.error_message();
  const rooms::RoomVersion& version = *rooms::FindRoomVersion(room.header.room_version());
  const rooms::VerifyKeys keys = KeysIn(room.header);
  ExportFindings findings;
  for (const std::string& text : room.pdus) {
    const Json pdu = rooms::ParseJson(text).value();
    const absl::Status is_signed = rooms::CheckEventSignatures(version, pdu, keys);
    EXPECT_TRUE(is_signed.ok()) << is_signed << " in " << text;
    const std::string id = EventIdOf(version, pdu);
    findings.by_id[id] = pdu;
    if (pdu["hashes"]["sha256"] == rooms::Base64(rooms::ContentHash(pdu))) continue;
    findings.changed.push_back(id);
    // As a reader does who finds such an event, and loses nothing.
    EXPECT_EQ(rooms::Redact(version, pdu), pdu);
  }
  return findings;
}

TEST_F(RoomStateTest, RoomsWithRedactedEventsCheckByWhatIsInTheirExport) {
  const std::string alice = User("alice");
  for (const rooms::RoomVersion& version : rooms::AllRoomVersions()) {
    SCOPED_TRACE(std::string(version.id));
    const std::string room_id = NewRoom(alice, std::string(version.id));
    const std::string message = Send(room_id, alice, "secret").event_id();
    const std::string topic =
        Set(room_id, alice, "m.room.topic", R"({"topic": "secret"})").event_id();
    v1::RedactEventRequest request = RedactRequest(room_id, alice, message);
    request.set_reason("hush");
    const auto reply = backend().RedactEvent(request);
    ASSERT_TRUE(reply.ok()) << reply.status.error_message();
    const std::string redaction = reply.response.event().event_id();
    EXPECT_EQ(reply.response.event().redacts(), message);
    Redact(room_id, alice, topic);

    ExportFindings findings = FindingsIn(backend().ExportRoom(ExportRequest(room_id, alice)));
    EXPECT_THAT(findings.changed, ElementsAre(message, topic));
    const Json& pdu = findings.by_id[redaction];
    EXPECT_EQ(pdu["type"], "m.room.redaction");
    EXPECT_EQ(version.redacts_in_content ? pdu["content"]["redacts"] : pdu["redacts"], message);
    EXPECT_EQ(pdu["content"]["reason"], "hush");

    // Redactions can be redacted themselves.
    Redact(room_id, alice, redaction);
    findings = FindingsIn(backend().ExportRoom(ExportRequest(room_id, alice)));
    EXPECT_THAT(findings.changed, ElementsAre(message, topic, redaction));
  }
}

TEST_F(RoomStateTest, EventsOfOthersAreForThoseWithPowerToRedact) {
  const std::string alice = User("alice"), bob = User("bob");
  v1::CreateRoomRequest create = RoomRequest(alice);
  create.set_preset(v1::ROOM_PRESET_PUBLIC_CHAT);
  const std::string room_id = backend().Create(create).room_id();
  ASSERT_TRUE(backend().JoinRoom(JoinRequest(room_id, bob)).ok());
  const std::string of_alice = Send(room_id, alice, "Hello").event_id();
  const std::string of_bob = Send(room_id, bob, "Hello").event_id();
  EXPECT_THAT(backend().RedactEvent(RedactRequest(room_id, bob, of_alice)).status,
              IsError(grpc::StatusCode::PERMISSION_DENIED, "INSUFFICIENT_POWER"));
  EXPECT_NE(ContentOf(Get(room_id, of_alice)), "{}");
  Redact(room_id, alice, of_bob);
  EXPECT_EQ(ContentOf(Get(room_id, of_bob)), "{}");
  const std::string create_event = reader().State(room_id).at({"m.room.create", ""}).event_id();
  EXPECT_THAT(backend().RedactEvent(RedactRequest(room_id, alice, create_event)).status,
              IsInvalid({"event_id"}));
}

TEST_F(RoomStateTest, WhatIsRedactedIsGoneEverywhere) {
  const std::string alice = User("alice");
  const std::string room_id = NewRoom(alice);
  const std::string message = Send(room_id, alice, "secret").event_id();
  const std::string old_name =
      Set(room_id, alice, "m.room.name", R"({"name": "secret 1"})").event_id();
  const v1::StateEvent name = Set(room_id, alice, "m.room.name", R"({"name": "secret 2"})");
  const v1::TimelineEvent redaction = Redact(room_id, alice, message);
  Redact(room_id, alice, old_name);
  EXPECT_EQ(reader().Room(room_id).name(), "secret 2");
  Redact(room_id, alice, name.event_id());

  const v1::TimelineEvent redacted = Get(room_id, message);
  EXPECT_EQ(ContentOf(redacted), "{}");
  EXPECT_EQ(redacted.redacted_by(), redaction.event_id());
  EXPECT_EQ(reader().Room(room_id).name(), "");
  EXPECT_EQ(ContentOf(reader().State(room_id).at({"m.room.name", ""})), "{}");
  v1::GetRoomStateRequest before = StateRequest(room_id);
  before.set_revision(name.revision() - 1);
  EXPECT_EQ(reader().GetRoomState(before).response.DebugString().find("secret"), std::string::npos);
  EXPECT_EQ(reader().ListEvents(ListRequest(room_id)).response.DebugString().find("secret"),
            std::string::npos);

  const v1::RoomEvent told = EventsOf(watcher(), room_id).back();
  EXPECT_EQ(told.type(), "room.event.redacted");
  EXPECT_EQ(told.room_event_redacted().event_id(), name.event_id());
  EXPECT_EQ(told.room_event_redacted().sender(), alice);

  // Once more changes nothing.
  const int64_t head = LogHead();
  EXPECT_EQ(Redact(room_id, alice, message).DebugString(), redaction.DebugString());
  EXPECT_EQ(LogHead(), head);
}

}  // namespace
}  // namespace innkeeper
