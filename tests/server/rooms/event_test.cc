#include "server/rooms/event.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/server/rooms/vectors.h"
#include "tests/server/rooms/version.h"

namespace innkeeper::rooms {
namespace {

std::vector<EventReference> References(const Json& ids) {
  std::vector<EventReference> references;
  for (const Json& id : ids) references.push_back({.event_id = id});
  return references;
}

// Reads a PDU of a version with plain references.
Event ReadPdu(const Json& pdu) {
  Event event;
  event.room_id = pdu.value("room_id", "");
  event.type = pdu["type"];
  if (pdu.contains("state_key")) event.state_key = pdu["state_key"];
  event.sender = pdu["sender"];
  event.origin_server_ts = pdu["origin_server_ts"];
  event.content = pdu["content"];
  event.depth = pdu["depth"];
  event.prev_events = References(pdu["prev_events"]);
  event.auth_events = References(pdu["auth_events"]);
  return event;
}

std::set<std::string> KeysOf(const Json& object) {
  std::set<std::string> keys;
  for (const auto& [key, value] : object.items()) keys.insert(key);
  return keys;
}

TEST(Base64Test, MatchesPublishedVectors) {
  const std::vector<std::pair<std::string, std::string>> vectors = {
      {"", ""},           {"f", "Zg"},          {"fo", "Zm8"},          {"foo", "Zm9v"},
      {"foob", "Zm9vYg"}, {"fooba", "Zm9vYmE"}, {"foobar", "Zm9vYmFy"}, {"\xFB\xFF", "+/8"}};
  for (const auto& [bytes, text] : vectors) EXPECT_EQ(Base64(bytes), text);
  EXPECT_EQ(UrlSafeBase64("\xFB\xFF"), "-_8");
}

TEST(EventHashTest, ContentHashesMatchPublishedVectors) {
  for (const Json& vector : Vectors()["published"]["content_hashes"]) {
    EXPECT_EQ(Base64(ContentHash(vector["input"])), vector["sha256"]) << vector["source"];
  }
}

TEST(EventHashTest, ContentHashDependsOnTheContentAndNotOnTheRest) {
  const Json event = Vectors()["published"]["content_hashes"][1]["input"];
  const std::string hash = ContentHash(event);
  Json changed = event;
  changed["unsigned"] = {{"age", 1}};
  changed["hashes"] = {{"sha256", "x"}};
  changed["signatures"] = {{"domain", {{"ed25519:1", "x"}}}};
  EXPECT_EQ(ContentHash(changed), hash);
  changed["content"]["body"] = "other";
  EXPECT_NE(ContentHash(changed), hash);
}

TEST(EventHashTest, EventIdsMatchPublishedVectors) {
  const Json& vectors = Vectors()["published"]["event_ids"];
  ASSERT_FALSE(vectors.empty());
  for (const Json& vector : vectors) {
    EXPECT_EQ(Base64(ContentHash(vector["input"])), vector["content_hash"]);
    EXPECT_EQ(absl::StrCat("$", Base64(ReferenceHash(Version("3"), vector["input"]))),
              vector["v3"]);
    for (const char* id : {"4", "5", "6", "7", "8", "9", "10"}) {
      EXPECT_EQ(absl::StrCat("$", UrlSafeBase64(ReferenceHash(Version(id), vector["input"]))),
                vector["v4_to_v10"])
          << id;
    }
  }
}

TEST(EventHashTest, ReferenceHashMatchesDerivedVectors) {
  Json event = Vectors()["published"]["content_hashes"][0]["input"];
  event["hashes"] = {{"sha256", Vectors()["published"]["content_hashes"][0]["sha256"]}};
  const Json& expected = Vectors()["derived"]["spec_minimal_event"];
  for (const RoomVersion& version : AllRoomVersions()) {
    const bool latest_rules = version.redaction_rules == RedactionRules::kR5;
    EXPECT_EQ(UrlSafeBase64(ReferenceHash(version, event)),
              expected[latest_rules ? "reference_hash_urlsafe_v11_v12"
                                    : "reference_hash_urlsafe_v4_to_v10"])
        << version.id;
  }
}

TEST(EventHashTest, GenesisChainsMatchDerivedVectors) {
  int events = 0;
  for (const auto& [id, chain] : Vectors()["derived"]["genesis_chains"].items()) {
    for (const Json& vector : chain["events"]) {
      SCOPED_TRACE(absl::StrCat("version ", id, " ", vector["name"].get<std::string>()));
      Event event = ReadPdu(vector["pdu"]);
      const size_t size = FinishEvent(Version(id), event);
      EXPECT_EQ(event.event_id, vector["event_id"]);
      EXPECT_EQ(event.room_id, chain["room_id"]);
      EXPECT_EQ(PduJson(Version(id), event), vector["pdu"]);
      EXPECT_EQ(size, CanonicalJson(vector["pdu"]).size());
      ++events;
    }
  }
  EXPECT_EQ(events, 12);
}

Event SampleEvent(const std::string& type) {
  Event event{.event_id = "$chosen:domain",
              .room_id = "!room:domain",
              .type = type,
              .state_key = "",
              .sender = "@alice:domain",
              .origin_server_ts = 1000,
              .content = {{"membership", "join"}},
              .depth = 7};
  event.prev_events = {{"$before", std::string(32, 'p')}};
  event.auth_events = {{"$create", std::string(32, 'c')}, {"$levels", std::string(32, 'l')}};
  return event;
}

TEST(PduJsonTest, EarlyVersionsCarryIdsAndHashesOfReferences) {
  for (const char* id : {"1", "2"}) {
    Event event = SampleEvent("m.room.name");
    FinishEvent(Version(id), event);
    const Json pdu = PduJson(Version(id), event);
    EXPECT_EQ(pdu["event_id"], "$chosen:domain");
    EXPECT_EQ(event.event_id, "$chosen:domain");
    EXPECT_EQ(
        pdu["prev_events"],
        Json::parse(R"([["$before", {"sha256": "cHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHA"}]])"));
    EXPECT_EQ(pdu["auth_events"].size(), 2u);
    EXPECT_EQ(ReferenceTo(Version(id), event).hash, event.reference_hash);
    EXPECT_EQ(ReferenceHash(Version(id), pdu), event.reference_hash);
    EXPECT_EQ(ContentHash(pdu), event.content_hash);
  }
}

TEST(PduJsonTest, LaterVersionsReferByIdAlone) {
  for (const RoomVersion& version : AllRoomVersions()) {
    if (version.event_references_carry_hashes) continue;
    Event event = SampleEvent("m.room.name");
    FinishEvent(version, event);
    const Json pdu = PduJson(version, event);
    EXPECT_FALSE(pdu.contains("event_id")) << version.id;
    EXPECT_EQ(pdu["prev_events"], Json::parse(R"(["$before"])"));
    EXPECT_EQ(pdu["auth_events"], Json::parse(R"(["$create", "$levels"])"));
    EXPECT_EQ(pdu["room_id"], "!room:domain");
    EXPECT_EQ(ReferenceTo(version, event).hash, "");
  }
}

TEST(FinishEventTest, HashesAreThoseOfThePdu) {
  const Json content = {{"allow", Json::array()},   {"ban", 3},     {"body", "\"\n\u0001"},
                        {"creator", "@a:b"},        {"invite", 4},  {"join_rule", "public"},
                        {"membership", "leave"},    {"redacts", 1}, {"room_version", "11"},
                        {"history_visibility", "a"}};
  for (const RoomVersion& version : AllRoomVersions()) {
    for (const char* type :
         {"m.room.aliases", "m.room.create", "m.room.history_visibility", "m.room.join_rules",
          "m.room.member", "m.room.message", "m.room.power_levels", "m.room.redaction"}) {
      SCOPED_TRACE(absl::StrCat(type, " in version ", version.id));
      Event event = SampleEvent(type);
      event.content = content;
      event.redacts = "$other";
      FinishEvent(version, event);
      const Json pdu = PduJson(version, event);
      EXPECT_EQ(pdu["redacts"], "$other");
      EXPECT_EQ(event.canonical_content, CanonicalJson(content));
      EXPECT_EQ(event.content_hash, ContentHash(pdu));
      EXPECT_EQ(event.reference_hash, ReferenceHash(version, pdu));
    }
  }
}

TEST(PduJsonTest, MessageEventsHaveNoStateKey) {
  Event event = SampleEvent("m.room.message");
  event.state_key.reset();
  EXPECT_FALSE(PduJson(Version("11"), event).contains("state_key"));
}

TEST(PduJsonTest, OnlyTheCreateEventOfAHashRoomNamesNoRoom) {
  Event create = SampleEvent("m.room.create");
  FinishEvent(Version("12"), create);
  EXPECT_FALSE(PduJson(Version("12"), create).contains("room_id"));
  EXPECT_EQ(create.room_id.substr(1), create.event_id.substr(1));
  EXPECT_EQ(create.room_id[0], '!');
  EXPECT_TRUE(PduJson(Version("11"), create).contains("room_id"));
}

// What a redaction leaves of an event, by version: the table of the
// specification.
struct RedactionCase {
  std::string type;
  std::string content;
  // Survivors under the rules R1 to R5.
  std::vector<std::string> survivors;
};

TEST(RedactTest, LeavesOfTheContentWhatTheVersionProtects) {
  const std::string member =
      R"({"membership":"join","displayname":"x","join_authorised_via_users_server":"@a:b",)"
      R"("third_party_invite":{"signed":{"token":"t"},"display_name":"x"}})";
  const std::string levels =
      R"({"ban":1,"events":{},"events_default":1,"invite":1,"kick":1,"notifications":{},)"
      R"("redact":1,"state_default":1,"users":{},"users_default":1,"historical":1})";
  const std::string levels_left =
      R"({"ban":1,"events":{},"events_default":1,"kick":1,"redact":1,"state_default":1,)"
      R"("users":{},"users_default":1})";
  const std::string levels_left_r5 =
      R"({"ban":1,"events":{},"events_default":1,"invite":1,"kick":1,"redact":1,)"
      R"("state_default":1,"users":{},"users_default":1})";
  const std::string left = R"({"membership":"join"})";
  const std::string left_r4 = R"({"join_authorised_via_users_server":"@a:b","membership":"join"})";
  const std::string left_r5 = R"({"join_authorised_via_users_server":"@a:b","membership":"join",)"
                              R"("third_party_invite":{"signed":{"token":"t"}}})";
  const std::string create = R"({"creator":"@a:b","m.federate":false,"room_version":"1"})";
  const std::string creator = R"({"creator":"@a:b"})";
  const std::string rules = R"({"allow":[],"join_rule":"restricted","x":1})";
  const std::string rule = R"({"join_rule":"restricted"})";
  const std::string rule_allow = R"({"allow":[],"join_rule":"restricted"})";
  const std::string visible = R"({"history_visibility":"shared"})";
  const std::vector<RedactionCase> cases = {
      {"m.room.member", member, {left, left, left, left_r4, left_r5}},
      {"m.room.member",
       R"({"membership":"x","third_party_invite":1})",
       {R"({"membership":"x"})", R"({"membership":"x"})", R"({"membership":"x"})",
        R"({"membership":"x"})", R"({"membership":"x"})"}},
      {"m.room.create", create, {creator, creator, creator, creator, create}},
      {"m.room.join_rules", rules, {rule, rule, rule_allow, rule_allow, rule_allow}},
      {"m.room.power_levels",
       levels,
       {levels_left, levels_left, levels_left, levels_left, levels_left_r5}},
      {"m.room.history_visibility",
       R"({"history_visibility":"shared","x":1})",
       {visible, visible, visible, visible, visible}},
      {"m.room.aliases",
       R"({"aliases":["#a:b"],"x":1})",
       {R"({"aliases":["#a:b"]})", "{}", "{}", "{}", "{}"}},
      {"m.room.redaction",
       R"({"redacts":"$a","reason":"x"})",
       {"{}", "{}", "{}", "{}", R"({"redacts":"$a"})"}},
      {"m.room.name", R"({"name":"x"})", {"{}", "{}", "{}", "{}", "{}"}},
      {"m.room.message", R"({"membership":"join","body":"x"})", {"{}", "{}", "{}", "{}", "{}"}},
  };
  for (const RoomVersion& version : AllRoomVersions()) {
    for (const RedactionCase& test : cases) {
      const Json pdu = {{"type", test.type}, {"content", Json::parse(test.content)}};
      const auto rules_index = static_cast<size_t>(version.redaction_rules);
      EXPECT_EQ(CanonicalJson(Redact(version, pdu)["content"]), test.survivors[rules_index])
          << version.id << " " << test.type;
    }
  }
}

TEST(RedactTest, LeavesOfTheEventWhatTheVersionProtects) {
  Json pdu = Json::object();
  for (const char* key :
       {"auth_events", "content", "depth", "event_id", "hashes", "membership", "origin",
        "origin_server_ts", "prev_events", "prev_state", "redacts", "room_id", "sender",
        "signatures", "state_key", "type", "unsigned", "unknown"}) {
    pdu[key] = Json::object();
  }
  std::set<std::string> kept = {"auth_events", "content",          "depth",       "event_id",
                                "hashes",      "origin_server_ts", "prev_events", "room_id",
                                "sender",      "signatures",       "state_key",   "type"};
  EXPECT_EQ(KeysOf(Redact(Version("11"), pdu)), kept);
  EXPECT_EQ(KeysOf(Redact(Version("12"), pdu)), kept);
  kept.insert({"membership", "origin", "prev_state"});
  for (const char* id : {"1", "2", "3", "4", "5", "6", "7", "8", "9", "10"}) {
    EXPECT_EQ(KeysOf(Redact(Version(id), pdu)), kept) << id;
  }
}

TEST(RedactTest, AnEventIsRedactedAsItsPduIs) {
  for (const RoomVersion& version : AllRoomVersions()) {
    SCOPED_TRACE(version.id);
    Event event{.event_id = "$e:domain",
                .room_id = "!r:domain",
                .type = "m.room.redaction",
                .sender = "@a:domain",
                .content = {{"reason", "spam"}, {"redacts", "$x"}},
                .redacts = version.redacts_in_content ? "" : "$x",
                .other_fields = {{"origin", "domain"}, {"unknown", 1}}};
    FinishEvent(version, event);
    const Json expected = Redact(version, PduJson(version, event));
    const std::string event_id = event.event_id;
    Redact(version, event);
    EXPECT_EQ(PduJson(version, event), expected);
    EXPECT_EQ(event.canonical_content, CanonicalJson(expected["content"]));
    IdentifyEvent(version, event);
    EXPECT_EQ(event.event_id, event_id);
  }
}

TEST(RedactTest, ChangesNothingTheSecondTime) {
  for (const RoomVersion& version : AllRoomVersions()) {
    for (const Json& vector : Vectors()["published"]["content_hashes"]) {
      const Json redacted = Redact(version, vector["input"]);
      EXPECT_EQ(Redact(version, redacted), redacted);
    }
  }
}

}  // namespace
}  // namespace innkeeper::rooms
