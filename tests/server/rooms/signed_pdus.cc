#include "tests/server/rooms/signed_pdus.h"

#include "server/rooms/ed25519.h"

namespace innkeeper::rooms {

SigningKey KeyOf(const std::string& server) {
  std::string seed = server;
  seed.resize(kEd25519SeedBytes, 'x');
  return {server, "ed25519:1", Ed25519Key(seed)};
}

VerifyKeys KeysOf(const std::vector<std::string>& servers) {
  VerifyKeys keys;
  for (const std::string& server : servers) {
    keys[server]["ed25519:1"] = KeyOf(server).key.public_key();
  }
  return keys;
}

Json SignedPdu(const RoomVersion& version, const Event& event) {
  Json pdu = PduJson(version, event);
  pdu["signatures"] = Json::object();
  for (const std::string& server : RequiredSigners(version, pdu)) {
    SignEvent(version, KeyOf(server), pdu);
  }
  return pdu;
}

Json SignedPdu(const ForkedRoom& room, EventIndex index) {
  return SignedPdu(room.version(), room.graph().event(index));
}

std::vector<std::string> SignedPdus(const ForkedRoom& room) {
  std::vector<std::string> pdus;
  for (EventIndex index = 0; index < room.graph().size(); ++index) {
    pdus.push_back(CanonicalJson(SignedPdu(room, index)));
  }
  return pdus;
}

}  // namespace innkeeper::rooms
