// What is limited: how often things are done, how many streams are open, how long calls wait.

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "google/rpc/error_details.pb.h"
#include "server/base/random.h"
#include "server/metrics/action_rates.h"
#include "tests/e2e/e2e_test.h"
#include "tests/support/health_client.h"
#include "tests/support/manual_clock.h"
#include "tests/support/people.h"
#include "tests/support/watch_stream.h"

namespace innkeeper {
namespace {

using grpc::StatusCode;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

std::string QuotaSubjectOf(const grpc::Status& status) {
  google::rpc::QuotaFailure failure;
  EXPECT_TRUE(failure.ParseFromString(DetailOf(status, "google.rpc.QuotaFailure")));
  return failure.violations_size() == 1 ? failure.violations(0).subject() : "";
}

// A server with a clock that stands still, and a public room of kAlice.
class LimitsTest : public testing::Test {
 protected:
  void Start(TestServer::ChangeConfig change) {
    server_ = std::make_unique<TestServer>(std::move(change), [this] {
      Server::Surroundings surroundings;
      surroundings.clock = clock_.clock();
      return surroundings;
    });
    backend_ = std::make_unique<TestClient>(server_->address(), TestToken("backend"));
  }

  std::string NewRoom(const std::string& creator = kAlice) {
    v1::CreateRoomRequest request = RoomRequest(creator);
    request.set_preset(v1::ROOM_PRESET_PUBLIC_CHAT);
    return backend_->Create(request).room_id();
  }

  static std::string User(int i) { return absl::StrCat("@user", i, ":example.org"); }

