#include "server/membership/pending_invites.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/server/membership/membership_fixture.h"

namespace innkeeper::membership {
namespace {

using storage::RoomCommit;
using storage::RoomReader;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr absl::Duration kPeriod = absl::Minutes(5);

class PendingInvitesTest : public MembershipFixture {
 protected:
  PendingInvitesTest() : room_id_(NewRoom()) { Must(Action::kInvite, room_id_, kAlice, kZoe); }

  // The users of whose invites the log tells behind what it told already.
  std::vector<std::string> Announced() {
    std::vector<std::string> users;
    const std::vector<v1::RoomEvent> events = Events();
    for (; seen_ < events.size(); ++seen_) {
      if (events[seen_].has_room_invite_pending()) {
        users.push_back(events[seen_].room_invite_pending().user_id());
      }
    }
    return users;
  }

  std::vector<std::string> Announce() {
    const absl::Status announced = AnnouncePendingInvites(engine_, now_, kPeriod);
    EXPECT_TRUE(announced.ok()) << announced;
    return Announced();
  }

  std::string InviteOf(const std::string& user) const {
    auto invite = RoomReader(*store_).GetPendingInvite(room_id_, user);
    return invite->has_value() ? (*invite)->record.event_id() : "";
  }

  // Acknowledges the invite with this id, of kZoe.
  void Ack(const std::string& event_id) { Ack(event_id, room_id_); }
  void Ack(const std::string& event_id, const std::string& room_id) {
    v1::AckInviteRequest request;
    request.set_room_id(room_id);
    request.set_user_id(kZoe);
    request.set_event_id(event_id);
    const absl::Status status =
        transactor_.RunAndWait(Acknowledge(request, AudienceScope::All())).status();
    EXPECT_TRUE(status.ok()) << status;
  }

  const std::string room_id_;
  size_t seen_ = 0;
};

TEST_F(PendingInvitesTest, AreToldOfAgainLessAndLessOften) {
  EXPECT_THAT(Announced(), ElementsAre(kZoe));
  std::vector<absl::Duration> pauses;
  for (int64_t doublings = 0; doublings < 9; ++doublings) {
    pauses.push_back(kPeriod * (int64_t{1} << doublings));
  }
  pauses.resize(30, absl::Hours(24));
  for (const absl::Duration pause : pauses) {
    now_ += pause - absl::Microseconds(1);
    EXPECT_THAT(Announce(), IsEmpty());
    now_ += absl::Microseconds(1);
    EXPECT_THAT(Announce(), ElementsAre(kZoe));
    EXPECT_EQ(Events().back().room_invite_pending().event_id(), InviteOf(kZoe));
    EXPECT_EQ(Events().back().room_invite_pending().room_id(), room_id_);
    EXPECT_EQ(Events().back().audience(), kAudience);
    EXPECT_EQ(Events().back().creator(), kAlice);
    EXPECT_THAT(Announce(), IsEmpty());
  }
  EXPECT_EQ(Revision(room_id_), 2) << "the room does not change by it";
}

TEST_F(PendingInvitesTest, ToATombstonedRoomAreNotToldOf) {
  Announced();
  auto room = RoomReader(*store_).GetRoom(room_id_);
  (*room)->record.set_status(storage::ROOM_STATUS_RECORD_TOMBSTONED);
  RoomCommit commit;
  commit.UpdateRoom((*room)->record, (*room)->revision);
  ASSERT_TRUE(CommitAndWait(*store_, commit.Take()).status.ok());
  now_ += absl::Hours(24);
  EXPECT_THAT(Announce(), IsEmpty());
}

TEST_F(PendingInvitesTest, AreNotToldOfOnceTheyAreAcknowledged) {
  Announced();
  Ack("$another");
  EXPECT_NE(InviteOf(kZoe), "");
  Ack(InviteOf(kZoe));
  EXPECT_EQ(InviteOf(kZoe), "");
  now_ += kPeriod;
  EXPECT_THAT(Announce(), IsEmpty());
  Ack("$another");
}

TEST_F(PendingInvitesTest, ThatAreAcknowledgedAtTheSameMomentAreNotToldOf) {
  Announced();
  now_ += kPeriod;
  bool acknowledged = false;
  engine_.SetHook([&](const storage::CommitRequest&) {
    if (acknowledged) return;
    acknowledged = true;
    RoomCommit commit;
    commit.ForgetPendingInvite(room_id_, kZoe);
    ASSERT_TRUE(CommitAndWait(*store_, commit.Take()).status.ok());
  });
  EXPECT_THAT(Announce(), IsEmpty());
  EXPECT_TRUE(acknowledged);
  EXPECT_EQ(InviteOf(kZoe), "") << "nothing brings it back";
}

TEST_F(PendingInvitesTest, ANewInviteAtTheSameMomentStaysPending) {
  const std::string old_invite = InviteOf(kZoe);
  bool invited_again = false;
  engine_.SetHook([&](const storage::CommitRequest&) {
    if (invited_again) return;
    invited_again = true;
    storage::PendingInviteRecord invite;
    invite.set_event_id("$new");
    RoomCommit commit;
    commit.PutPendingInvite(room_id_, kZoe, invite);
    ASSERT_TRUE(CommitAndWait(*store_, commit.Take()).status.ok());
  });
  Ack(old_invite);
  EXPECT_EQ(InviteOf(kZoe), "$new");
}

TEST_F(PendingInvitesTest, OfARoomThatIsDeletedAreNotToldOf) {
  const std::string other_id = NewRoom();
  Must(Action::kInvite, other_id, kAlice, kZoe);
  Announced();
  now_ += kPeriod;
  // At the very moment at which it would be told of them.
  bool is_deleted = false;
  engine_.SetHook([&](const storage::CommitRequest&) {
    if (!is_deleted) DeleteRoom(room_id_);
    is_deleted = true;
  });
  EXPECT_THAT(Announce(), ElementsAre(kZoe));
  EXPECT_TRUE(is_deleted);
  EXPECT_EQ(Events().back().room_id(), other_id);
  EXPECT_NE(InviteOf(kZoe), "") << "it is still to be purged";
  now_ += 2 * kPeriod;
  EXPECT_THAT(Announce(), ElementsAre(kZoe));
  EXPECT_EQ(Events().back().room_id(), other_id);
}

TEST_F(PendingInvitesTest, AreAllToldOfHoweverMany) {
  for (int room = 0; room < 2; ++room) {
    NewRoom([](rooms::RoomSpec& spec) {
      for (int i = 0; i < 600; ++i) spec.invites.push_back(absl::StrCat("@", i, ":elsewhere.net"));
    });
  }
  Announced();
  now_ += kPeriod;
  EXPECT_THAT(Announce(), SizeIs(1201));
  EXPECT_THAT(Announce(), IsEmpty());
}

TEST_F(PendingInvitesTest, OfARoomThatNobodySeesYetAreNeitherToldOfNorAcknowledged) {
  storage::PendingInviteRecord invite;
  invite.set_event_id("$staged");
  RoomCommit commit;
  commit.PutPendingInvite("!staged:example.org", kZoe, invite);
  ASSERT_TRUE(CommitAndWait(*store_, commit.Take()).status.ok());
  Announced();
  now_ += kPeriod;
  EXPECT_THAT(Announce(), ElementsAre(kZoe)) << "that of the room that is there";
  Ack("$staged", "!staged:example.org");
  EXPECT_TRUE((*RoomReader(*store_).GetPendingInvite("!staged:example.org", kZoe)).has_value());
}

}  // namespace
}  // namespace innkeeper::membership
