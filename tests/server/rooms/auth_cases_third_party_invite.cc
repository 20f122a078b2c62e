#include <utility>

#include "absl/strings/escaping.h"
#include "server/rooms/auth_rules_third_party_invite.h"
#include "server/rooms/ed25519.h"
#include "tests/server/rooms/auth_cases.h"

namespace innkeeper::rooms {
namespace {

constexpr char kToken[] = "abc";
constexpr char kKeyId[] = "ed25519:0";

const Ed25519Key& IdentityServer() {
  static const Ed25519Key& key = *new Ed25519Key(std::string(kEd25519SeedBytes, 'i'));
  return key;
}

const Ed25519Key& Stranger() {
  static const Ed25519Key& key = *new Ed25519Key(std::string(kEd25519SeedBytes, 's'));
  return key;
}

std::string SignatureOf(const Json& object, const Ed25519Key& key) {
  return Base64(key.Sign(CanonicalJson(object)));
}

// What the identity server signs when Dan shows that he is meant.
Json Signed(Json object = {{"mxid", kDan}, {"token", kToken}}) {
  const std::string signature = SignatureOf(object, IdentityServer());
  object["signatures"] = {{"id.example", {{kKeyId, signature}}}};
  return object;
}

// The invite that Bob turned into one of Dan, with `signed_json`.
Judged Invite(Json signed_json) {
  return Sets(kBob, kDan, "invite",
              {{"third_party_invite", {{"display_name", "d..."}, {"signed", signed_json}}}});
}

Entry Pending(Json content, const std::string& token = kToken, const std::string& sender = kBob) {
  return {.type = "m.room.third_party_invite",
          .state_key = token,
          .content = std::move(content),
          .sender = sender};
}

Entry Pending() { return Pending({{"public_key", Base64(IdentityServer().public_key())}}); }

Json Without(Json object, const char* key) {
  object.erase(key);
  return object;
}

Json With(Json object, const char* key, Json value) {
  object[key] = std::move(value);
  return object;
}

// The signature of the identity server behind so many that match nothing.
Json SignedAmong(int others) {
  Json signed_json = Signed();
  const std::string good = signed_json["signatures"]["id.example"][kKeyId];
  Json signatures = {{"ed25519:z", good}};
  for (int i = 0; i < others; ++i) {
    signatures["ed25519:" + std::to_string(i)] = Base64(std::string(kEd25519SignatureBytes, 'x'));
  }
  signed_json["signatures"] = {{"id.example", signatures}};
  return signed_json;
}

std::vector<AuthCase> SignatureCases() {
  const std::string rule = "member.third_party_invite.signature";
  const std::string& key = IdentityServer().public_key();
  const Json good = Signed();
  const std::string signature = good["signatures"]["id.example"][kKeyId];
  const auto with_signatures = [&](Json signatures) {
    return Invite(With(good, "signatures", std::move(signatures)));
  };
  return {
      {"no signatures", kAll, {Pending()}, Invite(Without(good, "signatures")), rule},
      {"signatures no object", kAll, {Pending()}, with_signatures("x"), rule},
      {"a server's no object", kAll, {Pending()}, with_signatures({{"id.example", "x"}}), rule},
      {"no signature", kAll, {Pending()}, with_signatures({{"id.example", Json::object()}}), rule},
      {"signature no string",
       kAll,
       {Pending()},
       with_signatures({{"id.example", {{kKeyId, 1}}}}),
       rule},
      {"signature no base64",
       kAll,
       {Pending()},
       with_signatures({{"id.example", {{kKeyId, "?"}}}}),
       rule},
      {"another algorithm",
       kAll,
       {Pending()},
       with_signatures({{"id.example", {{"rsa:0", signature}}}}),
       rule},
      {"whatever server", kAll, {Pending()}, with_signatures({{"x", {{kKeyId, signature}}}}), ""},
      {"a stranger's",
       kAll,
       {Pending()},
       with_signatures(
           {{"id.example",
             {{kKeyId, SignatureOf({{"mxid", kDan}, {"token", kToken}}, Stranger())}}}}),
       rule},
      {"of something else", kAll, {Pending()}, Invite(With(good, "more", 1)), rule},
      {"unsigned is not signed", kAll, {Pending()}, Invite(With(good, "unsigned", 1)), ""},
      {"key of a stranger",
       kAll,
       {Pending({{"public_key", Base64(Stranger().public_key())}})},
       Invite(good),
       rule},
      {"no key", kAll, {Pending(Json::object())}, Invite(good), rule},
      {"key no base64", kAll, {Pending({{"public_key", "?"}})}, Invite(good), rule},
      {"short key", kAll, {Pending({{"public_key", "AAAA"}})}, Invite(good), rule},
      {"keys no list", kAll, {Pending({{"public_keys", 1}})}, Invite(good), rule},
      {"one of several keys",
       kAll,
       {Pending({{"public_key", Base64(Stranger().public_key())},
                 {"public_keys", {1, {{"public_key", Base64(key)}}}}})},
       Invite(good),
       ""},
      {"key with padding",
       kAll,
       {Pending({{"public_key", absl::Base64Escape(key)}})},
       Invite(good),
       ""},
      {"key in the other alphabet",
       kAll,
       {Pending({{"public_key", UrlSafeBase64(key)}})},
       Invite(good),
       ""},
      {"one of many signatures",
       kAll,
       {Pending()},
       Invite(SignedAmong(kMaxInviteSignatureChecks - 1)),
       ""},
      {"one of too many signatures",
       kAll,
       {Pending()},
       Invite(SignedAmong(kMaxInviteSignatureChecks)),
       rule},
  };
}

}  // namespace

std::vector<AuthCase> ThirdPartyInviteCases() {
  const std::string form = "member.third_party_invite.signed";
  const Entry high = Levels({{"invite", 100}});
  std::vector<AuthCase> cases = {
      {"as agreed", kAll, {Joined(kBob), Pending()}, Invite(Signed()), ""},
      {"by one who has left", kAll, {Pending()}, Invite(Signed()), ""},
      {"by one without power", kAll, {Joined(kBob), Pending(), high}, Invite(Signed()), ""},
      {"of one who is joined", kAll, {Joined(kBob), Joined(kDan), Pending()}, Invite(Signed()), ""},
      {"of one who is banned",
       kAll,
       {Joined(kBob), Member(kDan, "ban"), Pending()},
       Invite(Signed()),
       "member.third_party_invite.target_banned"},
      {"no object",
       kAll,
       {Joined(kBob), Pending()},
       Sets(kBob, kDan, "invite", {{"third_party_invite", "x"}}),
       form},
      {"nothing signed",
       kAll,
       {Joined(kBob), Pending()},
       Sets(kBob, kDan, "invite", {{"third_party_invite", {{"display_name", "d"}}}}),
       form},
      {"signed no object", kAll, {Joined(kBob), Pending()}, Invite("x"), form},
      {"no user", kAll, {Pending()}, Invite(Signed({{"token", kToken}})), form},
      {"no token", kAll, {Pending()}, Invite(Signed({{"mxid", kDan}})), form},
      {"of another user",
       kAll,
       {Pending()},
       Invite(Signed({{"mxid", kCarol}, {"token", kToken}})),
       "member.third_party_invite.target"},
      {"unknown token",
       kAll,
       {Pending(Json::object(), "xyz")},
       Invite(Signed()),
       "member.third_party_invite.token"},
      {"by another sender",
       kAll,
       {Pending(Json::object(), kToken, kAlice)},
       Invite(Signed()),
       "member.third_party_invite.sender"},
  };
  const std::vector<AuthCase> more = SignatureCases();
  cases.insert(cases.end(), more.begin(), more.end());
  return cases;
}

}  // namespace innkeeper::rooms
