#include "server/rooms/identifiers.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "server/rooms/utf8.h"

namespace innkeeper::rooms {
namespace {

// The state event types of version 1.18 of the Matrix specification.
constexpr absl::string_view kStateEventTypes[] = {
    "m.policy.rule.room",
    "m.policy.rule.server",
    "m.policy.rule.user",
    "m.room.avatar",
    "m.room.canonical_alias",
    "m.room.create",
    "m.room.encryption",
    "m.room.guest_access",
    "m.room.history_visibility",
    "m.room.join_rules",
    "m.room.member",
    "m.room.name",
    "m.room.pinned_events",
    "m.room.policy",
    "m.room.power_levels",
    "m.room.server_acl",
    "m.room.third_party_invite",
    "m.room.tombstone",
    "m.room.topic",
    "m.space.child",
    "m.space.parent",
};

// The length of a SHA-256 in unpadded base64.
constexpr size_t kHashLength = 43;

absl::Status Wrong(absl::string_view phrase) { return absl::InvalidArgumentError(phrase); }

bool IsDnsCharacter(char c) { return absl::ascii_isalnum(c) || c == '-' || c == '.'; }

bool IsIpv6Character(char c) { return absl::ascii_isxdigit(c) || c == ':' || c == '.'; }

bool IsPort(absl::string_view text) {
  return !text.empty() && text.size() <= 5 &&
         std::all_of(text.begin(), text.end(), absl::ascii_isdigit);
}

bool IsServerName(absl::string_view text) {
  size_t host_end = text.find(':');
  if (absl::StartsWith(text, "[")) {
    const size_t bracket = text.find(']');
    if (bracket == absl::string_view::npos) return false;
    const absl::string_view address = text.substr(1, bracket - 1);
    if (address.size() < 2 || address.size() > 45) return false;
    if (!std::all_of(address.begin(), address.end(), IsIpv6Character)) return false;
    host_end = bracket + 1;
  } else {
    const absl::string_view host = text.substr(0, host_end);
    if (host.empty() || !std::all_of(host.begin(), host.end(), IsDnsCharacter)) return false;
  }
  if (host_end >= text.size()) return true;
  return text[host_end] == ':' && IsPort(text.substr(host_end + 1));
}

// Checks what all identifiers of the form `sigil localpart : server` share.
absl::Status CheckSigilAndServer(absl::string_view identifier, char sigil,
                                 absl::string_view example) {
  if (identifier.empty()) return Wrong(absl::StrCat("must not be empty; give one like ", example));
  if (identifier[0] != sigil) {
    return Wrong(absl::StrCat("must start with '", std::string(1, sigil), "', as in ", example));
  }
  if (identifier.size() > kMaxIdentifierBytes) {
    return Wrong(absl::StrCat("must be at most ", kMaxIdentifierBytes, " bytes long"));
  }
  if (!absl::StrContains(identifier, ':')) {
    return Wrong(absl::StrCat("must have a ':' and a server name, as in ", example));
  }
  if (!IsServerName(ServerNameOf(identifier))) {
    return Wrong(absl::StrCat("must have a valid server name after the ':', as in ", example));
  }
  if (absl::StrContains(identifier, '\0') || !IsUtf8(identifier)) {
    return Wrong("must be valid UTF-8 without NUL");
  }
  return absl::OkStatus();
}

absl::string_view LocalpartOf(absl::string_view identifier) {
  return identifier.substr(1, identifier.find(':') - 1);
}

bool IsCreateHash(absl::string_view text) {
  return text.size() == kHashLength && std::all_of(text.begin(), text.end(), [](char c) {
           return absl::ascii_isalnum(c) || c == '-' || c == '_';
         });
}

}  // namespace

absl::Status CheckServerName(absl::string_view server_name) {
  if (server_name.size() > kMaxIdentifierBytes) {
    return Wrong(absl::StrCat("must be at most ", kMaxIdentifierBytes, " bytes long"));
  }
  if (!IsServerName(server_name)) {
    return Wrong("must be a host name or address with an optional port, as in example.org:8448");
  }
  return absl::OkStatus();
}

absl::Status CheckUserId(absl::string_view user_id) {
  return CheckSigilAndServer(user_id, '@', "@alice:example.org");
}

absl::Status CheckRoomId(absl::string_view room_id) {
  if (absl::StartsWith(room_id, "!") && IsCreateHash(room_id.substr(1))) return absl::OkStatus();
  absl::Status status = CheckSigilAndServer(room_id, '!', "!opaque:example.org");
  if (!status.ok()) return status;
  if (LocalpartOf(room_id).empty()) {
    return Wrong("must have something between '!' and ':', as in !opaque:example.org");
  }
  return absl::OkStatus();
}

absl::Status CheckRoomAlias(absl::string_view alias) {
  absl::Status status = CheckSigilAndServer(alias, '#', "#lobby:example.org");
  if (!status.ok()) return status;
  const absl::string_view localpart = LocalpartOf(alias);
  if (localpart.empty()) {
    return Wrong("must have a name between '#' and ':', as in #lobby:example.org");
  }
  if (std::any_of(localpart.begin(), localpart.end(), absl::ascii_isspace)) {
    return Wrong("must have no white space in it");
  }
  return absl::OkStatus();
}

absl::Status CheckNamespacedIdentifier(absl::string_view identifier) {
  const auto allowed = [](char c) {
    return absl::ascii_islower(c) || absl::ascii_isdigit(c) || c == '-' || c == '_' || c == '.';
  };
  if (identifier.empty() || identifier.size() > kMaxIdentifierBytes ||
      !absl::ascii_islower(identifier[0]) ||
      !std::all_of(identifier.begin(), identifier.end(), allowed)) {
    return Wrong(
        "must be 1 to 255 characters of a-z 0-9 - _ . starting with a letter, as in "
        "m.megolm.v1.aes-sha2");
  }
  return absl::OkStatus();
}

absl::Status CheckStateEventType(absl::string_view type) {
  if (type.empty()) return Wrong("must not be empty; give a type like m.room.avatar");
  if (type.size() > kMaxIdentifierBytes) {
    return Wrong(absl::StrCat("must be at most ", kMaxIdentifierBytes, " bytes long"));
  }
  if (!IsUtf8(type)) return Wrong("must be valid UTF-8");
  if (absl::StartsWith(type, "m.") && !IsStateEventType(type)) {
    return Wrong(
        "must be a state event type of the Matrix specification, which types starting with \"m.\" "
        "are reserved for, or be in a namespace of your own, as in org.example.colour");
  }
  return absl::OkStatus();
}

bool IsStateEventType(absl::string_view type) {
  return std::binary_search(std::begin(kStateEventTypes), std::end(kStateEventTypes), type);
}

absl::string_view ServerNameOf(absl::string_view identifier) {
  const size_t colon = identifier.find(':');
  return colon == absl::string_view::npos ? absl::string_view() : identifier.substr(colon + 1);
}

bool IsLocal(absl::string_view user_id, absl::string_view server_name) {
  return ServerNameOf(user_id) == server_name;
}

}  // namespace innkeeper::rooms
