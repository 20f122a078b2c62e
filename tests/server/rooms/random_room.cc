#include "tests/server/rooms/random_room.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/rooms/state_resolution.h"

namespace innkeeper::rooms {
namespace {

const std::vector<std::string>& Users() {
  static const auto& users = *new std::vector<std::string>{kAlice, kBob, kCarol, kEve};
  return users;
}

// Branches part among so many of the last events.
constexpr int kRecent = 8;

}  // namespace

RandomRoom::RandomRoom(absl::string_view version, uint32_t seed, int events)
    : random_(seed), room_(version) {
  room_.Begin();
  names_ = {"JR"};
  while (static_cast<int>(names_.size()) <= events) {
    Step step = RandomStep();
    std::vector<StateSet> states;
    for (int i = 1 + Random(4) / 3; i > 0; --i) {
      const int back = Random(std::min<int>(kRecent, static_cast<int>(names_.size())));
      const std::string& name = names_[names_.size() - 1 - static_cast<size_t>(back)];
      if (std::find(step.after.begin(), step.after.end(), name) != step.after.end()) continue;
      step.after.push_back(name);
      states.push_back(room_.After(name));
    }
    step.state = ResolveState(room_.version(), room_.graph(), states);
    // Few different times, so that the other ways to decide count too.
    step.timestamp = 100 + Random(20);
    std::string name = absl::StrCat("E", names_.size());
    if (room_.TryAdd(name, std::move(step))) names_.push_back(std::move(name));
  }
}

std::vector<StateSet> RandomRoom::PickStates() {
  std::vector<StateSet> states;
  for (int i = 2 + Random(3); i > 0; --i) states.push_back(room_.After(RandomName()));
  return states;
}

std::vector<StateSet> RandomRoom::PickClaimedStates() {
  std::vector<StateSet> states = PickStates();
  for (StateSet& state : states) {
    const std::string& old = RandomName();
    if (Random(3) == 0) state = room_.With(std::move(state), old);
  }
  return states;
}

const std::string& RandomRoom::RandomName() {
  return names_[static_cast<size_t>(Random(static_cast<int>(names_.size())))];
}

const std::string& RandomRoom::RandomUser() {
  return Users()[static_cast<size_t>(Random(static_cast<int>(Users().size())))];
}

Step RandomRoom::RandomStep() {
  const int kind = Random(10);
  if (kind < 4) return RandomMembership();
  if (kind < 6) return RandomPowerLevels();
  if (kind == 6) {
    static constexpr const char* kRules[] = {"public", "invite", "knock"};
    return {.sender = RandomUser(),
            .type = "m.room.join_rules",
            .content = {{"join_rule", kRules[Random(3)]}}};
  }
  return {.sender = RandomUser(),
          .type = kind == 7 ? "m.room.name" : "m.room.topic",
          .content = {{"text", absl::StrCat(random_())}}};
}

Step RandomRoom::RandomMembership() {
  static constexpr const char* kMemberships[] = {"join",  "join", "join", "invite",
                                                 "leave", "ban",  "knock"};
  const std::string membership = kMemberships[Random(7)];
  const std::string sender = RandomUser();
  const bool own = membership == "join" || membership == "knock";
  return {.sender = sender,
          .type = "m.room.member",
          .state_key = own ? sender : RandomUser(),
          // Never the same event twice.
          .content = {{"membership", membership}, {"reason", absl::StrCat(random_())}}};
}

Step RandomRoom::RandomPowerLevels() {
  std::map<std::string, int> levels;
  for (const std::string& user : Users()) levels[user] = Random(3) * 50;
  if (room_.version().creators_have_unbounded_power) {
    levels.erase(kAlice);
  } else if (Random(4) > 0) {
    levels[kAlice] = 100;
  }
  return {.sender = RandomUser(),
          .type = "m.room.power_levels",
          .content = {{"users", levels}, {"x", absl::StrCat(random_())}}};
}

}  // namespace innkeeper::rooms
