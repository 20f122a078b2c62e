#include "storage/sealing/sealed_engine.h"

#include <algorithm>
#include <utility>
#include <vector>

#include <glog/logging.h>

#include "absl/memory/memory.h"
#include "storage/keys.h"
#include "storage/room_secret_ids.h"
#include "storage/sealing/secret.h"

namespace innkeeper::storage {
namespace {

// How many rooms' secrets are kept in memory for those who write to the rooms, some 100 bytes
// each.
constexpr size_t kSecretsOfRooms = 16'384;

// Whether the rooms of the store in `engine` have the secrets `id`, or none yet.
absl::Status CheckSecrets(const Engine& engine, absl::string_view id) {
  const auto keyring = ReadKeyring(engine);
  if (!keyring.ok()) return keyring.status();
  if (!keyring->has_value()) return absl::OkStatus();
  const std::string& needed = (*keyring)->room_secrets_id();
  if (needed.empty() || needed == id) return absl::OkStatus();
  return absl::FailedPreconditionError("the secrets of its rooms are missing, or another store's");
}

class SealedSnapshot final : public Snapshot {
 public:
  SealedSnapshot(const Seal& seal, ReadTier tier, std::unique_ptr<Snapshot> snapshot)
      : seal_(seal), tier_(tier), snapshot_(std::move(snapshot)) {}

  absl::StatusOr<std::optional<Versioned>> Get(absl::string_view key) const override {
    const std::string sealed_key = seal_.names().SealKey(key);
    auto sealed = snapshot_->Get(sealed_key);
    if (!sealed.ok()) return sealed;
    return seal_.Open(sealed_key, *std::move(sealed), tier_);
  }

  absl::StatusOr<std::vector<std::optional<Versioned>>> MultiGet(
      const std::vector<std::string>& keys) const override {
    std::vector<std::string> sealed_keys;
    sealed_keys.reserve(keys.size());
    for (const std::string& key : keys) sealed_keys.push_back(seal_.names().SealKey(key));
    auto values = snapshot_->MultiGet(sealed_keys);
    if (!values.ok()) return values;
    for (size_t i = 0; i < keys.size(); ++i) {
      auto opened = seal_.Open(sealed_keys[i], std::move((*values)[i]), tier_);
      if (!opened.ok()) return opened.status();
      (*values)[i] = *std::move(opened);
    }
    return values;
  }

  absl::StatusOr<LogPosition> log_head() const override { return snapshot_->log_head(); }

  absl::StatusOr<AuditHead> audit_head() const override { return snapshot_->audit_head(); }

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
          const absl::StatusOr<bool> opened = seal_.OpenValue(sealed_key, sealed, tier_, value);
          status = opened.status();
          return status.ok() && (!*opened || visit(*key, value, revision));
        });
    return scanned.ok() ? status : scanned;
  }

 private:
  const Seal& seal_;
  const ReadTier tier_;
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

class SealedEngine::CommitSecrets {
 public:
  explicit CommitSecrets(SealedEngine& engine) : engine_(engine) {}

  // Returns the secret for what `request` writes under `sealed_key`; null if that takes none.
  absl::StatusOr<RoomSecretPtr> For(absl::string_view sealed_key, const CommitRequest& request) {
    const std::optional<absl::string_view> room = RoomOf(sealed_key);
    if (!room || engine_.secrets_ == nullptr) return nullptr;
    for (const Use& use : uses_) {
      if (use.room == *room) return use.secret;
    }
    absl::StatusOr<RoomSecretPtr> found = RoomSecretPtr();
    if (!IsNew(*room, request)) found = engine_.FindSecret(*room);
    const bool is_drawn = found.ok() && *found == nullptr;
    if (is_drawn) found = engine_.secrets_->Draw();
    if (found.ok()) uses_.push_back({std::string(*room), *found, is_drawn});
    return found;
  }

