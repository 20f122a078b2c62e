#include "storage/sealing/sealed_engine.h"

#include <utility>
#include <vector>

#include "absl/memory/memory.h"

namespace innkeeper::storage {
namespace {

class SealedSnapshot final : public Snapshot {
 public:
  SealedSnapshot(const Seal& seal, std::unique_ptr<Snapshot> snapshot)
      : seal_(seal), snapshot_(std::move(snapshot)) {}

  absl::StatusOr<std::optional<Versioned>> Get(absl::string_view key) const override {
    const std::string sealed_key = seal_.names().SealKey(key);
    auto sealed = snapshot_->Get(sealed_key);
    if (!sealed.ok()) return sealed;
    return seal_.Open(sealed_key, *std::move(sealed));
  }

  absl::StatusOr<std::vector<std::optional<Versioned>>> MultiGet(
      const std::vector<std::string>& keys) const override {
    std::vector<std::string> sealed_keys;
    sealed_keys.reserve(keys.size());
    for (const std::string& key : keys) sealed_keys.push_back(seal_.names().SealKey(key));
    auto values = snapshot_->MultiGet(sealed_keys);
    if (!values.ok()) return values;
    for (size_t i = 0; i < keys.size(); ++i) {
      auto opened = seal_.Open(sealed_keys[i], std::move((*values)[i]));
      if (!opened.ok()) return opened.status();
      (*values)[i] = *std::move(opened);
    }
    return values;
  }

  absl::StatusOr<LogPosition> log_head() const override { return snapshot_->log_head(); }

  absl::Status Scan(absl::string_view begin, absl::string_view end, Visitor visit) const override {
    absl::Status status;
    std::string value;
    const std::string keyring = KeyringKey();
    absl::Status scanned = snapshot_->Scan(
        seal_.names().SealKey(begin), seal_.names().SealKey(end),
        [&](absl::string_view sealed_key, absl::string_view sealed, Revision revision) {
          if (sealed_key == keyring) return true;
          const std::optional<std::string> key = seal_.names().OpenKey(sealed_key);
          if (!key) {
            status = absl::DataLossError("a key was changed, or belongs to another store");
            return false;
          }
          status = seal_.OpenValue(sealed_key, sealed, value);
          return status.ok() && visit(*key, value, revision);
        });
    return scanned.ok() ? status : scanned;
  }

 private:
  const Seal& seal_;
  const std::unique_ptr<Snapshot> snapshot_;
};

}  // namespace

class SealedEngine::Passage {
 public:
  explicit Passage(SealedEngine& engine) : engine_(engine) {
    absl::MutexLock lock(&engine_.mutex_);
    era_ = engine_.era_;
    ++engine_.passing_[era_];
  }
  ~Passage() {
    absl::MutexLock lock(&engine_.mutex_);
    --engine_.passing_[era_];
  }
  Passage(const Passage&) = delete;
  Passage& operator=(const Passage&) = delete;

 private:
  SealedEngine& engine_;
  size_t era_;
};

absl::StatusOr<std::unique_ptr<SealedEngine>> SealedEngine::Open(std::unique_ptr<Engine> engine,
                                                                 const MasterKeys& master_keys,
                                                                 absl::Time now) {
  const auto keyring = OpenKeyring(*engine, master_keys, now);
  if (!keyring.ok()) return keyring.status();
  absl::Status closed = CloseDataKeys(*engine);
  if (!closed.ok()) return closed;
  return absl::WrapUnique(new SealedEngine(std::move(engine), *keyring));
}

std::unique_ptr<Snapshot> SealedEngine::NewSnapshot(ReadTier tier) const {
  return std::make_unique<SealedSnapshot>(seal_, engine_->NewSnapshot(tier));
}

absl::StatusOr<std::optional<Versioned>> SealedEngine::Get(absl::string_view key) const {
  const std::string sealed_key = seal_.names().SealKey(key);
  auto sealed = engine_->Get(sealed_key);
  if (!sealed.ok()) return sealed;
  return seal_.Open(sealed_key, *std::move(sealed));
}

void SealedEngine::Commit(CommitRequest request, CommitDone done) {
  absl::Status checked = CheckCommitRequest(request);
  if (!checked.ok()) {
    done({.status = std::move(checked)});
    return;
  }
  for (Precondition& precondition : request.preconditions) {
    precondition.key = seal_.names().SealKey(precondition.key);
  }
  for (Write& write : request.writes) write.key = seal_.names().SealKey(write.key);
  request.log_sealer = &seal_;
  const Passage passage(*this);
  for (Write& write : request.writes) {
    if (write.value) write.value = seal_.SealValue(write.key, *write.value);
  }
  engine_->Commit(std::move(request), std::move(done));
}

absl::Status SealedEngine::ScanLog(LogPosition from, LogVisitor visit) const {
  absl::Status status;
  std::string payload;
  absl::Status scanned = engine_->ScanLog(from, [&](const LogEntryView& entry) {
    status = seal_.OpenEntry(entry.position, entry.payload, payload);
    return status.ok() && visit({entry.position, entry.revision, entry.commit_time, payload});
  });
  return scanned.ok() ? status : scanned;
}

absl::Status SealedEngine::SealWith(const Keyring::DataKey& key) {
  {
    absl::MutexLock lock(&mutex_);
    seal_.AddDataKey(key);
    int& passing = passing_[era_];
    era_ = 1 - era_;
    mutex_.Await(absl::Condition(
        +[](int* count) { return *count == 0; }, &passing));
  }
  // An engine applies what it was given in order.
  return CommitAndWait(*engine_, {}).status;
}

}  // namespace innkeeper::storage
