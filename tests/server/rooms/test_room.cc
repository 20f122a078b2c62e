#include "tests/server/rooms/test_room.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "server/rooms/genesis.h"

namespace innkeeper::rooms {
namespace {

constexpr char kMember[] = "m.room.member";

std::vector<OldMember> MembersOf(const RoomState& state) {
  std::vector<OldMember> members;
  for (const auto& [key, entry] : state) {
    if (key.type == kMember) members.push_back({key.state_key, entry.content});
  }
  return members;
}

// The room without the members that a planner need not know from the start.
OldRoom WithNamedMembers(OldRoom room, const UpgradeSpec& spec) {
  const std::vector<std::string> named =
      NamedMembers(*room.version, room.state, spec.sender, spec.options);
  for (const OldMember& member : MembersOf(room.state)) {
    if (!std::binary_search(named.begin(), named.end(), member.user_id)) {
      room.state.erase({kMember, member.user_id});
    }
  }
  return room;
}

void AppendTo(std::vector<Event>& events, std::vector<Event> more) {
  std::move(more.begin(), more.end(), std::back_inserter(events));
}

RoomState StateAfter(RoomState state, const RoomVersion& version,
                     const std::vector<Event>& events) {
  for (const Event& event : events) {
    if (event.state_key) ApplyEvent(state, version, event);
  }
  return state;
}

}  // namespace

TestRoom::TestRoom(const RoomVersion& version, Json creation_content)
    : version_(version), chain_(version, Context("old room, 16 bytes")), checker_(version) {
  Set("m.room.create", "",
      CreateContent(version, kAlice, std::move(creation_content), Context("old room, 16 bytes")));
  Set(kMember, kAlice, {{"membership", "join"}, {"displayname", "Alice"}});
}

void TestRoom::Set(const std::string& type, const std::string& state_key, Json content,
                   const std::string& sender) {
  ASSERT_TRUE(chain_
                  .Append({.type = type,
                           .state_key = state_key,
                           .sender = sender,
                           .content = std::move(content)})
                  .ok());
  ASSERT_EQ(checker_.Check(chain_.events().back()), "");
}

void TestRoom::Join(const std::string& user) {
  Set(kMember, user, {{"membership", "invite"}});
  Set(kMember, user,
      {{"membership", "join"},
       {"displayname", absl::StrCat("I am ", user)},
       {"avatar_url", "mxc://a/b"},
       {"org.example.secret", 1}},
      user);
}

void TestRoom::Knock(const std::string& user) {
  Set(kMember, user, {{"membership", "knock"}, {"reason", "Knock, knock"}}, user);
}

void TestRoom::Populate(bool remote) {
  Join(kBob);
  Set(kMember, kDave, {{"membership", "invite"}, {"is_direct", true}, {"displayname", "Dave"}});
  Set(kMember, kFay, {{"membership", "ban"}, {"reason", "spam"}, {"displayname", "Abuse"}});
  Join(kHal);
  Set(kMember, kHal, {{"membership", "leave"}}, kHal);
  if (!remote) return;
  Join(kCarol);
  Set(kMember, kErin, {{"membership", "invite"}});
  Set(kMember, kGus, {{"membership", "ban"}});
}

OldRoom TestRoom::Get() const {
  const Event& latest = chain_.events().back();
  return {.version = &version_,
          .tip = {.room_id = chain_.room_id(),
                  .depth = latest.depth,
                  .latest_events = {ReferenceTo(version_, latest)}},
          .state = chain_.state()};
}

absl::StatusOr<Upgrade> PlanUpgrade(const OldRoom& room, const RoomVersion& to,
                                    const UpgradeSpec& spec) {
  UpgradePlanner planner(WithNamedMembers(room, spec), spec.sender, to, spec.options,
                         Context(spec.nonce));
  Upgrade upgrade;
  auto opening = planner.Open();
  if (!opening.ok()) return opening.status();
  upgrade.new_events = *std::move(opening);
  const std::vector<OldMember> members = MembersOf(room.state);
  for (size_t i = 0; i < members.size(); i += spec.chunk) {
    auto added = planner.AddMembers(absl::MakeSpan(members).subspan(i, spec.chunk));
    if (!added.ok()) return added.status();
    AppendTo(upgrade.new_events, *std::move(added));
  }
  auto closing = planner.Close();
  if (!closing.ok()) return closing.status();
  AppendTo(upgrade.new_events, std::move(closing->new_room_events));
  upgrade.new_room_id = planner.new_room_id();
  upgrade.new_state = StateAfter({}, to, upgrade.new_events);
  upgrade.old_events = std::move(closing->old_room_events);
  upgrade.old_state = StateAfter(room.state, *room.version, upgrade.old_events);
  upgrade.summary = std::move(closing->new_room);
  upgrade.report = planner.report();
  return upgrade;
}

Upgrade UpgradeAndJudge(const TestRoom& room, const RoomVersion& to, const UpgradeSpec& spec) {
  EXPECT_TRUE(CheckMayUpgrade(room.Get(), spec.sender).ok()) << spec.sender;
  EXPECT_TRUE(CheckUpgradeOptions(spec.options, to).ok());
  EXPECT_TRUE(CheckNewCreators(room.Get(), spec.options).ok());
  Upgrade upgrade = PlanUpgrade(room.Get(), to, spec).value();
  AuthChecker new_room(to);
  for (const Event& event : upgrade.new_events) EXPECT_EQ(new_room.Check(event), "");
  AuthChecker old_room = room.checker();
  for (const Event& event : upgrade.old_events) EXPECT_EQ(old_room.Check(event), "");
  return upgrade;
}

std::vector<std::string> Names(const std::vector<Event>& events) {
  std::vector<std::string> names;
  names.reserve(events.size());
  for (const Event& event : events) {
    names.push_back(event.type == kMember ? absl::StrCat(*event.state_key, " ",
                                                         StringOrEmpty(event.content, "membership"))
                                          : event.type);
  }
  return names;
}

}  // namespace innkeeper::rooms
