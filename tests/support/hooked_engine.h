// File: tests/support/hooked_engine.h

#ifndef INNKEEPER_TESTS_SUPPORT_HOOKED_ENGINE_H_
#define INNKEEPER_TESTS_SUPPORT_HOOKED_ENGINE_H_

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/any_invocable.h"
#include "absl/synchronization/mutex.h"
#include "storage/engine.h"

namespace innkeeper::storage {

// Another engine, with functions of the test's that are called before each commit is
// handed on and behind a snapshot: the moments at which somebody else may get in between.
class HookedEngine final : public Engine {
 public:
  using Hook = absl::AnyInvocable<void(const CommitRequest&)>;

  // `engine` must outlive this.
  explicit HookedEngine(Engine& engine) : engine_(engine) {}

  // For commits from now on. Thread-safe. The hook itself may call this, and make commits
  // if it has set another hook or none before.
  void SetHook(Hook hook) {
    absl::MutexLock lock(&mutex_);
    hook_ = std::make_shared<Hook>(std::move(hook));
  }

  // To be called once, when the next snapshot has been taken and not been handed out yet.
  // Thread-safe.
  void SetSnapshotHook(absl::AnyInvocable<void()> hook) {
    absl::MutexLock lock(&mutex_);
    snapshot_hook_ = std::move(hook);
  }

  std::shared_ptr<const LogEpochs> log_epochs() const override { return engine_.log_epochs(); }
  using Engine::NewSnapshot;
  std::unique_ptr<Snapshot> NewSnapshot(ReadTier tier) const override {
    std::unique_ptr<Snapshot> snapshot = engine_.NewSnapshot(tier);
    if (absl::AnyInvocable<void()> hook = TakeSnapshotHook()) hook();
    return snapshot;
  }
  absl::StatusOr<std::optional<Versioned>> Get(absl::string_view key) const override {
    return engine_.Get(key);
  }
  void Commit(CommitRequest request, CommitDone done) override {
    const std::shared_ptr<Hook> hook = CurrentHook();  // lives on if it sets another
    if (*hook) (*hook)(request);
    engine_.Commit(std::move(request), std::move(done));
  }
  void CommitHere(CommitRequest request, CommitDone done) override {
    const std::shared_ptr<Hook> hook = CurrentHook();
    if (*hook) (*hook)(request);
    engine_.CommitHere(std::move(request), std::move(done));
  }
  LogBounds log_bounds() const override { return engine_.log_bounds(); }
  absl::Status ScanLog(LogPosition from, LogVisitor visit) const override {
    return engine_.ScanLog(from, visit);
  }
  absl::StatusOr<uint64_t> EstimateLogBytes(LogPosition begin, LogPosition end) const override {
    return engine_.EstimateLogBytes(begin, end);
  }
  absl::Status TrimLog(LogPosition before) override { return engine_.TrimLog(before); }
  EngineStats stats() const override { return engine_.stats(); }
  WriteState write_state() const override { return engine_.write_state(); }
  void SetCommitListener(CommitListener listener) override {
    engine_.SetCommitListener(std::move(listener));
  }
  void SetLogSealer(const LogSealer* sealer) override { engine_.SetLogSealer(sealer); }
  absl::Status Close() override { return engine_.Close(); }

 private:
  std::shared_ptr<Hook> CurrentHook() const {
    absl::MutexLock lock(&mutex_);
    return hook_;
  }

  absl::AnyInvocable<void()> TakeSnapshotHook() const {
    absl::MutexLock lock(&mutex_);
    return std::exchange(snapshot_hook_, {});
  }

  Engine& engine_;
  mutable absl::Mutex mutex_;
  mutable absl::AnyInvocable<void()> snapshot_hook_ ABSL_GUARDED_BY(mutex_);
  std::shared_ptr<Hook> hook_ ABSL_GUARDED_BY(mutex_) = std::make_shared<Hook>();
};

}  // namespace innkeeper::storage

#endif  // INNKEEPER_TESTS_SUPPORT_HOOKED_ENGINE_H_
