// File: server/lifecycle/transaction.h
//
// The loop of a write: read, decide, commit, and do it again from the start if what
// was read has changed before the commit. No thread waits for the disk that must not.

#ifndef INNKEEPER_SERVER_LIFECYCLE_TRANSACTION_H_
#define INNKEEPER_SERVER_LIFECYCLE_TRANSACTION_H_

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "server/audit/trail.h"
#include "server/base/clock.h"
#include "server/base/executor.h"
#include "server/lifecycle/request_log.h"
#include "server/lifecycle/room_errors.h"
#include "server/lifecycle/turns.h"
#include "server/limits/toll.h"
#include "storage/engine.h"
#include "storage/room_store.h"

namespace innkeeper::lifecycle {

// What one attempt at a write comes to.
template <typename Response>
struct Outcome {
  Response response;
  // What makes the response true; nothing if it is true already.
  std::optional<storage::RoomCommit> commit;
};

// What a write does. Each call reads from the snapshot that it is given and changes
// the store only by what it returns; another call comes if that could not be committed
// because somebody else was faster.
template <typename Response>
using Attempt = absl::AnyInvocable<absl::StatusOr<Outcome<Response>>(const storage::RoomReader&)>;

// A write that is ready to be run.
template <typename Response>
struct Write {
  RequestIdentity identity;
  Attempt<Response> attempt;
  // The room that the write changes, if it was there before. Writes to a room take
  // turns, so that they don't get in each other's way.
  std::string room_id;
  // What it costs, if it changes anything.
  limits::Tolls tolls = {};
  // What it costs the room. A refusal tells that the room is there, so the attempt comes first,
  // which knows who may hear that.
  limits::Tolls room_tolls = {};
  // No attempt is begun after this.
  absl::Time deadline = absl::InfiniteFuture();
  // Tells the audit log of what it changes.
  audit::Trail trail = {};
};

// Runs writes. Thread-safe.
class Transactor {
 public:
  struct Options {
    absl::Duration request_retention = absl::Hours(24);  // of recorded responses
  };

  // The references must outlive the transactor, and be stopped before it is
  // destroyed: no write is begun any more, then the executor, then the engine.
  Transactor(storage::Engine& engine, Executor& executor, const Clock& clock, Options options)
      : engine_(engine), executor_(executor), clock_(clock), options_(options) {}

  // Whether a write's commits may be made by the threads that run it, which saves waking
  // others: Engine::CommitHere.
  enum class Thread { kMustNotWait, kMayWait };

  // Answers with what was recorded for the request, or else with what the attempt
  // comes to, once that is durable, and records it. The tolls are paid before an attempt, those
  // of the room behind one that would change something, and given back if nothing changes: a
  // request that was carried out already pays nothing, and one that can't pay makes no work, or
  // where the room can't bear it, none but an attempt. The first attempt is made before
  // this returns. Behind a commit that another thread has made, the executor runs what
  // follows, later attempts and `done`; once that was stopped, a thread of the engine. Errors:
  // those of FindSerializedResponse, of the tolls, of the attempt, and CommitError; ABORTED
  // (CONFLICT) after six attempts; DEADLINE_PASSED.
  template <typename Response>
  void Run(Write<Response> write, absl::AnyInvocable<void(absl::StatusOr<Response>)> done,
           Thread thread = Thread::kMustNotWait);

  // A turn at a room that lasts until it is destroyed: writes to the room wait. Must not
  // outlive the transactor. Movable.
  class Turn {
   public:
    Turn(Turn&& other) noexcept
        : transactor_(std::exchange(other.transactor_, nullptr)),
          room_id_(std::move(other.room_id_)) {}
    Turn& operator=(Turn&&) = delete;
    ~Turn() {
      if (transactor_ != nullptr) transactor_->PassTurn(room_id_);
    }

   private:
    friend class Transactor;
    Turn(Transactor& transactor, std::string room_id)
        : transactor_(&transactor), room_id_(std::move(room_id)) {}

    Transactor* transactor_;
    std::string room_id_;
  };

  // Waits until the writes to the room that came before are done. Blocks, as RunAndWait.
  // UNAVAILABLE if the server shuts down first.
  absl::StatusOr<Turn> WaitForTurn(const std::string& room_id);

  // As Run, and waits for the answer. Blocks: not for threads of gRPC, of the engine
  // or of the executor.
  template <typename Response>
  absl::StatusOr<Response> RunAndWait(Write<Response> write);

 private:
  static constexpr int kMaxAttempts = 6;

  template <typename Response>
  struct Transaction {
    Write<Response> write;
    absl::AnyInvocable<void(absl::StatusOr<Response>)> done;
    Thread thread;
    int attempts_made = 0;
    // Of the latest attempt.
    Response response;
    storage::CommitResult result;
  };

  template <typename Response>
  void Try(std::unique_ptr<Transaction<Response>> transaction);

  template <typename Response>
  absl::StatusOr<Outcome<Response>> Decide(Transaction<Response>& transaction);

  // Goes on behind a commit, where that may take its time.
  template <typename Response>
  void Committed(std::unique_ptr<Transaction<Response>> transaction);

  template <typename Response>
  void GoOn(std::unique_ptr<Transaction<Response>> transaction);

  // Ends with what the latest commit came to.
  template <typename Response>
  void Answer(Transaction<Response>& transaction);

  // Ends, gives tolls back that are not paid for good, and lets the next write to the room
  // begin. The transactor may be gone when
  // this returns.
  template <typename Response>
  void End(Transaction<Response>& transaction, absl::StatusOr<Response> result);

  static absl::Status ShuttingDown() {
    return absl::UnavailableError("the server is shutting down");
  }

  // Ends the turn of a write; `room_id` is "" if it had none.
  void PassTurn(const std::string& room_id);

