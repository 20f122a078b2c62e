#include "server/rooms/signing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/rooms/event.h"
#include "tests/server/rooms/vectors.h"
#include "tests/server/rooms/version.h"

namespace innkeeper::rooms {
namespace {

using testing::HasSubstr;

// A key that follows from `name`.
SigningKey KeyOf(const std::string& server_name, const std::string& key_id) {
  return {server_name, key_id, Ed25519Key(Sha256(absl::StrCat(server_name, " ", key_id)))};
}

// The key of the vectors.
SigningKey VectorKey() {
  const Json& key = Vectors()["key"];
  return {key["server_name"], key["key_id"],
          Ed25519Key(FromBase64(key["seed"].get<std::string>()))};
}

VerifyKeys PublicHalves(const std::vector<const SigningKey*>& keys) {
  VerifyKeys halves;
  for (const SigningKey* key : keys) halves[key->server_name][key->key_id] = key->key.public_key();
  return halves;
}

std::string SignatureIn(const Json& object) {
  return object["signatures"]["domain"]["ed25519:1"].get<std::string>();
}

// The PDU `input` with its content hash, signed by the rules of the version.
Json Signed(const RoomVersion& version, Json input) {
  const std::string hash = Base64(ContentHash(input));
  input["hashes"] = {{"sha256", hash}};
  SignEvent(version, VectorKey(), input);
  return input;
}

std::string Complaint(const absl::Status& status) { return std::string(status.message()); }

TEST(SignJsonTest, MatchesPublishedVectors) {
  const SigningKey key = VectorKey();
  for (const Json& vector : Vectors()["published"]["json_signatures"]) {
    Json object = vector["input"];
    SignJson(key, object);
    EXPECT_EQ(SignatureIn(object), vector["signature"]);
    EXPECT_TRUE(CheckJsonSignature(object, "domain", PublicHalves({&key})).ok());
  }
}

TEST(SignJsonTest, KeepsOtherSignaturesAndSignsNeitherThemNorUnsigned) {
  const SigningKey one = KeyOf("one.example.org", "ed25519:a");
  const SigningKey other = KeyOf("one.example.org", "ed25519:b");
  const SigningKey elsewhere = KeyOf("two.example.org", "ed25519:a");
  Json object = {{"x", 1}};
  SignJson(one, object);
  SignJson(other, object);
  SignJson(elsewhere, object);
  object["unsigned"] = {{"age", 1}};
  EXPECT_EQ(object["signatures"]["one.example.org"].size(), 2u);
  for (const SigningKey* key : {&one, &other, &elsewhere}) {
    EXPECT_TRUE(CheckJsonSignature(object, key->server_name, PublicHalves({key})).ok());
  }
}

TEST(SignJsonTest, ChecksSayWhatIsWrong) {
  const SigningKey key = VectorKey();
  Json object = {{"one", 1}};
  SignJson(key, object);
  const VerifyKeys keys = PublicHalves({&key});
  EXPECT_THAT(Complaint(CheckJsonSignature(object, "other", keys)),
              HasSubstr("has no signature of other"));
  EXPECT_THAT(Complaint(CheckJsonSignature(object, "domain", {})),
              HasSubstr("made with a key that is known"));
  EXPECT_THAT(
      Complaint(CheckJsonSignature(object, "domain", {{"domain", {{"ed25519:2", "other"}}}})),
      HasSubstr("made with a key that is known"));
  object["one"] = 2;
  EXPECT_THAT(Complaint(CheckJsonSignature(object, "domain", keys)), HasSubstr("does not match"));
}

TEST(SignJsonTest, WhateverStandsForSignaturesIsRefused) {
  const SigningKey key = VectorKey();
  const VerifyKeys keys = PublicHalves({&key});
  Json object = {{"one", 1}};
  SignJson(key, object);
  const std::string good = SignatureIn(object);
  for (const Json& signatures :
       {Json(), Json(1), Json::array(), Json::object(), Json({{"domain", 1}}),
        Json({{"domain", Json::object()}}), Json({{"domain", {{"ed25519:1", 1}}}}),
        Json({{"domain", {{"ed25519:1", ""}}}}), Json({{"domain", {{"ed25519:1", "%"}}}}),
        Json({{"domain", {{"ed25519:1", good.substr(4)}}}}),
        Json({{"domain", {{"ed25519:2", good}}}}), Json({{"other", {{"ed25519:1", good}}}})}) {
    object["signatures"] = signatures;
    EXPECT_EQ(CheckJsonSignature(object, "domain", keys).code(), absl::StatusCode::kInvalidArgument)
        << signatures;
  }
  object["signatures"] = {{"domain", {{"ed25519:1", good}, {"ed25519:2", "x"}, {"rsa:1", "x"}}}};
  EXPECT_TRUE(CheckJsonSignature(object, "domain", keys).ok());
}

TEST(SignEventTest, MatchesPublishedVectors) {
  const Json& vectors = Vectors()["published"]["content_hashes"];
  ASSERT_EQ(vectors.size(), 5u);
  for (const RoomVersion& version : AllRoomVersions()) {
    // The vectors have `origin`, which is protected up to here.
    if (version.redaction_rules == RedactionRules::kR5) continue;
    for (const Json& vector : vectors) {
      EXPECT_EQ(SignatureIn(Signed(version, vector["input"])), vector["signature"])
          << version.id << " " << vector["source"];
    }
  }
}

TEST(SignEventTest, MatchesDerivedVectors) {
  const Json& minimal = Vectors()["published"]["content_hashes"][0]["input"];
  for (const char* id : {"11", "12"}) {
    EXPECT_EQ(SignatureIn(Signed(Version(id), minimal)),
              Vectors()["derived"]["spec_minimal_event"]["signature_v11_v12"]);
  }
  int events = 0;
  for (const auto& [id, chain] : Vectors()["derived"]["genesis_chains"].items()) {
    for (const Json& vector : chain["events"]) {
      EXPECT_EQ(SignatureIn(Signed(Version(id), vector["pdu"])), vector["signature"])
          << id << " " << vector["name"];
      ++events;
    }
  }
  EXPECT_EQ(events, 12);
}

class EventSignaturesTest : public testing::Test {
 protected:
  EventSignaturesTest() {
    message_ = {{"type", "m.room.message"},
                {"sender", "@alice:one"},
                {"event_id", "$e:one"},
                {"content", {{"body", "secret"}}},
                {"hashes", {{"sha256", "hash"}}}};
  }

