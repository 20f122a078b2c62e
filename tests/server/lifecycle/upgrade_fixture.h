// File: tests/server/lifecycle/upgrade_fixture.h

#ifndef INNKEEPER_TESTS_SERVER_LIFECYCLE_UPGRADE_FIXTURE_H_
#define INNKEEPER_TESTS_SERVER_LIFECYCLE_UPGRADE_FIXTURE_H_

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "server/base/clock.h"
#include "server/base/executor.h"
#include "server/base/random.h"
#include "server/events/event_codec.h"
#include "server/lifecycle/create_room.h"
#include "server/lifecycle/room_edit.h"
#include "server/lifecycle/room_records.h"
#include "server/lifecycle/transaction.h"
#include "server/lifecycle/upgrade_room.h"
#include "server/metrics/action_rates.h"
#include "storage/room_store.h"
#include "tests/support/hooked_engine.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_engine.h"

namespace innkeeper::lifecycle {

// A store with the use cases on it, and a clock that the test sets.
class UpgradeFixture : public testing::Test {
 protected:
  static constexpr char kAlice[] = "@alice:example.org";
  static constexpr char kServer[] = "example.org";
  static constexpr char kAudience[] = "tenant-7";  // of all rooms

  UpgradeFixture()
      : store_(storage::OpenTestEngine(dir_.File("data"))),
        engine_(*store_),
        clock_([this] { return now_; }),
        random_(SecureRandom()),
        transactor_(engine_, executor_, clock_, {}),
        creator_(clock_, random_, CreatorOptions()),
        upgrader_(MakeUpgrader("instance-1")) {}

  static RoomCreator::Options CreatorOptions() {
    RoomCreator::Options options;
    options.server_name = kServer;
    return options;
  }

  std::unique_ptr<RoomUpgrader> MakeUpgrader(const std::string& instance) {
    return std::make_unique<RoomUpgrader>(engine_, transactor_, clock_, random_,
                                          RoomUpgrader::Options{.server_name = kServer,
                                                                .instance_name = instance,
                                                                .lease = absl::Seconds(30),
                                                                .rates = &rates_});
  }

  // What alice asks for when she makes a room.
  static rooms::RoomSpec Spec() {
    rooms::RoomSpec spec;
    spec.creator = kAlice;
    spec.version = rooms::FindRoomVersion("10");
    return spec;
  }

  std::string NewRoom(rooms::RoomSpec spec) {
    CreateRoomCommand command;
    command.spec = std::move(spec);
    command.audience = kAudience;
    auto created = transactor_.RunAndWait(creator_.Create(std::move(command)));
    EXPECT_TRUE(created.ok()) << created.status();
    return created->room().room_id();
  }

  std::string NewRoom(const std::string& alias = "") {
    rooms::RoomSpec spec = Spec();
    spec.alias = alias;
    return NewRoom(std::move(spec));
  }

  static UpgradeRoomCommand Command(const std::string& room_id) {
    return {.room_id = room_id, .actor = {.requester = kAlice}, .new_version = "11"};
  }

  storage::RoomRecord Room(const std::string& room_id) {
    auto room = storage::RoomReader(engine_).GetRoom(room_id);
    EXPECT_TRUE(room.ok() && room->has_value());
    return (*room)->record;
  }

  // Another writer changes the room, as one that sends a message would.
  void TouchRoom(const std::string& room_id) {
    auto room = storage::RoomReader(*store_).GetRoom(room_id);
    ASSERT_TRUE(room.ok() && room->has_value());
    Touch((*room)->record, absl::ToUnixMicros(now_));
    storage::RoomCommit commit;
    commit.UpdateRoom((*room)->record, (*room)->revision);
    ASSERT_TRUE(CommitAndWait(*store_, commit.Take()).status.ok());
  }

  // Leaves the room locked, as a process would that dies in the middle: the last
  // commit of the upgrade is never made.
  void LockAndDie(const std::string& room_id, RoomUpgrader& upgrader) {
    class Died : public std::exception {};
    engine_.SetHook([](const storage::CommitRequest& request) {
      if (request.log_entries.size() == 2) throw Died();
    });
    EXPECT_THROW(upgrader.Upgrade(Command(room_id)).IgnoreError(), Died);
    engine_.SetHook(nullptr);
    ASSERT_EQ(Room(room_id).status(), storage::ROOM_STATUS_RECORD_UPGRADING);
  }

  std::vector<v1::RoomEvent> Events() {
    auto entries = engine_.ReadLog(1, 10000, 1 << 24);
    EXPECT_TRUE(entries.ok());
    std::vector<v1::RoomEvent> events;
    for (const auto& entry : *entries) {
      auto event = DecodeEvent(entry);
      EXPECT_TRUE(event.ok());
      events.push_back(*event);
    }
    return events;
  }

  std::vector<std::string> EventTypes() {
    std::vector<std::string> types;
    for (const auto& event : Events()) types.push_back(event.type());
    return types;
  }

  v1::UpgradeFailureReason LastFailure() {
    const std::vector<v1::RoomEvent> events = Events();
    EXPECT_EQ(events.back().type(), kRoomUpgradeFailedType);
    return events.back().room_upgrade_failed().reason();
  }

  TempDir dir_;
  absl::Time now_ = absl::FromUnixSeconds(1'700'000'000);
  std::unique_ptr<storage::Engine> store_;
  storage::HookedEngine engine_;
  Clock clock_;
  RandomBytes random_;
  metrics::ActionRates rates_{clock_, absl::Minutes(5)};
  Executor executor_{1, 100};
  Transactor transactor_;
  const EditContext context_{clock_, random_, kServer};
  RoomCreator creator_;
  std::unique_ptr<RoomUpgrader> upgrader_;
};

}  // namespace innkeeper::lifecycle

#endif  // INNKEEPER_TESTS_SERVER_LIFECYCLE_UPGRADE_FIXTURE_H_