  const ManualClock clock_{};
  std::unique_ptr<TestServer> server_;
  std::unique_ptr<TestClient> backend_;
};

// A rate, and a call that takes from it: the `i`th, for its own user or room if `elsewhere`.
struct RateRow {
  const char* limit;
  double ServerConfig::*rate;
  int ServerConfig::*burst;
  std::function<grpc::Status(const TestClient&, const std::string& room_id, int i)> call;
  const char* subject;
};

std::ostream& operator<<(std::ostream& out, const RateRow& row) { return out << row.limit; }

class RateTest : public LimitsTest, public testing::WithParamInterface<RateRow> {};

TEST_P(RateTest, RefusesWhatIsTooMuchAndSaysWhenToComeAgain) {
  const RateRow& row = GetParam();
  Start([&](ServerConfig& config) {
    config.*row.rate = 0.5;
    config.*row.burst = 3;
  });
  const std::string room_id = NewRoom();
  // What made the room may have taken from the rate too.
  clock_.Advance(absl::Seconds(100));
  for (int i = 0; i < 3; ++i) {
    const grpc::Status status = row.call(*backend_, room_id, i);
    ASSERT_TRUE(status.ok()) << i << " " << status.error_message();
  }
  const grpc::Status refused = row.call(*backend_, room_id, 3);
  EXPECT_THAT(refused, IsError(StatusCode::RESOURCE_EXHAUSTED, "RATE_LIMITED"));
  EXPECT_EQ(MetadataOf(refused)["limit"], row.limit);
  EXPECT_EQ(RetryDelayOf(refused), absl::Seconds(2));
  EXPECT_THAT(QuotaSubjectOf(refused), HasSubstr(row.subject));
  clock_.Advance(absl::Seconds(2) - absl::Milliseconds(1));
  EXPECT_FALSE(row.call(*backend_, room_id, 3).ok());
  clock_.Advance(absl::Milliseconds(1));
  EXPECT_TRUE(row.call(*backend_, room_id, 3).ok());
  EXPECT_FALSE(row.call(*backend_, room_id, 4).ok());
}

std::string NameOfUser(int i) { return absl::StrCat("@user", i, ":example.org"); }

const RateRow kRates[] = {
    {"principal_read_rate", &ServerConfig::principal_read_rate, &ServerConfig::principal_read_burst,
     [](const TestClient& client, const std::string& room_id, int) {
       return client.GetRoom(GetRequest(room_id, kAlice)).status;
     },
     "principal:backend"},
    {"principal_write_rate", &ServerConfig::principal_write_rate,
     &ServerConfig::principal_write_burst,
     [](const TestClient& client, const std::string& room_id, int i) {
       return client
           .SetAlias(SetAliasRequest(absl::StrCat("#alias", i, ":example.org"), room_id, kAlice))
           .status;
     },
     "principal:backend"},
    {"invite_rate", &ServerConfig::invite_rate, &ServerConfig::invite_burst,
     [](const TestClient& client, const std::string& room_id, int i) {
       return client.InviteUser(InviteRequest(room_id, kAlice, NameOfUser(i))).status;
     },
     "user:@alice:example.org"},
    {"room_invite_rate", &ServerConfig::room_invite_rate, &ServerConfig::room_invite_burst,
     [](const TestClient& client, const std::string& room_id, int i) {
       return client.InviteUser(InviteRequest(room_id, kAlice, NameOfUser(i))).status;
     },
     "room:!"},
    {"join_rate", &ServerConfig::join_rate, &ServerConfig::join_burst,
     [](const TestClient& client, const std::string& room_id, int) {
       // Each join is one, for the member has left meanwhile.
       grpc::Status status = client.JoinRoom(JoinRequest(room_id, kBob)).status;
       if (status.ok()) {
         EXPECT_TRUE(client.LeaveRoom(LeaveRequest(room_id, kBob)).ok());
       }
       return status;
     },
     "user:@bob:example.org"},
    {"room_join_rate", &ServerConfig::room_join_rate, &ServerConfig::room_join_burst,
     [](const TestClient& client, const std::string& room_id, int i) {
       return client.JoinRoom(JoinRequest(room_id, NameOfUser(i))).status;
     },
     "room:!"},
    {"message_rate", &ServerConfig::message_rate, &ServerConfig::message_burst,
     [](const TestClient& client, const std::string& room_id, int i) {
       if (i % 2 == 1) {
         return client
             .SetState(SetStateRequest(room_id, kAlice, "org.example.number",
                                       absl::StrCat(R"({"number": )", i, "}")))
             .status;
       }
       return client.SendEvent(SendRequest(room_id, kAlice, "hello")).status;
     },
     "user:@alice:example.org"},
    {"room_message_rate", &ServerConfig::room_message_rate, &ServerConfig::room_message_burst,
     [](const TestClient& client, const std::string& room_id, int) {
       return client.SendEvent(SendRequest(room_id, kAlice, "hello")).status;
     },
     "room:!"},
};

INSTANTIATE_TEST_SUITE_P(Each, RateTest, testing::ValuesIn(kRates),
                         [](const auto& test) { return std::string(test.param.limit); });

TEST_F(LimitsTest, UpgradesAreLimitedWhateverComesOfThem) {
  Start([](ServerConfig& config) {
    config.upgrade_rate = 0.5;
    config.upgrade_burst = 2;
  });
  const std::string first = NewRoom();
  const std::string second = NewRoom();
  v1::UpgradeRoomRequest upgrade = UpgradeRequest(first, kAlice, "11");
  upgrade.set_request_id("once");
  ASSERT_TRUE(backend_->UpgradeRoom(upgrade).ok());
  EXPECT_TRUE(backend_->UpgradeRoom(upgrade).ok()) << "carried out already";
  EXPECT_THAT(backend_->UpgradeRoom(UpgradeRequest(second, kAlice, "99")).status,
              IsError(StatusCode::INVALID_ARGUMENT, "ROOM_VERSION_UNSUPPORTED"));
  const grpc::Status refused = backend_->UpgradeRoom(UpgradeRequest(second, kAlice, "11")).status;
  EXPECT_THAT(refused, IsError(StatusCode::RESOURCE_EXHAUSTED, "RATE_LIMITED"));
  EXPECT_EQ(MetadataOf(refused)["limit"], "upgrade_rate");
  EXPECT_EQ(RetryDelayOf(refused), absl::Seconds(2));
  v1::UpgradeRoomRequest dry = UpgradeRequest(second, kAlice, "11");
  dry.set_validate_only(true);
  EXPECT_TRUE(backend_->UpgradeRoom(dry).ok());
  clock_.Advance(absl::Seconds(2));
  EXPECT_TRUE(backend_->UpgradeRoom(UpgradeRequest(second, kAlice, "11")).ok());
}

TEST_F(LimitsTest, AnUpgradeTakesItsMembersAlongWhateverTheRates) {
  Start([](ServerConfig& config) {
    config.room_join_rate = config.join_rate = config.room_message_rate = 0.0001;
    config.room_join_burst = 5;
    config.join_burst = config.room_message_burst = 1;
  });
  const std::string room_id = NewRoom();
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(backend_->JoinRoom(JoinRequest(room_id, User(i))).ok());
  }
  const auto upgraded = backend_->UpgradeRoom(UpgradeRequest(room_id, kAlice, "11"));
  ASSERT_TRUE(upgraded.ok()) << upgraded.status.error_message();
  EXPECT_EQ(upgraded.response.room().joined_member_count(), 6);
}

TEST_F(LimitsTest, AFloodOfMessagesKeepsNoModeratorOut) {
  Start([](ServerConfig& config) {
    config.room_message_rate = 0.0001;
    config.room_message_burst = 3;
  });
  const std::string room_id = NewRoom();
  ASSERT_TRUE(backend_->JoinRoom(JoinRequest(room_id, kBob)).ok());
  std::string spam;
  for (int i = 0; i < 3; ++i) {
    const auto sent = backend_->SendEvent(SendRequest(room_id, kBob, "spam"));
    ASSERT_TRUE(sent.ok());
    spam = sent.response.event().event_id();
  }
  EXPECT_FALSE(backend_->SendEvent(SendRequest(room_id, kBob, "spam")).ok());
  EXPECT_TRUE(backend_->RedactEvent(RedactRequest(room_id, kAlice, spam)).ok());
  EXPECT_TRUE(backend_->KickUser(KickRequest(room_id, kAlice, kBob)).ok());
  EXPECT_TRUE(backend_->BanUser(BanRequest(room_id, kAlice, kBob)).ok());
  EXPECT_TRUE(backend_->LeaveRoom(LeaveRequest(room_id, kAlice)).ok());
}

TEST_F(LimitsTest, WhatChangesNothingTakesNothing) {
  Start([](ServerConfig& config) {
    config.join_rate = config.message_rate = 0.0001;
    config.join_burst = config.message_burst = 2;
  });
  const std::string room_id = NewRoom();
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(backend_->JoinRoom(JoinRequest(room_id, kBob)).ok()) << "joined already";
    EXPECT_THAT(backend_->SendEvent(SendRequest(room_id, "@carol:example.org", "hello")).status,
                IsError(StatusCode::NOT_FOUND, "ROOM_NOT_FOUND"));
    v1::SendEventRequest request = SendRequest(room_id, kBob, "hello");
    request.set_transaction_id("once");
    EXPECT_TRUE(backend_->SendEvent(request).ok()) << "carried out already";
  }
}

