#include "server/rooms/pdu.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/rooms/genesis.h"
#include "tests/server/rooms/version.h"
#include "tests/server/rooms/violations.h"
#include "tests/support/people.h"

namespace innkeeper::rooms {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// The first events of a room.
std::vector<Event> SomeEvents(const RoomVersion& version) {
  RoomSpec spec{.creator = kAlice, .version = &version};
  spec.name = "Lobby";
  spec.invites = {"@bob:elsewhere.example"};
  return BuildGenesis(spec, {.server_name = "example.org",
                             .origin_server_ts = 1700000000000,
                             .nonce = "0123456789abcdef"})
      .value()
      .events;
}

// A message as another server may send it, hashed.
Json Message(const RoomVersion& version) {
  const Event before = SomeEvents(version).back();
  Event event{.event_id = "$message:example.org",
              .room_id = before.room_id,
              .type = "m.room.message",
              .sender = kAlice,
              .origin_server_ts = 1700000000001,
              .content = {{"body", "hello"}},
              .depth = before.depth + 1,
              .prev_events = {ReferenceTo(version, before)},
              .auth_events = {ReferenceTo(version, before)}};
  FinishEvent(version, event);
  Json pdu = PduJson(version, event);
  pdu["signatures"] = {{"example.org", {{"ed25519:1", "c2lnbmF0dXJl"}}}};
  return pdu;
}

// `pdu` with the content hash that belongs to it.
Json Rehashed(Json pdu) {
  pdu["hashes"]["sha256"] = Base64(ContentHash(pdu));
  return pdu;
}

absl::StatusOr<ReceivedEvent> Parse(const RoomVersion& version, const Json& pdu) {
  return ParsePdu(version, CanonicalJson(pdu));
}

TEST(PduTest, WhatIsWrittenIsReadAgain) {
  for (const RoomVersion& version : AllRoomVersions()) {
    SCOPED_TRACE(version.id);
    for (const Event& event : SomeEvents(version)) {
      Json pdu = PduJson(version, event);
      pdu["signatures"] = {{"example.org", {{"ed25519:1", "c2lnbmF0dXJl"}}}};
      pdu["unsigned"] = {{"age", 5}};
      const auto received = Parse(version, pdu);
      ASSERT_EQ(received.status(), absl::OkStatus());
      EXPECT_FALSE(received->redacted);
      EXPECT_EQ(received->signatures, pdu["signatures"]);
      EXPECT_EQ(received->event.event_id, event.event_id);
      EXPECT_EQ(received->event.room_id, event.room_id);
      EXPECT_EQ(received->event.reference_hash, event.reference_hash);
      EXPECT_EQ(received->event.content_hash, event.content_hash);
      EXPECT_EQ(received->event.canonical_content, event.canonical_content);
      EXPECT_EQ(PduJson(version, received->event), PduJson(version, event));
    }
  }
}

TEST(PduTest, TheIdIsThatOfThePublishedVector) {
  std::string text = R"({"auth_events":[],"prev_events":[],"type":"m.room.create",
      "room_id":"!uXDCzlYgCTHtiWCkEx:jki.re","sender":"@erikj:jki.re","content":{
      "room_version":"5","predecessor":{"room_id":"!gdRMqOrTFdOCYHNwOo:half-shot.uk",
      "event_id":"$LP7ROBc4b+cMc1UE9haIz8q5AK2AIW4eJ90FfKLvyZI"},"creator":"@erikj:jki.re"},
      "depth":1,"prev_state":[],"state_key":"","origin":"jki.re",
      "origin_server_ts":1560284621137,
      "hashes":{"sha256":"IX6zuNiJpJPNf70BLleL3HSCpjKeq9Uhu7uUpyDjBmc"},"signatures":{}})";
  const auto received = ParsePdu(Version("4"), text);
  ASSERT_EQ(received.status(), absl::OkStatus());
  EXPECT_EQ(received->event.event_id, "$RrGxF28UrHLmoASHndYb9Jb_1SFww2ptmtur9INS438");
  EXPECT_FALSE(received->redacted);
  EXPECT_EQ(received->event.other_fields,
            Json({{"origin", "jki.re"}, {"prev_state", Json::array()}}));
}

TEST(PduTest, FieldsThatWeDoNotKnowAreKept) {
  for (const RoomVersion& version : AllRoomVersions()) {
    SCOPED_TRACE(version.id);
    Json pdu = Message(version);
    pdu["org.example.extra"] = {{"a", {1, 2}}};
    pdu["origin"] = "example.org";
    pdu = Rehashed(pdu);
    const auto received = Parse(version, pdu);
    ASSERT_EQ(received.status(), absl::OkStatus());
    EXPECT_FALSE(received->redacted);
    Json again = PduJson(version, received->event);
    EXPECT_EQ(received->event.reference_hash, ReferenceHash(version, pdu));
    again["signatures"] = received->signatures;
    EXPECT_EQ(again, pdu);
  }
}

