// File: server/rooms/signing.h
//
// Signatures in JSON objects and in events: made with a server's key, checked with
// the keys of any. Pure functions.
//
// Source: Matrix specification, appendices, "Signing JSON", and server-server API,
// "Signing Events" and "Validating hashes and signatures on received events".

#ifndef INNKEEPER_SERVER_ROOMS_SIGNING_H_
#define INNKEEPER_SERVER_ROOMS_SIGNING_H_

#include <map>
#include <set>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "server/rooms/ed25519.h"
#include "server/rooms/json.h"
#include "server/rooms/room_version.h"

namespace innkeeper::rooms {

// The algorithm of every key here, as key ids start with it.
inline constexpr char kKeyAlgorithm[] = "ed25519";

// A key id is kKeyAlgorithm, ':' and a version of at most so many characters; then
// a signature fits into what event_chain.h leaves free for it.
inline constexpr size_t kMaxKeyVersionBytes = 64;

// What a server signs with.
struct SigningKey {
  std::string server_name;
  std::string key_id;  // such as "ed25519:a_1"
  Ed25519Key key;
};

// Public keys (raw) by server name and key id.
using VerifyKeys = std::map<std::string, std::map<std::string, std::string>>;

// True if `version` can stand behind the ':' of a key id: 1 to kMaxKeyVersionBytes
// characters of A-Z a-z 0-9 _.
bool IsKeyVersion(absl::string_view version);

// Adds to `signatures` of `object` the one that `key` makes. `signatures`, if there
// is one, is an object of objects.
void SignJson(const SigningKey& key, Json& object);

// Returns OK if `object` has a signature of `server_name` that matches, made with
// one of `keys`. Otherwise INVALID_ARGUMENT, whose message is a phrase that says
// what is wrong ("has no signature of example.org").
absl::Status CheckJsonSignature(const Json& object, const std::string& server_name,
                                const VerifyKeys& keys);

// As SignJson, for a PDU: signed is what a redaction leaves of it, and so its
// content by its content hash, which must be there.
void SignEvent(const RoomVersion& version, const SigningKey& key, Json& pdu);

// Returns OK if the PDU `pdu`, an object, has a signature that matches, made with
// one of `keys`, of every server that must have signed it: the sender's, that of the
// event id where servers choose it, and that of the user who authorised a
// restricted join. (For an invite that stands for one by e-mail or telephone the
// sender's does not count.) Otherwise as CheckJsonSignature. The content hash is not
// checked.
absl::Status CheckEventSignatures(const RoomVersion& version, const Json& pdu,
                                  const VerifyKeys& keys);

// Returns the servers that CheckEventSignatures wants signatures of; among them "" if
// the event names a server wrongly.
std::set<std::string> RequiredSigners(const RoomVersion& version, const Json& pdu);

// As CheckEventSignatures, but it is of `signers` that there must be signatures.
absl::Status CheckSignaturesOf(const std::set<std::string>& signers, const RoomVersion& version,
                               const Json& pdu, const VerifyKeys& keys);

}  // namespace innkeeper::rooms

#endif  // INNKEEPER_SERVER_ROOMS_SIGNING_H_