TEST_F(LimitsTest, ObservedRatesRefuseNothingAndAreCounted) {
  Start([](ServerConfig& config) {
    config.rate_limits = RateLimitMode::kObserve;
    config.message_rate = 0.5;
    config.message_burst = 1;
    config.metrics_address = "127.0.0.1:0";
  });
  const std::string room_id = NewRoom();
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(backend_->SendEvent(SendRequest(room_id, kAlice, "hello")).ok());
  }
  EXPECT_THAT(MetricsOf(*server_),
              HasSubstr("innkeeper_limit_observed_total{limit=\"message_rate\"} 2"));
}

TEST_F(LimitsTest, RefusalsAreCountedByLimit) {
  Start([](ServerConfig& config) {
    config.message_rate = 0.5;
    config.message_burst = 1;
    config.metrics_address = "127.0.0.1:0";
  });
  const std::string room_id = NewRoom();
  EXPECT_TRUE(backend_->SendEvent(SendRequest(room_id, kAlice, "hello")).ok());
  EXPECT_FALSE(backend_->SendEvent(SendRequest(room_id, kAlice, "hello")).ok());
  EXPECT_THAT(MetricsOf(*server_),
              HasSubstr("innkeeper_limit_refusals_total{limit=\"message_rate\"} 1"));
}