TEST(PduTest, WhatARedactionTakesBackIsReadWhereTheVersionHasIt) {
  for (const RoomVersion& version : AllRoomVersions()) {
    SCOPED_TRACE(version.id);
    Json pdu = Message(version);
    pdu["type"] = "m.room.redaction";
    pdu["redacts"] = "$other";
    pdu = Rehashed(pdu);
    const auto received = Parse(version, pdu);
    ASSERT_EQ(received.status(), absl::OkStatus());
    EXPECT_EQ(received->event.redacts, version.redacts_in_content ? "" : "$other");
    EXPECT_EQ(PduJson(version, received->event)["redacts"], "$other");
  }
}

TEST(PduTest, AnEventWhoseHashDoesNotMatchIsTakenAsRedacted) {
  for (const RoomVersion& version : AllRoomVersions()) {
    SCOPED_TRACE(version.id);
    const Json right = Message(version);
    Json wrong = right;
    wrong["content"] = {{"body", "goodbye"}};
    wrong["org.example.extra"] = 1;
    const auto received = Parse(version, wrong);
    ASSERT_EQ(received.status(), absl::OkStatus());
    EXPECT_TRUE(received->redacted);
    EXPECT_EQ(received->event.content, Json::object());
    EXPECT_EQ(received->event.other_fields, Json::object());
    EXPECT_EQ(received->event.event_id, Parse(version, right)->event.event_id);
    EXPECT_EQ(received->signatures, right["signatures"]);
    EXPECT_EQ(PduJson(version, received->event)["hashes"], right["hashes"]);
  }
}

TEST(PduTest, EveryRequiredFieldIsMissed) {
  for (const RoomVersion& version : AllRoomVersions()) {
    SCOPED_TRACE(version.id);
    std::vector<std::string> required = {"auth_events", "content", "depth",  "origin_server_ts",
                                         "prev_events", "room_id", "sender", "type"};
    if (version.event_id_format == EventIdFormat::kOpaque) required.push_back("event_id");
    for (const std::string& field : required) {
      Json pdu = Message(version);
      pdu.erase(field);
      EXPECT_THAT(Violations(Parse(version, Rehashed(pdu)).status()),
                  Contains(absl::StrCat(field, ": is missing")));
    }
    for (const std::string field : {"hashes", "signatures"}) {
      Json pdu = Message(version);
      pdu.erase(field);
      EXPECT_THAT(ViolatedFields(Parse(version, pdu).status()), ElementsAre(field));
    }
  }
}

struct WrongField {
  std::string field;
  Json value;
  std::string path;  // that is complained of; empty if it is `field`
};

void ExpectRefused(const RoomVersion& version, const WrongField& wrong) {
  Json pdu = Message(version);
  pdu[wrong.field] = wrong.value;
  const auto fields = ViolatedFields(Parse(version, Rehashed(pdu)).status());
  EXPECT_THAT(fields, ElementsAre(wrong.path.empty() ? wrong.field : wrong.path))
      << wrong.field << " = " << CanonicalJson(wrong.value);
}

TEST(PduTest, WrongFieldsAreRefusedByName) {
  Json many = Json::array();
  for (int i = 0; i < 21; ++i) many.push_back(absl::StrCat("$", i));
  Json eleven(many.begin(), many.begin() + 11);
  const std::vector<WrongField> wrongs = {
      {"type", 1},
      {"type", std::string(256, 'x')},
      {"state_key", nullptr},
      {"state_key", std::string(256, 'x')},
      {"sender", "alice"},
      {"sender", absl::StrCat("@", std::string(255, 'x'), ":example.org")},
      {"room_id", "lobby"},
      {"content", Json::array()},
      {"depth", -1},
      {"depth", "1"},
      {"origin_server_ts", "now"},
      {"prev_events", many},
      {"prev_events", "x"},
      {"prev_events", Json::array({1}), "prev_events[0]"},
      {"auth_events", eleven},
      {"auth_events", Json::array({"$a", ""}), "auth_events[1]"},
      {"event_id", "$x"},
  };
  for (const WrongField& wrong : wrongs) ExpectRefused(Version("6"), wrong);
}

