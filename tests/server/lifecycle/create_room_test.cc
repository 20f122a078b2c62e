#include "server/lifecycle/create_room.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "server/errors/errors.h"
#include "server/events/event_codec.h"
#include "server/lifecycle/request_log.h"
#include "server/lifecycle/transaction.h"
#include "storage/room_store.h"
#include "tests/support/hooked_engine.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_engine.h"

namespace innkeeper::lifecycle {
namespace {

using storage::RoomReader;

class CreateRoomTest : public testing::Test {
 protected:
  CreateRoomTest()
      : store_(storage::OpenTestEngine(dir_.File("data"))),
        engine_(*store_),
        clock_([this] { return now_; }),
        random_([this](size_t count) { return NextRandom(count); }),
        transactor_(engine_, executor_, clock_, {.request_retention = absl::Hours(24)}) {
    options_.server_name = "example.org";
    options_.encryption_algorithm = "m.megolm.v1.aes-sha2";
  }

  absl::StatusOr<v1::CreateRoomResponse> Create(CreateRoomCommand command) {
    if (creator_ == nullptr) creator_ = std::make_unique<RoomCreator>(clock_, random_, options_);
    return transactor_.RunAndWait(creator_->Create(std::move(command)));
  }

  // What the test put in `randoms_`, then something new each time.
  std::string NextRandom(size_t count) const {
    if (!randoms_.empty()) {
      std::string next = randoms_.front();
      randoms_.erase(randoms_.begin());
      return next;
    }
    return SecureRandom()(count);
  }

  static CreateRoomCommand Command(const std::string& alias = "") {
    CreateRoomCommand command;
    command.spec.creator = "@alice:example.org";
    command.spec.version = rooms::FindRoomVersion("11");
    command.spec.alias = alias;
    return command;
  }

  static CreateRoomCommand RequestCommand(const std::string& request_id,
                                          const std::string& fingerprint) {
    CreateRoomCommand command = Command();
    command.identity = {{"backend", request_id}, fingerprint};
    return command;
  }

  size_t RoomCount() {
    size_t count = 0;
    EXPECT_TRUE(RoomReader(engine_)
                    .ScanRooms("",
                               [&](const storage::RoomRecord&) {
                                 ++count;
                                 return true;
                               })
                    .ok());
    return count;
  }

