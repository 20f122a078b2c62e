// Whether the authorisation rules agree with those of the independent checker, in
// rooms where anybody tries anything.

#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/errors/errors.h"
#include "server/rooms/auth_events.h"
#include "server/rooms/auth_rules.h"
#include "server/rooms/ed25519.h"
#include "server/rooms/identifiers.h"
#include "tests/server/rooms/auth_cases.h"
#include "tests/server/rooms/auth_checker.h"

namespace innkeeper::rooms {
namespace {

constexpr int kRooms = 200;
constexpr int kEvents = 60;

const std::vector<std::string> kUsers = {kAlice, kBob, kDan, kCarol, "@erin:there"};
const std::vector<std::string> kTypes = {"m.room.message", "m.room.name", "t"};
const std::vector<std::string> kDefaults = {"ban",    "events_default", "invite",       "kick",
                                            "redact", "state_default",  "users_default"};
const std::vector<int64_t> kLevels = {-1, 0, 0, 0, 1, 49, 50, 50, 51, 99, 100, 100, 101};

// Draws what happens in a room.
class Dice {
 public:
  explicit Dice(uint64_t seed) : generator_(seed) {}

  // True in one of `sides` cases.
  bool OneIn(int sides) { return Below(sides) == 0; }
  int Below(int bound) { return static_cast<int>(generator_() % static_cast<uint64_t>(bound)); }

  template <typename T>
  const T& Of(const std::vector<T>& list) {
    return list[static_cast<size_t>(Below(static_cast<int>(list.size())))];
  }

  // One who acts: mostly a member of the room, as the others can do little.
  std::string User() { return members_.empty() || OneIn(5) ? Of(kUsers) : Of(members_); }

  // A level, or rarely something that is none, at least in some versions.
  Json Level() {
    if (OneIn(12)) return absl::StrCat(Of(kLevels));
    if (OneIn(30)) return Of(std::vector<Json>{nullptr, true, "x", Json::array()});
    return Of(kLevels);
  }

  // An event in a room with `state`.
  Judged AnyEvent(const RoomState& state) {
    members_.clear();
    for (const std::string& user : kUsers) {
      if (rooms::Membership(state, user) == "join") members_.push_back(user);
    }
    const Json& levels = StateContent(state, "m.room.power_levels");
    switch (Below(10)) {
      case 0:
      case 1:
        return NewLevels(levels);
      case 2:
        return State(User(), "m.room.join_rules", "", JoinRules());
      case 3:
        return Redaction();
      case 4:
        return OneIn(2) ? Aliases() : PendingInvite();
      case 5:
        return OtherEvent();
      default:
        return OneIn(8) ? ThirdPartyInvite() : Membership();
    }
  }

  // The content of an m.room.create.
  Json Creation() {
    Json content = Json::object();
    if (OneIn(6)) content["m.federate"] = false;
    if (OneIn(2)) content["additional_creators"] = {Of(kUsers)};
    return content;
  }

  // `levels` with a few changes.
  Judged NewLevels(Json levels) {
    if (OneIn(10)) levels = Json::object();
    for (int changes = 1 + Below(3); changes > 0; --changes) ChangeLevels(levels);
    return State(User(), "m.room.power_levels", "", levels);
  }

 private:
  void ChangeLevels(Json& levels) {
    if (OneIn(3)) return Change(Of(kDefaults), levels);
    const std::string map = Of<std::string>({"events", "notifications", "users", "users"});
    if (OneIn(30)) {
      levels[map] = 1;
      return;
    }
    if (!levels.contains(map) || !levels[map].is_object()) levels[map] = Json::object();
    if (map == "users") return Change(OneIn(30) ? "nobody" : Of(kUsers), levels[map]);
    Change(OneIn(3) ? "m.room.power_levels" : Of(kTypes), levels[map]);
  }

  void Change(const std::string& key, Json& levels) {
    if (OneIn(4)) {
      levels.erase(key);
    } else {
      levels[key] = Level();
    }
  }

  Json JoinRules() {
    if (OneIn(8)) return Json::object();
    return {{"join_rule", Of<std::string>({"public", "public", "invite", "knock", "knock",
                                           "private", "restricted", "restricted",
                                           "knock_restricted", "knock_restricted"})}};
  }

  Judged Membership() {
    const std::string membership = Of<std::string>(
        {"join", "join", "invite", "invite", "leave", "ban", "ban", "knock", "knock", "guest"});
    // What users do for themselves they mostly do from outside.
    const bool for_oneself = membership == "join" || membership == "knock";
    const std::string sender = for_oneself ? Of(kUsers) : User();
    const std::string target = OneIn(for_oneself ? 6 : 2) ? Of(kUsers) : sender;
    Json more = Json::object();
    if (membership == "join" && OneIn(2)) more["join_authorised_via_users_server"] = Of(kUsers);
    return Sets(sender, target, membership, more);
  }

  Judged OtherEvent() {
    Judged event = Message(User(), Of(kTypes));
    if (!OneIn(3)) event.state_key = Of<std::string>({"", "x", kBob, event.sender});
    return event;
  }

  Judged Aliases() { return State(User(), "m.room.aliases", Of<std::string>({"here", "there"})); }

  Judged Redaction() {
    Judged event = Message(User(), "m.room.redaction");
    event.redacts = Of<std::string>({"$x:here", "$x:there"});
    return event;
  }

  static const Ed25519Key& Key(int number) {
    static const std::vector<Ed25519Key>& keys = *new std::vector<Ed25519Key>([] {
      std::vector<Ed25519Key> made;
      for (const char c : {'a', 'b'}) made.emplace_back(std::string(kEd25519SeedBytes, c));
      return made;
    }());
    return keys[static_cast<size_t>(number)];
  }