TEST(PduTest, ReferencesWithHashesAreReadInVersionsThatHaveThem) {
  const std::string hash = Base64(Sha256("x"));
  const Json with_hash = {{"sha256", hash}};
  const std::vector<Json> wrong = {"$a:b",
                                   Json::array({"$a:b"}),
                                   Json::array({"$a:b", "x"}),
                                   Json::array({"$a:b", Json::object()}),
                                   Json::array({"$a:b", {{"sha256", hash + "="}}}),
                                   Json::array({"$a:b", {{"sha256", "c2hvcnQ"}}}),
                                   Json::array({"$a:b", {{"sha256", hash}, {"md5", "x"}}}),
                                   Json::array({1, with_hash})};
  for (const Json& reference : wrong) {
    ExpectRefused(Version("1"), {"prev_events", Json::array({reference}), "prev_events[0]"});
  }
  Json pdu = Message(Version("1"));
  pdu["auth_events"] = Json::array({Json::array({"$a:b", with_hash})});
  const auto received = Parse(Version("1"), Rehashed(pdu));
  ASSERT_EQ(received.status(), absl::OkStatus());
  EXPECT_THAT(received->event.auth_events,
              ElementsAre(EventReference{.event_id = "$a:b", .hash = Sha256("x")}));
}

TEST(PduTest, EventIdsThatServersChooseAreChecked) {
  for (const Json& id : std::vector<Json>{"", "x:example.org", "$x", "$x:", "$x:a b", 1}) {
    Json pdu = Message(Version("2"));
    pdu["event_id"] = id;
    EXPECT_THAT(ViolatedFields(Parse(Version("2"), Rehashed(pdu)).status()), Contains("event_id"));
  }
}

TEST(PduTest, TheCreateEventOfAHashedRoomNamesNoRoom) {
  Json pdu = PduJson(Version("12"), SomeEvents(Version("12"))[0]);
  pdu["signatures"] = Json::object();
  EXPECT_EQ(Parse(Version("12"), pdu).status(), absl::OkStatus());
  pdu["room_id"] = "!x:example.org";
  EXPECT_THAT(ViolatedFields(Parse(Version("12"), Rehashed(pdu)).status()), ElementsAre("room_id"));
}

TEST(PduTest, HashesAndSignaturesAreInTheirForms) {
  const std::string hash = Base64(Sha256("x"));
  for (const Json& hashes : std::vector<Json>{
           "x", Json::object(), {{"sha256", "x"}}, {{"sha256", hash + "="}}, {{"sha256", 1}}}) {
    Json pdu = Message(Version("6"));
    pdu["hashes"] = hashes;
    EXPECT_THAT(ViolatedFields(Parse(Version("6"), pdu).status()), ElementsAre("hashes"));
  }
  for (const Json& signatures :
       std::vector<Json>{"x", {{"example.org", "x"}}, {{"example.org", {{"ed25519:1", 1}}}}}) {
    Json pdu = Message(Version("6"));
    pdu["signatures"] = signatures;
    EXPECT_THAT(ViolatedFields(Parse(Version("6"), pdu).status()), ElementsAre("signatures"));
  }
}

TEST(PduTest, DepthHasAnEndThatDependsOnTheVersion) {
  const auto with_depth = [](const RoomVersion& version, int64_t depth) {
    Json pdu = Message(version);
    pdu["depth"] = depth;
    return Parse(version, Rehashed(pdu));
  };
  EXPECT_EQ(with_depth(Version("5"), INT64_MAX).status(), absl::OkStatus());
  EXPECT_EQ(with_depth(Version("6"), kMaxCanonicalInteger).status(), absl::OkStatus());
  EXPECT_FALSE(with_depth(Version("6"), kMaxCanonicalInteger + 1).ok());
  EXPECT_FALSE(ParsePdu(Version("5"), R"({"depth":9223372036854775808})").ok());
}

TEST(PduTest, NumbersBeyondCanonicalJsonAreTakenWhereTheVersionTakesThem) {
  const auto with_number = [](const RoomVersion& version, const std::string& number) {
    Json pdu = Message(version);
    pdu["content"] = "CONTENT";
    std::string text = CanonicalJson(pdu);
    text.replace(text.find("\"CONTENT\""), 9, absl::StrCat("{\"n\":", number, "}"));
    return ParsePdu(version, text);
  };
  for (const std::string number : {"1.5", "1e3", "9007199254740992", "1.0", "-0.0"}) {
    EXPECT_EQ(with_number(Version("5"), number).status(), absl::OkStatus()) << number;
    EXPECT_THAT(ViolatedFields(with_number(Version("6"), number).status()),
                ElementsAre("event.content.n"))
        << number;
  }
  // Others read it as 0.
  EXPECT_EQ(with_number(Version("6"), "-0").status(), absl::OkStatus());
  EXPECT_FALSE(with_number(Version("5"), "100000000000000000000").ok());
}

