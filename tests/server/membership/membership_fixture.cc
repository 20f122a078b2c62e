#include "tests/server/membership/membership_fixture.h"

#include <utility>

#include "server/events/event_codec.h"

namespace innkeeper::membership {

using storage::RoomReader;

MembershipFixture::MembershipFixture()
    : store_(storage::OpenTestEngine(dir_.File("data"))),
      engine_(*store_),
      clock_([this] { return now_; }),
      random_(SecureRandom()),
      transactor_(engine_, executor_, clock_, {}),
      creator_(clock_, random_, {.server_name = "example.org"}),
      changer_(engine_, {clock_, random_, "example.org"}),
      key_{"example.org", "ed25519:a_1", rooms::Ed25519Key(std::string(32, 'k'))},
      browser_(engine_, signer_, key_) {}

std::string MembershipFixture::NewRoom(absl::FunctionRef<void(rooms::RoomSpec&)> change) {
  lifecycle::CreateRoomCommand command;
  command.audience = kAudience;
  command.spec.creator = kAlice;
  command.spec.version = rooms::FindRoomVersion("11");
  change(command.spec);
  auto created = transactor_.RunAndWait(creator_.Create(std::move(command)));
  EXPECT_TRUE(created.ok()) << created.status();
  return created->room().room_id();
}

std::string MembershipFixture::NewRoomWithRule(const std::string& rule, const std::string& version,
                                               const std::vector<std::string>& allow) {
  return NewRoom([&](rooms::RoomSpec& spec) {
    spec.version = rooms::FindRoomVersion(version);
    rooms::Json content = {{"join_rule", rule}};
    for (const std::string& room_id : allow) {
      content["allow"].push_back({{"type", "m.room_membership"}, {"room_id", room_id}});
    }
    spec.initial_state = {{"m.room.join_rules", "", std::move(content)}};
  });
}

absl::Status MembershipFixture::Do(Action action, const std::string& room,
                                   const std::string& requester, const std::string& user) {
  return Run({.action = action,
              .room = room,
              .requester = requester,
              .user_id = user.empty() ? requester : user});
}

absl::Status MembershipFixture::Run(MembershipCommand command) {
  return transactor_.RunAndWait(changer_.Change<v1::JoinRoomResponse>(std::move(command))).status();
}

void MembershipFixture::Must(Action action, const std::string& room, const std::string& requester,
                             const std::string& user) {
  const absl::Status done = Do(action, room, requester, user);
  ASSERT_TRUE(done.ok()) << done;
}

void MembershipFixture::DeleteRoom(const std::string& room_id) {
  const auto room = storage::RoomReader(*store_).GetRoom(room_id);
  storage::RoomCommit commit;
  commit.DeleteRoom((*room)->record, (*room)->revision);
  ASSERT_TRUE(CommitAndWait(*store_, commit.Take()).status.ok());
}

rooms::Json MembershipFixture::Member(const std::string& room_id, const std::string& user) const {
  auto state = RoomReader(*store_).GetState(room_id, "m.room.member", user);
  return state->has_value() ? rooms::ParseJson((*state)->content()).value() : rooms::Json();
}

int64_t MembershipFixture::Revision(const std::string& room_id) const {
  return RoomReader(*store_).GetRoom(room_id)->value().record.revision();
}

std::vector<v1::RoomEvent> MembershipFixture::Events() const {
  std::vector<v1::RoomEvent> events;
  auto entries = store_->ReadLog(1, 100'000, size_t{1} << 30);
  for (const auto& entry : *entries) events.push_back(*DecodeEvent(entry));
  return events;
}

}  // namespace innkeeper::membership
