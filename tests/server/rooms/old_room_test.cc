#include "server/rooms/old_room.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/match.h"
#include "google/rpc/error_details.pb.h"
#include "server/errors/errors.h"
#include "tests/server/rooms/test_room.h"
#include "tests/server/rooms/violations.h"

namespace innkeeper::rooms {
namespace {

using testing::ElementsAre;

constexpr char kZed[] = "@zed:example.org";

google::rpc::ErrorInfo InfoOf(const absl::Status& status) {
  google::rpc::ErrorInfo info;
  info.ParseFromString(
      std::string(status.GetPayload("type.googleapis.com/google.rpc.ErrorInfo").value()));
  return info;
}

// What `requester` gets, or the reason of the error.
std::string SenderFor(const TestRoom& room, const std::string& requester, bool as_administrator) {
  const auto sender = ChooseSender(room.Get(), requester, as_administrator, kServer);
  return sender.ok() ? *sender : ReasonName(ReasonOf(sender.status()));
}

TEST(NamedMembersTest, AreTheRequesterTheCreatorsAndThoseWithALevel) {
  TestRoom room(Version("12"), {{"additional_creators", {kBob, kErin}}});
  EXPECT_THAT(NamedMembers(room.version(), room.state(), kZed, {}),
              ElementsAre(kAlice, kBob, kErin, kZed));
  room.Set("m.room.power_levels", "", {{"users", {{kZed, 1}, {kCarol, 5}}}});
  EXPECT_THAT(
      NamedMembers(room.version(), room.state(), kAlice, {.additional_creators = {kGus, kBob}}),
      ElementsAre(kAlice, kBob, kCarol, kErin, kGus, kZed));
}

TEST(CheckNewCreatorsTest, NobodyIsBanned) {
  TestRoom room(Version("11"));
  room.Populate();
  EXPECT_TRUE(CheckNewCreators(room.Get(), {}).ok());
  EXPECT_TRUE(
      CheckNewCreators(room.Get(), {.additional_creators = {kBob, kCarol, kDave, kHal, kZed}})
          .ok());
  EXPECT_THAT(
      ViolatedFields(CheckNewCreators(room.Get(), {.additional_creators = {kFay, kBob, kGus}})),
      ElementsAre("additional_creators[0]", "additional_creators[2]"));
}

TEST(CheckMayUpgradeTest, NeedsTheTombstoneLevelAndMembership) {
  TestRoom room(Version("11"));
  room.Set("m.room.power_levels", "",
           {{"users", {{kAlice, 100}, {kBob, 60}, {kDave, 100}}},
            {"events", {{"m.room.tombstone", 70}}}});
  room.Populate();
  EXPECT_TRUE(CheckMayUpgrade(room.Get(), kAlice).ok());

  const absl::Status weak = CheckMayUpgrade(room.Get(), kBob);
  EXPECT_EQ(weak.code(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(ReasonOf(weak), v1::ERROR_REASON_INSUFFICIENT_POWER);
  EXPECT_EQ(InfoOf(weak).metadata().at("required"), "70");
  EXPECT_EQ(InfoOf(weak).metadata().at("actual"), "60");

  const absl::Status outside = CheckMayUpgrade(room.Get(), kDave);
  EXPECT_EQ(ReasonOf(outside), v1::ERROR_REASON_INSUFFICIENT_POWER);
  EXPECT_TRUE(absl::StrContains(outside.message(), "joined"));
}

TEST(CheckMayUpgradeTest, CreatorsOfVersion12Always) {
  TestRoom room(Version("12"), {{"additional_creators", {kBob}}});
  room.Set("m.room.power_levels", "",
           {{"users", {{kCarol, 149}}}, {"events", {{"m.room.tombstone", 150}}}});
  room.Populate();
  EXPECT_TRUE(CheckMayUpgrade(room.Get(), kAlice).ok());
  EXPECT_TRUE(CheckMayUpgrade(room.Get(), kBob).ok());
  EXPECT_FALSE(CheckMayUpgrade(room.Get(), kCarol).ok());
}

TEST(ChooseSenderTest, IsTheRequesterIfTheyMay) {
  TestRoom room(Version("11"));
  room.Populate();
  room.Set("m.room.power_levels", "",
           {{"users", {{kAlice, 100}, {kBob, 50}}}, {"events", {{"m.room.tombstone", 50}}}});
  for (const bool as_administrator : {false, true}) {
    EXPECT_EQ(SenderFor(room, kBob, as_administrator), kBob);
  }
}

TEST(ChooseSenderTest, OnlyAnAdministratorHasAnotherSend) {
  TestRoom room(Version("11"));
  room.Populate();
  for (const char* requester : {kBob, kDave, kZed}) {
    EXPECT_EQ(SenderFor(room, requester, false), "INSUFFICIENT_POWER");
    EXPECT_EQ(SenderFor(room, requester, true), kAlice);
  }
}

TEST(ChooseSenderTest, TakesTheMostPowerfulThenACreatorThenTheFirst) {
  TestRoom room(Version("11"));
  room.Populate();
  room.Join(kZed);
  const auto set_levels = [&](Json users) {
    room.Set("m.room.power_levels", "", {{"users", std::move(users)}, {"users_default", 5}});
  };
  set_levels({{kAlice, 100}, {kBob, 100}, {kZed, 100}, {kCarol, 100}, {kDave, 100}});
  EXPECT_EQ(SenderFor(room, kHal, true), kAlice);
  room.Set("m.room.member", kAlice, {{"membership", "leave"}});
  EXPECT_EQ(SenderFor(room, kHal, true), kBob);

  TestRoom demoted(Version("11"));
  demoted.Join(kZed);
  demoted.Set("m.room.power_levels", "", {{"users", {{kAlice, 50}, {kZed, 51}}}});
  EXPECT_EQ(SenderFor(demoted, kHal, true), kZed);
}

TEST(ChooseSenderTest, CreatorsComeFirstOfEquals) {
  TestRoom room(Version("11"));
  room.Join("@aaron:example.org");
  room.Set("m.room.power_levels", "", {{"users", {{kAlice, 100}, {"@aaron:example.org", 100}}}});
  EXPECT_EQ(SenderFor(room, kHal, true), kAlice);
}

TEST(ChooseSenderTest, FailsWhereNoUserOfTheServerHasThePower) {
  TestRoom room(Version("11"));
  room.Populate();
  room.Set("m.room.power_levels", "", {{"users", {{kAlice, 100}, {kCarol, 100}, {kBob, 49}}}});
  room.Set("m.room.member", kAlice, {{"membership", "leave"}});
  const absl::Status status = ChooseSender(room.Get(), kBob, true, kServer).status();
  EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_INSUFFICIENT_POWER);
  EXPECT_EQ(InfoOf(status).metadata().at("required"), "50");
  EXPECT_EQ(InfoOf(status).metadata().at("actual"), "49");
  EXPECT_EQ(SenderFor(room, kCarol, true), kCarol) << "who may need not be of this server";
}

}  // namespace
}  // namespace innkeeper::rooms
