#include "tests/e2e/exported_pdu.h"

#include <gtest/gtest.h>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "server/rooms/event.h"

namespace innkeeper {

std::string EventIdOf(const rooms::RoomVersion& version, const rooms::Json& pdu) {
  switch (version.event_id_format) {
    case rooms::EventIdFormat::kOpaque:
      return pdu["event_id"];
    case rooms::EventIdFormat::kBase64:
      return absl::StrCat("$", rooms::Base64(rooms::ReferenceHash(version, pdu)));
    case rooms::EventIdFormat::kBase64UrlSafe:
      return absl::StrCat("$", rooms::UrlSafeBase64(rooms::ReferenceHash(version, pdu)));
  }
  return "";
}

rooms::VerifyKeys KeysIn(const v1::RoomExportHeader& header) {
  rooms::VerifyKeys keys;
  for (const v1::VerifyKey& key : header.verify_keys()) {
    EXPECT_TRUE(absl::Base64Unescape(key.public_key(), &keys[key.server_name()][key.key_id()]));
  }
  return keys;
}

}  // namespace innkeeper
