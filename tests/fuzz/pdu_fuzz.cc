// Events of other servers. An input is a room version, a line feed, and a PDU.

#include <glog/logging.h>

#include <optional>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "server/rooms/event.h"
#include "server/rooms/pdu.h"
#include "server/rooms/signing.h"
#include "server/rooms/utf8.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/server/rooms/random_room.h"
#include "tests/server/rooms/signed_pdus.h"

namespace innkeeper::fuzz {
namespace {

using rooms::CanonicalJson;
using rooms::Event;
using rooms::Json;
using rooms::ReceivedEvent;
using rooms::RoomVersion;

Json WholePdu(const RoomVersion& version, const ReceivedEvent& received) {
  Json pdu = PduJson(version, received.event);
  pdu["signatures"] = received.signatures;
  return pdu;
}

// The JSON of a PDU that was read, as far as events have it.
Json OriginalPdu(absl::string_view text) {
  auto pdu = rooms::ParseJson(text, rooms::JsonNumbers::kAny);
  CHECK(pdu.ok()) << pdu.status();
  pdu->erase("unsigned");
  return *std::move(pdu);
}

// An event is written as it was read, and read as it was written.
void CheckRoundTrip(const RoomVersion& version, absl::string_view text,
                    const ReceivedEvent& received) {
  const std::string written = CanonicalJson(WholePdu(version, received));
  const Json original = OriginalPdu(text);
  CHECK_EQ(written, CanonicalJson(received.redacted ? Redact(version, original) : original));
  CHECK_LE(written.size(), rooms::kMaxEventBytes);

  const auto again = ParsePdu(version, written);
  CHECK(again.ok()) << again.status() << ": " << written;
  CHECK_EQ(CanonicalJson(WholePdu(version, *again)), written);
  CHECK_EQ(again->event.event_id, received.event.event_id);
  CHECK_EQ(again->event.room_id, received.event.room_id);
  CHECK_EQ(again->event.content_hash, received.event.content_hash);
  CHECK(again->required_signers == received.required_signers);
  CHECK(received.redacted || !again->redacted) << written;
}

// A redaction leaves the identity of an event, and happens once.
void CheckRedaction(const RoomVersion& version, ReceivedEvent received) {
  const Event before = received.event;
  Redact(version, received, "$redaction");
  CHECK_EQ(received.event.event_id, before.event_id);
  CHECK_EQ(received.event.room_id, before.room_id);
  const Json once = WholePdu(version, received);
  CHECK_EQ(ReferenceHash(version, once), before.reference_hash);
  Redact(version, received, "$redaction");
  CHECK_EQ(CanonicalJson(WholePdu(version, received)), CanonicalJson(once));
}

// Whoever must sign an event can, and their signatures outlive a redaction.
void CheckSignatures(const RoomVersion& version, const ReceivedEvent& received) {
  if (received.required_signers.contains("") || received.required_signers.size() > 2) return;
  Json pdu = PduJson(version, received.event);
  pdu["signatures"] = Json::object();
  rooms::VerifyKeys keys;
  for (const std::string& server : received.required_signers) {
    const rooms::SigningKey key = rooms::KeyOf(server);
    SignEvent(version, key, pdu);
    keys[server][key.key_id] = key.key.public_key();
  }
  CHECK(CheckEventSignatures(version, pdu, keys).ok()) << CanonicalJson(pdu);
  CHECK(CheckEventSignatures(version, Redact(version, pdu), keys).ok()) << CanonicalJson(pdu);
}

bool CheckPdu(const RoomVersion& version, absl::string_view text) {
  const auto received = ParsePdu(version, text);
  if (!received.ok()) {
    CHECK(absl::IsInvalidArgument(received.status())) << received.status();
    CHECK(rooms::IsUtf8(received.status().message()));
    return false;
  }
  CheckRoundTrip(version, text, *received);
  CheckRedaction(version, *received);
  CheckSignatures(version, *received);
  return !received->redacted;
}

// The event of `text` with the hash that is right for it, if it has any.
std::optional<std::string> WithRightHash(absl::string_view text) {
  auto pdu = rooms::ParseJson(text, rooms::JsonNumbers::kAny);
  if (!pdu.ok() || !pdu->is_object() || !pdu->contains("hashes")) return std::nullopt;
  pdu->erase("unsigned");
  (*pdu)["hashes"] = {{"sha256", rooms::Base64(rooms::ContentHash(*pdu))}};
  return CanonicalJson(*pdu);
}

}  // namespace

void TestOneInput(absl::string_view input) {
  const std::pair<absl::string_view, absl::string_view> parts =
      absl::StrSplit(input, absl::MaxSplits('\n', 1));
  const RoomVersion* const version = rooms::FindRoomVersion(parts.first);
  if (version == nullptr || CheckPdu(*version, parts.second)) return;
  const std::optional<std::string> right = WithRightHash(parts.second);
  if (right && ParsePdu(*version, *right).ok()) {
    CHECK(CheckPdu(*version, *right)) << "taken as redacted: " << *right;
  }
}

std::vector<std::string> MadeSeeds() {
  std::vector<std::string> seeds;
  for (const RoomVersion& version : rooms::AllRoomVersions()) {
    const rooms::RandomRoom random(version.id, 1, 12);
    for (const std::string& pdu : SignedPdus(random.room())) {
      seeds.push_back(absl::StrCat(version.id, "\n", pdu));
    }
  }
  return seeds;
}

}  // namespace innkeeper::fuzz
