#include "tests/server/rooms/auth_cases.h"

namespace innkeeper::rooms {
namespace {

Judged NewLevels(const std::string& sender, Json content) {
  return State(sender, "m.room.power_levels", "", std::move(content));
}

// The form, with no levels before. Alice, the creator, may set any.
std::vector<AuthCase> LevelsFormCases() {
  const auto by_alice = [](Json content) { return NewLevels(kAlice, std::move(content)); };
  std::vector<AuthCase> cases = {
      {"none", kAll, {Joined(kAlice)}, by_alice(Json::object()), ""},
      {"above her own",
       kAll,
       {Joined(kAlice)},
       by_alice({{"users", {{kBob, kMaxCanonicalInteger}}}, {"ban", 1000}}),
       ""},
      {"other keys", kAll, {Joined(kAlice)}, by_alice({{"historical", "x"}}), ""},
      {"users no object",
       kAll,
       {Joined(kAlice)},
       by_alice({{"users", {kBob}}}),
       "power_levels.map"},
      {"users null", kAll, {Joined(kAlice)}, by_alice({{"users", nullptr}}), "power_levels.map"},
      {"not of a user",
       kAll,
       {Joined(kAlice)},
       by_alice({{"users", {{"bob", 1}}}}),
       "power_levels.user_id"},
      {"user's level in a string",
       UpTo(9),
       {Joined(kAlice)},
       by_alice({{"users", {{kBob, "1"}}}}),
       ""},
      {"user's level no integer",
       From(10),
       {Joined(kAlice)},
       by_alice({{"users", {{kBob, "1"}}}}),
       "power_levels.level"},
      {"user's level no number",
       kAll,
       {Joined(kAlice)},
       by_alice({{"users", {{kBob, "x"}}}}),
       "power_levels.level"},
      {"user's level a boolean",
       kAll,
       {Joined(kAlice)},
       by_alice({{"users", {{kBob, true}}}}),
       "power_levels.level"},
      {"user's level null",
       kAll,
       {Joined(kAlice)},
       by_alice({{"users", {{kBob, nullptr}}}}),
       "power_levels.level"},
      {"user's level with a fraction",
       UpTo(5),
       {Joined(kAlice)},
       by_alice({{"users", {{kBob, 1.5}}}}),
       ""},
      {"user's level with a fraction",
       From(6),
       {Joined(kAlice)},
       by_alice({{"users", {{kBob, 1.5}}}}),
       "power_levels.level"},
      {"the creator's", UpTo(11), {Joined(kAlice)}, by_alice({{"users", {{kAlice, 100}}}}), ""},
      {"the creator's",
       From(12),
       {Joined(kAlice)},
       by_alice({{"users", {{kAlice, 100}}}}),
       "power_levels.creator"},
      {"an additional creator's",
       From(12),
       {Create({{"additional_creators", {kBob}}}), Joined(kAlice)},
       by_alice({{"users", {{kBob, 1}}}}),
       "power_levels.creator"},
      {"no additional creator's",
       UpTo(11),
       {Create({{"additional_creators", {kBob}}}), Joined(kAlice)},
       by_alice({{"users", {{kBob, 1}}}}),
       ""},
      {"without the power", kAll, {Joined(kBob)}, NewLevels(kBob, Json::object()), "event.power"},
      {"no state event",
       From(10),
       {Joined(kBob)},
       {.type = "m.room.power_levels", .sender = kBob, .content = {{"ban", "x"}}},
       "power_levels.level"},
  };
  for (const std::string key :
       {"ban", "events_default", "invite", "kick", "redact", "state_default", "users_default"}) {
    Append(cases, {
                      {key + " in a string", UpTo(9), {Joined(kAlice)}, by_alice({{key, "1"}}), ""},
                      {key + " in a string",
                       From(10),
                       {Joined(kAlice)},
                       by_alice({{key, "1"}}),
                       "power_levels.level"},
                      {key + " null",
                       From(10),
                       {Joined(kAlice)},
                       by_alice({{key, nullptr}}),
                       "power_levels.level"},
                      {key + " negative", kAll, {Joined(kAlice)}, by_alice({{key, -1}}), ""},
                  });
  }
  for (const std::string map : {"events", "notifications"}) {
    Append(
        cases,
        {
            {map + " no object", UpTo(9), {Joined(kAlice)}, by_alice({{map, 1}}), ""},
            {map + " no object",
             From(10),
             {Joined(kAlice)},
             by_alice({{map, 1}}),
             "power_levels.map"},
            {map + " of strings", UpTo(9), {Joined(kAlice)}, by_alice({{map, {{"t", "1"}}}}), ""},
            {map + " of strings",
             From(10),
             {Joined(kAlice)},
             by_alice({{map, {{"t", "1"}}}}),
             "power_levels.level"},
            {map + " of integers", kAll, {Joined(kAlice)}, by_alice({{map, {{"t", 1}}}}), ""},
        });
  }
  return cases;
}

// What Bob, of level 50, may change: `before` and `after` are merged into levels that
// give him that, and the right to set levels.
AuthCase Change(const std::string& what, Versions versions, const Json& before, const Json& after,
                const std::string& refused_by) {
  const Json common = {{"users", {{kBob, 50}}}, {"events", {{"m.room.power_levels", 50}}}};
  Json old_levels = common;
  old_levels.merge_patch(before);
  Json new_levels = common;
  new_levels.merge_patch(after);
  return {
      what, versions, {Joined(kBob), Levels(old_levels)}, NewLevels(kBob, new_levels), refused_by};
}

// Of one level, put by `at` into the content.
std::vector<AuthCase> ChangesOf(const std::string& what, Versions versions,
                                Json (*at)(const std::string&, const Json&), const std::string& key,
                                const std::string& rule) {
  const auto level = [&](const Json& value) { return at(key, value); };
  const Versions up_to_9 = {versions.first, 9};
  const Json none = Json::object();
  return {
      Change(what + ": added", versions, none, level(50), ""),
      Change(what + ": added, too high", versions, none, level(51), rule),
      Change(what + ": changed", versions, level(50), level(0), ""),
      Change(what + ": raised", versions, level(0), level(50), ""),
      Change(what + ": raised, too high", versions, level(50), level(51), rule),
      Change(what + ": was too high", versions, level(51), level(0), rule),
      Change(what + ": removed", versions, level(50), none, ""),
      Change(what + ": removed, was too high", versions, level(51), none, rule),
      Change(what + ": too high, but not changed", versions, level(51), level(51), ""),
      Change(what + ": too high, but only written otherwise", up_to_9, level(51), level("51"), ""),
      Change(what + ": too high in a string", up_to_9, none, level("51"), rule),
      Change(what + ": beyond all numbers", up_to_9, none, level(" +99999999999999999999 "), rule),
      Change(what + ": below all numbers", up_to_9, none, level("-99999999999999999999"), ""),
  };
}

Json Default(const std::string& key, const Json& value) { return {{key, value}}; }
Json InEvents(const std::string& key, const Json& value) { return {{"events", {{key, value}}}}; }
Json InNotifications(const std::string& key, const Json& value) {
  return {{"notifications", {{key, value}}}};
}
Json InUsers(const std::string& key, const Json& value) { return {{"users", {{key, value}}}}; }

std::vector<AuthCase> UserChanges() {
  const std::string rule = "power_levels.users";
  const auto dan = [](const Json& level) { return InUsers(kDan, level); };
  const auto bob = [](const Json& level) { return InUsers(kBob, level); };
  const Json none = Json::object();
  return {
      Change("another: added", kAll, none, dan(50), ""),
      Change("another: added, too high", kAll, none, dan(51), rule),
      Change("another: raised", kAll, dan(0), dan(50), ""),
      Change("another: raised, too high", kAll, dan(0), dan(51), rule),
      Change("another: lowered", kAll, dan(49), dan(0), ""),
      Change("an equal: lowered", kAll, dan(50), dan(49), rule),
      Change("an equal: removed", kAll, dan(50), none, rule),
      Change("an equal: not changed", kAll, dan(50), dan(50), ""),
      Change("a superior: lowered", kAll, dan(51), dan(0), rule),
      Change("a superior: not changed", kAll, dan(51), dan(51), ""),
      Change("another: removed", kAll, dan(49), none, ""),
      Change("an equal: only written otherwise", UpTo(9), dan(50), dan("50"), ""),
      Change("oneself: lowered", kAll, none, bob(0), ""),
      Change("oneself: raised", kAll, none, bob(51), rule),
      Change("oneself: removed", kAll, none, bob(nullptr), ""),
      {"above all levels",
       From(12),
       {Joined(kAlice), Levels(dan(kMaxCanonicalInteger))},
       NewLevels(kAlice, dan(0)),
       ""},
      {"to the highest level",
       From(12),
       {Joined(kAlice), Levels(Json::object())},
       NewLevels(kAlice, dan(kMaxCanonicalInteger)),
       ""},
      {"as high as it gets",
       UpTo(5),
       {Joined(kBob), Levels({{"users", {{kBob, INT64_MAX}, {kDan, INT64_MAX}}}})},
       NewLevels(kBob, {{"users", {{kBob, INT64_MAX}}}}),
       rule},
      {"as low as it gets",
       UpTo(5),
       {Joined(kBob),
        Levels({{"users", {{kBob, INT64_MIN}, {kDan, INT64_MIN}}}, {"state_default", INT64_MIN}})},
       NewLevels(kBob, {{"users", {{kBob, INT64_MIN}}}, {"state_default", INT64_MIN}}),
       rule},
  };
}

}  // namespace

std::vector<AuthCase> PowerLevelsCases() {
  std::vector<AuthCase> cases = LevelsFormCases();
  for (const std::string key : {"ban", "events_default", "invite", "kick", "redact"}) {
    Append(cases, ChangesOf(key, kAll, Default, key, "power_levels.defaults"));
  }
  Append(cases, {
                    Change("users_default", kAll, {{"users_default", 0}}, {{"users_default", 51}},
                           "power_levels.defaults"),
                    Change("state_default", kAll, Json::object(), {{"state_default", 51}},
                           "power_levels.defaults"),
                    Change("nothing", kAll, Json::object(), Json::object(), ""),
                });
  Append(cases, ChangesOf("events", kAll, InEvents, "t", "power_levels.events"));
  Append(cases, ChangesOf("notifications", From(6), InNotifications, "room",
                          "power_levels.notifications"));
  Append(cases, {Change("notifications are free", UpTo(5), InNotifications("room", 100),
                        InNotifications("room", 51), "")});
  Append(cases, UserChanges());
  return cases;
}

}  // namespace innkeeper::rooms
