#include "server/rooms/room_spec.h"

#include <algorithm>
#include <utility>

#include <glog/logging.h>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "server/errors/errors.h"
#include "server/rooms/event.h"
#include "server/rooms/event_content.h"
#include "server/rooms/identifiers.h"
#include "server/rooms/power_levels.h"
#include "server/rooms/room_state.h"
#include "server/rooms/utf8.h"

namespace innkeeper::rooms {
namespace {

constexpr size_t kMaxNameBytes = 255;
constexpr size_t kMaxTopicBytes = 32768;
constexpr int64_t kLeastCreatorLevel = 100;

// State that has a field of its own or is the server's.
struct ReservedType {
  absl::string_view type;
  absl::string_view hint;
};
constexpr ReservedType kReservedTypes[] = {
    {"m.room.canonical_alias", "cannot be set here: use the field alias"},
    {"m.room.create", "cannot be set here: use the field creation_content"},
    {"m.room.member", "cannot be set here: use the field invites"},
    {"m.room.tombstone", "cannot be set here: UpgradeRoom replaces a room"},
};

std::string Indexed(absl::string_view field, size_t index) {
  return absl::StrCat(field, "[", index, "]");
}

bool IsPlainText(absl::string_view text) { return IsUtf8(text) && !absl::StrContains(text, '\0'); }

void CheckCreator(const RoomSpec& spec, absl::string_view server_name, FieldErrors& errors) {
  const absl::Status status = CheckUserId(spec.creator);
  errors.AddStatus("creator", status);
  if (status.ok() && !IsLocal(spec.creator, server_name)) {
    errors.Add("creator", absl::StrCat("must be a user of this server, ", server_name));
  }
}

void CheckStateKey(const InitialStateEvent& event, absl::string_view creator,
                   const std::string& field, FieldErrors& errors) {
  if (event.state_key.size() > kMaxEventKeyBytes) {
    errors.Add(field, absl::StrCat("must be at most ", kMaxEventKeyBytes, " bytes long"));
  } else if (!IsUtf8(event.state_key)) {
    errors.Add(field, "must be valid UTF-8");
  } else if (absl::StartsWith(event.state_key, "@") && event.state_key != creator) {
    errors.Add(field, "must not start with '@', unless it is the creator");
  } else if (event.type == "m.room.power_levels" && !event.state_key.empty()) {
    errors.Add(field, "must be empty for m.room.power_levels");
  }
}

void CheckInitialStateEvent(const InitialStateEvent& event, absl::string_view creator,
                            const std::string& server_name, const std::string& field,
                            FieldErrors& errors) {
  const absl::Status state_type = CheckStateEventType(event.type);
  errors.AddStatus(absl::StrCat(field, ".type"), state_type);
  for (const auto& [type, hint] : kReservedTypes) {
    if (event.type == type) errors.Add(absl::StrCat(field, ".type"), hint);
  }
  CheckStateKey(event, creator, absl::StrCat(field, ".state_key"), errors);
  const std::string content_field = absl::StrCat(field, ".content");
  if (event.type == "m.room.power_levels") {
    errors.AddStatus(content_field, CheckPowerLevels(event.content, content_field));
    return;
  }
  if (!event.content.is_object()) {
    errors.Add(content_field, "must be an object");
    return;
  }
  errors.AddStatus(content_field, CheckCanonical(event.content, content_field));
  if (state_type.ok()) {
    errors.AddStatus(content_field,
                     CheckEventContent(event.type, event.content, content_field, server_name));
  }
  if (event.type == "m.room.encryption") {
    errors.AddStatus(absl::StrCat(content_field, ".algorithm"),
                     CheckNamespacedIdentifier(StringOrEmpty(event.content, "algorithm")));
  }
}

void CheckInitialState(const RoomSpec& spec, const RoomLimits& limits,
                       const std::string& server_name, FieldErrors& errors) {
  if (spec.initial_state.size() > limits.max_initial_state) {
    errors.Add("initial_state",
               absl::StrCat("must have at most ", limits.max_initial_state, " entries"));
    return;
  }
  for (size_t i = 0; i < spec.initial_state.size(); ++i) {
    CheckInitialStateEvent(spec.initial_state[i], spec.creator, server_name,
                           Indexed("initial_state", i), errors);
  }
}

void CheckAdditionalCreators(const RoomVersion& version, const Json& users, FieldErrors& errors) {
  const std::string field = "creation_content.additional_creators";
  if (!version.creators_have_unbounded_power) {
    errors.Add(field, absl::StrCat("is not known in room version ", version.id,
                                   ": use version 12 or give power levels"));
    return;
  }
  if (!users.is_array()) {
    errors.Add(field, "must be a list of user ids");
    return;
  }
  for (size_t i = 0; i < users.size(); ++i) {
    if (users[i].is_string()) {
      errors.AddStatus(Indexed(field, i), CheckUserId(users[i].get_ref<const std::string&>()));
    } else {
      errors.Add(Indexed(field, i), "must be a user id, as in @alice:example.org");
    }
  }
}

void CheckCreationContent(const RoomSpec& spec, FieldErrors& errors) {
  const Json& content = spec.creation_content;
  if (!content.is_object()) {
    errors.Add("creation_content", "must be an object");
    return;
  }
  errors.AddStatus("creation_content", CheckCanonical(content, "creation_content"));
  if (content.contains("m.federate") && !content["m.federate"].is_boolean()) {
    errors.Add("creation_content.m.federate", "must be true or false");
  }
  if (content.contains("type") && !content["type"].is_string()) {
    errors.Add("creation_content.type", "must be a string, as in m.space");
  }
  if (content.contains("additional_creators")) {
    CheckAdditionalCreators(*spec.version, content["additional_creators"], errors);
  }
}

// Checks levels, well-formed by themselves, in a version whose creators are bound
// by them.
void CheckBoundCreator(const RoomSpec& spec, const Json& given, const std::string& field,
                       FieldErrors& errors) {
  const PowerLevels levels(*spec.version, {spec.creator}, InitialPowerLevels(spec));
  const int64_t creator_level = levels.OfUser(spec.creator);
  if (creator_level < kLeastCreatorLevel) {
    errors.Add(
        FieldPath(absl::StrCat(field, ".users"), spec.creator),
        absl::StrCat("must be at least ", kLeastCreatorLevel, ": it is the creator's own level"));
    return;
  }
  errors.AddStatus(field, CheckPowerLevels(given, field, creator_level));
}

// Checks levels, well-formed by themselves, in a version whose creators stand
// above all levels.
void CheckUnboundedCreators(const RoomSpec& spec, const Json& given, const std::string& field,
                            FieldErrors& errors) {
  const auto users = given.find("users");
  if (users == given.end()) return;
  std::vector<std::string> creators = AdditionalCreators(spec);
  creators.push_back(spec.creator);
  for (const std::string& creator : creators) {
    if (users->contains(creator)) {
      errors.Add(FieldPath(absl::StrCat(field, ".users"), creator),
                 absl::StrCat("must not be there: in room version ", spec.version->id,
                              " creators have unbounded power, which no level expresses"));
    }
  }
}

// Checks levels, well-formed by themselves, against the creators of the room.
void CheckCreatorsPower(const RoomSpec& spec, const Json& given, const std::string& field,
                        FieldErrors& errors) {
  if (spec.version->creators_have_unbounded_power) {
    CheckUnboundedCreators(spec, given, field, errors);
  } else {
    CheckBoundCreator(spec, given, field, errors);
  }
}

// Levels in initial_state are taken to be checked by themselves.
void CheckPowerLevelFields(const RoomSpec& spec, FieldErrors& errors) {
  const std::string override_field = "power_level_content_override";
  const Json& override = spec.power_level_content_override;
  const absl::Status status = CheckPowerLevels(override, override_field);
  errors.AddStatus(override_field, status);
  const auto initial = FindInitialState(spec, "m.room.power_levels");
  if (!initial) {
    if (status.ok() && !override.empty()) {
      CheckCreatorsPower(spec, override, override_field, errors);
    }
    return;
  }
  if (!override.empty()) {
    errors.Add(override_field,
               "cannot be given together with an m.room.power_levels in initial_state");
  }
  const std::string field = absl::StrCat(Indexed("initial_state", *initial), ".content");
  const Json& content = spec.initial_state[*initial].content;
  if (CheckPowerLevels(content, field).ok()) CheckCreatorsPower(spec, content, field, errors);
}

void CheckName(const std::string& name, FieldErrors& errors) {
  if (name.empty()) return;
  if (name.size() > kMaxNameBytes) {
    errors.Add("name", absl::StrCat("must be at most ", kMaxNameBytes, " bytes long"));
  } else if (!IsPlainText(name)) {
    errors.Add("name", "must be valid UTF-8 without NUL");
  } else if (IsWhiteSpace(name)) {
    errors.Add("name", "must not be only white space");
  }
}

void CheckTopic(const std::string& topic, FieldErrors& errors) {
  if (topic.size() > kMaxTopicBytes) {
    errors.Add("topic", absl::StrCat("must be at most ", kMaxTopicBytes, " bytes long"));
  } else if (!IsPlainText(topic)) {
    errors.Add("topic", "must be valid UTF-8 without NUL");
  }
}

void CheckAlias(const std::string& alias, absl::string_view server_name, FieldErrors& errors) {
  if (alias.empty()) return;
  const absl::Status status = CheckRoomAlias(alias);
  errors.AddStatus("alias", status);
  if (status.ok() && ServerNameOf(alias) != server_name) {
    errors.Add("alias", absl::StrCat("must be an alias of this server, ending in :", server_name));
  }
}

// Says what is wrong with an invite, by itself or after those in `seen`; "" if
// nothing is.
std::string InviteProblem(const RoomSpec& spec, const std::string& invite,
                          absl::string_view server_name,
                          const absl::flat_hash_set<absl::string_view>& seen) {
  const absl::Status status = CheckUserId(invite);
  if (!status.ok()) return std::string(status.message());
  if (invite == spec.creator) return "must not be the creator, who is joined anyway";
  if (seen.contains(invite)) return "must not be there twice";
  if (!IsFederated(spec.creation_content) && !IsLocal(invite, server_name)) {
    return "must be a user of this server, as creation_content has m.federate false";
  }
  return "";
}

void CheckInvites(const RoomSpec& spec, const RoomLimits& limits, absl::string_view server_name,
                  FieldErrors& errors) {
  if (spec.invites.size() > limits.max_invites) {
    errors.Add("invites", absl::StrCat("must be at most ", limits.max_invites));
    return;
  }
  absl::flat_hash_set<absl::string_view> seen;
  for (size_t i = 0; i < spec.invites.size(); ++i) {
    const std::string problem = InviteProblem(spec, spec.invites[i], server_name, seen);
    if (!problem.empty()) errors.Add(Indexed("invites", i), problem);
    seen.insert(spec.invites[i]);
  }
}

void CheckEncryption(const RoomSpec& spec, FieldErrors& errors) {
  if (spec.encryption_algorithm.empty()) return;
  errors.AddStatus("encryption_algorithm", CheckNamespacedIdentifier(spec.encryption_algorithm));
  const auto initial = FindInitialState(spec, "m.room.encryption");
  if (!initial) return;
  const Json& content = spec.initial_state[*initial].content;
  if (StringOrEmpty(content, "algorithm") != spec.encryption_algorithm) {
    errors.Add("encryption_algorithm",
               "must be the algorithm of the m.room.encryption in initial_state");
  }
}

}  // namespace

absl::Status CheckRoomSpec(const RoomSpec& spec, const RoomLimits& limits,
                           absl::string_view server_name) {
  CHECK(spec.version != nullptr) << "a room without a version";
  FieldErrors errors;
  CheckCreator(spec, server_name, errors);
  CheckInitialState(spec, limits, std::string(server_name), errors);
  CheckCreationContent(spec, errors);
  CheckPowerLevelFields(spec, errors);
  CheckName(spec.name, errors);
  CheckTopic(spec.topic, errors);
  CheckAlias(spec.alias, server_name, errors);
  CheckInvites(spec, limits, server_name, errors);
  CheckEncryption(spec, errors);
  return errors.ToStatus();
}

std::optional<size_t> FindInitialState(const RoomSpec& spec, absl::string_view type,
                                       absl::string_view state_key) {
  for (size_t i = spec.initial_state.size(); i > 0; --i) {
    const InitialStateEvent& event = spec.initial_state[i - 1];
    if (event.type == type && event.state_key == state_key) return i - 1;
  }
  return std::nullopt;
}

std::vector<std::string> AdditionalCreators(const RoomSpec& spec) {
  std::vector<std::string> users;
  if (!spec.version->creators_have_unbounded_power) return users;
  const auto given = spec.creation_content.find("additional_creators");
  if (given != spec.creation_content.end()) {
    for (const Json& user : *given) {
      if (user.is_string()) users.push_back(user);
    }
  }
  if (spec.preset == Preset::kTrustedPrivateChat) {
    users.insert(users.end(), spec.invites.begin(), spec.invites.end());
  }
  std::sort(users.begin(), users.end());
  users.erase(std::unique(users.begin(), users.end()), users.end());
  users.erase(std::remove(users.begin(), users.end(), spec.creator), users.end());
  return users;
}

Json InitialPowerLevels(const RoomSpec& spec) {
  if (const auto initial = FindInitialState(spec, "m.room.power_levels")) {
    return spec.initial_state[*initial].content;
  }
  const RoomVersion& version = *spec.version;
  Json levels = DefaultPowerLevels(version, spec.creator);
  if (spec.preset != Preset::kPublicChat) levels["invite"] = 0;
  if (spec.preset == Preset::kTrustedPrivateChat && !version.creators_have_unbounded_power) {
    for (const std::string& user : spec.invites) levels["users"][user] = kLeastCreatorLevel;
  }
  const Json& override = spec.power_level_content_override;
  levels = MergePowerLevels(std::move(levels), override);
  const auto events = override.find("events");
  const bool tombstone_given = events != override.end() && events->contains("m.room.tombstone");
  if (version.creators_have_unbounded_power && !tombstone_given) {
    levels = WithRaisedTombstoneLevel(std::move(levels));
  }
  return levels;
}

}  // namespace innkeeper::rooms
