#include "server/audit/trail.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/server/audit/audit_fixture.h"

namespace innkeeper::audit {
namespace {

const Origin kOrigin = {.principal = "calendar",
                        .credential = v1::AUDIT_CREDENTIAL_JWT,
                        .user = "@alice:example.org",
                        .method = "InviteUser",
                        .request_id = "request-1",
                        .target = "!room:example.org",
                        .peer = "ipv4:192.0.2.1:4711"};

class TrailTest : public AuditFixture {
 protected:
  void Commit(storage::RoomCommit commit) { AuditFixture::Commit(engine(), commit.Take()); }

  const RandomBytes random_ = [this](size_t count) {
    return std::string(count, static_cast<char>('a' + draws_++));
  };
  mutable int draws_ = 0;
};

TEST_F(TrailTest, TellsOfTheCommitThatItIsLeftIn) {
  const Trail trail(kOrigin, random_);
  storage::RoomRecord room;
  room.set_room_id("!room:example.org");
  room.set_revision(1);
  storage::RoomCommit create;
  create.CreateRoom(room);
  trail.Leave(create);
  Commit(std::move(create));
  const auto stored = storage::RoomReader(engine()).GetRoom(room.room_id());
  room.set_revision(2);
  storage::RoomCommit update;
  update.UpdateRoom(room, (*stored)->revision);
  trail.Leave(update, "lock");
  Commit(std::move(update));

  const auto entries = Entries();
  ASSERT_EQ(entries.size(), 2u);
  const v1::AuditEntry& created = entries[0].second;
  EXPECT_EQ(created.principal(), "calendar");
  EXPECT_EQ(created.credential(), v1::AUDIT_CREDENTIAL_JWT);
  EXPECT_EQ(created.user(), "@alice:example.org");
  EXPECT_EQ(created.method(), "InviteUser");
  EXPECT_EQ(created.step(), "");
  EXPECT_EQ(created.request_id(), "request-1");
  EXPECT_EQ(created.target(), "!room:example.org");
  EXPECT_EQ(created.peer(), "ipv4:192.0.2.1:4711");
  EXPECT_EQ(created.outcome(), v1::AUDIT_OUTCOME_ALLOWED);
  ASSERT_EQ(created.rooms_size(), 1);
  EXPECT_EQ(created.rooms(0).room_id(), "!room:example.org");
  EXPECT_EQ(created.rooms(0).revision_before(), 0);
  EXPECT_EQ(created.rooms(0).revision_after(), 1);
  const v1::AuditEntry& updated = entries[1].second;
  EXPECT_EQ(updated.step(), "lock");
  EXPECT_EQ(updated.rooms(0).revision_before(), 1);
  EXPECT_EQ(updated.rooms(0).revision_after(), 2);
}

TEST_F(TrailTest, EveryEntryHasSaltOfItsOwn) {
  const Trail trail(kOrigin, random_);
  storage::RoomCommit commit;
  trail.Leave(commit);
  trail.Leave(commit);
  Commit(std::move(commit));
  EXPECT_EQ(Entries()[0].second.salt(), std::string(16, 'a'));
  EXPECT_EQ(Entries()[1].second.salt(), std::string(16, 'b'));
}

TEST_F(TrailTest, LeavesNothingByDefault) {
  storage::RoomCommit commit;
  Trail().Leave(commit);
  Commit(std::move(commit));
  EXPECT_TRUE(Entries().empty());
}

}  // namespace
}  // namespace innkeeper::audit
