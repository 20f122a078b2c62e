#include "tests/server/state/state_fixture.h"

#include <utility>

#include "server/lifecycle/room_edit.h"

namespace innkeeper::state {

using storage::RoomReader;

StateFixture::StateFixture()
    : store_(storage::OpenTestEngine(dir_.File("data"))),
      engine_(*store_),
      clock_([] { return absl::FromUnixSeconds(1'700'000'000); }),
      random_(SecureRandom()),
      transactor_(engine_, executor_, clock_, {}),
      creator_(clock_, random_, {.server_name = "example.org"}),
      writer_({clock_, random_, "example.org"}) {}

std::string StateFixture::NewRoom(const std::string& version, const std::string& alias) {
  lifecycle::CreateRoomCommand command;
  command.spec.creator = kAlice;
  command.spec.version = rooms::FindRoomVersion(version);
  command.spec.alias = alias;
  auto created = transactor_.RunAndWait(creator_.Create(std::move(command)));
  EXPECT_TRUE(created.ok()) << created.status();
  return created->room().room_id();
}

absl::Status StateFixture::Append(const std::string& room_id, rooms::EventDraft draft) {
  const RoomReader reader(engine_);
  lifecycle::RoomEdit edit(reader, **reader.GetRoom(room_id), {clock_, random_, "example.org"});
  absl::Status appended = edit.Append(std::move(draft));
  if (!appended.ok()) return appended;
  storage::RoomCommit commit;
  absl::Status staged = edit.Stage(commit);
  return staged.ok() ? CommitAndWait(*store_, commit.Take()).status : staged;
}

void StateFixture::Join(const std::string& room_id, const std::string& user_id) {
  const auto member = [&](const std::string& sender, const std::string& membership) {
    const absl::Status status = Append(room_id, {.type = "m.room.member",
                                                 .state_key = user_id,
                                                 .sender = sender,
                                                 .content = {{"membership", membership}}});
    EXPECT_TRUE(status.ok()) << status;
  };
  member(kAlice, "invite");
  member(user_id, "join");
}

absl::StatusOr<v1::SetStateResponse> StateFixture::Set(const std::string& room_id,
                                                       const std::string& requester,
                                                       const std::string& type,
                                                       absl::string_view content,
                                                       const std::string& state_key) {
  SetStateCommand command;
  command.room_id = room_id;
  command.requester = requester;
  command.type = type;
  command.state_key = state_key;
  command.content = rooms::ParseJson(content).value();
  return transactor_.RunAndWait(writer_.SetState(std::move(command)));
}

absl::StatusOr<v1::SendEventResponse> StateFixture::Send(const std::string& room_id,
                                                         const std::string& requester,
                                                         const std::string& text) {
  SendEventCommand command;
  command.room_id = room_id;
  command.requester = requester;
  command.type = "m.room.message";
  command.content = {{"body", text}, {"msgtype", "m.text"}};
  return transactor_.RunAndWait(writer_.SendEvent(std::move(command)));
}

absl::StatusOr<v1::RedactEventResponse> StateFixture::Redact(const std::string& room_id,
                                                             const std::string& requester,
                                                             const std::string& event_id) {
  RedactEventCommand command;
  command.room_id = room_id;
  command.requester = requester;
  command.event_id = event_id;
  return transactor_.RunAndWait(writer_.RedactEvent(std::move(command)));
}

storage::RoomRecord StateFixture::Room(const std::string& room_id) const {
  return RoomReader(engine_).GetRoom(room_id)->value().record;
}

storage::EventRecord StateFixture::Event(const std::string& room_id,
                                         const std::string& event_id) const {
  const RoomReader reader(engine_);
  return reader.GetEvent(room_id, reader.GetEventNumber(room_id, event_id)->value())->value();
}

std::string StateFixture::StandingEvent(const std::string& room_id, const std::string& type,
                                        const std::string& state_key) const {
  return RoomReader(engine_).GetState(room_id, type, state_key)->value().reference().event_id();
}

}  // namespace innkeeper::state
