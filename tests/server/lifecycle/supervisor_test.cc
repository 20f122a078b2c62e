#include "server/lifecycle/supervisor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "innkeeper/v1/audit_log.pb.h"
#include "server/audit/trail.h"
#include "server/base/signed_token.h"
#include "server/errors/errors.h"
#include "server/lifecycle/paging.h"
#include "server/lifecycle/room_quota.h"
#include "storage/room_store.h"
#include "tests/server/lifecycle/upgrade_fixture.h"

namespace innkeeper::lifecycle {
namespace {

using storage::RoomReader;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::UnorderedElementsAre;
using testing::UnorderedElementsAreArray;

class SupervisorTest : public UpgradeFixture {
 protected:
  static constexpr char kAsker[] = "asker";
  static constexpr absl::Duration kTimeout = absl::Hours(24);

  static v1::CreateRoomRequest Request(const std::string& request_id = "",
                                       const std::string& alias = "") {
    v1::CreateRoomRequest request;
    request.set_request_id(request_id);
    request.set_alias(alias);
    request.set_audience(kAudience);
    return request;
  }

  static CreateRoomCommand CommandOf(const v1::CreateRoomRequest& request,
                                     const std::string& principal) {
    CreateRoomCommand command;
    command.spec = Spec();
    command.spec.alias = request.alias();
    command.audience = request.audience();
    command.identity = {{principal, request.request_id()}, request.SerializeAsString()};
    return command;
  }

  absl::StatusOr<v1::CreateRoomResponse> Ask(const v1::CreateRoomRequest& request) {
    CreateRoomCommand command = CommandOf(request, kAsker);
    command.supervised =
        Supervised{kAsker, request.SerializeAsString(), request.request_id(), kTimeout};
    return transactor_.RunAndWait(creator_.Create(std::move(command)));
  }

  // Has a creation wait, and returns the id of its approval.
  std::string NewApproval(const v1::CreateRoomRequest& request = Request()) {
    auto asked = Ask(request);
    EXPECT_TRUE(asked.ok()) << asked.status();
    return asked->pending_approval().approval_id();
  }

  static DecideCreationCommand Decision(const std::string& approval_id,
                                        const std::string& principal = "approver") {
    return {approval_id, {principal, AudienceScope::All()}, {}};
  }

  absl::StatusOr<v1::Room> Approve(DecideCreationCommand command) {
    auto write = supervisor_.Approve(
        std::move(command), [](const v1::CreateRoomRequest& request, const std::string& principal) {
          return CommandOf(request, principal);
        });
    if (!write.ok()) return write.status();
    auto approved = transactor_.RunAndWait(*std::move(write));
    if (!approved.ok()) return approved.status();
    return approved->room();
  }

  absl::Status Reject(DecideCreationCommand command) {
    return transactor_.RunAndWait(supervisor_.Reject(std::move(command))).status();
  }

  std::vector<std::string> Listed(const AudienceScope& scope = AudienceScope::All()) {
    std::vector<std::string> ids;
    v1::ListPendingApprovalsRequest request;
    request.set_page_size(1);
    do {
      auto page = supervisor_.List(request, scope);
      EXPECT_TRUE(page.ok()) << page.status();
      for (const auto& waiting : page->requests()) ids.push_back(waiting.approval().approval_id());
      request.set_page_token(page->next_page_token());
    } while (!request.page_token().empty());
    return ids;
  }

  v1::ApprovalOutcome LastOutcome() { return Events().back().approval_decided().outcome(); }

