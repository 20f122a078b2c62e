// Supervision: upgrades and creations that wait until another principal approves them, and the
// escalation when too much fails.

#include <atomic>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "tests/e2e/e2e_test.h"
#include "tests/storage/rocksdb/failing_disk.h"
#include "tests/support/health_client.h"
#include "tests/support/people.h"
#include "tests/support/watch_stream.h"

namespace innkeeper {
namespace {

using grpc::StatusCode;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr char kTenantsAudience[] = "tenant-7";

// Principals as ever, but that "tenant", which is kept to audiences, may approve and watch.
std::string Principals() {
  auto file = nlohmann::json::parse(TestTokenFile());
  for (auto& principal : file["principals"]) {
    if (principal["name"] == "tenant") {
      principal["roles"] = {"approve", "watch", "create"};
    }
  }
  return file.dump();
}

// A server with everything supervised, whose clock is as far ahead as a test has it.
class SupervisionTest : public testing::Test {
 protected:
  static void Configure(ServerConfig& config) {
    config.supervise_upgrades = true;
    config.supervise_creation = true;
    config.approval_timeout = absl::Hours(1);
  }

  Server::Surroundings Surroundings() {
    Server::Surroundings surroundings;
    surroundings.clock = [this] { return absl::Now() + absl::Seconds(skew_seconds_.load()); };
    return surroundings;
  }

  // Clients of the server as it was started last.
  struct Clients {
    explicit Clients(const std::string& address)
        : backend(address, TestToken("backend")),
          admin(address, TestToken("admin")),
          approver(address, TestToken("approver")),
          tenant(address, TestToken("tenant")) {}

    TestClient backend;
    TestClient admin;
    TestClient approver;
    TestClient tenant;
  };

  void Restart() {
    clients_.reset();
    ASSERT_TRUE(server_.Stop().ok());
    server_.Start();
    clients_ = std::make_unique<Clients>(server_.address());
  }

  const TestClient& backend() { return clients_->backend; }
  const TestClient& admin() { return clients_->admin; }
  const TestClient& approver() { return clients_->approver; }
  const TestClient& tenant() { return clients_->tenant; }

  // Asks for a room of alice's, and returns the id of the approval.
  std::string AskForRoom(const v1::CreateRoomRequest& request = RoomRequest(kAlice)) {
    const auto asked = backend().CreateRoom(request);
    EXPECT_TRUE(asked.ok()) << asked.status.error_message();
    EXPECT_FALSE(asked.response.has_room());
    return asked.response.pending_approval().approval_id();
  }

  Reply<v1::ApproveCreationResponse> ApproveRoom(const std::string& approval_id) {
    v1::ApproveCreationRequest request;
    request.set_approval_id(approval_id);
    return approver().ApproveCreation(request);
  }

  // A room of alice's, asked for and approved.
  std::string NewRoom(const v1::CreateRoomRequest& request = RoomRequest(kAlice)) {
    const auto approved = ApproveRoom(AskForRoom(request));
    EXPECT_TRUE(approved.ok()) << approved.status.error_message();
    return approved.response.room().room_id();
  }

  static v1::CreateRoomRequest TenantsRoom() {
    v1::CreateRoomRequest request = RoomRequest(kAlice);
    request.set_audience(kTenantsAudience);
    return request;
  }

  // Asks for an upgrade of alice's room, and returns the id of the approval.
  std::string AskForUpgrade(const std::string& room_id) {
    const auto asked = backend().UpgradeRoom(UpgradeRequest(room_id, kAlice, "12"));
    EXPECT_TRUE(asked.ok()) << asked.status.error_message();
    return asked.response.pending_approval().approval_id();
  }

  static v1::ApproveUpgradeRequest Approval(const std::string& room_id,
                                            const std::string& approval_id,
                                            const std::string& request_id = "") {
    v1::ApproveUpgradeRequest request;
    request.set_room_id(room_id);
    request.set_approval_id(approval_id);
    request.set_request_id(request_id);
    return request;
  }

  static v1::RejectUpgradeRequest Rejection(const std::string& room_id,
                                            const std::string& approval_id) {
    v1::RejectUpgradeRequest request;
    request.set_room_id(room_id);
    request.set_approval_id(approval_id);
    return request;
  }

  v1::RoomStatus StatusOf(const std::string& room_id) { return admin().Room(room_id).status(); }