TEST_F(LimitsTest, AFullRoomIsNotToldOfToStrangers) {
  Start([](ServerConfig& config) {
    config.room_message_rate = 0.5;
    config.room_message_burst = 1;
  });
  const std::string room_id = backend_->Create(RoomRequest(kAlice)).room_id();
  const auto send = [&](const char* user) {
    return backend_->SendEvent(SendRequest(room_id, user, "hello")).status;
  };
  ASSERT_TRUE(send(kAlice).ok());
  EXPECT_THAT(send(kAlice), IsError(StatusCode::RESOURCE_EXHAUSTED, "RATE_LIMITED"));
  EXPECT_THAT(send(kBob), IsError(StatusCode::NOT_FOUND, "ROOM_NOT_FOUND"));
}

TEST_F(LimitsTest, CallsForWhichARoleIsMissingCountToo) {
  Start([](ServerConfig& config) {
    config.principal_write_rate = 0.5;
    config.principal_write_burst = 1;
  });
  const TestClient reader(server_->address(), TestToken("reader"));
  EXPECT_THAT(reader.CreateRoom(RoomRequest(kAlice)).status,
              IsError(StatusCode::PERMISSION_DENIED, "ROLE_MISSING"));
  EXPECT_THAT(reader.CreateRoom(RoomRequest(kAlice)).status,
              IsError(StatusCode::RESOURCE_EXHAUSTED, "RATE_LIMITED"));
}

TEST_F(LimitsTest, WhoGuessesTokensIsNotListenedTo) {
  Start([](ServerConfig& config) {
    config.failed_login_rate = 0.5;
    config.failed_login_burst = 3;
  });
  const std::string room_id = NewRoom();
  const auto log_in = [&](const std::string& token) {
    return TestClient(server_->address(), token).GetRoom(GetRequest(room_id)).status;
  };
  for (int i = 0; i < 3; ++i) {
    EXPECT_THAT(log_in(absl::StrCat("guess", i)),
                IsError(StatusCode::UNAUTHENTICATED, "CREDENTIALS_INVALID"));
  }
  const grpc::Status refused = log_in("guess3");
  EXPECT_THAT(refused, IsError(StatusCode::RESOURCE_EXHAUSTED, "RATE_LIMITED"));
  EXPECT_EQ(MetadataOf(refused)["limit"], "failed_login_rate");
  EXPECT_EQ(RetryDelayOf(refused), absl::Seconds(2));
  EXPECT_THAT(log_in("a.jwt.guessed"), IsError(StatusCode::UNAUTHENTICATED, "CREDENTIALS_INVALID"))
      << "another kind of credential";
  EXPECT_TRUE(backend_->GetRoom(GetRequest(room_id, kAlice)).ok())
      << "a credential that was good before";
  EXPECT_FALSE(log_in(TestToken("reader")).ok()) << "a right guess is not told from a wrong one";
  clock_.Advance(absl::Seconds(2));
  EXPECT_TRUE(log_in(TestToken("reader")).ok());
  EXPECT_THAT(log_in("guess3"), IsError(StatusCode::UNAUTHENTICATED, "CREDENTIALS_INVALID"));
  EXPECT_THAT(log_in("guess4"), IsError(StatusCode::RESOURCE_EXHAUSTED, "RATE_LIMITED"));
  EXPECT_TRUE(log_in(TestToken("reader")).ok());
}

TEST_F(LimitsTest, StreamsAreLimitedForEachPrincipalAndInAll) {
  Start([](ServerConfig& config) {
    config.max_streams = 3;
    config.max_streams_per_principal = 2;
  });
  const TestClient watcher(server_->address(), TestToken("watcher"));
  const TestClient observer(server_->address(), TestToken("observer"));
  WatchStream first(watcher, {});
  first.UntilCaughtUp();
  WatchStream second(watcher, {});
  second.UntilCaughtUp();
  const grpc::Status refused = WatchStream(watcher, {}).Finish();
  EXPECT_THAT(refused, IsError(StatusCode::RESOURCE_EXHAUSTED, "LIMIT_EXCEEDED"));
  EXPECT_EQ(MetadataOf(refused)["limit"], "max_streams_per_principal");
  EXPECT_EQ(QuotaSubjectOf(refused), "principal:watcher");

  WatchStream other(observer, {});
  other.UntilCaughtUp();
  const grpc::Status full = WatchStream(observer, {}).Finish();
  EXPECT_THAT(full, IsError(StatusCode::RESOURCE_EXHAUSTED, "OVERLOADED"));
  EXPECT_EQ(MetadataOf(full)["limit"], "max_streams");
  EXPECT_EQ(RetryDelayOf(full), absl::Seconds(1));

  // A stream that ends leaves its place to another, of a consumer too.
  second.Cancel();
  EXPECT_FALSE(second.Finish().ok());
  grpc::Status status;
  do {
    WatchStream again(watcher, {});
    again.UntilCaughtUp();
    again.Cancel();
    status = again.Finish();
  } while (status.error_code() != StatusCode::CANCELLED);
}

