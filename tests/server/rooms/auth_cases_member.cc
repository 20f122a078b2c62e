#include "tests/server/rooms/auth_cases.h"

namespace innkeeper::rooms {
namespace {

Json By(const Json& user) { return {{"join_authorised_via_users_server", user}}; }

std::vector<AuthCase> MembershipFormCases() {
  const Entry closed = Create({{"m.federate", false}});
  return {
      {"no user", kAll, {Joined(kBob)}, Message(kBob, "m.room.member"), "member.state_key"},
      {"no membership",
       kAll,
       {Joined(kBob)},
       State(kBob, "m.room.member", kBob),
       "member.membership"},
      {"membership no string",
       kAll,
       {Joined(kBob)},
       State(kBob, "m.room.member", kBob, {{"membership", 1}}),
       "member.membership"},
      {"unknown membership", kAll, {Joined(kBob)}, Sets(kBob, kBob, "guest"), "member.membership"},
      {"closed room: own user", kAll, {closed, Joined(kBob)}, Sets(kBob, kDan, "invite"), ""},
      {"closed room: other user",
       kAll,
       {closed, Joined(kBob)},
       Sets(kBob, kCarol, "invite"),
       "member.not_federated"},
  };
}

std::vector<AuthCase> FirstJoinCases() {
  const auto first = [](const Judged& event) { return WithPrevEvents({kCreateId}, event); };
  const Entry bob_creates = Create({{"creator", kBob}});
  return {
      {"creator's first join", kAll, {}, first(Sets(kAlice, kAlice, "join")), ""},
      {"whoever sends it", kAll, {}, first(Sets(kBob, kAlice, "join")), ""},
      {"another's first join",
       kAll,
       {},
       first(Sets(kBob, kBob, "join")),
       "member.join.not_invited"},
      {"creator in content", UpTo(10), {bob_creates}, first(Sets(kBob, kBob, "join")), ""},
      {"only the creator in content",
       UpTo(10),
       {bob_creates},
       first(Sets(kAlice, kAlice, "join")),
       "member.join.not_invited"},
      {"creator in content means nothing",
       From(11),
       {bob_creates},
       first(Sets(kBob, kBob, "join")),
       "member.join.not_invited"},
      {"additional creator",
       kAll,
       {Create({{"additional_creators", {kBob}}})},
       first(Sets(kBob, kBob, "join")),
       "member.join.not_invited"},
      {"creator's later join", kAll, {}, Sets(kAlice, kAlice, "join"), "member.join.not_invited"},
      {"not only behind the creation",
       kAll,
       {},
       WithPrevEvents({kCreateId, "$other"}, Sets(kAlice, kAlice, "join")),
       "member.join.not_invited"},
      {"behind nothing",
       kAll,
       {},
       WithPrevEvents({}, Sets(kAlice, kAlice, "join")),
       "member.join.not_invited"},
  };
}

// Joins of rooms with a join rule that is about invites.
void AddInviteOnlyCases(const std::string& what, Versions versions, std::vector<Entry> rule,
                        std::vector<AuthCase>& cases) {
  const auto add = [&](const std::string& membership, const std::string& refused_by) {
    std::vector<Entry> state = rule;
    if (!membership.empty()) state.push_back(Member(kBob, membership));
    cases.push_back(
        {what + ": " + membership, versions, state, Sets(kBob, kBob, "join"), refused_by});
  };
  add("invite", "");
  add("join", "");
  add("", "member.join.not_invited");
  add("leave", "member.join.not_invited");
  add("knock", "member.join.not_invited");
  add("ban", "member.join.banned");
}

std::vector<AuthCase> JoinCases() {
  std::vector<AuthCase> cases = {
      {"for another",
       kAll,
       {JoinRule("public"), Joined(kBob)},
       Sets(kBob, kDan, "join"),
       "member.join.other_user"},
      {"public: never", kAll, {JoinRule("public")}, Sets(kBob, kBob, "join"), ""},
      {"public: left",
       kAll,
       {JoinRule("public"), Member(kBob, "leave")},
       Sets(kBob, kBob, "join"),
       ""},
      {"public: banned",
       kAll,
       {JoinRule("public"), Member(kBob, "ban")},
       Sets(kBob, kBob, "join"),
       "member.join.banned"},
      {"private",
       kAll,
       {JoinRule("private"), Member(kBob, "invite")},
       Sets(kBob, kBob, "join"),
       "member.join.rule"},
      {"private: joined",
       kAll,
       {JoinRule("private"), Joined(kBob)},
       Sets(kBob, kBob, "join"),
       "member.join.rule"},
      {"unknown rule",
       kAll,
       {JoinRule("open"), Member(kBob, "invite")},
       Sets(kBob, kBob, "join"),
       "member.join.rule"},
      {"rule no string",
       kAll,
       {{.type = "m.room.join_rules", .content = {{"join_rule", 1}}}, Member(kBob, "invite")},
       Sets(kBob, kBob, "join"),
       "member.join.rule"},
      {"knock before there was knocking",
       UpTo(6),
       {JoinRule("knock"), Member(kBob, "invite")},
       Sets(kBob, kBob, "join"),
       "member.join.rule"},
      {"restricted before",
       UpTo(7),
       {JoinRule("restricted"), Member(kBob, "invite")},
       Sets(kBob, kBob, "join"),
       "member.join.rule"},
      {"knock_restricted before",
       UpTo(9),
       {JoinRule("knock_restricted"), Member(kBob, "invite")},
       Sets(kBob, kBob, "join"),
       "member.join.rule"},
  };
  AddInviteOnlyCases("invite", kAll, {JoinRule("invite")}, cases);
  AddInviteOnlyCases("no join rules", kAll, {}, cases);
  AddInviteOnlyCases("no join rule", kAll, {{.type = "m.room.join_rules"}}, cases);
  AddInviteOnlyCases("knock", From(7), {JoinRule("knock")}, cases);
  return cases;
}

std::vector<AuthCase> RestrictedJoinCases(const std::string& rule, Versions versions) {
  const Entry restricted = JoinRule(rule);
  const Entry invite_30 = Levels({{"invite", 30}, {"users", {{kDan, 30}, {kCarol, 29}}}});
  const auto join = [](const Json& by) { return Sets(kBob, kBob, "join", By(by)); };
  return {
      {"invited", versions, {restricted, Member(kBob, "invite")}, Sets(kBob, kBob, "join"), ""},
      {"joined", versions, {restricted, Joined(kBob)}, Sets(kBob, kBob, "join"), ""},
      {"banned",
       versions,
       {restricted, Member(kBob, "ban"), Joined(kDan)},
       join(kDan),
       "member.join.banned"},
      {"authorised", versions, {restricted, Joined(kDan)}, join(kDan), ""},
      {"authorised by enough power",
       versions,
       {restricted, Joined(kDan), invite_30},
       join(kDan),
       ""},
      {"authorised by too little power",
       versions,
       {restricted, Joined(kCarol), invite_30},
       join(kCarol),
       "member.join.authorising_power"},
      {"not authorised",
       versions,
       {restricted, Joined(kDan)},
       Sets(kBob, kBob, "join"),
       "member.join.not_authorised"},
      {"authorised by one outside",
       versions,
       {restricted},
       join(kDan),
       "member.join.not_authorised"},
      {"authorised by an invited one",
       versions,
       {restricted, Member(kDan, "invite")},
       join(kDan),
       "member.join.not_authorised"},
      {"authorised by no string",
       versions,
       {restricted, Joined(kDan)},
       join(1),
       "member.join.not_authorised"},
      {"invited, whoever authorises",
       versions,
       {restricted, Member(kBob, "invite")},
       join(kDan),
       ""},
  };
}

std::vector<AuthCase> InviteCases() {
  const Entry invite_30 = Levels({{"invite", 30}, {"users", {{kBob, 30}, {kCarol, 29}}}});
  return {
      {"by anybody", kAll, {Joined(kBob)}, Sets(kBob, kDan, "invite"), ""},
      {"by anybody, empty levels",
       kAll,
       {Joined(kBob), Levels(Json::object())},
       Sets(kBob, kDan, "invite"),
       ""},
      {"by negative power",
       kAll,
       {Joined(kBob), Levels({{"users_default", -1}})},
       Sets(kBob, kDan, "invite"),
       "member.invite.power"},
      {"by enough power", kAll, {Joined(kBob), invite_30}, Sets(kBob, kDan, "invite"), ""},
      {"by too little power",
       kAll,
       {Joined(kCarol), invite_30},
       Sets(kCarol, kDan, "invite"),
       "member.invite.power"},
      {"by one outside", kAll, {}, Sets(kBob, kDan, "invite"), "member.invite.sender_not_joined"},
      {"by an invited one",
       kAll,
       {Member(kBob, "invite")},
       Sets(kBob, kDan, "invite"),
       "member.invite.sender_not_joined"},
      {"by the creator, outside",
       kAll,
       {},
       Sets(kAlice, kDan, "invite"),
       "member.invite.sender_not_joined"},
      {"joined",
       kAll,
       {Joined(kBob), Joined(kDan)},
       Sets(kBob, kDan, "invite"),
       "member.invite.target_joined"},
      {"oneself", kAll, {Joined(kBob)}, Sets(kBob, kBob, "invite"), "member.invite.target_joined"},
      {"banned",
       kAll,
       {Joined(kAlice), Member(kDan, "ban")},
       Sets(kAlice, kDan, "invite"),
       "member.invite.target_banned"},
      {"invited", kAll, {Joined(kBob), Member(kDan, "invite")}, Sets(kBob, kDan, "invite"), ""},
      {"left", kAll, {Joined(kBob), Member(kDan, "leave")}, Sets(kBob, kDan, "invite"), ""},
      {"knocks", kAll, {Joined(kBob), Member(kDan, "knock")}, Sets(kBob, kDan, "invite"), ""},
  };
}

std::vector<AuthCase> LeaveCases() {
  return {
      {"joined", kAll, {Joined(kBob)}, Sets(kBob, kBob, "leave"), ""},
      {"invited", kAll, {Member(kBob, "invite")}, Sets(kBob, kBob, "leave"), ""},
      {"knocks", From(7), {Member(kBob, "knock")}, Sets(kBob, kBob, "leave"), ""},
      {"knocks before there was knocking",
       UpTo(6),
       {Member(kBob, "knock")},
       Sets(kBob, kBob, "leave"),
       "member.leave.not_in_room"},
      {"left",
       kAll,
       {Member(kBob, "leave")},
       Sets(kBob, kBob, "leave"),
       "member.leave.not_in_room"},
      {"never there", kAll, {}, Sets(kBob, kBob, "leave"), "member.leave.not_in_room"},
      {"banned",
       kAll,
       {Member(kBob, "ban"), Levels({{"users_default", 100}})},
       Sets(kBob, kBob, "leave"),
       "member.leave.not_in_room"},
  };
}

// The levels of Bob and Dan, with others.
Entry BobAndDan(int64_t bob, int64_t dan, Json levels = Json::object()) {
  levels["users"] = {{kBob, bob}, {kDan, dan}};
  return Levels(levels);
}

std::vector<AuthCase> KickCases() {
  const Judged kick = Sets(kBob, kDan, "leave");
  const Entry creators = Create({{"additional_creators", {kDan}}});
  const Entry banned = Member(kDan, "ban");
  return {
      {"enough", kAll, {Joined(kBob), Joined(kDan), BobAndDan(50, 49)}, kick, ""},
      {"invited", kAll, {Joined(kBob), Member(kDan, "invite"), BobAndDan(50, 0)}, kick, ""},
      {"not there", kAll, {Joined(kBob), BobAndDan(50, 0)}, kick, ""},
      {"too little",
       kAll,
       {Joined(kBob), Joined(kDan), BobAndDan(49, 0)},
       kick,
       "member.kick.power"},
      {"kick level", kAll, {Joined(kBob), Joined(kDan), BobAndDan(9, 8, {{"kick", 9}})}, kick, ""},
      {"below the kick level",
       kAll,
       {Joined(kBob), Joined(kDan), BobAndDan(99, 0, {{"kick", 100}})},
       kick,
       "member.kick.power"},
      {"without levels", kAll, {Joined(kBob), Joined(kDan)}, kick, "member.kick.power"},
      {"without levels, by the creator",
       kAll,
       {Joined(kAlice), Joined(kDan)},
       Sets(kAlice, kDan, "leave"),
       ""},
      {"an equal",
       kAll,
       {Joined(kBob), Joined(kDan), BobAndDan(50, 50)},
       kick,
       "member.kick.target_power"},
      {"a superior",
       kAll,
       {Joined(kBob), Joined(kDan), BobAndDan(50, 51)},
       kick,
       "member.kick.target_power"},
      {"by one outside",
       kAll,
       {Joined(kDan), BobAndDan(100, 0)},
       kick,
       "member.kick.sender_not_joined"},
      {"by the creator, outside",
       kAll,
       {Joined(kDan)},
       Sets(kAlice, kDan, "leave"),
       "member.kick.sender_not_joined"},
      {"the creator",
       UpTo(11),
       {Joined(kBob), Joined(kAlice), BobAndDan(50, 0)},
       Sets(kBob, kAlice, "leave"),
       ""},
      {"the creator, above all levels",
       From(12),
       {Joined(kBob), Joined(kAlice), BobAndDan(kMaxCanonicalInteger, 0)},
       Sets(kBob, kAlice, "leave"),
       "member.kick.target_power"},
      {"a creator by a creator",
       From(12),
       {creators, Joined(kAlice), Joined(kDan)},
       Sets(kAlice, kDan, "leave"),
       "member.kick.target_power"},
      {"the creator by an additional one",
       From(12),
       {creators, Joined(kAlice), Joined(kDan)},
       Sets(kDan, kAlice, "leave"),
       "member.kick.target_power"},

      {"unban", kAll, {Joined(kBob), banned, BobAndDan(50, 0)}, kick, ""},
      {"unban: too little",
       kAll,
       {Joined(kBob), banned, BobAndDan(49, 0, {{"kick", 0}})},
       kick,
       "member.unban.power"},
      {"unban: ban level",
       kAll,
       {Joined(kBob), banned, BobAndDan(50, 0, {{"ban", 51}})},
       kick,
       "member.unban.power"},
      {"unban: kick level, too",
       kAll,
       {Joined(kBob), banned, BobAndDan(50, 0, {{"kick", 51}})},
       kick,
       "member.kick.power"},
      {"unban: an equal",
       kAll,
       {Joined(kBob), banned, BobAndDan(50, 50)},
       kick,
       "member.kick.target_power"},
      {"kick: ban level means nothing",
       kAll,
       {Joined(kBob), Joined(kDan), BobAndDan(50, 0, {{"ban", 51}})},
       kick,
       ""},
  };
}

std::vector<AuthCase> BanCases() {
  const Judged ban = Sets(kBob, kDan, "ban");
  return {
      {"enough", kAll, {Joined(kBob), Joined(kDan), BobAndDan(50, 49)}, ban, ""},
      {"not there", kAll, {Joined(kBob), BobAndDan(50, 0)}, ban, ""},
      {"banned", kAll, {Joined(kBob), Member(kDan, "ban"), BobAndDan(50, 0)}, ban, ""},
      {"too little", kAll, {Joined(kBob), Joined(kDan), BobAndDan(49, 0)}, ban, "member.ban.power"},
      {"ban level", kAll, {Joined(kBob), BobAndDan(9, 8, {{"ban", 9}})}, ban, ""},
      {"kick level means nothing", kAll, {Joined(kBob), BobAndDan(50, 0, {{"kick", 51}})}, ban, ""},
      {"below the ban level",
       kAll,
       {Joined(kBob), BobAndDan(50, 0, {{"ban", 51}})},
       ban,
       "member.ban.power"},
      {"an equal",
       kAll,
       {Joined(kBob), Joined(kDan), BobAndDan(50, 50)},
       ban,
       "member.ban.target_power"},
      {"oneself",
       kAll,
       {Joined(kBob), BobAndDan(50, 0)},
       Sets(kBob, kBob, "ban"),
       "member.ban.target_power"},
      {"by one outside",
       kAll,
       {Joined(kDan), BobAndDan(100, 0)},
       ban,
       "member.ban.sender_not_joined"},
      {"a creator by a creator",
       From(12),
       {Create({{"additional_creators", {kDan}}}), Joined(kAlice)},
       Sets(kAlice, kDan, "ban"),
       "member.ban.target_power"},
  };
}

std::vector<AuthCase> KnockCases() {
  const Entry knock = JoinRule("knock");
  const Judged knocks = Sets(kBob, kBob, "knock");
  return {
      {"never there", From(7), {knock}, knocks, ""},
      {"left", From(7), {knock, Member(kBob, "leave")}, knocks, ""},
      {"again", From(7), {knock, Member(kBob, "knock")}, knocks, ""},
      {"before there was knocking", UpTo(6), {knock}, knocks, "member.membership"},
      {"banned", From(7), {knock, Member(kBob, "ban")}, knocks, "member.knock.membership"},
      {"invited", From(7), {knock, Member(kBob, "invite")}, knocks, "member.knock.membership"},
      {"joined", From(7), {knock, Joined(kBob)}, knocks, "member.knock.membership"},
      {"for another",
       From(7),
       {knock, Joined(kBob)},
       Sets(kBob, kDan, "knock"),
       "member.knock.other_user"},
      {"public", From(7), {JoinRule("public")}, knocks, "member.knock.rule"},
      {"restricted", From(7), {JoinRule("restricted")}, knocks, "member.knock.rule"},
      {"no join rules", From(7), {}, knocks, "member.knock.rule"},
      {"knock_restricted", From(10), {JoinRule("knock_restricted")}, knocks, ""},
      {"knock_restricted before",
       {.first = 7, .last = 9},
       {JoinRule("knock_restricted")},
       knocks,
       "member.knock.rule"},
  };
}

}  // namespace

std::vector<AuthCase> MemberCases() {
  std::vector<AuthCase> cases = MembershipFormCases();
  Append(cases, FirstJoinCases());
  Append(cases, JoinCases());
  Append(cases, RestrictedJoinCases("restricted", From(8)));
  Append(cases, RestrictedJoinCases("knock_restricted", From(10)));
  Append(cases, InviteCases());
  Append(cases, LeaveCases());
  Append(cases, KickCases());
  Append(cases, BanCases());
  Append(cases, KnockCases());
  return cases;
}

}  // namespace innkeeper::rooms