  std::vector<std::string> Waiting(const TestClient& client) {
    std::vector<std::string> ids;
    const auto list = client.ListPendingApprovals({});
    EXPECT_TRUE(list.ok()) << list.status.error_message();
    for (const auto& waiting : list.response.requests()) {
      ids.push_back(waiting.approval().approval_id());
    }
    return ids;
  }

  std::vector<std::string> TypesOf(const std::string& room_id) {
    std::vector<std::string> types;
    for (const v1::RoomEvent& event : EventsOf(admin(), room_id)) {
      std::string type = event.type();
      if (event.has_approval_decided()) {
        type += " " + v1::ApprovalOutcome_Name(event.approval_decided().outcome()).substr(17);
      }
      if (event.has_room_upgrade_failed()) {
        type +=
            " " + v1::UpgradeFailureReason_Name(event.room_upgrade_failed().reason()).substr(23);
      }
      types.push_back(type);
    }
    return types;
  }

  std::atomic<int64_t> skew_seconds_ = 0;
  TestServer server_{[](ServerConfig& config) { Configure(config); },
                     [this] { return Surroundings(); }};
  std::unique_ptr<Clients> clients_ = std::make_unique<Clients>(server_.address());
};

TEST_F(SupervisionTest, ACreationIsCarriedOutOnceSomebodyElseApprovesIt) {
  v1::CreateRoomRequest request = RoomRequest(kAlice);
  request.set_alias("#lobby:example.org");
  request.set_topic("what nobody is told before");
  request.add_invites(kBob);
  const auto asked = backend().CreateRoom(request);
  ASSERT_TRUE(asked.ok()) << asked.status.error_message();
  EXPECT_THAT(RoomsOf(admin(), kAlice), IsEmpty());
  EXPECT_EQ(RoomAt(admin(), "#lobby:example.org"), "");
  const v1::PendingApproval& approval = asked.response.pending_approval();
  EXPECT_EQ(approval.action(), v1::SUPERVISED_ACTION_CREATE);

  const auto waiting = approver().ListPendingApprovals({});
  ASSERT_TRUE(waiting.ok()) << waiting.status.error_message();
  ASSERT_EQ(waiting.response.requests_size(), 1);
  EXPECT_EQ(waiting.response.requests(0).principal(), "backend");
  EXPECT_EQ(waiting.response.requests(0).approval().SerializeAsString(),
            approval.SerializeAsString());
  EXPECT_EQ(waiting.response.requests(0).creation().SerializeAsString(),
            request.SerializeAsString());

  const auto approved = ApproveRoom(approval.approval_id());
  ASSERT_TRUE(approved.ok()) << approved.status.error_message();
  const v1::Room& room = approved.response.room();
  EXPECT_EQ(room.topic(), request.topic());
  EXPECT_EQ(room.creator(), kAlice);
  EXPECT_EQ(RoomAt(admin(), "#lobby:example.org"), room.room_id());
  EXPECT_THAT(MembersOf(admin(), room.room_id(), "invite"), ElementsAre(kBob));
  EXPECT_THAT(Waiting(approver()), IsEmpty());
  EXPECT_THAT(ApproveRoom(approval.approval_id()).status,
              IsError(StatusCode::NOT_FOUND, "APPROVAL_NOT_FOUND"));
  for (const v1::RoomEvent& event : admin().AllEvents()) {
    EXPECT_FALSE(absl::StrContains(event.DebugString(), request.topic())) << event.type();
  }
}

TEST_F(SupervisionTest, AnUpgradeIsCarriedOutOnceSomebodyElseApprovesIt) {
  const std::string room_id = NewRoom();
  const auto asked = backend().UpgradeRoom(UpgradeRequest(room_id, kAlice, "12"));
  ASSERT_TRUE(asked.ok()) << asked.status.error_message();
  EXPECT_FALSE(asked.response.has_room());
  EXPECT_EQ(asked.response.old_room().status(), v1::ROOM_STATUS_UPGRADING);
  EXPECT_EQ(StatusOf(room_id), v1::ROOM_STATUS_UPGRADING);
  EXPECT_THAT(RoomsOf(admin(), kAlice), ElementsAre(room_id));
  const std::string& approval_id = asked.response.pending_approval().approval_id();
  EXPECT_EQ(admin().Room(room_id).upgrade().approval_id(), approval_id);
  EXPECT_THAT(Waiting(approver()), ElementsAre(approval_id));
  v1::DeleteRoomRequest remove;
  remove.set_room_id(room_id);
  EXPECT_THAT(admin().DeleteRoom(remove).status,
              IsError(StatusCode::ABORTED, "ROOM_UPGRADE_IN_PROGRESS"));

  const auto approved = approver().ApproveUpgrade(Approval(room_id, approval_id));
  ASSERT_TRUE(approved.ok()) << approved.status.error_message();
  const v1::UpgradeRoomResponse& upgrade = approved.response.upgrade();
  EXPECT_EQ(upgrade.room().room_version(), "12");
  EXPECT_EQ(upgrade.old_room().status(), v1::ROOM_STATUS_TOMBSTONED);
  EXPECT_EQ(admin().Room(room_id).successor_room_id(), upgrade.room().room_id());
  EXPECT_THAT(MembersOf(admin(), upgrade.room().room_id(), "join"), ElementsAre(kAlice));
  EXPECT_THAT(TypesOf(room_id), ElementsAre("room.created", "approval.requested",
                                            "approval.decided APPROVED", "room.upgraded"));
}

TEST_F(SupervisionTest, TheRoomGoesOnWhileItsUpgradeWaits) {
  const std::string room_id = NewRoom();
  const std::string other_id = NewRoom();
  const std::string approval_id = AskForUpgrade(room_id);
  EXPECT_TRUE(backend().SendEvent(SendRequest(room_id, kAlice, "still here")).ok());
  EXPECT_TRUE(backend()
                  .SetState(SetStateRequest(room_id, kAlice, "m.room.name", R"({"name": "late"})"))
                  .ok());
  EXPECT_TRUE(backend().InviteUser(InviteRequest(room_id, kAlice, kBob)).ok());
  EXPECT_TRUE(backend().JoinRoom(JoinRequest(room_id, kBob)).ok());
  EXPECT_TRUE(backend().SetAlias(SetAliasRequest("#late:example.org", room_id, kAlice)).ok());
  v1::SetVisibilityRequest visibility;
  visibility.set_room_id(room_id);
  visibility.set_requester(kAlice);
  visibility.set_is_public(true);
  EXPECT_TRUE(backend().SetVisibility(visibility).ok());
  // And what another room's upgrade has to repair in it.
  EXPECT_TRUE(
      backend()
          .SetState(SetStateRequest(room_id, kAlice, "m.room.join_rules",
                                    absl::StrCat(R"({"join_rule": "restricted", "allow": [{"type":
                          "m.room_membership", "room_id": ")",
                                                 other_id, R"("}]})")))
          .ok());
  const auto others = approver().ApproveUpgrade(Approval(other_id, AskForUpgrade(other_id)));
  ASSERT_TRUE(others.ok()) << others.status.error_message();
  EXPECT_EQ(others.response.upgrade().repaired_link_count(), 1);
  EXPECT_EQ(StatusOf(room_id), v1::ROOM_STATUS_UPGRADING);