TEST_F(LimitsTest, ARoomHasSoManyMembersAndNoMore) {
  Start([](ServerConfig& config) { config.max_room_members = 3; });
  const std::string room_id = NewRoom();
  ASSERT_TRUE(backend_->JoinRoom(JoinRequest(room_id, User(1))).ok());
  ASSERT_TRUE(backend_->InviteUser(InviteRequest(room_id, kAlice, User(2))).ok());
  for (const grpc::Status& refused :
       {backend_->JoinRoom(JoinRequest(room_id, User(3))).status,
        backend_->InviteUser(InviteRequest(room_id, kAlice, User(3))).status}) {
    EXPECT_THAT(refused, IsError(StatusCode::RESOURCE_EXHAUSTED, "LIMIT_EXCEEDED"));
    EXPECT_EQ(MetadataOf(refused)["limit"], "max_room_members");
    EXPECT_EQ(MetadataOf(refused)["most"], "3");
    EXPECT_EQ(QuotaSubjectOf(refused), absl::StrCat("room:", room_id));
  }
  EXPECT_TRUE(backend_->JoinRoom(JoinRequest(room_id, User(2))).ok()) << "counted as invited";
  EXPECT_TRUE(backend_->BanUser(BanRequest(room_id, kAlice, User(4))).ok()) << "no member";
  ASSERT_TRUE(backend_->LeaveRoom(LeaveRequest(room_id, User(1))).ok());
  EXPECT_TRUE(backend_->JoinRoom(JoinRequest(room_id, User(3))).ok());
  EXPECT_FALSE(backend_->JoinRoom(JoinRequest(room_id, User(5))).ok());
  const auto upgraded = backend_->UpgradeRoom(UpgradeRequest(room_id, kAlice, "11"));
  EXPECT_EQ(upgraded.response.room().joined_member_count(), 3) << "all come along";
}

TEST_F(LimitsTest, ManyWhoJoinAtOnceStayWithinTheLimit) {
  Start([](ServerConfig& config) { config.max_room_members = 10; });
  const std::string room_id = NewRoom();
  const std::vector<grpc::Status> joined = AtOnce(20, [&](int i) -> grpc::Status {
    return backend_->JoinRoom(JoinRequest(room_id, User(i))).status;
  });
  EXPECT_EQ(absl::c_count_if(joined, [](const grpc::Status& status) { return status.ok(); }), 9);
  EXPECT_EQ(TestClient(server_->address(), TestToken("reader")).Room(room_id).joined_member_count(),
            10);
}

TEST_F(LimitsTest, ANewRoomIsBoundToo) {
  Start([](ServerConfig& config) {
    config.max_room_members = 3;
    config.max_room_state_events = 20;
  });
  v1::CreateRoomRequest request = RoomRequest(kAlice);
  request.add_invites(User(1));
  request.add_invites(User(2));
  EXPECT_TRUE(backend_->CreateRoom(request).ok());
  request.add_invites(User(3));
  EXPECT_EQ(MetadataOf(backend_->CreateRoom(request).status)["limit"], "max_room_members");
  v1::CreateRoomRequest full = RoomRequest(kAlice);
  for (int i = 0; i < 20; ++i) {
    full.add_initial_state()->set_type("org.example.entry");
    full.mutable_initial_state(i)->set_state_key(absl::StrCat(i));
  }
  EXPECT_EQ(MetadataOf(backend_->CreateRoom(full).status)["limit"], "max_room_state_events");
}

