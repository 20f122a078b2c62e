// The audit log: every change and every refused call has its entry, and whatever is done to
// the log behind the server's back is found.

#include <openssl/sha.h>
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "server/store.h"
#include "storage/audit_chain.h"
#include "storage/engine.h"
#include "storage/sealing/sealed_engine.h"
#include "tests/e2e/e2e_test.h"
#include "tests/support/child_process.h"
#include "tests/support/people.h"
#include "tests/support/temp_dir.h"

namespace innkeeper {
namespace {

using grpc::StatusCode;
using storage::AuditKey;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::StartsWith;

constexpr absl::Duration kPatience = absl::Seconds(30);

std::string ZeroHash() { return std::string(storage::kAuditHashBytes, '\0'); }

// The hash of a record, made of what is exported alone, as audit_log.proto says.
std::string HashOf(const v1::AuditRecord& record) {
  const auto big_endian = [](int64_t number) {
    std::string bytes;
    for (int shift = 56; shift >= 0; shift -= 8) bytes += static_cast<char>(number >> shift);
    return bytes;
  };
  const int64_t micros =
      record.commit_time().seconds() * 1'000'000 + record.commit_time().nanos() / 1'000;
  const std::string text =
      absl::StrCat("innkeeper audit entry", big_endian(record.number()), record.previous_hash(),
                   big_endian(micros), record.payload());
  std::string hash(SHA256_DIGEST_LENGTH, '\0');
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(),
         reinterpret_cast<unsigned char*>(hash.data()));
  return hash;
}

// Expects that the records are a whole chain, and that they say what is hashed.
void ExpectChain(const std::vector<v1::AuditRecord>& records, const std::string& before) {
  std::string previous = before;
  int64_t number = records.empty() ? 0 : records.front().number();
  for (const v1::AuditRecord& record : records) {
    EXPECT_EQ(record.number(), number++);
    EXPECT_EQ(record.previous_hash(), previous) << record.number();
    EXPECT_EQ(record.hash(), HashOf(record)) << record.number();
    v1::AuditEntry entry;
    ASSERT_TRUE(entry.ParseFromString(record.payload()));
    EXPECT_EQ(entry.SerializeAsString(), record.entry().SerializeAsString());
    EXPECT_EQ(entry.salt().size(), 16u);
    previous = record.hash();
  }
}

// The revisions of a room before and after a change.
std::string ChangeOf(const v1::AuditedRoom& room) {
  return absl::StrCat(room.revision_before(), ">", room.revision_after());
}

class AuditTest : public testing::Test {
 protected:
  explicit AuditTest(
      TestServer::ChangeConfig change = [](ServerConfig&) {},
      TestServer::MakeSurroundings surroundings = [] { return Server::Surroundings(); })
      : server_(std::move(change), std::move(surroundings)) {}

  TestClient As(const std::string& principal) const {
    return {server_.address(), TestToken(principal)};
  }

  std::vector<v1::AuditEntry> Entries() const {
    std::vector<v1::AuditEntry> entries;
    for (const v1::AuditRecord& record : As("archivist").AuditLog()) {
      entries.push_back(record.entry());
    }
    return entries;
  }

  // Waits until there are that many entries: those of refused calls are written behind the
  // reply.
  std::vector<v1::AuditEntry> AwaitEntries(size_t count) const {
    const absl::Time deadline = absl::Now() + kPatience;
    std::vector<v1::AuditEntry> entries = Entries();
    while (entries.size() < count && absl::Now() < deadline) {
      std::this_thread::yield();
      entries = Entries();
    }
    EXPECT_EQ(entries.size(), count);
    entries.resize(count);
    return entries;
  }

  v1::VerifyAuditResponse Verify(const v1::VerifyAuditRequest& request = {}) const {
    const auto reply = As("archivist").VerifyAudit(request);
    EXPECT_TRUE(reply.ok()) << reply.status.error_message();
    return reply.response;
  }

  void ExpectIntact() const {
    const v1::VerifyAuditResponse response = Verify();
    EXPECT_TRUE(response.intact() && response.complete()) << response.ShortDebugString();
  }

