#include "server/rooms/genesis.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <glog/logging.h>

#include "absl/container/btree_set.h"
#include "absl/strings/str_cat.h"
#include "server/rooms/auth_refusal.h"

namespace innkeeper::rooms {
namespace {

struct StateRule {
  absl::string_view type;
  Json content;
};

std::vector<StateRule> PresetRules(Preset preset) {
  const bool is_public = preset == Preset::kPublicChat;
  return {{"m.room.join_rules", {{"join_rule", is_public ? "public" : "invite"}}},
          {"m.room.history_visibility", {{"history_visibility", "shared"}}},
          {"m.room.guest_access", {{"guest_access", is_public ? "forbidden" : "can_join"}}}};
}

// True if this place in the state is filled before the rest of the initial state,
// or by a field of its own.
bool HasPlaceOfItsOwn(const RoomSpec& spec, const InitialStateEvent& event) {
  if (!event.state_key.empty()) return false;
  return event.type == "m.room.power_levels" || event.type == "m.room.join_rules" ||
         event.type == "m.room.history_visibility" || event.type == "m.room.guest_access" ||
         (event.type == "m.room.name" && !spec.name.empty()) ||
         (event.type == "m.room.topic" && !spec.topic.empty());
}

// Returns the indexes of the entries of spec.initial_state that count and have no
// place of their own, in their order.
std::vector<size_t> OtherInitialState(const RoomSpec& spec) {
  std::vector<size_t> indexes;
  absl::btree_set<StateKey> seen;
  for (size_t i = spec.initial_state.size(); i > 0; --i) {
    const InitialStateEvent& event = spec.initial_state[i - 1];
    const bool last = seen.insert({event.type, event.state_key}).second;
    if (last && !HasPlaceOfItsOwn(spec, event)) indexes.push_back(i - 1);
  }
  std::reverse(indexes.begin(), indexes.end());
  return indexes;
}

// Appends the parts of a new room one by one. The first event that is too large or not
// allowed ends it: its error stays and nothing more is appended.
class GenesisBuilder {
 public:
  GenesisBuilder(const RoomSpec& spec, const BuildContext& context)
      : spec_(spec), context_(context), chain_(*spec.version, context) {}

  void AddCreate() {
    Json content = spec_.creation_content;
    const std::vector<std::string> creators = AdditionalCreators(spec_);
    content.erase("additional_creators");
    if (!creators.empty()) content["additional_creators"] = creators;
    Add("m.room.create", "",
        CreateContent(*spec_.version, spec_.creator, std::move(content), context_),
        "creation_content");
  }

  void AddCreatorJoin() {
    Add("m.room.member", spec_.creator, {{"membership", "join"}}, "creator");
  }

  void AddPowerLevels() {
    const auto initial = FindInitialState(spec_, "m.room.power_levels");
    Add("m.room.power_levels", "", InitialPowerLevels(spec_),
        initial ? InitialStateField(*initial) : "power_level_content_override");
  }

  void AddCanonicalAlias() {
    if (spec_.alias.empty()) return;
    Add("m.room.canonical_alias", "", {{"alias", spec_.alias}}, "alias");
  }

  void AddPresetRules() {
    for (StateRule& rule : PresetRules(spec_.preset)) {
      if (const auto initial = FindInitialState(spec_, rule.type)) {
        AddInitialState(*initial);
      } else {
        Add(rule.type, "", std::move(rule.content), "preset");
      }
    }
  }

  void AddOtherInitialState() {
    for (const size_t index : OtherInitialState(spec_)) AddInitialState(index);
    if (!spec_.encryption_algorithm.empty() && !FindInitialState(spec_, "m.room.encryption")) {
      Add("m.room.encryption", "", {{"algorithm", spec_.encryption_algorithm}},
          "encryption_algorithm");
    }
  }

  void AddNameAndTopic() {
    if (!spec_.name.empty()) Add("m.room.name", "", {{"name", spec_.name}}, "name");
    if (!spec_.topic.empty()) Add("m.room.topic", "", {{"topic", spec_.topic}}, "topic");
  }

  void AddInvites() {
    for (size_t i = 0; i < spec_.invites.size(); ++i) {
      Json content = {{"membership", "invite"}};
      if (spec_.is_direct) content["is_direct"] = true;
      Add("m.room.member", spec_.invites[i], std::move(content), absl::StrCat("invites[", i, "]"));
    }
  }

  absl::StatusOr<Genesis> Finish() {
    if (!status_.ok()) return status_;
    return Genesis{
        .room_id = chain_.room_id(), .events = chain_.TakeEvents(), .state = chain_.TakeState()};
  }

 private:
  static std::string InitialStateField(size_t index) {
    return absl::StrCat("initial_state[", index, "]");
  }

  void AddInitialState(size_t index) {
    const InitialStateEvent& event = spec_.initial_state[index];
    Add(event.type, event.state_key, event.content, InitialStateField(index));
  }

  void Add(absl::string_view type, absl::string_view state_key, Json content,
           const std::string& source_field) {
    if (!status_.ok()) return;
    status_ = AsInvalidRequest(chain_.Append({.type = std::string(type),
                                              .state_key = std::string(state_key),
                                              .sender = spec_.creator,
                                              .content = std::move(content),
                                              .source_field = source_field}),
                               source_field);
  }

  const RoomSpec& spec_;
  const BuildContext& context_;
  EventChain chain_;
  absl::Status status_;
};

}  // namespace

Json CreateContent(const RoomVersion& version, absl::string_view creator, Json content,
                   const BuildContext& context) {
  content["room_version"] = std::string(version.id);
  content.erase("creator");
  if (version.creator_in_create_content) content["creator"] = std::string(creator);
  if (version.room_id_format == RoomIdFormat::kCreateHash) {
    content["org.innkeeper.nonce"] = UrlSafeBase64(Sha256(context.nonce));
  }
  return content;
}

absl::StatusOr<Genesis> BuildGenesis(const RoomSpec& spec, const BuildContext& context) {
  CHECK(spec.version != nullptr) << "a room without a version";
  GenesisBuilder builder(spec, context);
  builder.AddCreate();
  builder.AddCreatorJoin();
  builder.AddPowerLevels();
  builder.AddCanonicalAlias();
  builder.AddPresetRules();
  builder.AddOtherInitialState();
  builder.AddNameAndTopic();
  builder.AddInvites();
  return builder.Finish();
}

}  // namespace innkeeper::rooms
