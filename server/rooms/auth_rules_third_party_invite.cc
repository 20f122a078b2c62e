#include "server/rooms/auth_rules_third_party_invite.h"

#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_replace.h"
#include "server/rooms/ed25519.h"

namespace innkeeper::rooms {
namespace {

// Adds to `list` the bytes that `value` is the base64 of, in either alphabet.
void AddBytes(const Json* value, std::vector<std::string>& list) {
  if (value == nullptr || !value->is_string()) return;
  const std::string text =
      absl::StrReplaceAll(value->get_ref<const std::string&>(), {{"-", "+"}, {"_", "/"}});
  std::string bytes;
  if (absl::Base64Unescape(text, &bytes)) list.push_back(std::move(bytes));
}

// The public keys in the content of an m.room.third_party_invite.
std::vector<std::string> PublicKeys(const Json& content) {
  std::vector<std::string> keys;
  AddBytes(FindMember(content, "public_key"), keys);
  const Json* const more = FindMember(content, "public_keys");
  if (more == nullptr || !more->is_array()) return keys;
  for (const Json& key : *more) AddBytes(FindMember(key, "public_key"), keys);
  return keys;
}

// The Ed25519 signatures in `signed_json`, of whichever server.
std::vector<std::string> Signatures(const Json& signed_json) {
  std::vector<std::string> signatures;
  const Json* const by_server = FindMember(signed_json, "signatures");
  if (by_server == nullptr || !by_server->is_object()) return signatures;
  for (const Json& of_server : *by_server) {
    if (!of_server.is_object()) continue;
    for (const auto& [key_id, signature] : of_server.items()) {
      if (absl::StartsWith(key_id, "ed25519:")) AddBytes(&signature, signatures);
    }
  }
  return signatures;
}

bool HasMatchingSignature(const Json& signed_json, const std::vector<std::string>& keys) {
  Json message = signed_json;
  message.erase("signatures");
  message.erase("unsigned");
  const std::string bytes = CanonicalJson(message);
  int checks = 0;
  for (const std::string& signature : Signatures(signed_json)) {
    for (const std::string& key : keys) {
      if (++checks > kMaxInviteSignatureChecks) return false;
      if (VerifyEd25519(key, bytes, signature)) return true;
    }
  }
  return false;
}

}  // namespace

absl::Status CheckThirdPartyInvite(const AuthContext& context, const Json& invite) {
  const std::string& target = *context.event.state_key;
  if (context.MembershipOf(target) == "ban") return Refuse(AuthRule::kThirdPartyTargetBanned);
  const Json* const signed_json = FindMember(invite, "signed");
  if (signed_json == nullptr) return Refuse(AuthRule::kThirdPartySigned);
  const absl::string_view user = StringViewOrEmpty(*signed_json, "mxid");
  const absl::string_view token = StringViewOrEmpty(*signed_json, "token");
  if (user.empty() || token.empty()) return Refuse(AuthRule::kThirdPartySigned);
  if (user != target) return Refuse(AuthRule::kThirdPartyTarget);
  const StateEntry* const pending = FindState(context.state, "m.room.third_party_invite", token);
  if (pending == nullptr) return Refuse(AuthRule::kThirdPartyToken);
  if (pending->sender != context.event.sender) return Refuse(AuthRule::kThirdPartySender);
  return HasMatchingSignature(*signed_json, PublicKeys(pending->content))
             ? absl::OkStatus()
             : Refuse(AuthRule::kThirdPartySignature);
}

}  // namespace innkeeper::rooms