TEST_F(LimitsTest, ARoomHasSoMuchStateAndNoMore) {
  Start([](ServerConfig& config) { config.max_room_state_events = 20; });
  const std::string room_id = NewRoom();
  const TestClient reader(server_->address(), TestToken("reader"));
  int64_t entries = 0;
  for (const auto& [position, event] : reader.State(room_id)) {
    if (position.first != "m.room.member") ++entries;
  }
  const auto set = [&](const std::string& id, int64_t i) {
    v1::SetStateRequest request =
        SetStateRequest(id, kAlice, "org.example.entry", absl::StrCat(R"({"value": )", i, "}"));
    request.set_state_key(absl::StrCat(i % 100));
    return backend_->SetState(request).status;
  };
  for (; entries < 20; ++entries) ASSERT_TRUE(set(room_id, entries).ok()) << entries;
  const grpc::Status refused = set(room_id, 20);
  EXPECT_THAT(refused, IsError(StatusCode::RESOURCE_EXHAUSTED, "LIMIT_EXCEEDED"));
  EXPECT_EQ(MetadataOf(refused)["limit"], "max_room_state_events");
  EXPECT_TRUE(set(room_id, 119).ok()) << "an entry that is there";
  EXPECT_TRUE(backend_->JoinRoom(JoinRequest(room_id, kBob)).ok()) << "a member";
  EXPECT_TRUE(backend_->SendEvent(SendRequest(room_id, kAlice, "hello")).ok());
  // The new room of an upgrade knows how much it has.
  const auto upgraded = backend_->UpgradeRoom(UpgradeRequest(room_id, kAlice, "11"));
  ASSERT_TRUE(upgraded.ok());
  const std::string new_id = upgraded.response.room().room_id();
  int64_t left = 20;
  for (const auto& [position, event] : reader.State(new_id)) {
    if (position.first != "m.room.member") --left;
  }
  ASSERT_GT(left, 0);
  for (int64_t i = 50; left > 0; --left, ++i) EXPECT_TRUE(set(new_id, i).ok()) << left;
  EXPECT_FALSE(set(new_id, 99).ok());
}

TEST_F(LimitsTest, ARoomHasSoManyAliasesAndNoMore) {
  Start([](ServerConfig& config) { config.max_room_aliases = 2; });
  const std::string room_id = NewRoom();
  const auto set = [&](const std::string& alias) {
    return backend_->SetAlias(SetAliasRequest(alias, room_id, kAlice)).status;
  };
  EXPECT_TRUE(set("#a:example.org").ok());
  EXPECT_TRUE(set("#b:example.org").ok());
  EXPECT_TRUE(set("#b:example.org").ok()) << "it is set already";
  const grpc::Status refused = set("#c:example.org");
  EXPECT_THAT(refused, IsError(StatusCode::RESOURCE_EXHAUSTED, "LIMIT_EXCEEDED"));
  EXPECT_EQ(MetadataOf(refused)["limit"], "max_room_aliases");
  v1::DeleteAliasRequest remove;
  remove.set_alias("#a:example.org");
  remove.set_requester(kAlice);
  EXPECT_TRUE(backend_->DeleteAlias(remove).ok());
  EXPECT_TRUE(set("#c:example.org").ok());
}

TEST_F(LimitsTest, ACreatorHasSoManyRoomsHoweverTheyCome) {
  Start([](ServerConfig& config) { config.max_rooms_per_creator = 10; });
  v1::CreateRoomRequest dry = RoomRequest(kAlice);
  dry.set_validate_only(true);
  v1::CreateRoomRequest wrong = RoomRequest(kAlice);
  wrong.set_name(std::string(1000, 'x'));
  for (int i = 0; i < 20; ++i) {
    EXPECT_TRUE(backend_->CreateRoom(dry).ok());
    EXPECT_FALSE(backend_->CreateRoom(wrong).ok());
  }
  const std::vector<grpc::Status> outcomes = AtOnce(
      20, [&](int) -> grpc::Status { return backend_->CreateRoom(RoomRequest(kAlice)).status; });
  int created = 0;
  for (const grpc::Status& outcome : outcomes) {
    if (outcome.ok()) {
      ++created;
      continue;
    }
    EXPECT_THAT(outcome, IsError(StatusCode::RESOURCE_EXHAUSTED, "LIMIT_EXCEEDED"));
    EXPECT_EQ(MetadataOf(outcome)["limit"], "max_rooms_per_creator");
    EXPECT_EQ(QuotaSubjectOf(outcome), "user:@alice:example.org");
  }
  EXPECT_EQ(created, 10);
  EXPECT_TRUE(backend_->CreateRoom(RoomRequest(kBob)).ok());
  ASSERT_TRUE(server_->Stop().ok());
  server_->Start();
  const TestClient again(server_->address(), TestToken("backend"));
  EXPECT_FALSE(again.CreateRoom(RoomRequest(kAlice)).ok()) << "the store knows";
  EXPECT_TRUE(again.CreateRoom(RoomRequest(kBob)).ok());
}

