#include "server/membership/full_invite.h"

#include <string>

#include "server/membership/pending_invites.h"
#include "tests/server/membership/membership_fixture.h"

namespace innkeeper::membership {
namespace {

class InviteCompleterTest : public MembershipFixture {
 protected:
  InviteCompleterTest() : room_id_(NewRoom()) { Must(Action::kInvite, room_id_, kAlice, kZoe); }

  // The latest event that tells of an invite, in full.
  v1::RoomInvitePending Latest() const {
    v1::RoomEvent latest;
    for (const v1::RoomEvent& event : Events()) {
      if (completer_.MayComplete(event.type())) latest = event;
    }
    EXPECT_TRUE(latest.has_room_invite_pending());
    completer_.Complete(latest);
    return latest.room_invite_pending();
  }

  const std::string room_id_;
  const InviteCompleter completer_{engine_, key_};
};

TEST_F(InviteCompleterTest, AddsWhatTheListOfPendingInvitesHas) {
  const v1::PendingInvite listed =
      browser_.ListPendingInvites({}, AudienceScope::All())->invites(0);
  const v1::RoomInvitePending pending = Latest();
  EXPECT_EQ(pending.room_version(), "11");
  EXPECT_EQ(pending.pdu(), listed.pdu());
  EXPECT_FALSE(pending.pdu().empty());
  EXPECT_THAT(pending.stripped_state(), testing::ElementsAreArray(listed.stripped_state()));
  EXPECT_FALSE(pending.stripped_state().empty());
  EXPECT_EQ(pending.event_id(), listed.event_id());
}

TEST_F(InviteCompleterTest, ShowsTheRoomAsItIsNow) {
  const int shown = Latest().stripped_state_size();
  storage::RoomCommit commit;
  storage::StateRecord name;
  name.set_sender(kAlice);
  name.set_content(R"({"name":"Lobby"})");
  commit.PutState(room_id_, {"m.room.name", ""}, name, std::nullopt);
  ASSERT_TRUE(CommitAndWait(*store_, commit.Take()).status.ok());
  EXPECT_EQ(Latest().stripped_state_size(), shown + 1);
}

TEST_F(InviteCompleterTest, AnInviteThatWasDeliveredIsOver) {
  v1::AckInviteRequest ack;
  ack.set_room_id(room_id_);
  ack.set_user_id(kZoe);
  ack.set_event_id(Latest().event_id());
  ASSERT_TRUE(transactor_.RunAndWait(Acknowledge(ack, AudienceScope::All())).ok());
  const v1::RoomInvitePending pending = Latest();
  EXPECT_EQ(pending.event_id(), ack.event_id());
  EXPECT_EQ(pending.room_version() + pending.pdu(), "");
  EXPECT_TRUE(pending.stripped_state().empty());
}

TEST_F(InviteCompleterTest, ARoomThatWasDeletedHasNoInvitesAnyMore) {
  DeleteRoom(room_id_);
  EXPECT_TRUE((*storage::RoomReader(*store_).GetPendingInvite(room_id_, kZoe)).has_value());
  const v1::RoomInvitePending pending = Latest();
  EXPECT_EQ(pending.room_version() + pending.pdu(), "");
  EXPECT_TRUE(browser_.ListPendingInvites({}, AudienceScope::All())->invites().empty());
}

TEST_F(InviteCompleterTest, OfTwoInvitesOfAUserOnlyTheLaterWaits) {
  v1::RoomEvent first = Events().back();
  Must(Action::kKick, room_id_, kAlice, kZoe);
  Must(Action::kInvite, room_id_, kAlice, kZoe);
  completer_.Complete(first);
  EXPECT_EQ(first.room_invite_pending().pdu(), "");
  EXPECT_NE(Latest().pdu(), "");
}

}  // namespace
}  // namespace innkeeper::membership