  TokenSigner signer_{"key"};
  Supervisor supervisor_{engine_, clock_, signer_, creator_, {}};
};

TEST_F(SupervisorTest, ACreationWaitsAndIsCarriedOutOnceItIsApproved) {
  auto asked = Ask(Request("", "#lobby:example.org"));
  ASSERT_TRUE(asked.ok()) << asked.status();
  EXPECT_FALSE(asked->has_room());
  const v1::PendingApproval& approval = asked->pending_approval();
  EXPECT_EQ(approval.action(), v1::SUPERVISED_ACTION_CREATE);
  EXPECT_EQ(approval.room_id(), "");
  EXPECT_EQ(approval.requester(), kAlice);
  EXPECT_EQ(approval.room_version(), "10");
  EXPECT_EQ(approval.audience(), kAudience);
  EXPECT_EQ(approval.expire_time().seconds(), absl::ToUnixSeconds(now_ + kTimeout));
  EXPECT_THAT(EventTypes(), ElementsAre("approval.requested"));
  EXPECT_EQ(Events()[0].audience(), kAudience);
  EXPECT_FALSE((*RoomReader(engine_).GetAlias("#lobby:example.org")).has_value());

  auto room = Approve(Decision(approval.approval_id()));
  ASSERT_TRUE(room.ok()) << room.status();
  EXPECT_EQ(Room(room->room_id()).room_version(), "10");
  EXPECT_EQ((*RoomReader(engine_).GetAlias("#lobby:example.org"))->record.room_id(),
            room->room_id());
  EXPECT_THAT(EventTypes(), ElementsAre("approval.requested", "room.created", "approval.decided"));
  EXPECT_EQ(Events()[1].commit_id(), Events()[2].commit_id());
  EXPECT_EQ(LastOutcome(), v1::APPROVAL_OUTCOME_APPROVED);
  EXPECT_THAT(Listed(), ElementsAre());
  EXPECT_EQ(ReasonOf(Approve(Decision(approval.approval_id())).status()),
            v1::ERROR_REASON_APPROVAL_NOT_FOUND);
}

TEST_F(SupervisorTest, OnlyAnotherPrincipalApproves) {
  const std::string approval_id = NewApproval();
  EXPECT_EQ(ReasonOf(Approve(Decision(approval_id, kAsker)).status()),
            v1::ERROR_REASON_OWN_REQUEST);
  EXPECT_TRUE(Approve(Decision(approval_id)).ok());
}

TEST_F(SupervisorTest, WhoMayNotSeeTheAudienceFindsNothing) {
  const std::string approval_id = NewApproval();
  DecideCreationCommand command = Decision(approval_id);
  command.approver.scope = AudienceScope::Of({"elsewhere"});
  EXPECT_EQ(ReasonOf(Approve(command).status()), v1::ERROR_REASON_APPROVAL_NOT_FOUND);
  EXPECT_EQ(ReasonOf(Reject(command)), v1::ERROR_REASON_APPROVAL_NOT_FOUND);
  EXPECT_THAT(Listed(command.approver.scope), ElementsAre());
  EXPECT_THAT(Listed(AudienceScope::Of({kAudience})), ElementsAre(approval_id));
}

TEST_F(SupervisorTest, ARejectedOneIsGone) {
  const std::string approval_id = NewApproval();
  ASSERT_TRUE(Reject(Decision(approval_id)).ok());
  EXPECT_EQ(LastOutcome(), v1::APPROVAL_OUTCOME_REJECTED);
  EXPECT_EQ(ReasonOf(Approve(Decision(approval_id)).status()), v1::ERROR_REASON_APPROVAL_NOT_FOUND);
  EXPECT_EQ(ReasonOf(Reject(Decision(approval_id))), v1::ERROR_REASON_APPROVAL_NOT_FOUND);
  ASSERT_TRUE(Reject(Decision(NewApproval(), kAsker)).ok());
  EXPECT_EQ(LastOutcome(), v1::APPROVAL_OUTCOME_CANCELLED);
}

TEST_F(SupervisorTest, IsGivenUpWhenItsTimeHasRunOut) {
  const std::string approval_id = NewApproval();
  now_ += kTimeout - absl::Seconds(1);
  ASSERT_TRUE(supervisor_.Expire().ok());
  EXPECT_THAT(Listed(), ElementsAre(approval_id));
  now_ += absl::Seconds(1);
  EXPECT_THAT(Listed(), ElementsAre());
  EXPECT_EQ(ReasonOf(Approve(Decision(approval_id)).status()), v1::ERROR_REASON_APPROVAL_NOT_FOUND);
  ASSERT_TRUE(supervisor_.Expire().ok());
  EXPECT_EQ(LastOutcome(), v1::APPROVAL_OUTCOME_EXPIRED);
  EXPECT_FALSE((*RoomReader(engine_).GetApproval(approval_id)).has_value());
}

TEST_F(SupervisorTest, WhatIsGivenUpIsInTheAuditLog) {
  Supervisor supervisor(engine_, clock_, signer_, creator_,
                        {.maintenance_trail = audit::Trail(audit::Maintenance(), random_)});
  NewApproval();
  now_ += kTimeout;
  std::vector<std::string> entries;
  engine_.SetHook([&](const storage::CommitRequest& request) { entries = request.audit_entries; });
  ASSERT_TRUE(supervisor.Expire().ok());
  ASSERT_EQ(entries.size(), 1u);
  v1::AuditEntry entry;
  ASSERT_TRUE(entry.ParseFromString(entries[0]));
  EXPECT_EQ(entry.step(), "expire");
}

TEST_F(SupervisorTest, LeavesUpgradesWhoseTimeHasRunOutToTheirRooms) {
  UpgradeRoomCommand command = Command(NewRoom());
  command.supervised = Supervised{kAsker, "", "", kTimeout};
  ASSERT_TRUE(upgrader_->Upgrade(command).ok());
  now_ += kTimeout;
  ASSERT_TRUE(supervisor_.Expire().ok());
  EXPECT_THAT(EventTypes(), ElementsAre("room.created", "approval.requested"));
  ASSERT_TRUE(upgrader_->RecoverExpired().ok());
  EXPECT_EQ(LastFailure(), v1::UPGRADE_FAILURE_REASON_APPROVAL_EXPIRED);
}

TEST_F(SupervisorTest, ListsPageByPageWhatWasAskedForWithWhoAsked) {
  const std::string room_id = NewRoom();
  v1::UpgradeRoomRequest upgrade;
  upgrade.set_room_id(room_id);
  UpgradeRoomCommand command = Command(room_id);
  command.supervised = Supervised{"another", upgrade.SerializeAsString(), "", kTimeout};
  auto asked = upgrader_->Upgrade(command);
  ASSERT_TRUE(asked.ok()) << asked.status();
  const std::string first = NewApproval(Request("a"));
  const std::string second = NewApproval(Request("b"));
  EXPECT_THAT(Listed(),
              UnorderedElementsAre(first, second, asked->pending_approval().approval_id()));

  auto all = supervisor_.List({}, AudienceScope::All());
  ASSERT_TRUE(all.ok()) << all.status();
  for (const v1::PendingRequest& waiting : all->requests()) {
    if (waiting.approval().action() == v1::SUPERVISED_ACTION_UPGRADE) {
      EXPECT_EQ(waiting.principal(), "another");
      EXPECT_EQ(waiting.upgrade().room_id(), room_id);
    } else {
      EXPECT_EQ(waiting.principal(), kAsker);
      EXPECT_EQ(waiting.creation().audience(), kAudience);
    }
  }
  v1::ListPendingApprovalsRequest damaged;
  damaged.set_page_token("x");
  EXPECT_EQ(ReasonOf(supervisor_.List(damaged, AudienceScope::All()).status()),
            v1::ERROR_REASON_CURSOR_INVALID);
}

TEST_F(SupervisorTest, SeveralRequestsMakeNoPageThatIsTooLarge) {
  v1::CreateRoomRequest large = Request();
  large.set_topic(std::string(kMaxPageBytes * 2 / 3, 'x'));
  const std::vector<std::string> asked = {NewApproval(large), NewApproval(large),
                                          NewApproval(large)};
  std::vector<std::string> listed;
  v1::ListPendingApprovalsRequest request;
  do {
    auto page = supervisor_.List(request, AudienceScope::All());
    ASSERT_TRUE(page.ok()) << page.status();
    EXPECT_LE(page->ByteSizeLong(), kMaxPageBytes);
    for (const auto& waiting : page->requests()) listed.push_back(waiting.approval().approval_id());
    request.set_page_token(page->next_page_token());
  } while (!request.page_token().empty());
  EXPECT_THAT(listed, UnorderedElementsAreArray(asked));
}

TEST_F(SupervisorTest, WhatIsTooLargeToBeShownCannotWait) {
  v1::CreateRoomRequest large = Request();
  large.set_topic(std::string(kMaxWaitingRequestBytes, 'x'));
  const absl::Status refused = Ask(large).status();
  EXPECT_EQ(ReasonOf(refused), v1::ERROR_REASON_INVALID_REQUEST);
  EXPECT_THAT(refused.message(), HasSubstr("initial_state"));
  EXPECT_THAT(Listed(), ElementsAre());
  large.set_topic(std::string(kMaxWaitingRequestBytes - 1000, 'x'));
  EXPECT_THAT(Listed(), ElementsAre(NewApproval(large)));
}

TEST_F(SupervisorTest, WhatCannotBeCreatedIsRefusedAtOnce) {
  NewRoom("#lobby:example.org");
  EXPECT_EQ(ReasonOf(Ask(Request("", "#lobby:example.org")).status()),
            v1::ERROR_REASON_ALIAS_IN_USE);
  EXPECT_EQ(ReasonOf(Ask(Request("", "no alias")).status()), v1::ERROR_REASON_INVALID_REQUEST);
  EXPECT_THAT(Listed(), ElementsAre());
}

TEST_F(SupervisorTest, GoesOnWaitingWhenItCannotBeCreatedNow) {
  const std::string approval_id = NewApproval(Request("", "#lobby:example.org"));
  NewRoom("#lobby:example.org");
  EXPECT_EQ(ReasonOf(Approve(Decision(approval_id)).status()), v1::ERROR_REASON_ALIAS_IN_USE);
  EXPECT_THAT(Listed(), ElementsAre(approval_id));
}

TEST_F(SupervisorTest, ARepeatedRequestWaitsOnceAndThenReturnsTheRoom) {
  auto asked = Ask(Request("request-1"));
  ASSERT_TRUE(asked.ok()) << asked.status();
  auto again = Ask(Request("request-1"));
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->SerializeAsString(), asked->SerializeAsString());
  EXPECT_EQ(ReasonOf(Ask(Request("request-1", "#other:example.org")).status()),
            v1::ERROR_REASON_REQUEST_ID_REUSED);
  EXPECT_EQ(Listed().size(), 1u);

