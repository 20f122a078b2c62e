#include "server/lifecycle/transaction.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "innkeeper/v1/room_lifecycle.pb.h"
#include "server/audit/trail.h"
#include "server/base/random.h"
#include "server/errors/errors.h"
#include "tests/support/hooked_engine.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_engine.h"

namespace innkeeper::lifecycle {
namespace {

using Response = v1::CreateRoomResponse;

class TransactionTest : public testing::Test {
 protected:
  static constexpr char kRoomId[] = "!room:example.org";

  // Makes the room, or changes it: a write that others can get in the way of.
  static absl::StatusOr<Outcome<Response>> ChangeRoom(const storage::RoomReader& reader) {
    auto room = reader.GetRoom(kRoomId);
    if (!room.ok()) return room.status();
    storage::RoomRecord record;
    record.set_room_id(kRoomId);
    Outcome<Response> outcome;
    outcome.commit.emplace();
    if (room->has_value()) {
      record.set_revision((*room)->record.revision() + 1);
      outcome.commit->UpdateRoom(record, (*room)->revision);
    } else {
      outcome.commit->CreateRoom(record);
    }
    outcome.response.mutable_room()->set_revision(record.revision());
    return outcome;
  }

  // As ChangeRoom, counting the calls.
  Write<Response> Change(const std::string& request_id = "") {
    return {{{"backend", request_id}, "fingerprint"}, [this](const storage::RoomReader& reader) {
              ++attempts_;
              return ChangeRoom(reader);
            }};
  }

  // Somebody else changes the room before each of the next `times` commits.
  void GetInTheWay(int times) {
    engine_.SetHook([this, times](const storage::CommitRequest&) mutable {
      if (times-- <= 0) return;
      auto outcome = ChangeRoom(storage::RoomReader(*store_));
      ASSERT_TRUE(CommitAndWait(*store_, outcome->commit->Take()).status.ok());
    });
  }