  // Has `request` note which secrets are used from now on, and learns what becomes of that.
  CommitDone Note(CommitRequest& request, CommitDone done) && {
    uses_.erase(
        std::remove_if(uses_.begin(), uses_.end(), [](const Use& use) { return !use.is_drawn; }),
        uses_.end());
    if (uses_.empty()) return done;
    for (const Use& use : uses_) {
      request.writes.push_back(
          {KeyBuilder(Table::kRoomKey).Raw(use.room).U64(use.secret->id).Build(), ""});
    }
    // The secrets are not noted yet, so that nobody has destroyed them.
    const uint64_t epoch = engine_.secrets_of_rooms_.epoch();
    return [&engine = engine_, uses = std::move(uses_), epoch,
            done = std::move(done)](CommitResult result) mutable {
      for (Use& use : uses) {
        if (result.status.ok()) {
          engine.secrets_of_rooms_.Put(std::move(use.room), std::move(use.secret), epoch);
        } else if (!absl::IsUnavailable(result.status)) {
          engine.secrets_->GiveBack(std::move(use.secret));
        }
      }
      done(std::move(result));
    };
  }

  // Gives back what was drawn, of a commit that is not made.
  void GiveBack() && {
    for (Use& use : uses_) {
      if (use.is_drawn) engine_.secrets_->GiveBack(std::move(use.secret));
    }
  }

 private:
  struct Use {
    std::string room;
    RoomSecretPtr secret;
    bool is_drawn;  // for this commit
  };

  // Whether the commit goes through only if there is no such room.
  static bool IsNew(absl::string_view room, const CommitRequest& request) {
    const std::string key = KeyBuilder(Table::kRoom).Raw(room).Build();
    return std::any_of(request.preconditions.begin(), request.preconditions.end(),
                       [&](const Precondition& precondition) {
                         return precondition.revision == 0 && precondition.key == key;
                       });
  }

  SealedEngine& engine_;
  std::vector<Use> uses_;
};

SealedEngine::SealedEngine(std::unique_ptr<Engine> engine, std::unique_ptr<RoomSecrets> secrets,
                           const Keyring& keyring)
    : secrets_(std::move(secrets)),
      secrets_of_rooms_(kSecretsOfRooms),
      seal_(keyring, secrets_.get()),
      master_key_id_(keyring.master_key_id),
      engine_(std::move(engine)) {
  engine_->SetLogSealer(&seal_);
}

absl::StatusOr<std::unique_ptr<SealedEngine>> SealedEngine::Open(
    std::unique_ptr<Engine> engine, std::unique_ptr<RoomSecrets> secrets,
    const MasterKeys& master_keys, absl::Time now) {
  const std::string secrets_id = secrets == nullptr ? "" : secrets->id();
  absl::Status fit = CheckSecrets(*engine, secrets_id);
  if (!fit.ok()) return fit;
  const auto keyring = OpenKeyring(*engine, master_keys, now);
  if (!keyring.ok()) return keyring.status();
  absl::Status closed = CloseDataKeys(*engine);
  if (!closed.ok()) return closed;
  absl::Status noted = UpdateKeyring(*engine, [&](KeyringRecord& record) {
    const bool changed = record.room_secrets_id() != secrets_id;
    record.set_room_secrets_id(secrets_id);
    return changed;
  });
  if (!noted.ok()) return noted;
  return absl::WrapUnique(new SealedEngine(std::move(engine), std::move(secrets), *keyring));
}

std::unique_ptr<Snapshot> SealedEngine::NewSnapshot(ReadTier tier) const {
  return std::make_unique<SealedSnapshot>(seal_, tier, engine_->NewSnapshot(tier));
}

absl::StatusOr<std::optional<Versioned>> SealedEngine::Get(absl::string_view key) const {
  const std::string sealed_key = seal_.names().SealKey(key);
  auto sealed = engine_->Get(sealed_key);
  if (!sealed.ok()) return sealed;
  return seal_.Open(sealed_key, *std::move(sealed), ReadTier::kAll);
}