  // Stops the server, and has `change` change its store, with its keys.
  void ChangeStore(const std::function<void(storage::SealedEngine&)>& change) {
    ASSERT_TRUE(server_.Stop().ok());
    auto store = OpenStore(server_.config(), {}, absl::Now());
    ASSERT_TRUE(store.ok()) << store.status();
    change(*store->sealed);
    ASSERT_TRUE(store->engine->Close().ok());
    store->engine.reset();
    server_.Start();
  }

  static void Put(storage::Engine& engine, uint64_t number, std::optional<std::string> value) {
    storage::CommitRequest request;
    request.writes.push_back({AuditKey(number), std::move(value)});
    ASSERT_TRUE(CommitAndWait(engine, std::move(request)).status.ok());
  }

  static std::string Value(const storage::Engine& engine, uint64_t number) {
    return (*engine.Get(AuditKey(number)))->value;
  }

  // Changes the store and expects that the log is then broken at that entry.
  void ExpectFound(const std::function<void(storage::SealedEngine&)>& change, int64_t number,
                   v1::AuditFault fault) {
    ASSERT_NO_FATAL_FAILURE(ChangeStore(change));
    const v1::VerifyAuditResponse response = Verify();
    EXPECT_FALSE(response.intact()) << response.ShortDebugString();
    EXPECT_EQ(response.broken_number(), number);
    EXPECT_EQ(v1::AuditFault_Name(response.fault()), v1::AuditFault_Name(fault));
  }

  // Makes a log of five entries.
  std::string MakeLog() {
    const TestClient backend = As("backend");
    std::string room_id = backend.Create(RoomRequest(kAlice)).room_id();
    for (int i = 0; i < 4; ++i) {
      EXPECT_TRUE(backend.SendEvent(SendRequest(room_id, kAlice, "text")).ok());
    }
    return room_id;
  }