  Judged PendingInvite() {
    return State(User(), "m.room.third_party_invite", Of<std::string>({"1", "2"}),
                 {{"public_key", Base64(Key(Below(2)).public_key())}});
  }

  Judged ThirdPartyInvite() {
    const std::string target = Of(kUsers);
    Json agreed = {{"mxid", OneIn(8) ? Of(kUsers) : target},
                   {"token", Of<std::string>({"1", "2", "3"})}};
    const std::string signature = Base64(Key(Below(2)).Sign(CanonicalJson(agreed)));
    agreed["signatures"] = {{"id", {{"ed25519:0", signature}}}};
    return Sets(User(), target, "invite", {{"third_party_invite", {{"signed", agreed}}}});
  }

  std::mt19937_64 generator_;
  std::vector<std::string> members_;
};

// A room that takes whatever both allow.
class TestRoom {
 public:
  explicit TestRoom(const RoomVersion& version) : version_(version), checker_(version) {
    if (version.room_id_format == RoomIdFormat::kOpaque) room_id_ = "!room:here";
  }

  // Has the event judged by both. Returns false if they don't agree.
  testing::AssertionResult Try(const Judged& judged) {
    const Event event = Build(judged);
    const absl::Status status = CheckAuthRules(version_, event, state_);
    const std::string rule = MetadataOf(status, "rule");
    const std::string refusal = checker_.Check(event);
    if (status.ok() != refusal.empty()) {
      return testing::AssertionFailure()
             << event.type << " by " << event.sender << " " << event.content << ", levels "
             << StateContent(state_, "m.room.power_levels") << ": we say " << status
             << ", the checker says " << refusal;
    }
    const absl::Status again = CheckAuthRules(version_, event, NeededOf(state_, version_, event));
    if (MetadataOf(again, "rule") != rule) {
      return testing::AssertionFailure() << rule << ", but by part of the state " << again;
    }
    refusals_.insert(rule);
    ++(status.ok() ? allowed_ : refused_);
    if (status.ok()) Append(event);
    return testing::AssertionSuccess();
  }

  const RoomState& state() const { return state_; }
  int allowed() const { return allowed_; }
  int refused() const { return refused_; }
  const std::set<std::string>& refusals() const { return refusals_; }

 private:
  Event Build(const Judged& judged) {
    Event event = MakeEvent(version_, judged);
    event.event_id = absl::StrCat("$", ++ids_, ":", std::string(ServerNameOf(event.sender)));
    event.room_id = room_id_;
    event.depth = depth_ + 1;
    event.prev_events.clear();
    if (depth_ > 0) event.prev_events.push_back(latest_);
    for (const StateKey& key :
         AuthEventKeys(version_, event.type, event.sender, event.state_key, event.content)) {
      if (const auto it = state_.find(key); it != state_.end()) {
        event.auth_events.push_back(it->second.reference);
      }
    }
    if (version_.redacts_in_content) event.redacts.clear();
    FinishEvent(version_, event);
    return event;
  }

  void Append(const Event& event) {
    room_id_ = event.room_id;
    depth_ = event.depth;
    latest_ = ReferenceTo(version_, event);
    if (event.state_key) ApplyEvent(state_, version_, event);
  }

  const RoomVersion& version_;
  AuthChecker checker_;
  RoomState state_;
  std::string room_id_;
  int64_t depth_ = 0;
  EventReference latest_;
  int64_t ids_ = 0;
  int allowed_ = 0;
  int refused_ = 0;
  std::set<std::string> refusals_;
};

// Gives a new room levels and members, so that more can happen in it.
void Furnish(const RoomVersion& version, TestRoom& room) {
  Json users = {{kBob, 50}, {kCarol, 50}};
  if (!version.creators_have_unbounded_power) users[kAlice] = 100;
  ASSERT_TRUE(room.Try(State(kAlice, "m.room.power_levels", "",
                             {{"users", users}, {"events", {{"m.room.power_levels", 50}}}})));
  ASSERT_TRUE(room.Try(State(kAlice, "m.room.join_rules", "", {{"join_rule", "public"}})));
  for (const char* user : {kBob, kCarol, kDan}) ASSERT_TRUE(room.Try(Sets(user, user, "join")));
}

class AuthAgreementTest : public testing::TestWithParam<int> {};

INSTANTIATE_TEST_SUITE_P(RoomVersion, AuthAgreementTest, testing::Range(1, 13),
                         testing::PrintToStringParamName());

TEST_P(AuthAgreementTest, RandomRoomsAreJudgedAlike) {
  const RoomVersion& version = AllRoomVersions()[GetParam() - 1];
  int allowed = 0;
  int refused = 0;
  std::set<std::string> refusals;
  for (uint64_t seed = 0; seed < kRooms; ++seed) {
    SCOPED_TRACE(absl::StrCat("seed ", seed));
    Dice dice(seed);
    TestRoom room(version);
    ASSERT_TRUE(room.Try(Creation(dice.Creation())));
    ASSERT_TRUE(room.Try(Sets(dice.OneIn(20) ? kBob : kAlice, kAlice, "join")));
    if (!dice.OneIn(4)) Furnish(version, room);
    ASSERT_FALSE(HasFatalFailure());
    for (int i = 0; i < kEvents; ++i) ASSERT_TRUE(room.Try(dice.AnyEvent(room.state())));
    allowed += room.allowed();
    refused += room.refused();
    refusals.insert(room.refusals().begin(), room.refusals().end());
  }
  // Else little would have been compared.
  EXPECT_GT(allowed, (allowed + refused) / 3);
  EXPECT_GT(refused, (allowed + refused) / 3);
  EXPECT_GT(refusals.size(), 30u);
}

}  // namespace
}  // namespace innkeeper::rooms