absl::StatusOr<std::vector<std::shared_ptr<const std::string>>> SealedEngine::GetValues(
    const std::vector<std::string>& keys, ReadTier tier) const {
  OpenedValues::Search search;
  if (auto values = opened_values_.Find(keys, search)) return *std::move(values);
  auto values = Engine::GetValues(keys, tier);
  if (values.ok()) opened_values_.Keep(search, keys, *values);
  return values;
}

void SealedEngine::SealCommit(CommitRequest request, CommitDone done, HandOn hand_on) {
  absl::Status checked = CheckCommitRequest(request);
  if (!checked.ok()) {
    done({.status = std::move(checked)});
    return;
  }
  done = AnnounceWrites(request, std::move(done));
  for (Precondition& precondition : request.preconditions) {
    precondition.key = seal_.names().SealKey(precondition.key);
  }
  for (Write& write : request.writes) write.key = seal_.names().SealKey(write.key);
  CommitSecrets secrets(*this);
  const Passage passage(*this);
  for (Write& write : request.writes) {
    if (!write.value || Seal::StaysEmpty(write.key, *write.value)) continue;
    const absl::StatusOr<RoomSecretPtr> secret = secrets.For(write.key, request);
    if (!secret.ok()) {
      std::move(secrets).GiveBack();
      done({.status = secret.status(), .trouble = secrets_->write_state().trouble});
      return;
    }
    std::string sealed = seal_.SealValue(write.key, *write.value, secret->get());
    Wipe(*write.value);  // it may be a room's secret
    write.value = std::move(sealed);
  }
  done = std::move(secrets).Note(request, std::move(done));
  ((*engine_).*hand_on)(std::move(request), std::move(done));
}

// Has nobody take for the latest what `request` writes anew. Returns `done`, or what is to be
// called instead.
Engine::CommitDone SealedEngine::AnnounceWrites(const CommitRequest& request, CommitDone done) {
  OpenedValues::Writing writing = opened_values_.BeginWriting(request.writes);
  if (writing.shards.empty()) return done;
  return [this, writing = std::move(writing), done = std::move(done)](CommitResult result) mutable {
    opened_values_.EndWriting(writing, result.status);
    done(std::move(result));
  };
}

absl::Status SealedEngine::DestroyRoomSecrets(absl::string_view room_id,
                                              absl::Span<const uint64_t> ids) {
  if (secrets_ == nullptr || ids.empty()) return absl::OkStatus();
  absl::Status destroyed = secrets_->Destroy(room_id, ids);
  secrets_of_rooms_.Clear();
  seal_.ForgetRooms();
  opened_values_.Clear();
  return destroyed;
}

absl::StatusOr<RoomSecretPtr> SealedEngine::FindSecret(absl::string_view room) {
  RoomSecretPtr known = secrets_of_rooms_.Find(room);
  if (known != nullptr) return known;
  const uint64_t epoch = secrets_of_rooms_.epoch();
  const auto ids =
      ReadRoomSecretIds(*engine_->NewSnapshot(), KeyBuilder(Table::kRoomKey).Raw(room).Build());
  if (!ids.ok()) return ids.status();
  for (const uint64_t id : *ids) {
    absl::StatusOr<RoomSecretPtr> found = secrets_->Find(id, ReadTier::kAll);
    if (!found.ok()) return found;
    if (*found == nullptr) continue;
    secrets_of_rooms_.Put(std::string(room), *found, epoch);
    return found;
  }
  return nullptr;
}

void SealedEngine::SetLogSealer(const LogSealer*) { LOG(FATAL) << "a seal above another"; }

absl::Status SealedEngine::Close() {
  absl::Status closed = engine_->Close();
  if (absl::IsFailedPrecondition(closed) || secrets_ == nullptr) return closed;
  closed.Update(secrets_->Close());
  return closed;
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