  DecideCreationCommand decision = Decision(asked->pending_approval().approval_id());
  decision.identity = {{"approver", "decision-1"}, "decision"};
  auto room = Approve(decision);
  ASSERT_TRUE(room.ok()) << room.status();
  auto outcome = Ask(Request("request-1"));
  ASSERT_TRUE(outcome.ok()) << outcome.status();
  EXPECT_EQ(outcome->room().SerializeAsString(), room->SerializeAsString());
  EXPECT_FALSE(outcome->has_pending_approval());
  auto repeated = Approve(decision);
  ASSERT_TRUE(repeated.ok()) << repeated.status();
  EXPECT_EQ(repeated->room_id(), room->room_id());
  EXPECT_EQ(ReasonOf(Ask(Request("request-1", "#other:example.org")).status()),
            v1::ERROR_REASON_REQUEST_ID_REUSED);
}

TEST_F(SupervisorTest, TakesAPlaceAmongTheCreatorsRoomsOnlyWhenItIsApproved) {
  RoomQuota quota(engine_, clock_, 1);
  RoomCreator::Options options = CreatorOptions();
  options.quota = &quota;
  RoomCreator creator(clock_, random_, options);
  Supervisor supervisor(engine_, clock_, signer_, creator, {});
  const std::string first = NewApproval();
  const std::string second = NewApproval();
  const auto approve = [&](const std::string& approval_id) {
    auto write = supervisor.Approve(Decision(approval_id),
                                    [](const auto& request, const std::string& principal) {
                                      return CommandOf(request, principal);
                                    });
    EXPECT_TRUE(write.ok()) << write.status();
    return transactor_.RunAndWait(*std::move(write)).status();
  };
  EXPECT_TRUE(approve(first).ok());
  EXPECT_EQ(ReasonOf(approve(second)), v1::ERROR_REASON_LIMIT_EXCEEDED);
  EXPECT_THAT(Listed(), ElementsAre(second));
}

TEST_F(SupervisorTest, OfTwoDecisionsOneCounts) {
  const std::string approval_id = NewApproval();
  auto write = supervisor_.Approve(Decision(approval_id),
                                   [](const auto& request, const std::string& principal) {
                                     return CommandOf(request, principal);
                                   });
  ASSERT_TRUE(write.ok()) << write.status();
  bool rejected = false;
  engine_.SetHook([&](const storage::CommitRequest& request) {
    if (rejected || request.log_entries.size() != 2) return;
    rejected = true;
    storage::RoomCommit commit;
    commit.EraseApproval(approval_id);
    ASSERT_TRUE(CommitAndWait(*store_, commit.Take()).status.ok());
  });
  auto approved = transactor_.RunAndWait(*std::move(write));
  EXPECT_TRUE(rejected);
  EXPECT_EQ(ReasonOf(approved.status()), v1::ERROR_REASON_APPROVAL_NOT_FOUND);
}

TEST_F(SupervisorTest, OnePrincipalHasSoManyWaitAndNoMore) {
  for (int i = 0; i < kMaxWaitingRequests; ++i) NewApproval(Request(absl::StrCat("r", i)));
  EXPECT_EQ(ReasonOf(Ask(Request("one-more")).status()), v1::ERROR_REASON_LIMIT_EXCEEDED);
  EXPECT_TRUE(Ask(Request("r1")).ok());
}

}  // namespace
}  // namespace innkeeper::lifecycle