// A server whose only thread for writes is held by a creation, until the test lets it go on.
class OverloadTest : public testing::Test {
 protected:
  void Start(TestServer::ChangeConfig change) {
    server_ = std::make_unique<TestServer>(
        [&](ServerConfig& config) {
          config.write_threads = 1;
          config.metrics_address = "127.0.0.1:0";
          change(config);
        },
        [this] {
          Server::Surroundings surroundings;
          surroundings.random = [this, random = SecureRandom()](size_t count) {
            if (count == kNonceBytes && armed_.exchange(false)) {
              held_.Notify();
              let_go_.WaitForNotification();
            }
            return random(count);
          };
          return surroundings;
        });
    admin_ = std::make_unique<TestClient>(server_->address(), TestToken("admin"));
    room_id_ = admin_->Create(RoomRequest(kAlice)).room_id();
  }

  void Hold() {
    armed_ = true;
    CallInBackground(RoomRequest(kAlice));
    held_.WaitForNotification();
  }

  void CallInBackground(const v1::CreateRoomRequest& request) {
    callers_.emplace_back([this, request] {
      const grpc::Status status = admin_->CreateRoom(request).status;
      const absl::MutexLock lock(&mutex_);
      outcomes_.push_back(status);
    });
  }

  // Creates a room, with that deadline.
  grpc::Status CreateWithin(absl::Duration time) {
    grpc::ClientContext context;
    admin_->Prepare(context);
    context.set_deadline(std::chrono::system_clock::now() + absl::ToChronoNanoseconds(time));
    v1::CreateRoomResponse response;
    return admin_->stub().CreateRoom(&context, RoomRequest(kAlice), &response);
  }

  // Makes a call that reaches the server, and that it has no thread for within `time`.
  void CreateTooLate(absl::Duration time) {
    const std::string before = RequestBytes();
    do {
      EXPECT_EQ(CreateWithin(time).error_code(), StatusCode::DEADLINE_EXCEEDED);
    } while (RequestBytes() == before);
  }

  int64_t RoomCount() { return admin_->ListRooms({}).response.rooms_size(); }

  // How many bytes the requests have that wait or are worked on.
  std::string RequestBytes() {
    const std::string metrics = MetricsOf(*server_);
    const size_t begin = metrics.find(kRequestBytes) + sizeof(kRequestBytes) - 1;
    return metrics.substr(begin, metrics.find('\n', begin) - begin);
  }

  void AwaitRequestBytes(size_t bytes) {
    while (RequestBytes() != absl::StrCat(bytes)) std::this_thread::yield();
  }

  std::vector<grpc::Status> LetGo() {
    let_go_.Notify();
    for (std::thread& caller : callers_) caller.join();
    callers_.clear();
    const absl::MutexLock lock(&mutex_);
    return outcomes_;
  }

  static constexpr size_t kNonceBytes = 32;
  static constexpr char kRequestBytes[] = "\ninnkeeper_request_bytes ";

  std::atomic<bool> armed_ = false;
  absl::Notification held_;
  absl::Notification let_go_;
  std::unique_ptr<TestServer> server_;
  std::unique_ptr<TestClient> admin_;
  std::string room_id_;
  std::vector<std::thread> callers_;
  absl::Mutex mutex_;
  std::vector<grpc::Status> outcomes_;
};