  std::string Check(const char* version, const Json& pdu) const {
    return Complaint(CheckEventSignatures(Version(version), pdu, keys_));
  }

  const SigningKey one_ = KeyOf("one", "ed25519:1");
  const SigningKey two_ = KeyOf("two", "ed25519:1");
  const VerifyKeys keys_ = PublicHalves({&one_, &two_});
  Json message_;
};

TEST_F(EventSignaturesTest, ARedactedEventKeepsItsSignatures) {
  for (const RoomVersion& version : AllRoomVersions()) {
    Json pdu = message_;
    SignEvent(version, one_, pdu);
    EXPECT_TRUE(CheckEventSignatures(version, pdu, keys_).ok()) << version.id;
    EXPECT_TRUE(CheckEventSignatures(version, Redact(version, pdu), keys_).ok()) << version.id;
    pdu["unsigned"] = {{"age", 5}};
    EXPECT_TRUE(CheckEventSignatures(version, pdu, keys_).ok()) << version.id;
  }
}

TEST_F(EventSignaturesTest, WhatIsProtectedIsSigned) {
  SignEvent(Version("11"), one_, message_);
  for (const char* key : {"type", "sender", "hashes"}) {
    Json changed = message_;
    changed[key] = key == std::string("sender") ? Json("@bob:one") : Json("other");
    EXPECT_THAT(Check("11", changed), HasSubstr("of one that does not match")) << key;
  }
  Json changed = message_;
  changed["content"]["body"] = "covered by the content hash";
  EXPECT_EQ(Check("11", changed), "");
}

TEST_F(EventSignaturesTest, TheSendersServerMustHaveSigned) {
  SignEvent(Version("11"), two_, message_);
  EXPECT_THAT(Check("11", message_), HasSubstr("has no signature of one"));
  message_.erase("sender");
  EXPECT_THAT(Check("11", message_), HasSubstr("has no signature of "));
}

TEST_F(EventSignaturesTest, TheServerOfAChosenEventIdMustHaveSigned) {
  message_["event_id"] = "$e:two";
  Json early = message_;
  SignEvent(Version("2"), one_, early);
  EXPECT_THAT(Check("2", early), HasSubstr("has no signature of two"));
  SignEvent(Version("2"), two_, early);
  EXPECT_EQ(Check("2", early), "");
  SignEvent(Version("3"), one_, message_);
  EXPECT_EQ(Check("3", message_), "");
}

TEST_F(EventSignaturesTest, TheAuthorisersServerMustHaveSignedARestrictedJoin) {
  const auto join = [&](const char* version) {
    Json pdu = message_;
    pdu["type"] = "m.room.member";
    pdu["content"] = {{"membership", "join"}, {"join_authorised_via_users_server", "@bob:two"}};
    SignEvent(Version(version), one_, pdu);
    return pdu;
  };
  for (const char* version : {"8", "9", "12"}) {
    Json pdu = join(version);
    EXPECT_THAT(Check(version, pdu), HasSubstr("has no signature of two")) << version;
    SignEvent(Version(version), two_, pdu);
    EXPECT_EQ(Check(version, pdu), "") << version;
  }
  EXPECT_EQ(Check("7", join("7")), "") << "means nothing there";
}

TEST_F(EventSignaturesTest, AThirdPartyInviteNeedsNoSignatureOfTheSendersServer) {
  message_["type"] = "m.room.member";
  message_["content"] = {{"membership", "invite"}, {"third_party_invite", Json::object()}};
  SignEvent(Version("11"), two_, message_);
  EXPECT_EQ(Check("11", message_), "");
  message_["content"].erase("third_party_invite");
  EXPECT_THAT(Check("11", message_), HasSubstr("has no signature of one"));
}

TEST(KeyVersionTest, IsShortAndOfPlainCharacters) {
  EXPECT_TRUE(IsKeyVersion("a_Z9"));
  EXPECT_TRUE(IsKeyVersion(std::string(64, 'a')));
  for (const std::string& bad : {std::string(), std::string(65, 'a'), std::string("a:b"),
                                 std::string("a-b"), std::string("a b"), std::string("\xC3\xA4")}) {
    EXPECT_FALSE(IsKeyVersion(bad)) << bad;
  }
}

}  // namespace
}  // namespace innkeeper::rooms