  TestServer server_;
};

TEST_F(AuditTest, EveryChangeTellsWhoForWhomWhatAndWhere) {
  const TestClient backend = As("backend");
  v1::CreateRoomRequest create = RoomRequest(kAlice);
  create.set_request_id("create-1");
  const std::string room_id = backend.Create(create).room_id();
  v1::SendEventRequest send = SendRequest(room_id, kAlice, "secret text");
  send.set_transaction_id("transaction-1");
  ASSERT_TRUE(backend.SendEvent(send).ok());
  ASSERT_TRUE(As("alice").InviteUser(InviteRequest(room_id, kAlice, kBob)).ok());
  const auto upgraded = As("admin").UpgradeRoom(UpgradeRequest(room_id, kAlice, "12"));
  ASSERT_TRUE(upgraded.ok());
  const std::string new_room_id = upgraded.response.room().room_id();

  const std::vector<v1::AuditEntry> entries = Entries();
  ASSERT_THAT(entries, SizeIs(5));
  const std::vector<std::string> methods = {"CreateRoom", "SendEvent", "InviteUser", "UpgradeRoom",
                                            "UpgradeRoom"};
  const std::vector<std::string> principals = {"backend", "backend", "alice", "admin", "admin"};
  const std::vector<std::string> request_ids = {"create-1", "transaction-1", "", "", ""};
  const std::vector<std::string> changes = {"0>1", "1>2", "2>3", "3>4", "4>5"};
  for (size_t i = 0; i < entries.size(); ++i) {
    const v1::AuditEntry& entry = entries[i];
    EXPECT_EQ(entry.method(), methods[i]);
    EXPECT_EQ(entry.principal(), principals[i]);
    EXPECT_EQ(entry.credential(), v1::AUDIT_CREDENTIAL_TOKEN);
    EXPECT_EQ(entry.user(), kAlice);
    EXPECT_EQ(entry.request_id(), request_ids[i]);
    EXPECT_EQ(entry.target(), i == 0 ? "" : room_id);
    EXPECT_THAT(entry.peer(), StartsWith("ipv4:127.0.0.1:"));
    EXPECT_EQ(entry.outcome(), v1::AUDIT_OUTCOME_ALLOWED);
    EXPECT_EQ(entry.code(), 0);
    EXPECT_EQ(entry.reason(), "");
    EXPECT_FALSE(absl::StrContains(entry.SerializeAsString(), "secret"));
    const auto room =
        std::find_if(entry.rooms().begin(), entry.rooms().end(),
                     [&](const auto& changed) { return changed.room_id() == room_id; });
    ASSERT_NE(room, entry.rooms().end());
    EXPECT_EQ(ChangeOf(*room), changes[i]);
  }
  EXPECT_EQ(entries[3].step(), "lock");
  EXPECT_EQ(entries[4].step(), "");
  ASSERT_THAT(entries[4].rooms(), SizeIs(2));
  const auto& made = entries[4].rooms(entries[4].rooms(0).room_id() == room_id ? 1 : 0);
  EXPECT_EQ(made.room_id(), new_room_id);
  EXPECT_EQ(ChangeOf(made), "0>1");
  ExpectIntact();
}

TEST_F(AuditTest, ADeletedRoomIsGoneBehindItsEntry) {
  const std::string room_id = MakeLog();
  v1::DeleteRoomRequest request;
  request.set_room_id(room_id);
  ASSERT_TRUE(As("admin").DeleteRoom(request).ok());
  const std::vector<v1::AuditEntry> entries = Entries();
  ASSERT_THAT(entries, SizeIs(6));
  EXPECT_EQ(entries[5].method(), "DeleteRoom");
  EXPECT_EQ(entries[5].principal(), "admin");
  EXPECT_EQ(entries[5].target(), room_id);
  ASSERT_THAT(entries[5].rooms(), SizeIs(1));
  EXPECT_EQ(entries[5].rooms(0).room_id(), room_id);
  EXPECT_EQ(ChangeOf(entries[5].rooms(0)), "5>0");
}

TEST_F(AuditTest, WhatChangesNothingHasNoEntry) {
  const TestClient backend = As("backend");
  v1::CreateRoomRequest create = RoomRequest(kAlice);
  create.set_validate_only(true);
  ASSERT_TRUE(backend.CreateRoom(create).ok());
  create.set_validate_only(false);
  create.set_request_id("create-1");
  const std::string room_id = backend.Create(create).room_id();
  EXPECT_EQ(backend.Create(create).room_id(), room_id);
  ASSERT_TRUE(backend.JoinRoom(JoinRequest(room_id, kAlice)).ok()) << "joined already";
  EXPECT_FALSE(backend.CreateRoom({}).ok());
  v1::UpgradeRoomRequest upgrade = UpgradeRequest(room_id, kAlice, "12");
  upgrade.set_validate_only(true);
  ASSERT_TRUE(backend.UpgradeRoom(upgrade).ok());
  EXPECT_THAT(Entries(), SizeIs(1));
}

TEST_F(AuditTest, RefusedCallsTellWhoWasRefusedWhatAndWhy) {
  const std::string room_id = As("backend").Create(RoomRequest(kBob)).room_id();
  EXPECT_FALSE(TestClient(server_.address(), "").GetRoom(GetRequest(room_id, kAlice)).ok());
  EXPECT_FALSE(TestClient(server_.address(), "wrong-token").CreateRoom(RoomRequest(kAlice)).ok());
  EXPECT_FALSE(As("nobody").CreateRoom(RoomRequest(kAlice)).ok());
  EXPECT_FALSE(As("alice").SendEvent(SendRequest(room_id, kBob, "text")).ok());
  EXPECT_FALSE(As("alice").GetRoom(GetRequest(room_id, kAlice)).ok());
  EXPECT_FALSE(As("alice").UpgradeRoom(UpgradeRequest(room_id, kAlice, "12")).ok());
  EXPECT_FALSE(As("alice").ExportRoom(ExportRequest(room_id, kAlice)).status.ok());
  ASSERT_TRUE(As("backend").InviteUser(InviteRequest(room_id, kBob, kAlice)).ok());
  ASSERT_TRUE(As("alice").JoinRoom(JoinRequest(room_id, kAlice)).ok());
  EXPECT_FALSE(As("alice").BanUser(BanRequest(room_id, kAlice, kBob)).ok());

  struct Refused {
    std::string principal;
    v1::AuditCredential credential;
    std::string user;
    std::string method;
    std::string target;
    StatusCode code;
    std::string reason;
  };
  constexpr auto kToken = v1::AUDIT_CREDENTIAL_TOKEN;
  const std::vector<Refused> expected = {
      {"", v1::AUDIT_CREDENTIAL_NONE, "", "GetRoom", "", StatusCode::UNAUTHENTICATED,
       "CREDENTIALS_INVALID"},
      {"", kToken, "", "CreateRoom", "", StatusCode::UNAUTHENTICATED, "CREDENTIALS_INVALID"},
      {"nobody", kToken, "", "CreateRoom", "", StatusCode::PERMISSION_DENIED, "ROLE_MISSING"},
      {"alice", kToken, kBob, "SendEvent", room_id, StatusCode::PERMISSION_DENIED,
       "USER_NOT_ALLOWED"},
      {"alice", kToken, kAlice, "GetRoom", room_id, StatusCode::NOT_FOUND, "ROOM_NOT_FOUND"},
      {"alice", kToken, kAlice, "UpgradeRoom", room_id, StatusCode::NOT_FOUND, "ROOM_NOT_FOUND"},
      {"alice", kToken, kAlice, "ExportRoom", room_id, StatusCode::NOT_FOUND, "ROOM_NOT_FOUND"},
      {"alice", kToken, kAlice, "BanUser", room_id, StatusCode::PERMISSION_DENIED,
       "INSUFFICIENT_POWER"},
  };
  std::set<std::string> refused;
  for (const v1::AuditEntry& entry : AwaitEntries(3 + expected.size())) {
    EXPECT_FALSE(absl::StrContains(entry.SerializeAsString(), "token"));
    EXPECT_THAT(entry.peer(), StartsWith("ipv4:127.0.0.1:"));
    if (entry.outcome() != v1::AUDIT_OUTCOME_REFUSED) continue;
    EXPECT_THAT(entry.rooms(), IsEmpty());
    refused.insert(absl::StrCat(entry.principal(), " ", entry.credential(), " ", entry.user(), " ",
                                entry.method(), " ", entry.target(), " ", entry.code(), " ",
                                entry.reason()));
  }
  for (const Refused& one : expected) {
    const std::string text =
        absl::StrCat(one.principal, " ", one.credential, " ", one.user, " ", one.method, " ",
                     one.target, " ", one.code, " ", one.reason);
    EXPECT_TRUE(refused.contains(text)) << text;
  }
  ExpectIntact();
}

TEST_F(AuditTest, SubscriptionsAndImportsAreToldOf) {
  v1::CreateSubscriptionRequest create;
  create.mutable_subscription()->set_name("orders");
  ASSERT_TRUE(As("watcher").CreateSubscription(create).ok());
  v1::DeleteSubscriptionRequest remove;
  remove.set_name("orders");
  ASSERT_TRUE(As("watcher").DeleteSubscription(remove).ok());
  TestServer other;
  const TestClient there(other.address(), TestToken("admin"));
  const std::string room_id = there.Create(RoomRequest(kAlice)).room_id();
  ASSERT_TRUE(
      As("admin").ImportRoom(ImportRequests(there.ExportRoom(ExportRequest(room_id)))).ok());
  const std::vector<v1::AuditEntry> entries = Entries();
  ASSERT_THAT(entries, SizeIs(3));
  EXPECT_EQ(entries[0].method(), "CreateSubscription");
  EXPECT_EQ(entries[1].method(), "DeleteSubscription");
  for (const int i : {0, 1}) {
    EXPECT_EQ(entries[i].principal(), "watcher");
    EXPECT_EQ(entries[i].target(), "orders");
    EXPECT_THAT(entries[i].rooms(), IsEmpty());
  }
  EXPECT_EQ(entries[2].method(), "ImportRoom");
  EXPECT_EQ(entries[2].principal(), "admin");
  ASSERT_THAT(entries[2].rooms(), SizeIs(1));
  EXPECT_EQ(entries[2].rooms(0).room_id(), room_id);
  EXPECT_EQ(entries[2].rooms(0).revision_before(), 0);
}

class SupervisedAuditTest : public AuditTest {
 protected:
  SupervisedAuditTest()
      : AuditTest([](ServerConfig& config) {
          config.supervise_upgrades = true;
          config.supervise_creation = true;
        }) {}
};

TEST_F(SupervisedAuditTest, WhatIsApprovedTellsWhoAskedAndWhoApproved) {
  const auto asked = As("backend").CreateRoom(RoomRequest(kAlice));
  v1::ApproveCreationRequest approve_creation;
  approve_creation.set_approval_id(asked.response.pending_approval().approval_id());
  const auto created = As("approver").ApproveCreation(approve_creation);
  ASSERT_TRUE(created.ok()) << created.status.error_message();
  const std::string room_id = created.response.room().room_id();
  const auto waiting = As("backend").UpgradeRoom(UpgradeRequest(room_id, kAlice, "12"));
  v1::ApproveUpgradeRequest approve;
  approve.set_room_id(room_id);
  approve.set_approval_id(waiting.response.pending_approval().approval_id());
  ASSERT_TRUE(As("approver").ApproveUpgrade(approve).ok());

  const std::vector<v1::AuditEntry> entries = Entries();
  std::vector<std::string> told;
  told.reserve(entries.size());
  for (const v1::AuditEntry& entry : entries) {
    told.push_back(absl::StrCat(entry.principal(), " ", entry.method(), " ", entry.step()));
  }
  EXPECT_THAT(told, ElementsAre("backend CreateRoom ", "approver ApproveCreation ",
                                "backend UpgradeRoom wait", "approver ApproveUpgrade approve",
                                "approver ApproveUpgrade "));
  EXPECT_THAT(entries[0].rooms(), IsEmpty());
  EXPECT_EQ(entries[1].target(), approve_creation.approval_id());
  EXPECT_EQ(ChangeOf(entries[1].rooms(0)), "0>1");
  EXPECT_EQ(ChangeOf(entries[2].rooms(0)), "1>2");
  EXPECT_EQ(ChangeOf(entries[3].rooms(0)), "2>3");
  EXPECT_THAT(entries[4].rooms(), SizeIs(2));
  ExpectIntact();
}

class AuditSuppressionTest : public AuditTest {
 protected:
  AuditSuppressionTest()
      : AuditTest([](ServerConfig& config) {
          config.audit_refusal_rate = 0.0001;
          config.audit_refusal_burst = 2;
          config.metrics_address = "127.0.0.1:0";
        }) {}
};

TEST_F(AuditSuppressionTest, RefusalsThatComeTooFastAreCounted) {
  for (int i = 0; i < 6; ++i) EXPECT_FALSE(As("nobody").CreateRoom(RoomRequest(kAlice)).ok());
  AwaitEntries(2);
  EXPECT_THAT(MetricsOf(server_), AllOf(HasSubstr("innkeeper_audit_head 2\n"),
                                        HasSubstr("innkeeper_audit_refusals_total 2\n"),
                                        HasSubstr("innkeeper_audit_suppressed_refusals_total 4\n"),
                                        HasSubstr("innkeeper_audit_dropped_refusals_total 0\n")));
  ASSERT_TRUE(server_.Stop().ok());
  server_.Start();
  const std::vector<v1::AuditEntry> entries = AwaitEntries(3);
  EXPECT_EQ(entries[2].method(), "maintenance");
  EXPECT_EQ(entries[2].principal(), "");
  EXPECT_EQ(entries[2].suppressed_count(), 4);
  ExpectIntact();
}

class NoAuditTest : public AuditTest {
 protected:
  NoAuditTest() : AuditTest([](ServerConfig& config) { config.audit = false; }) {}
};

TEST_F(NoAuditTest, NothingIsWrittenWhereItIsOff) {
  MakeLog();
  EXPECT_FALSE(As("nobody").CreateRoom(RoomRequest(kAlice)).ok());
  EXPECT_THAT(Entries(), IsEmpty());
  ExpectIntact();
}

class NoAuditRetentionTest : public AuditTest {
 protected:
  NoAuditRetentionTest()
      : AuditTest(
            [](ServerConfig& config) {
              config.audit = false;
              config.audit_retention = absl::Hours(24);
              config.event_retention = absl::Hours(24);
              config.metrics_address = "127.0.0.1:0";
            },
            [] {
              Server::Surroundings surroundings;
              surroundings.clock = [] { return absl::Now() + absl::Hours(hours_ahead_.load()); };
              return surroundings;
            }) {}