  storage::Engine& engine_;
  Executor& executor_;
  const Clock& clock_;
  const Options options_;
  Turns turns_;  // at rooms
};

template <typename Response>
void Transactor::Run(Write<Response> write, absl::AnyInvocable<void(absl::StatusOr<Response>)> done,
                     Thread thread) {
  auto transaction = std::make_unique<Transaction<Response>>(
      Transaction<Response>{std::move(write), std::move(done), thread});
  const std::string room_id = transaction->write.room_id;
  if (room_id.empty()) return Try(std::move(transaction));
  Turns::Task begin = [this, transaction = std::move(transaction)](bool may_begin) mutable {
    if (may_begin) return Try(std::move(transaction));
    transaction->write.room_id.clear();  // it has no turn to pass on
    transaction->result.status = ShuttingDown();
    Answer(*transaction);
  };
  auto first = turns_.Take(room_id, std::move(begin));
  if (first) (*first)(true);
}

template <typename Response>
absl::StatusOr<Response> Transactor::RunAndWait(Write<Response> write) {
  absl::StatusOr<Response> response;
  absl::Notification answered;
  Run<Response>(std::move(write), [&](absl::StatusOr<Response> result) {
    response = std::move(result);
    answered.Notify();
  });
  answered.WaitForNotification();
  return response;
}

inline absl::StatusOr<Transactor::Turn> Transactor::WaitForTurn(const std::string& room_id) {
  struct Wait {
    absl::Notification over;
    bool may_begin = false;
  };
  auto wait = std::make_shared<Wait>();
  auto first = turns_.Take(room_id, [wait](bool may_begin) {
    wait->may_begin = may_begin;
    wait->over.Notify();
  });
  if (first) (*first)(true);
  wait->over.WaitForNotification();
  if (!wait->may_begin) return CommitError({.status = ShuttingDown()});
  return Turn(*this, room_id);
}

template <typename Response>
void Transactor::Try(std::unique_ptr<Transaction<Response>> transaction) {
  ++transaction->attempts_made;
  absl::StatusOr<Outcome<Response>> outcome = Decide(*transaction);
  if (!outcome.ok()) return End<Response>(*transaction, outcome.status());
  if (!outcome->commit) return End<Response>(*transaction, std::move(outcome->response));
  transaction->response = std::move(outcome->response);
  const auto commit = transaction->thread == Thread::kMayWait ? &storage::Engine::CommitHere
                                                              : &storage::Engine::Commit;
  (engine_.*commit)(outcome->commit->Take(), [this, transaction = std::move(transaction)](
                                                 const storage::CommitResult& result) mutable {
    transaction->result = result;
    Committed(std::move(transaction));
  });
}

template <typename Response>
absl::StatusOr<Outcome<Response>> Transactor::Decide(Transaction<Response>& transaction) {
  if (absl::Now() > transaction.write.deadline) return DeadlinePassed();
  const storage::RoomReader reader(engine_);
  auto recorded = FindResponse<Response>(reader, transaction.write.identity);
  if (!recorded.ok()) return recorded.status();
  if (recorded->has_value()) return Outcome<Response>{**std::move(recorded), std::nullopt};
  absl::Status paid = limits::Pay(transaction.write.tolls);
  if (!paid.ok()) return paid;
  absl::StatusOr<Outcome<Response>> outcome = transaction.write.attempt(reader);
  if (!outcome.ok() || !outcome->commit) return outcome;
  paid = limits::Pay(transaction.write.room_tolls);
  if (!paid.ok()) return paid;
  RecordResponse(*outcome->commit, transaction.write.identity, outcome->response,
                 clock_() + options_.request_retention);
  transaction.write.trail.Leave(*outcome->commit);
  return outcome;
}

template <typename Response>
void Transactor::Committed(std::unique_ptr<Transaction<Response>> transaction) {
  if (transaction->result.made_here) return GoOn(std::move(transaction));
  Transaction<Response>& committed = *transaction;
  Executor::Task go_on = [this, transaction = std::move(transaction)]() mutable {
    GoOn(std::move(transaction));
  };
  if (!executor_.Submit(std::move(go_on))) Answer(committed);
}

template <typename Response>
void Transactor::GoOn(std::unique_ptr<Transaction<Response>> transaction) {
  const bool lost = absl::IsAborted(transaction->result.status);
  if (!lost || transaction->attempts_made == kMaxAttempts) return Answer(*transaction);
  Try(std::move(transaction));
}

template <typename Response>
void Transactor::Answer(Transaction<Response>& transaction) {
  const bool is_written = transaction.result.status.ok();
  const bool may_be_written = absl::IsUnavailable(transaction.result.status);
  if (is_written || may_be_written) {  // paid for good
    transaction.write.tolls.clear();
    transaction.write.room_tolls.clear();
  }
  if (is_written) {
    End<Response>(transaction, std::move(transaction.response));
  } else {
    End<Response>(transaction, CommitError(transaction.result));
  }
}

inline void Transactor::PassTurn(const std::string& room_id) {
  if (room_id.empty()) return;
  while (std::optional<Turns::Task> next = turns_.Pass(room_id)) {
    auto begin = std::make_shared<Turns::Task>(*std::move(next));
    if (executor_.Submit([begin] { (*begin)(true); })) return;
    (*begin)(false);
  }
}

template <typename Response>
void Transactor::End(Transaction<Response>& transaction, absl::StatusOr<Response> result) {
  limits::GiveBack(transaction.write.tolls);
  limits::GiveBack(transaction.write.room_tolls);
  PassTurn(transaction.write.room_id);
  transaction.done(std::move(result));
}

}  // namespace innkeeper::lifecycle

#endif  // INNKEEPER_SERVER_LIFECYCLE_TRANSACTION_H_