  TempDir dir_;
  absl::Time now_ = absl::FromUnixSeconds(1'700'000'000);
  mutable std::vector<std::string> randoms_;
  std::unique_ptr<storage::Engine> store_;
  storage::HookedEngine engine_;
  Clock clock_;
  RandomBytes random_;
  Executor executor_{2, 100};
  Transactor transactor_;
  RoomCreator::Options options_;
  std::unique_ptr<RoomCreator> creator_;
};

TEST_F(CreateRoomTest, WritesTheWholeRoomInOneCommit) {
  int commits = 0;
  engine_.SetHook([&](const storage::CommitRequest&) { ++commits; });
  CreateRoomCommand command = Command("#lobby:example.org");
  command.spec.is_public = true;
  command.spec.invites = {"@bob:example.org", "@carol:elsewhere.net"};
  auto created = Create(std::move(command));
  ASSERT_TRUE(created.ok()) << created.status();
  EXPECT_EQ(commits, 1);

  const v1::Room& room = created->room();
  RoomReader reader(engine_);
  EXPECT_EQ((*reader.GetAlias("#lobby:example.org"))->record.room_id(), room.room_id());
  auto bob = reader.GetRoomOfUser(room.room_id(), "@bob:example.org");
  EXPECT_EQ(bob->user_room->membership(), "invite");
  auto alice = reader.GetRoomOfUser(room.room_id(), "@alice:example.org");
  EXPECT_EQ(alice->user_room->membership(), "join");
  auto events = engine_.ReadLog(1, 10, 1 << 20);
  ASSERT_EQ(events->size(), 2u);
  EXPECT_EQ(DecodeEvent(events->front())->room_created().room_id(), room.room_id());
}

TEST_F(CreateRoomTest, DrawsAnotherIdWhenOneIsTaken) {
  const std::string nonce(32, 'n');
  randoms_ = {nonce, nonce, nonce, nonce};
  auto first = Create(Command());
  ASSERT_TRUE(first.ok()) << first.status();
  auto second = Create(Command());
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_NE(first->room().room_id(), second->room().room_id());
  EXPECT_TRUE(randoms_.empty());
  EXPECT_EQ(RoomCount(), 2u);
}

TEST_F(CreateRoomTest, GivesUpWhenEveryIdIsTaken) {
  const std::string nonce(32, 'n');
  randoms_ = {nonce};
  ASSERT_TRUE(Create(Command()).ok());
  randoms_.assign(6, nonce);
  auto second = Create(Command());
  EXPECT_EQ(ReasonOf(second.status()), v1::ERROR_REASON_CONFLICT);
  EXPECT_TRUE(randoms_.empty());
  EXPECT_EQ(RoomCount(), 1u);
}

TEST_F(CreateRoomTest, AnAliasTakenMeanwhileLeavesNoRoom) {
  engine_.SetHook([&](const storage::CommitRequest&) {
    storage::RoomCommit other;
    storage::AliasRecord alias;
    alias.set_room_id("!other:example.org");
    other.CreateAlias("#lobby:example.org", alias);
    ASSERT_TRUE(CommitAndWait(*store_, other.Take()).status.ok());
  });
  auto created = Create(Command("#lobby:example.org"));
  EXPECT_EQ(created.status().code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(ReasonOf(created.status()), v1::ERROR_REASON_ALIAS_IN_USE);
  EXPECT_EQ(RoomCount(), 0u);
  EXPECT_EQ(engine_.log_bounds().head, 0u);
}

TEST_F(CreateRoomTest, OneRequestMakesOneRoomEvenIfItRacesWithItself) {
  engine_.SetHook([&](const storage::CommitRequest&) {
    engine_.SetHook(nullptr);
    ASSERT_TRUE(Create(RequestCommand("id", "same")).ok());
  });
  auto created = Create(RequestCommand("id", "same"));
  ASSERT_TRUE(created.ok()) << created.status();
  EXPECT_EQ(RoomCount(), 1u);
  auto again = Create(RequestCommand("id", "same"));
  EXPECT_EQ(again->SerializeAsString(), created->SerializeAsString());
  EXPECT_EQ(ReasonOf(Create(RequestCommand("id", "other")).status()),
            v1::ERROR_REASON_REQUEST_ID_REUSED);
}

TEST_F(CreateRoomTest, RequestsAreForgottenWhenTheyExpireAndNotBefore) {
  auto first = Create(RequestCommand("id", "same"));
  ASSERT_TRUE(ForgetExpiredRequests(engine_, now_ + absl::Hours(24)).ok());
  EXPECT_EQ(Create(RequestCommand("id", "same"))->room().room_id(), first->room().room_id());
  ASSERT_TRUE(ForgetExpiredRequests(engine_, now_ + absl::Hours(24) + absl::Microseconds(1)).ok());
  EXPECT_NE(Create(RequestCommand("id", "same"))->room().room_id(), first->room().room_id());
}

TEST_F(CreateRoomTest, PolicyEncryptsTheRoomsOfItsPresets) {
  struct Case {
    EncryptionPolicy policy;
    rooms::Preset preset;
    bool encrypted;
  };
  const Case cases[] = {{EncryptionPolicy::kOff, rooms::Preset::kPrivateChat, false},
                        {EncryptionPolicy::kInvite, rooms::Preset::kPrivateChat, true},
                        {EncryptionPolicy::kInvite, rooms::Preset::kTrustedPrivateChat, true},
                        {EncryptionPolicy::kInvite, rooms::Preset::kPublicChat, false},
                        {EncryptionPolicy::kAll, rooms::Preset::kPublicChat, true}};
  for (const Case& c : cases) {
    options_.encryption_policy = c.policy;
    creator_.reset();
    CreateRoomCommand command = Command();
    command.spec.preset = c.preset;
    auto created = Create(std::move(command));
    ASSERT_TRUE(created.ok()) << created.status();
    EXPECT_EQ(created->room().encryption_algorithm(),
              c.encrypted ? options_.encryption_algorithm : "");
  }
}

TEST_F(CreateRoomTest, TellsEverythingThatIsWrongAtOnce) {
  CreateRoomCommand command = Command();
  command.field_errors.Add("request_id", "is wrong");
  command.spec.invites = {"nobody"};
  const absl::Status status = Create(std::move(command)).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), testing::HasSubstr("and 1 more"));
  EXPECT_EQ(RoomCount(), 0u);
}

}  // namespace
}  // namespace innkeeper::lifecycle