  // Waits for the removal of old events, behind which it is the turn of the audit log.
  void AwaitRetention() {
    const absl::Time deadline = absl::Now() + kPatience;
    while (absl::StrContains(MetricsOf(server_), "\ninnkeeper_log_removed_events_total 0\n")) {
      ASSERT_LT(absl::Now(), deadline);
      std::this_thread::yield();
    }
  }

  static inline std::atomic<int> hours_ahead_ = 0;  // of the server's clock
};

TEST_F(NoAuditRetentionTest, ALogThatIsThereStaysWhereItIsOff) {
  MakeLog();
  ASSERT_NO_FATAL_FAILURE(ChangeStore([](storage::SealedEngine& engine) {
    storage::CommitRequest request;
    request.audit_entries.resize(3);
    ASSERT_TRUE(CommitAndWait(engine, std::move(request)).status.ok());
  }));
  hours_ahead_ = 48;
  ASSERT_NO_FATAL_FAILURE(AwaitRetention());
  ASSERT_TRUE(server_.Stop().ok()) << "which ends what maintenance has begun";
  server_.Start();
  EXPECT_THAT(Entries(), SizeIs(3));
}

TEST_F(AuditTest, AnExportIsVerifiedByItself) {
  const std::string room_id = MakeLog();
  const std::vector<v1::AuditRecord> records = As("archivist").AuditLog();
  ASSERT_THAT(records, SizeIs(5));
  ASSERT_NO_FATAL_FAILURE(ExpectChain(records, ZeroHash()));
  const v1::VerifyAuditResponse verified = Verify();
  EXPECT_EQ(verified.head().number(), 5);
  EXPECT_EQ(verified.head().hash(), records.back().hash());
  // A later export goes on behind it.
  ASSERT_TRUE(As("backend").SendEvent(SendRequest(room_id, kAlice, "more")).ok());
  const std::vector<v1::AuditRecord> more = As("archivist").AuditLog(6);
  ASSERT_THAT(more, SizeIs(1));
  ExpectChain(more, records.back().hash());
  v1::VerifyAuditRequest from_there;
  from_there.set_first_number(6);
  *from_there.mutable_anchor() = verified.last();
  EXPECT_TRUE(Verify(from_there).intact());
  from_there.mutable_anchor()->mutable_hash()->front() ^= 1;
  EXPECT_EQ(Verify(from_there).fault(), v1::AUDIT_FAULT_ANCHOR_MISMATCH);
}

TEST_F(AuditTest, AnAlteredEntryIsFound) {
  MakeLog();
  ExpectFound(
      [](storage::SealedEngine& engine) {
        std::string value = Value(engine, 2);
        const size_t at = value.find("backend");
        ASSERT_NE(at, std::string::npos);
        Put(engine, 2, value.replace(at, 7, "nobody!"));
      },
      3, v1::AUDIT_FAULT_WRONG_PREVIOUS_HASH);
}

TEST_F(AuditTest, ARemovedEntryIsFound) {
  MakeLog();
  ExpectFound([](storage::SealedEngine& engine) { Put(engine, 3, std::nullopt); }, 3,
              v1::AUDIT_FAULT_MISSING);
}

TEST_F(AuditTest, SwappedEntriesAreFound) {
  MakeLog();
  ExpectFound(
      [](storage::SealedEngine& engine) {
        const std::string value = Value(engine, 2);
        Put(engine, 2, Value(engine, 3));
        Put(engine, 3, value);
      },
      2, v1::AUDIT_FAULT_WRONG_PREVIOUS_HASH);
}

TEST_F(AuditTest, AMissingEndIsFoundAndNewEntriesDoNotHideIt) {
  const std::string room_id = MakeLog();
  ExpectFound([](storage::SealedEngine& engine) { Put(engine, 5, std::nullopt); }, 5,
              v1::AUDIT_FAULT_MISSING);
  ASSERT_TRUE(As("backend").SendEvent(SendRequest(room_id, kAlice, "more")).ok());
  EXPECT_EQ(Verify().broken_number(), 5);
  EXPECT_EQ(Verify().head().number(), 6);
}

// Without the keys nothing of an entry can be changed but that it can't be read any more.
TEST_F(AuditTest, ASpoiledEntryIsFoundAndIsNoErrorOfTheCall) {
  MakeLog();
  ExpectFound(
      [](storage::SealedEngine& engine) {
        std::string sealed = Value(engine.unsealed(), 4);
        sealed.back() ^= 1;
        Put(engine.unsealed(), 4, sealed);
      },
      4, v1::AUDIT_FAULT_UNREADABLE);
}

TEST_F(AuditTest, GoesOnBehindARestart) {
  const std::string room_id = MakeLog();
  for (int restart = 1; restart <= 3; ++restart) {
    ASSERT_TRUE(server_.Stop().ok());
    server_.Start();
    ASSERT_TRUE(As("backend").SendEvent(SendRequest(room_id, kAlice, "text")).ok());
    EXPECT_EQ(Verify().head().number(), 5 + restart);
  }
  ExpectIntact();
  ExpectChain(As("archivist").AuditLog(), ZeroHash());
}

TEST_F(AuditTest, InvalidRequestsAreToldWhatIsWrong) {
  v1::VerifyAuditRequest request;
  request.set_first_number(-1);
  request.set_max_entries(-1);
  request.mutable_anchor()->set_number(-1);
  EXPECT_THAT(As("archivist").VerifyAudit(request).status,
              IsInvalid({"first_number", "max_entries", "anchor.number", "anchor.hash"}));
  v1::VerifyAuditRequest before;
  before.set_first_number(5);
  before.mutable_anchor()->set_number(3);
  before.mutable_anchor()->set_hash(ZeroHash());
  EXPECT_THAT(As("archivist").VerifyAudit(before).status, IsInvalid({"anchor.number"}));
}

// What is acknowledged has its entry whenever the server is killed, and the chain holds.
TEST(AuditKillTest, EveryAcknowledgedChangeHasItsEntry) {
  const TempDir dir;
  dir.Write("tokens.json", TestTokenFile());
  std::set<std::string> acknowledged;
  for (int round = 0; round < 4; ++round) {
    ChildProcess server(
        INNKEEPER_SERVER,
        {"--server_name=example.org", "--listen_address=127.0.0.1:0", "--data_dir",
         dir.File("data"), "--tokens_file", dir.File("tokens.json"), "--rate_limits=off"},
        dir.File("log"));
    const auto address = ReadReadyAddress(server);
    ASSERT_TRUE(address.has_value());
    const TestClient admin(*address, TestToken("admin"));
    std::set<std::string> audited;
    const std::vector<v1::AuditRecord> records = admin.AuditLog();
    ASSERT_NO_FATAL_FAILURE(ExpectChain(records, ZeroHash()));
    for (const v1::AuditRecord& record : records) {
      for (const auto& room : record.entry().rooms()) audited.insert(room.room_id());
    }
    for (const std::string& room_id : acknowledged) EXPECT_TRUE(audited.contains(room_id));
    const auto verified = admin.VerifyAudit({});
    EXPECT_TRUE(verified.response.intact()) << verified.response.ShortDebugString();
    std::vector<std::thread> callers;
    std::vector<std::set<std::string>> made(4);
    callers.reserve(made.size());
    for (std::set<std::string>& rooms : made) {
      callers.emplace_back([&rooms, &admin] {
        while (true) {
          const auto reply = admin.CreateRoom(RoomRequest(kAlice));
          if (!reply.ok()) return;
          rooms.insert(reply.response.room().room_id());
        }
      });
    }
    while (admin.AuditLog().size() < records.size() + 20) {
    }
    server.Signal(SIGKILL);
    for (std::thread& caller : callers) caller.join();
    server.Wait();
    for (const std::set<std::string>& rooms : made) acknowledged.insert(rooms.begin(), rooms.end());
  }
  EXPECT_GT(acknowledged.size(), 40u);
}

}  // namespace
}  // namespace innkeeper