TEST_F(OverloadTest, WritesAreRefusedEarlyWhileReadsAndHealthGoOn) {
  Start([](ServerConfig& config) { config.max_queue_time = absl::Milliseconds(10); });
  Hold();
  // Writes wait for the thread until one has waited for too long.
  CallInBackground(RoomRequest(kBob));
  grpc::Status refused;
  do {
    refused = CreateWithin(absl::Milliseconds(20));
  } while (refused.error_code() == StatusCode::DEADLINE_EXCEEDED);
  EXPECT_THAT(refused, IsError(StatusCode::RESOURCE_EXHAUSTED, "OVERLOADED"));
  EXPECT_EQ(MetadataOf(refused)["limit"], "max_queue_time");
  EXPECT_GT(RetryDelayOf(refused), absl::ZeroDuration());
  EXPECT_TRUE(admin_->GetRoom(GetRequest(room_id_)).ok());
  EXPECT_TRUE(admin_->GetRoomState(StateRequest(room_id_)).ok());
  EXPECT_EQ(HealthOf(server_->address(), ""), "SERVING");
  EXPECT_EQ(HealthOf(server_->address(), "innkeeper.v1.RoomLifecycle"), "SERVING");
  for (const grpc::Status& outcome : LetGo()) EXPECT_TRUE(outcome.ok());
  // It recovers, once what nobody waits for any more is out of the queue.
  while (!admin_->CreateRoom(RoomRequest(kAlice)).ok()) {
  }
}

TEST_F(OverloadTest, RequestsThatWaitTakeSoManyBytesAndNoMore) {
  Start([](ServerConfig& config) { config.max_request_bytes = 1000; });
  Hold();
  v1::CreateRoomRequest large = RoomRequest(kBob);
  large.set_topic(std::string(1000, 'x'));
  const grpc::Status refused = admin_->CreateRoom(large).status;
  EXPECT_THAT(refused, IsError(StatusCode::RESOURCE_EXHAUSTED, "OVERLOADED"));
  EXPECT_EQ(MetadataOf(refused)["limit"], "max_request_bytes");
  EXPECT_TRUE(admin_->GetRoom(GetRequest(room_id_)).ok());
  large.set_topic(std::string(800, 'x'));
  CallInBackground(large);
  for (const grpc::Status& outcome : LetGo()) EXPECT_TRUE(outcome.ok());
  // What was taken is given back.
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(admin_->CreateRoom(large).ok());
}

TEST_F(OverloadTest, ACallThatWaitedForTooLongIsNotBegun) {
  Start([](ServerConfig& config) { config.max_call_time = absl::Milliseconds(50); });
  const int64_t before = RoomCount();
  Hold();
  CallInBackground(RoomRequest(kBob));
  AwaitRequestBytes(RoomRequest(kAlice).ByteSizeLong() + RoomRequest(kBob).ByteSizeLong());
  const absl::Time waited_long = absl::Now() + absl::Milliseconds(51);
  while (absl::Now() < waited_long) std::this_thread::yield();
  EXPECT_THAT(LetGo(),
              UnorderedElementsAre(IsError(StatusCode::OK, ""),
                                   IsError(StatusCode::DEADLINE_EXCEEDED, "DEADLINE_PASSED")));
  EXPECT_EQ(RoomCount(), before + 1) << "of the call that had begun";
}

// Deadlines that pass while a call waits count against the service, but for those that no
// server can be relied on to keep.
TEST_F(OverloadTest, OnlyFairDeadlinesCountAgainstTheService) {
  Start([](ServerConfig&) {});
  Hold();
  CreateTooLate(metrics::kLeastAllowance / 2);
  CreateTooLate(metrics::kLeastAllowance * 2);
  for (const grpc::Status& outcome : LetGo()) EXPECT_TRUE(outcome.ok());
  EXPECT_TRUE(admin_->CreateRoom(RoomRequest(kAlice)).ok()) << "when those before are over";
  const std::string metrics = MetricsOf(*server_);
  EXPECT_THAT(metrics, HasSubstr("\ninnkeeper_window_actions 4\n"));
  EXPECT_THAT(metrics, HasSubstr("\ninnkeeper_window_failures 1\n"));
}

}  // namespace
}  // namespace innkeeper
