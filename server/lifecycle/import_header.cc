#include "server/lifecycle/import_header.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "server/base/audience.h"
#include "server/errors/errors.h"
#include "server/lifecycle/supported_version.h"
#include "server/rooms/ed25519.h"
#include "server/rooms/event.h"
#include "server/rooms/identifiers.h"

namespace innkeeper::lifecycle {
namespace {

constexpr int kMaxVerifyKeys = 1000;

bool IsKeyId(absl::string_view key_id) {
  return absl::ConsumePrefix(&key_id, absl::StrCat(rooms::kKeyAlgorithm, ":")) &&
         rooms::IsKeyVersion(key_id);
}

// Returns the raw key; "" if `text` is none.
std::string PublicKeyIn(const std::string& text) {
  std::string key;
  const bool valid = absl::Base64Unescape(text, &key) && rooms::Base64(key) == text &&
                     key.size() == rooms::kEd25519PublicKeyBytes;
  return valid ? key : "";
}

rooms::VerifyKeys ReadKeys(const v1::RoomImportHeader& header, FieldErrors& errors) {
  rooms::VerifyKeys keys;
  if (header.verify_keys_size() > kMaxVerifyKeys) {
    errors.Add("header.verify_keys", absl::StrCat("must be at most ", kMaxVerifyKeys));
    return keys;
  }
  for (int i = 0; i < header.verify_keys_size(); ++i) {
    const v1::VerifyKey& key = header.verify_keys(i);
    const std::string field = absl::StrCat("header.verify_keys[", i, "]");
    errors.AddStatus(absl::StrCat(field, ".server_name"),
                     rooms::CheckServerName(key.server_name()));
    if (!IsKeyId(key.key_id())) {
      errors.Add(absl::StrCat(field, ".key_id"),
                 "must be \"ed25519:\" and 1 to 64 characters of A-Z a-z 0-9 _");
    }
    std::string public_key = PublicKeyIn(key.public_key());
    if (public_key.empty()) {
      errors.Add(absl::StrCat(field, ".public_key"), "must be 32 bytes in unpadded base64");
    }
    const auto [it, added] = keys[key.server_name()].emplace(key.key_id(), public_key);
    if (!added && it->second != public_key) {
      errors.Add(absl::StrCat(field, ".key_id"), "stands for another key of this server already");
    }
  }
  return keys;
}

}  // namespace

absl::StatusOr<ImportHeader> ReadImportHeader(const v1::RoomImportHeader& header) {
  FieldErrors errors;
  errors.AddStatus("header.room_id", rooms::CheckRoomId(header.room_id()));
  auto version = SupportedVersion(header.room_version(), "header.room_version");
  errors.AddStatus("header.room_version", version.status());
  rooms::VerifyKeys keys = ReadKeys(header, errors);
  if (header.event_count() < 0) {
    errors.Add("header.event_count", "must not be negative; 0 stands for any number");
  }
  if (!header.audience().empty()) {
    errors.AddStatus("header.audience", CheckAudience(header.audience()));
  }
  absl::Status valid =
      version.ok() ? errors.ToStatus()
                   : errors.ToStatus(ReasonOf(version.status()), version.status().message());
  if (!valid.ok()) return valid;
  return ImportHeader{.room_id = header.room_id(),
                      .version = *version,
                      .verify_keys = std::move(keys),
                      .audience = header.audience(),
                      .validate_only = header.validate_only(),
                      .event_count = header.event_count()};
}

}  // namespace innkeeper::lifecycle
