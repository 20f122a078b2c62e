#include "server/rooms/signing.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "server/rooms/event.h"
#include "server/rooms/identifiers.h"

namespace innkeeper::rooms {
namespace {

// What a signature of `object` is one of.
std::string SignedBytes(Json object) {
  object.erase("signatures");
  object.erase("unsigned");
  return CanonicalJson(object);
}

void AddSignature(const SigningKey& key, absl::string_view signed_bytes, Json& object) {
  object["signatures"][key.server_name][key.key_id] = Base64(key.key.Sign(signed_bytes));
}

// The signatures of a server in `object`, by key id; empty if it has none.
Json SignaturesOf(const Json& object, const std::string& server_name) {
  const auto signatures = object.find("signatures");
  if (signatures == object.end() || !signatures->is_object()) return Json::object();
  const auto of_server = signatures->find(server_name);
  if (of_server == signatures->end() || !of_server->is_object()) return Json::object();
  return *of_server;
}

bool Matches(const std::string& public_key, absl::string_view message, const Json& signature) {
  std::string bytes;
  return signature.is_string() &&
         absl::Base64Unescape(signature.get_ref<const std::string&>(), &bytes) &&
         VerifyEd25519(public_key, message, bytes);
}

// Checks that one of `signatures`, all of `server_name`, is one of `message`.
absl::Status CheckSignature(const Json& signatures, const std::string& server_name,
                            absl::string_view message, const VerifyKeys& keys) {
  if (signatures.empty()) {
    return absl::InvalidArgumentError(absl::StrCat("has no signature of ", server_name));
  }
  const auto known = keys.find(server_name);
  bool has_known_key = false;
  for (const auto& [key_id, signature] : signatures.items()) {
    if (known == keys.end() || known->second.count(key_id) == 0) continue;
    if (Matches(known->second.at(key_id), message, signature)) return absl::OkStatus();
    has_known_key = true;
  }
  return absl::InvalidArgumentError(
      has_known_key
          ? absl::StrCat("has a signature of ", server_name, " that does not match")
          : absl::StrCat("has no signature of ", server_name, " made with a key that is known"));
}

// True for an invite that somebody who was invited by e-mail or telephone turned
// into one of a user.
bool IsThirdPartyInvite(const Json& pdu) {
  if (StringOrEmpty(pdu, "type") != "m.room.member") return false;
  const auto content = pdu.find("content");
  return content != pdu.end() && StringOrEmpty(*content, "membership") == "invite" &&
         content->contains("third_party_invite");
}

}  // namespace

bool IsKeyVersion(absl::string_view version) {
  return !version.empty() && version.size() <= kMaxKeyVersionBytes &&
         std::all_of(version.begin(), version.end(),
                     [](char c) { return absl::ascii_isalnum(c) || c == '_'; });
}

void SignJson(const SigningKey& key, Json& object) {
  AddSignature(key, SignedBytes(object), object);
}

absl::Status CheckJsonSignature(const Json& object, const std::string& server_name,
                                const VerifyKeys& keys) {
  return CheckSignature(SignaturesOf(object, server_name), server_name, SignedBytes(object), keys);
}

void SignEvent(const RoomVersion& version, const SigningKey& key, Json& pdu) {
  AddSignature(key, SignedBytes(Redact(version, pdu)), pdu);
}

absl::Status CheckEventSignatures(const RoomVersion& version, const Json& pdu,
                                  const VerifyKeys& keys) {
  return CheckSignaturesOf(RequiredSigners(version, pdu), version, pdu, keys);
}

std::set<std::string> RequiredSigners(const RoomVersion& version, const Json& pdu) {
  std::set<std::string> signers;
  const auto add_server_of = [&](const std::string& identifier) {
    signers.insert(std::string(ServerNameOf(identifier)));
  };
  if (!IsThirdPartyInvite(pdu)) add_server_of(StringOrEmpty(pdu, "sender"));
  if (version.event_id_format == EventIdFormat::kOpaque) {
    add_server_of(StringOrEmpty(pdu, "event_id"));
  }
  const auto content = pdu.find("content");
  if (version.restricted_joins && content != pdu.end() &&
      StringOrEmpty(pdu, "type") == "m.room.member" &&
      FindMember(*content, "join_authorised_via_users_server") != nullptr) {
    add_server_of(StringOrEmpty(*content, "join_authorised_via_users_server"));
  }
  return signers;
}

absl::Status CheckSignaturesOf(const std::set<std::string>& signers, const RoomVersion& version,
                               const Json& pdu, const VerifyKeys& keys) {
  const std::string message = SignedBytes(Redact(version, pdu));
  for (const std::string& signer : signers) {
    absl::Status status = CheckSignature(SignaturesOf(pdu, signer), signer, message, keys);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace innkeeper::rooms
