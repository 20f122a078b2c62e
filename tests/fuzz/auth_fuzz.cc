// The authorisation rules. An input is a room version and then, line by line, events as
// objects of type, sender, state_key, content and redacts: each is sent into the room that those
// before it have made, and comes to be part of it if the rules allow it.

#include <glog/logging.h>

#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "server/errors/errors.h"
#include "server/rooms/auth_events.h"
#include "server/rooms/auth_rules.h"
#include "server/rooms/event.h"
#include "server/rooms/event_judge.h"
#include "server/rooms/identifiers.h"
#include "server/rooms/room_state.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/server/rooms/random_room.h"

namespace innkeeper::fuzz {
namespace {

using rooms::Event;
using rooms::Json;
using rooms::RoomState;
using rooms::RoomVersion;

constexpr size_t kMaxEvents = 100;

// A room without forks, whose events are judged in every way that there is.
class Room {
 public:
  explicit Room(const RoomVersion& version) : version_(version), judge_(version) {}

  // Sends what `draft` says.
  void Send(const Json& draft) {
    const Event event = Build(draft);
    const absl::Status allowed = CheckAuthRules(version_, event, state_);
    CHECK(allowed.ok() || absl::IsPermissionDenied(allowed)) << allowed;
    CheckByLessState(event, allowed);
    CheckByJudge(event, allowed);
    if (!allowed.ok()) return;
    CheckAllowed(event);
    if (event.state_key) ApplyEvent(state_, version_, event);
    if (event.type == "m.room.create") room_id_ = event.room_id;
    latest_ = ReferenceTo(version_, event);
    ++count_;
  }

 private:
  Event Build(const Json& draft) {
    Event event;
    event.event_id = absl::StrCat("$", sent_++, ":a.example");
    event.room_id = room_id_;
    event.type = rooms::StringOrEmpty(draft, "type");
    event.sender = rooms::StringOrEmpty(draft, "sender");
    if (draft.contains("state_key")) event.state_key = rooms::StringOrEmpty(draft, "state_key");
    event.content = draft.value("content", Json::object());
    if (!event.content.is_object()) event.content = Json::object();
    if (event.type == "m.room.redaction") event.redacts = rooms::StringOrEmpty(draft, "redacts");
    event.origin_server_ts = static_cast<int64_t>(sent_);
    event.depth = static_cast<int64_t>(count_) + 1;
    if (latest_) event.prev_events = {*latest_};
    for (const rooms::StateKey& key :
         AuthEventKeys(version_, event.type, event.sender, event.state_key, event.content)) {
      const rooms::StateEntry* const entry = FindState(state_, key.type, key.state_key);
      if (entry != nullptr) event.auth_events.push_back(entry->reference);
    }
    FinishEvent(version_, event);
    return event;
  }

  // What stands at AuthStateKeys is all that counts.
  void CheckByLessState(const Event& event, const absl::Status& allowed) const {
    RoomState less;
    for (const rooms::StateKey& key :
         AuthStateKeys(version_, event.type, event.sender, event.state_key, event.content)) {
      if (const auto entry = state_.find(key); entry != state_.end()) less.insert(*entry);
    }
    const absl::Status by_less = CheckAuthRules(version_, event, less);
    CHECK_EQ(by_less.code(), allowed.code()) << Text(event) << by_less;
    CHECK_EQ(by_less.message(), allowed.message()) << Text(event);
    CHECK_EQ(MetadataOf(by_less, "rule"), MetadataOf(allowed, "rule")) << Text(event);
  }

  // What a room allows whoever sends into it, it allows whoever brings it from elsewhere.
  void CheckByJudge(const Event& event, const absl::Status& allowed) {
    const absl::Status judged = judge_.Judge(event, kMaxEvents);
    CHECK_EQ(judged.ok(), allowed.ok()) << Text(event) << judged << " but " << allowed;
    CHECK(judged.ok() || absl::IsPermissionDenied(judged)) << judged;
  }

  // What the rules say in so many words.
  void CheckAllowed(const Event& event) const {
    if (event.type == "m.room.create") {
      CHECK(!latest_) << Text(event);
      return;
    }
    const Json& create = StateContent(state_, "m.room.create");
    const bool of_server = version_.servers_set_aliases && event.type == "m.room.aliases";
    if (!of_server) {
      const std::string membership = Membership(state_, event.sender);
      CHECK_NE(membership, "ban") << Text(event);
      CHECK(event.type == "m.room.member" || membership == "join") << Text(event);
    }
    if (!rooms::IsFederated(create)) {
      const rooms::StateEntry* const entry = FindState(state_, "m.room.create");
      CHECK_EQ(rooms::ServerNameOf(event.sender), rooms::ServerNameOf(entry->sender))
          << Text(event);
    }
    // The creator's join right behind m.room.create is anybody's to send.
    if (event.type == "m.room.member" && count_ > 1 &&
        rooms::StringOrEmpty(event.content, "membership") == "join") {
      CHECK_EQ(event.state_key.value_or(""), event.sender) << Text(event);
      CHECK_NE(Membership(state_, event.sender), "ban") << Text(event);
    }
  }

  std::string Text(const Event& event) const {
    return absl::StrCat("version ", version_.id, ": ",
                        rooms::CanonicalJson(PduJson(version_, event)), " ");
  }

  const RoomVersion& version_;
  rooms::EventJudge judge_;
  RoomState state_;
  std::string room_id_ = "!room:a.example";
  std::optional<rooms::EventReference> latest_;
  size_t sent_ = 0;
  size_t count_ = 0;  // of those that were allowed
};

Json DraftOf(const Event& event) {
  Json draft = {{"type", event.type}, {"sender", event.sender}, {"content", event.content}};
  if (event.state_key) draft["state_key"] = *event.state_key;
  if (!event.redacts.empty()) draft["redacts"] = event.redacts;
  return draft;
}

}  // namespace

void TestOneInput(absl::string_view input) {
  const std::vector<absl::string_view> lines = absl::StrSplit(input, '\n');
  const RoomVersion* const version = rooms::FindRoomVersion(lines.front());
  if (version == nullptr) return;
  Room room(*version);
  for (size_t i = 1; i < lines.size() && i <= kMaxEvents; ++i) {
    const auto draft =
        rooms::ParseJson(lines[i], version->strict_canonical_json ? rooms::JsonNumbers::kIntegers
                                                                  : rooms::JsonNumbers::kAny);
    if (draft.ok() && rooms::CheckUserId(rooms::StringOrEmpty(*draft, "sender")).ok()) {
      room.Send(*draft);
    }
  }
}

std::vector<std::string> MadeSeeds() {
  std::vector<std::string> seeds;
  for (const RoomVersion& version : rooms::AllRoomVersions()) {
    const rooms::RandomRoom random(version.id, 2, 20);
    std::string seed(version.id);
    const rooms::EventGraph& graph = random.room().graph();
    for (rooms::EventIndex i = 0; i < graph.size(); ++i) {
      absl::StrAppend(&seed, "\n", rooms::CanonicalJson(DraftOf(graph.event(i))));
    }
    seeds.push_back(std::move(seed));
  }
  return seeds;
}

}  // namespace innkeeper::fuzz