// Computed by another implementation.
TEST(PduTest, FractionsAreHashedAsOtherServersDo) {
  const std::string text =
      R"({"auth_events":[],"content":{"a":1.5,"b":1e16,"c":0.00001,"d":9007199254740993},)"
      R"("depth":1,"hashes":{"sha256":"eH61q8kxgozhCJu8wZImCoLmISMP+SodyQsArmL/A3g"},)"
      R"("origin_server_ts":1,"prev_events":[],"room_id":"!r:a","sender":"@u:a",)"
      R"("signatures":{},"type":"x"})";
  const auto received = ParsePdu(Version("5"), text);
  ASSERT_EQ(received.status(), absl::OkStatus());
  EXPECT_FALSE(received->redacted);
}

// An object of so many levels.
Json Nested(int levels) {
  Json json = Json::object();
  for (int i = 1; i < levels; ++i) json = {{"a", std::move(json)}};
  return json;
}

TEST(PduTest, ContentIsAsDeepAsContentMayBe) {
  for (const RoomVersion& version : AllRoomVersions()) {
    SCOPED_TRACE(version.id);
    Json pdu = Message(version);
    pdu["content"] = Nested(64);
    EXPECT_EQ(Parse(version, Rehashed(pdu)).status(), absl::OkStatus());
    pdu["content"] = Nested(65);
    EXPECT_THAT(Violations(Parse(version, Rehashed(pdu)).status()),
                ElementsAre(HasSubstr("must not be nested deeper")));
  }
}

TEST(PduTest, OtherHashesAreKept) {
  for (const RoomVersion& version : AllRoomVersions()) {
    SCOPED_TRACE(version.id);
    Json pdu = Message(version);
    pdu["hashes"]["sha512"] = "aGFzaA";
    const auto received = Parse(version, pdu);
    ASSERT_EQ(received.status(), absl::OkStatus());
    EXPECT_FALSE(received->redacted);
    EXPECT_EQ(received->event.reference_hash, ReferenceHash(version, pdu));
    EXPECT_EQ(PduJson(version, received->event)["hashes"], pdu["hashes"]);
    Event redacted = received->event;
    Redact(version, redacted);
    EXPECT_EQ(PduJson(version, redacted)["hashes"], pdu["hashes"]);
  }
}

TEST(PduTest, TheTimeIsAnyIntegerOfTheVersion) {
  const auto with_time = [](const RoomVersion& version, int64_t time) {
    Json pdu = Message(version);
    pdu["origin_server_ts"] = time;
    return Parse(version, Rehashed(pdu));
  };
  for (const int64_t time : {INT64_MIN, INT64_MAX}) {
    const auto received = with_time(Version("5"), time);
    ASSERT_EQ(received.status(), absl::OkStatus());
    EXPECT_EQ(received->event.origin_server_ts, time);
  }
  EXPECT_EQ(with_time(Version("6"), -kMaxCanonicalInteger).status(), absl::OkStatus());
}

TEST(PduTest, WhatIsUnsignedNeedNotBeCanonical) {
  for (const RoomVersion& version : AllRoomVersions()) {
    SCOPED_TRACE(version.id);
    Json pdu = Message(version);
    pdu["unsigned"] = {{"age", 1.5}, {"huge", uint64_t{18446744073709551615u}}};
    EXPECT_EQ(Parse(version, pdu).status(), absl::OkStatus());
  }
}

TEST(PduTest, LargeEventsAreRefused) {
  Json pdu = Message(Version("11"));
  pdu["content"]["body"] = "";
  const size_t rest = CanonicalJson(pdu).size();
  pdu["content"]["body"] = std::string(kMaxEventBytes - rest, 'x');
  pdu["unsigned"] = {{"x", std::string(1000, 'x')}};
  EXPECT_EQ(Parse(Version("11"), Rehashed(pdu)).status(), absl::OkStatus());
  pdu["content"]["body"] = std::string(kMaxEventBytes - rest + 1, 'x');
  EXPECT_THAT(Violations(Parse(Version("11"), Rehashed(pdu)).status()),
              ElementsAre(HasSubstr("is 65537 bytes long")));
}

TEST(PduTest, WhatIsNoEventAtAllIsRefused) {
  for (const std::string text : {"", "{", "[]", "1", "null", "{\"a\":1,\"a\":2}", "\"x\""}) {
    EXPECT_THAT(ViolatedFields(ParsePdu(Version("6"), text).status()), ElementsAre("event"))
        << text;
  }
  EXPECT_THAT(ViolatedFields(ParsePdu(Version("6"), "{}").status()),
              ElementsAre("signatures", "hashes"));
}

}  // namespace
}  // namespace innkeeper::rooms