  TempDir dir_;
  std::unique_ptr<storage::Engine> store_ = storage::OpenTestEngine(dir_.File("data"));
  storage::HookedEngine engine_{*store_};
  Clock clock_ = [] { return absl::FromUnixSeconds(1'700'000'000); };
  Executor executor_{1, 1};
  Transactor transactor_{engine_, executor_, clock_, {}};
  int attempts_ = 0;
};

TEST_F(TransactionTest, IsTriedAgainFromTheStartUntilNobodyIsFaster) {
  GetInTheWay(5);
  auto response = transactor_.RunAndWait(Change());
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(attempts_, 6);
  EXPECT_EQ(response->room().revision(), 5);
}

TEST_F(TransactionTest, WhatIsCommittedLeavesOneAuditEntry) {
  const RandomBytes random = SecureRandom();
  const auto audited = [&](const std::string& request_id) {
    Write<Response> write = Change(request_id);
    write.trail = audit::Trail({.method = "Change"}, random);
    return write;
  };
  const auto entries = [this] { return store_->NewSnapshot()->audit_head()->number; };
  GetInTheWay(3);
  ASSERT_TRUE(transactor_.RunAndWait(audited("id")).ok());
  EXPECT_EQ(entries(), 1u);
  ASSERT_TRUE(transactor_.RunAndWait(audited("id")).ok()) << "repeated";
  EXPECT_EQ(entries(), 1u);
  GetInTheWay(6);
  EXPECT_FALSE(transactor_.RunAndWait(audited("")).ok());
  EXPECT_EQ(entries(), 1u);
  Write<Response> unchanging = audited("");
  unchanging.attempt = [](const storage::RoomReader&) { return Outcome<Response>(); };
  ASSERT_TRUE(transactor_.RunAndWait(std::move(unchanging)).ok());
  EXPECT_EQ(entries(), 1u);
}

TEST_F(TransactionTest, GivesUpAfterSixAttempts) {
  GetInTheWay(6);
  EXPECT_EQ(ReasonOf(transactor_.RunAndWait(Change()).status()), v1::ERROR_REASON_CONFLICT);
  EXPECT_EQ(attempts_, 6);
}

TEST_F(TransactionTest, ARepeatedRequestGetsTheRecordedResponse) {
  auto first = transactor_.RunAndWait(Change("id"));
  ASSERT_TRUE(transactor_.RunAndWait(Change("other")).ok());
  auto again = transactor_.RunAndWait(Change("id"));
  EXPECT_EQ(again->SerializeAsString(), first->SerializeAsString());
  EXPECT_EQ(attempts_, 2);
}

// A toll that counts what is paid.
class CountedToll final : public limits::Toll {
 public:
  explicit CountedToll(int& paid, absl::Status answer = absl::OkStatus())
      : paid_count_(paid), answer_(std::move(answer)) {}

  absl::Status Pay() override {
    if (answer_.ok() && !std::exchange(paid_, true)) ++paid_count_;
    return answer_;
  }
  void GiveBack() override {
    if (std::exchange(paid_, false)) --paid_count_;
  }

 private:
  int& paid_count_;
  const absl::Status answer_;
  bool paid_ = false;
};

TEST_F(TransactionTest, AWritePaysOnceHoweverOftenItIsTried) {
  int paid = 0;
  Write<Response> write = Change();
  write.tolls.push_back(std::make_unique<CountedToll>(paid));
  GetInTheWay(3);
  ASSERT_TRUE(transactor_.RunAndWait(std::move(write)).ok());
  EXPECT_EQ(attempts_, 4);
  EXPECT_EQ(paid, 1);
}

TEST_F(TransactionTest, WhoCannotPayMakesNoWork) {
  int paid = 0;
  Write<Response> write = Change();
  write.tolls.push_back(std::make_unique<CountedToll>(paid));
  write.tolls.push_back(
      std::make_unique<CountedToll>(paid, absl::ResourceExhaustedError("too often")));
  EXPECT_EQ(transactor_.RunAndWait(std::move(write)).status().message(), "too often");
  EXPECT_EQ(attempts_, 0);
  EXPECT_EQ(paid, 0) << "all of the tolls or none";
}

// Else whoever may not know of a room could tell that it is there.
TEST_F(TransactionTest, ARoomPaysBehindTheAttempt) {
  int paid = 0;
  const auto run = [&](Attempt<Response> attempt) {
    Write<Response> write{{}, std::move(attempt)};
    write.tolls.push_back(std::make_unique<CountedToll>(paid));
    write.room_tolls.push_back(
        std::make_unique<CountedToll>(paid, absl::ResourceExhaustedError("too often")));
    return transactor_.RunAndWait(std::move(write)).status();
  };
  EXPECT_TRUE(absl::IsNotFound(
      run([](const storage::RoomReader&) { return absl::NotFoundError("no such room"); })));
  EXPECT_TRUE(run([](const storage::RoomReader&) { return Outcome<Response>(); }).ok());
  EXPECT_EQ(run(ChangeRoom).message(), "too often");
  EXPECT_EQ(store_->log_bounds().head, 0u);
  EXPECT_FALSE((*storage::RoomReader(engine_).GetRoom(kRoomId)).has_value());
  EXPECT_EQ(paid, 0);
}

TEST_F(TransactionTest, WhatARoomPaysIsPaidOnceAndNotForNothing) {
  int paid = 0;
  const auto run = [&](Write<Response> write) {
    write.room_tolls.push_back(std::make_unique<CountedToll>(paid));
    return transactor_.RunAndWait(std::move(write)).status();
  };
  GetInTheWay(3);
  EXPECT_TRUE(run(Change()).ok());
  EXPECT_EQ(paid, 1);
  GetInTheWay(6);
  EXPECT_FALSE(run(Change()).ok());
  EXPECT_EQ(paid, 1) << "given up";
}

TEST_F(TransactionTest, WhatChangesNothingIsFree) {
  int paid = 0;
  const auto run = [&](Write<Response> write) {
    write.tolls.push_back(std::make_unique<CountedToll>(paid));
    return transactor_.RunAndWait(std::move(write)).status();
  };
  EXPECT_FALSE(run({{},
                    [](const storage::RoomReader&) -> absl::StatusOr<Outcome<Response>> {
                      return absl::NotFoundError("no");
                    }})
                   .ok());
  EXPECT_EQ(paid, 0) << "an error";
  EXPECT_TRUE(run({{},
                   [](const storage::RoomReader&) -> absl::StatusOr<Outcome<Response>> {
                     return Outcome<Response>{Response(), std::nullopt};
                   }})
                  .ok());
  EXPECT_EQ(paid, 0) << "true already";
  ASSERT_TRUE(run(Change("id")).ok());
  EXPECT_EQ(paid, 1);
  EXPECT_TRUE(run(Change("id")).ok());
  EXPECT_EQ(paid, 1) << "carried out already";
  GetInTheWay(6);
  EXPECT_FALSE(run(Change()).ok());
  EXPECT_EQ(paid, 1) << "given up";
}

TEST_F(TransactionTest, NothingIsBegunBehindTheDeadline) {
  Write<Response> late = Change();
  late.deadline = absl::Now() - absl::Milliseconds(1);
  EXPECT_EQ(ReasonOf(transactor_.RunAndWait(std::move(late)).status()),
            v1::ERROR_REASON_DEADLINE_PASSED);
  EXPECT_EQ(attempts_, 0);
  Write<Response> early = Change();
  early.deadline = absl::Now() + absl::Hours(1);
  EXPECT_TRUE(transactor_.RunAndWait(std::move(early)).ok());
}

TEST_F(TransactionTest, ErrorsOfAnAttemptEndIt) {
  Write<Response> refused{{}, [](const storage::RoomReader&) -> absl::StatusOr<Outcome<Response>> {
                            return absl::PermissionDeniedError("no");
                          }};
  EXPECT_EQ(transactor_.RunAndWait(std::move(refused)).status(), absl::PermissionDeniedError("no"));
}

TEST_F(TransactionTest, NothingToCommitIsAnsweredAtOnce) {
  Write<Response> preview{{}, [](const storage::RoomReader&) -> absl::StatusOr<Outcome<Response>> {
                            return Outcome<Response>();
                          }};
  EXPECT_TRUE(transactor_.RunAndWait(std::move(preview)).ok());
  EXPECT_EQ(store_->log_bounds().head, 0u);
}

TEST_F(TransactionTest, NoThreadWaitsForTheCommit) {
  // The only thread of the executor runs the write, and is free while it is
  // written to the disk.
  absl::Notification next_ran;
  absl::Notification answered;
  engine_.SetHook([&](const storage::CommitRequest&) {
    ASSERT_TRUE(executor_.Submit([&] { next_ran.Notify(); }));
  });
  ASSERT_TRUE(executor_.Submit([&] {
    transactor_.Run<Response>(Change(), [&](const absl::StatusOr<Response>& response) {
      EXPECT_TRUE(response.ok());
      EXPECT_TRUE(next_ran.HasBeenNotified());
      answered.Notify();
    });
  }));
  answered.WaitForNotification();
}

TEST_F(TransactionTest, IsAnsweredByTheEngineOnceTheExecutorWasStopped) {
  executor_.Stop();
  EXPECT_TRUE(transactor_.RunAndWait(Change()).ok());
  GetInTheWay(1);
  EXPECT_EQ(ReasonOf(transactor_.RunAndWait(Change()).status()), v1::ERROR_REASON_CONFLICT);
}

// Many at once: none of them may depend on the others' ends.
TEST_F(TransactionTest, WhoWaitsForARoomIsRefusedOnceTheExecutorWasStopped) {
  constexpr int kWaiting = 50'000;
  int refused = 0;
  {
    const auto turn = transactor_.WaitForTurn(kRoomId);
    ASSERT_TRUE(turn.ok());
    executor_.Stop();
    for (int i = 0; i < kWaiting; ++i) {
      Write<Response> write = Change();
      write.room_id = kRoomId;
      transactor_.Run<Response>(std::move(write), [&](const absl::StatusOr<Response>& response) {
        EXPECT_TRUE(absl::IsUnavailable(response.status())) << response.status();
        ++refused;
      });
    }
    EXPECT_EQ(refused, 0);
  }
  EXPECT_EQ(refused, kWaiting);
  EXPECT_EQ(attempts_, 0);
  EXPECT_TRUE(transactor_.WaitForTurn(kRoomId).ok());
}

}  // namespace
}  // namespace innkeeper::lifecycle
