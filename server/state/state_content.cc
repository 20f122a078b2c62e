#include "server/state/state_content.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "server/rooms/event.h"
#include "server/rooms/event_content.h"
#include "server/rooms/identifiers.h"
#include "server/rooms/power_levels.h"

namespace innkeeper::state {
namespace {

using rooms::FindMember;
using rooms::Json;

constexpr char kContent[] = "content";
constexpr char kAlias[] = "content.alias";
constexpr char kAltAliases[] = "content.alt_aliases";

struct ReservedType {
  absl::string_view type;
  absl::string_view hint;
};

constexpr ReservedType kReservedTypes[] = {
    {"m.room.create", "cannot be set: it comes with the room and stays as it is"},
    {"m.room.member", "cannot be set here: use the methods of RoomMembership"},
    {"m.room.tombstone", "cannot be set here: use RoomLifecycle.UpgradeRoom"},
    {"m.room.redaction", "cannot be set here, and is no state: use RoomState.RedactEvent"},
    // To version 5 the rules let users set it who are not in the room.
    {"m.room.aliases", "cannot be set here: use RoomDirectory"},
};

// As a client may say that there is no alias.
bool IsNoAlias(const Json& value) {
  return value.is_null() || (value.is_string() && value.get_ref<const std::string&>().empty());
}

void CheckAlias(const Json& value, const std::string& field, FieldErrors& errors) {
  if (value.is_string()) {
    errors.AddStatus(field, rooms::CheckRoomAlias(value.get_ref<const std::string&>()));
  } else {
    errors.Add(field, "must be a string");
  }
}

std::string AltAliasField(size_t i) { return absl::StrCat(kAltAliases, "[", i, "]"); }

void CheckCanonicalAlias(const Json& content, FieldErrors& errors) {
  const Json* const alias = FindMember(content, "alias");
  if (alias != nullptr && !IsNoAlias(*alias)) CheckAlias(*alias, kAlias, errors);
  const Json* const others = FindMember(content, "alt_aliases");
  if (others == nullptr) return;
  if (!others->is_array()) return errors.Add(kAltAliases, "must be a list of aliases");
  for (size_t i = 0; i < others->size(); ++i) CheckAlias((*others)[i], AltAliasField(i), errors);
}

}  // namespace

void CheckSettableType(absl::string_view type, FieldErrors& errors) {
  if (type.empty()) return errors.Add("type", "must be given, as in m.room.name");
  if (type.size() > rooms::kMaxEventKeyBytes) {
    errors.Add("type", absl::StrCat("must be at most ", rooms::kMaxEventKeyBytes, " bytes long"));
  }
  for (const ReservedType& reserved : kReservedTypes) {
    if (type == reserved.type) errors.Add("type", reserved.hint);
  }
}

void CheckStateContent(absl::string_view type, const Json& content, const std::string& server_name,
                       FieldErrors& errors) {
  const absl::Status canonical = rooms::CheckCanonical(content, kContent);
  if (!canonical.ok()) return errors.AddStatus(kContent, canonical);
  errors.AddStatus(kContent, rooms::CheckEventContent(type, content, kContent, server_name));
  if (type == "m.room.power_levels") {
    errors.AddStatus(kContent, rooms::CheckPowerLevels(content, kContent));
  } else if (type == "m.room.encryption") {
    errors.AddStatus("content.algorithm", rooms::CheckNamespacedIdentifier(
                                              rooms::StringViewOrEmpty(content, "algorithm")));
  } else if (type == "m.room.canonical_alias") {
    CheckCanonicalAlias(content, errors);
  }
}

std::vector<NamedAlias> AliasesIn(const Json& content) {
  std::vector<NamedAlias> aliases;
  const Json* const alias = FindMember(content, "alias");
  if (alias != nullptr && !IsNoAlias(*alias)) aliases.push_back({kAlias, *alias});
  const Json* const others = FindMember(content, "alt_aliases");
  for (size_t i = 0; others != nullptr && i < others->size(); ++i) {
    aliases.push_back({AltAliasField(i), (*others)[i]});
  }
  return aliases;
}

}  // namespace innkeeper::state