  // It is the room of this moment that is upgraded.
  const auto approved = approver().ApproveUpgrade(Approval(room_id, approval_id));
  ASSERT_TRUE(approved.ok()) << approved.status.error_message();
  const v1::Room& room = approved.response.upgrade().room();
  EXPECT_EQ(room.name(), "late");
  EXPECT_TRUE(room.is_public());
  EXPECT_THAT(MembersOf(admin(), room.room_id(), "join"), ElementsAre(kAlice, kBob));
  EXPECT_EQ(RoomAt(admin(), "#late:example.org"), room.room_id());
  EXPECT_THAT(backend().SendEvent(SendRequest(room_id, kAlice, "too late")).status,
              IsError(StatusCode::FAILED_PRECONDITION, "ROOM_TOMBSTONED"));
}

TEST_F(SupervisionTest, NobodyApprovesWhatTheyAskedFor) {
  // The administrator may do everything else.
  const auto creation = admin().CreateRoom(RoomRequest(kAlice));
  ASSERT_TRUE(creation.ok());
  v1::ApproveCreationRequest approve;
  approve.set_approval_id(creation.response.pending_approval().approval_id());
  EXPECT_THAT(admin().ApproveCreation(approve).status,
              IsError(StatusCode::PERMISSION_DENIED, "OWN_REQUEST"));
  const std::string room_id = NewRoom();
  const auto upgrade = admin().UpgradeRoom(UpgradeRequest(room_id, kAlice, "12"));
  ASSERT_TRUE(upgrade.ok());
  const std::string approval_id = upgrade.response.pending_approval().approval_id();
  EXPECT_THAT(admin().ApproveUpgrade(Approval(room_id, approval_id)).status,
              IsError(StatusCode::PERMISSION_DENIED, "OWN_REQUEST"));
  EXPECT_TRUE(approver().ApproveUpgrade(Approval(room_id, approval_id)).ok());
  // Nor is there a way around it.
  v1::LinkUpgradeRequest link;
  link.set_old_room_id(room_id);
  link.set_new_room_id(NewRoom());
  link.set_requester(kAlice);
  EXPECT_THAT(backend().LinkUpgrade(link).status,
              IsError(StatusCode::PERMISSION_DENIED, "ROLE_MISSING"));
}

TEST_F(SupervisionTest, WhatIsRejectedOrTakenBackLeavesAllAsItWas) {
  const std::string room_id = NewRoom();
  const auto rejected = approver().RejectUpgrade(Rejection(room_id, AskForUpgrade(room_id)));
  ASSERT_TRUE(rejected.ok()) << rejected.status.error_message();
  EXPECT_EQ(rejected.response.room().status(), v1::ROOM_STATUS_ACTIVE);
  AskForUpgrade(room_id);
  v1::CancelUpgradeRequest cancel;
  cancel.set_room_id(room_id);
  cancel.set_requester(kAlice);
  EXPECT_TRUE(backend().CancelUpgrade(cancel).ok());
  EXPECT_EQ(StatusOf(room_id), v1::ROOM_STATUS_ACTIVE);
  EXPECT_THAT(TypesOf(room_id),
              ElementsAre("room.created", "approval.requested", "approval.decided REJECTED",
                          "room.upgrade.failed REJECTED", "approval.requested",
                          "approval.decided CANCELLED", "room.upgrade.failed CANCELLED"));

  v1::RejectCreationRequest reject;
  reject.set_approval_id(AskForRoom());
  EXPECT_TRUE(approver().RejectCreation(reject).ok());
  EXPECT_THAT(approver().RejectCreation(reject).status,
              IsError(StatusCode::NOT_FOUND, "APPROVAL_NOT_FOUND"));
  EXPECT_THAT(RoomsOf(admin(), kAlice), ElementsAre(room_id));
  EXPECT_THAT(Waiting(approver()), IsEmpty());
}

TEST_F(SupervisionTest, WhatNobodyDecidesOnIsGivenUp) {
  const std::string room_id = NewRoom();
  const std::string approval_id = AskForUpgrade(room_id);
  const std::string creation_id = AskForRoom();
  v1::WatchRoomEventsRequest watch;
  watch.set_position(v1::START_POSITION_NOW);
  WatchStream stream(admin(), watch);
  stream.UntilCaughtUp();
  skew_seconds_ = 3601;
  EXPECT_THAT(approver().ApproveUpgrade(Approval(room_id, approval_id)).status,
              IsError(StatusCode::NOT_FOUND, "APPROVAL_NOT_FOUND"));
  EXPECT_THAT(ApproveRoom(creation_id).status,
              IsError(StatusCode::NOT_FOUND, "APPROVAL_NOT_FOUND"));
  std::vector<std::string> types;
  for (const v1::RoomEvent& event : stream.NextEvents(3)) types.push_back(event.type());
  EXPECT_THAT(types, testing::UnorderedElementsAre("approval.decided", "approval.decided",
                                                   "room.upgrade.failed"));
  EXPECT_EQ(StatusOf(room_id), v1::ROOM_STATUS_ACTIVE);
  EXPECT_THAT(TypesOf(room_id),
              ElementsAre("room.created", "approval.requested", "approval.decided EXPIRED",
                          "room.upgrade.failed APPROVAL_EXPIRED"));
}

TEST_F(SupervisionTest, GoesOnWaitingAcrossARestart) {
  const std::string room_id = NewRoom();
  const std::string approval_id = AskForUpgrade(room_id);
  const std::string creation_id = AskForRoom();
  Restart();
  EXPECT_EQ(StatusOf(room_id), v1::ROOM_STATUS_UPGRADING);
  EXPECT_TRUE(backend().SendEvent(SendRequest(room_id, kAlice, "hello again")).ok());
  EXPECT_TRUE(approver().ApproveUpgrade(Approval(room_id, approval_id)).ok());
  EXPECT_TRUE(ApproveRoom(creation_id).ok());
  EXPECT_EQ(StatusOf(room_id), v1::ROOM_STATUS_TOMBSTONED);
}

TEST_F(SupervisionTest, RepeatedRequestsAreOne) {
  v1::CreateRoomRequest creation = RoomRequest(kAlice);
  creation.set_request_id("creation-1");
  const std::string creation_id = AskForRoom(creation);
  EXPECT_EQ(AskForRoom(creation), creation_id);
  v1::ApproveCreationRequest approve;
  approve.set_approval_id(creation_id);
  approve.set_request_id("decision-1");
  const auto approved = approver().ApproveCreation(approve);
  ASSERT_TRUE(approved.ok()) << approved.status.error_message();
  const std::string room_id = approved.response.room().room_id();
  EXPECT_EQ(approver().ApproveCreation(approve).response.room().room_id(), room_id);
  EXPECT_EQ(backend().CreateRoom(creation).response.room().room_id(), room_id);

  v1::UpgradeRoomRequest upgrade = UpgradeRequest(room_id, kAlice, "12");
  upgrade.set_request_id("upgrade-1");
  const auto asked = backend().UpgradeRoom(upgrade);
  const std::string& approval_id = asked.response.pending_approval().approval_id();
  EXPECT_EQ(backend().UpgradeRoom(upgrade).response.pending_approval().approval_id(), approval_id);
  const v1::ApproveUpgradeRequest decision = Approval(room_id, approval_id, "decision-2");
  const auto upgraded = approver().ApproveUpgrade(decision);
  ASSERT_TRUE(upgraded.ok()) << upgraded.status.error_message();
  const std::string expected = upgraded.response.upgrade().SerializeAsString();
  EXPECT_EQ(approver().ApproveUpgrade(decision).response.upgrade().SerializeAsString(), expected);
  EXPECT_EQ(backend().UpgradeRoom(upgrade).response.SerializeAsString(), expected);
}

TEST_F(SupervisionTest, OfApprovalsAtOnceExactlyOneCounts) {
  const std::string room_id = NewRoom();
  const std::string approval_id = AskForUpgrade(room_id);
  const std::string creation_id = AskForRoom();
  const size_t rooms = RoomsOf(admin(), kAlice).size();
  int upgrades = 0;
  int creations = 0;
  for (const auto& [upgraded, created] : AtOnce(8, [&](int i) {
         const TestClient& client = i % 2 == 0 ? approver() : admin();
         v1::ApproveCreationRequest approve;
         approve.set_approval_id(creation_id);
         return std::make_pair(client.ApproveUpgrade(Approval(room_id, approval_id)).status,
                               client.ApproveCreation(approve).status);
       })) {
    upgrades += upgraded.ok() ? 1 : 0;
    creations += created.ok() ? 1 : 0;
    if (!upgraded.ok()) {
      EXPECT_THAT(ReasonOf(upgraded),
                  testing::AnyOf("APPROVAL_NOT_FOUND", "ROOM_UPGRADE_IN_PROGRESS"));
    }
    if (!created.ok()) {
      EXPECT_EQ(ReasonOf(created), "APPROVAL_NOT_FOUND");
    }
  }
  EXPECT_EQ(upgrades, 1);
  EXPECT_EQ(creations, 1);
  EXPECT_EQ(RoomsOf(admin(), kAlice).size(), rooms + 2);
}

TEST_F(SupervisionTest, WhoMayNoMoreUpgradeTheRoomDoesNotGetItUpgraded) {
  const std::string room_id = NewRoom();
  ASSERT_TRUE(backend().InviteUser(InviteRequest(room_id, kAlice, kBob)).ok());
  ASSERT_TRUE(backend().JoinRoom(JoinRequest(room_id, kBob)).ok());
  const std::string approval_id = AskForUpgrade(room_id);
  ASSERT_TRUE(backend().LeaveRoom(LeaveRequest(room_id, kAlice)).ok());
  EXPECT_THAT(approver().ApproveUpgrade(Approval(room_id, approval_id)).status,
              IsError(StatusCode::PERMISSION_DENIED, "INSUFFICIENT_POWER"));
  EXPECT_EQ(StatusOf(room_id), v1::ROOM_STATUS_ACTIVE);
  EXPECT_EQ(TypesOf(room_id).back(), "room.upgrade.failed INSUFFICIENT_POWER");
}

TEST_F(SupervisionTest, WhatCannotBeCreatedNowGoesOnWaiting) {
  v1::CreateRoomRequest request = RoomRequest(kAlice);
  request.set_alias("#lobby:example.org");
  const std::string first = AskForRoom(request);
  const std::string second = AskForRoom(request);
  EXPECT_TRUE(ApproveRoom(first).ok());
  EXPECT_THAT(ApproveRoom(second).status, IsError(StatusCode::ALREADY_EXISTS, "ALIAS_IN_USE"));
  EXPECT_THAT(Waiting(approver()), ElementsAre(second));
}

TEST_F(SupervisionTest, WhatMakesNoSenseIsRefusedAtOnce) {
  EXPECT_THAT(backend().CreateRoom({}).status, IsInvalid({"creator"}));
  EXPECT_THAT(backend().UpgradeRoom(UpgradeRequest(NewRoom(), kAlice, "13")).status,
              IsError(StatusCode::INVALID_ARGUMENT, "ROOM_VERSION_UNSUPPORTED"));
  EXPECT_THAT(Waiting(approver()), IsEmpty());
  v1::CreateRoomRequest dry_run = RoomRequest(kAlice);
  dry_run.set_validate_only(true);
  EXPECT_TRUE(backend().CreateRoom(dry_run).response.has_room());

  EXPECT_THAT(approver().ApproveUpgrade({}).status, IsInvalid({"room_id", "approval_id"}));
  EXPECT_THAT(approver().RejectUpgrade({}).status, IsInvalid({"room_id", "approval_id"}));
  EXPECT_THAT(approver().ApproveCreation({}).status, IsInvalid({"approval_id"}));
  EXPECT_THAT(approver().RejectCreation({}).status, IsInvalid({"approval_id"}));
  v1::ListPendingApprovalsRequest list;
  list.set_page_size(-1);
  EXPECT_THAT(approver().ListPendingApprovals(list).status, IsInvalid({"page_size"}));
}

// The principal "tenant" is kept to audiences tenant-*.
class SupervisedAudienceTest : public SupervisionTest {
 protected:
  void SetUp() override {
    server_.dir().Write("tokens.json", Principals());
    while (tenant().ListPendingApprovals({}).status.error_code() == StatusCode::PERMISSION_DENIED) {
    }
  }
};

TEST_F(SupervisedAudienceTest, WhoIsKeptToAudiencesDecidesOnTheirRoomsAlone) {
  const std::string room_id = NewRoom();
  const std::string tenants_room_id = NewRoom(TenantsRoom());
  const std::string approval_id = AskForUpgrade(room_id);
  const std::string creation_id = AskForRoom();
  EXPECT_THAT(Waiting(tenant()), IsEmpty());
  EXPECT_THAT(tenant().ApproveUpgrade(Approval(room_id, approval_id)).status,
              IsError(StatusCode::NOT_FOUND, "APPROVAL_NOT_FOUND"));
  EXPECT_THAT(tenant().RejectUpgrade(Rejection(room_id, approval_id)).status,
              IsError(StatusCode::NOT_FOUND, "APPROVAL_NOT_FOUND"));
  v1::ApproveCreationRequest approve;
  approve.set_approval_id(creation_id);
  EXPECT_THAT(tenant().ApproveCreation(approve).status,
              IsError(StatusCode::NOT_FOUND, "APPROVAL_NOT_FOUND"));
  v1::RejectCreationRequest reject;
  reject.set_approval_id(creation_id);
  EXPECT_THAT(tenant().RejectCreation(reject).status,
              IsError(StatusCode::NOT_FOUND, "APPROVAL_NOT_FOUND"));

  const std::string tenants_approval_id = AskForUpgrade(tenants_room_id);
  EXPECT_THAT(Waiting(tenant()), ElementsAre(tenants_approval_id));
  EXPECT_TRUE(tenant().ApproveUpgrade(Approval(tenants_room_id, tenants_approval_id)).ok());
  const std::string tenants_creation_id = AskForRoom(TenantsRoom());
  approve.set_approval_id(tenants_creation_id);
  EXPECT_TRUE(tenant().ApproveCreation(approve).ok());
  std::vector<std::string> seen;
  for (const v1::RoomEvent& event : tenant().AllEvents()) {
    EXPECT_EQ(event.audience(), kTenantsAudience) << event.type();
    if (event.has_approval_requested()) {
      seen.push_back(event.approval_requested().approval().approval_id());
    }
  }
  EXPECT_EQ(seen.size(), 3u);
  EXPECT_THAT(seen, testing::Contains(tenants_creation_id));
}

// A disk that fails, and a window of a minute.
TEST(EscalationTest, TellsThatTooMuchFailsAndThatItIsOverOnceTheLogTakesIt) {
  std::atomic<int64_t> skew_seconds = 0;
  storage::FailingDisk disk;
  TestServer server(
      [](ServerConfig& config) {
        config.escalation_window = absl::Minutes(1);
        config.metrics_address = "127.0.0.1:0";
      },
      [&] {
        Server::Surroundings surroundings;
        surroundings.storage_env = disk.env();
        surroundings.storage_retry_period = absl::Milliseconds(10);
        surroundings.clock = [&] { return absl::Now() + absl::Seconds(skew_seconds.load()); };
        return surroundings;
      });
  const TestClient client(server.address(), TestToken("admin"));
  v1::WatchRoomEventsRequest watch;
  watch.mutable_filter()->add_types("service.escalation");
  watch.set_position(v1::START_POSITION_OLDEST);
  WatchStream stream(client, watch);
  stream.UntilCaughtUp();
  const std::string room_id = client.Create(RoomRequest(kAlice)).room_id();
  EXPECT_THAT(MetricsOf(server), HasSubstr("\ninnkeeper_success_ratio 1\n"));

  disk.Arrange({{.error = storage::ReadOnlyDisk()}});
  for (int i = 0; i < 24; ++i) {
    const auto refused = client.CreateRoom(RoomRequest(kAlice));
    EXPECT_EQ(refused.status.error_code(), StatusCode::UNAVAILABLE);
  }
  // What callers do wrong does not count.
  for (int i = 0; i < 100; ++i) client.CreateRoom({});
  while (!absl::StrContains(MetricsOf(server), "\ninnkeeper_escalation 1\n")) {
  }
  const std::string metrics = MetricsOf(server);
  EXPECT_THAT(metrics, HasSubstr("\ninnkeeper_window_actions 25\n"));
  EXPECT_THAT(metrics, HasSubstr("\ninnkeeper_window_failures 24\n"));
  EXPECT_THAT(metrics, HasSubstr("\ninnkeeper_success_ratio 0.04\n"));
  EXPECT_EQ(HealthOf(server.address(), "innkeeper.v1.writes"), "NOT_SERVING");
  EXPECT_EQ(HealthOf(server.address(), v1::RoomLifecycle::service_full_name()), "SERVING");
  EXPECT_EQ(HealthOf(server.address(), v1::Supervision::service_full_name()), "SERVING");
  EXPECT_TRUE(client.GetRoom(GetRequest(room_id)).ok());

  skew_seconds = 61;
  while (!absl::StrContains(MetricsOf(server), "\ninnkeeper_escalation 0\n")) {
  }
  disk.Heal();
  const std::vector<v1::RoomEvent> told = stream.NextEvents(2);
  ASSERT_EQ(told.size(), 2u);
  const v1::ServiceEscalation& begun = told[0].service_escalation();
  EXPECT_TRUE(begun.active());
  EXPECT_GT(begun.error_rate_percent(), 90);
  EXPECT_EQ(begun.threshold_percent(), 5);
  EXPECT_GE(begun.action_count(), 20);
  EXPECT_EQ(begun.window_seconds(), 60);
  const v1::ServiceEscalation& over = told[1].service_escalation();
  EXPECT_FALSE(over.active());
  EXPECT_EQ(over.error_rate_percent(), 0);
  EXPECT_EQ(over.action_count(), 0);
}

}  // namespace
}  // namespace innkeeper
