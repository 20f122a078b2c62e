#include "storage/sealing/room_secrets.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "storage/keys.h"
#include "storage/record_codec.h"

namespace innkeeper::storage {
namespace {

constexpr size_t kIdBytes = 16;

// How many secrets are made at a time: few for a server that may create no room, and then four
// times as many as before, whenever half of those have been drawn.
constexpr size_t kFirstBatch = 64;
constexpr size_t kLargestBatch = 1024;

// For how long a caller waits for secrets that are being stored, which takes a sync.
constexpr absl::Duration kPatience = absl::Seconds(1);

// How many of those that were used lately are kept in memory, some 100 bytes each.
constexpr size_t kKnownSecrets = 16'384;

// No secret has the id 0.
std::string HeadKey() { return KeyBuilder(Table::kRoomSecret).U64(0).Build(); }

std::string SecretKey(uint64_t id) { return KeyBuilder(Table::kRoomSecret).U64(id).Build(); }

std::string EncodeSecret(const RoomSecret& secret) {
  RoomSecretRecord record;
  record.set_secret(std::string(secret.secret.Expose()));
  std::string encoded = Encode(record);
  Wipe(*record.mutable_secret());
  return encoded;
}

absl::StatusOr<RoomSecretsRecord> OpenHead(Engine& engine) {
  const auto stored = engine.Get(HeadKey());
  if (!stored.ok()) return stored.status();
  if (*stored) return Decode<RoomSecretsRecord>(HeadKey(), (*stored)->value);
  RoomSecretsRecord record;
  record.set_id(absl::BytesToHexString(Secret::Random(kIdBytes).Expose()));
  record.set_next_id(1);
  CommitRequest request;
  request.may_use_reserve = true;
  request.writes.push_back({HeadKey(), Encode(record)});
  const CommitResult written = CommitAndWait(engine, std::move(request));
  if (!written.status.ok()) return written.status;
  return record;
}

}  // namespace

RoomSecrets::RoomSecrets(std::unique_ptr<Engine> engine, const RoomSecretsRecord& record)
    : id_(record.id()),
      known_(kKnownSecrets),
      next_id_(record.next_id()),
      engine_(std::move(engine)) {}

absl::StatusOr<std::unique_ptr<RoomSecrets>> RoomSecrets::Open(std::unique_ptr<Engine> engine) {
  const auto head = OpenHead(*engine);
  if (!head.ok()) return head.status();
  auto secrets = absl::WrapUnique(new RoomSecrets(std::move(engine), *head));
  Batch batch = secrets->MakeBatch();
  // Where nothing can be stored, what is there can still be read.
  const CommitResult stored = CommitAndWait(*secrets->engine_, std::move(batch.request));
  secrets->Keep(std::move(batch.secrets), stored.status);
  return secrets;
}

absl::StatusOr<RoomSecretPtr> RoomSecrets::Draw() {
  RoomSecretPtr drawn;
  do {
    MakeMoreInTime();
  } while (AwaitReady() && (drawn = TakeReady()) == nullptr);
  if (drawn != nullptr) {
    known_.Put(drawn->id, drawn, known_.epoch());
    return drawn;
  }
  const WriteState state = write_state();
  if (state.trouble == WriteTrouble::kNone) {
    return absl::ResourceExhaustedError("secrets for rooms are not stored in time");
  }
  return absl::UnavailableError(absl::StrCat("no secrets can be stored: ", state.message));
}

void RoomSecrets::MakeMoreInTime() {
  {
    absl::MutexLock lock(&mutex_);
    if (is_making_ || ready_.size() > batch_size_ / 2) return;
    is_making_ = true;
  }
  Batch batch = MakeBatch();
  engine_->Commit(std::move(batch.request),
                  [this, secrets = std::move(batch.secrets)](const CommitResult& result) mutable {
                    Keep(std::move(secrets), result.status);
                  });
}

bool RoomSecrets::AwaitReady() {
  absl::MutexLock lock(&mutex_);
  const auto is_decided = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return !ready_.empty() || !is_making_;
  };
  return mutex_.AwaitWithTimeout(absl::Condition(&is_decided), kPatience) &&
         (!ready_.empty() || were_stored_);
}

RoomSecretPtr RoomSecrets::TakeReady() {
  absl::MutexLock lock(&mutex_);
  if (ready_.empty()) return nullptr;
  RoomSecretPtr taken = std::move(ready_.back());
  ready_.pop_back();
  return taken;
}

void RoomSecrets::GiveBack(RoomSecretPtr secret) {
  absl::MutexLock lock(&mutex_);
  ready_.push_back(std::move(secret));
}

absl::StatusOr<RoomSecretPtr> RoomSecrets::Find(uint64_t id, ReadTier tier) const {
  RoomSecretPtr known = known_.Find(id);
  if (known != nullptr) return known;
  const uint64_t epoch = known_.epoch();
  const std::string key = SecretKey(id);
  auto stored = engine_->NewSnapshot(tier)->Get(key);
  if (!stored.ok()) return stored.status();
  if (!*stored) {
    return absl::DataLossError(absl::StrCat("the secret ", id, " of a room is lost"));
  }
  auto record = Decode<RoomSecretRecord>(key, (*stored)->value);
  Wipe((*stored)->value);
  if (!record.ok()) return record.status();
  if (record->secret().empty()) return nullptr;
  if (record->secret().size() != RoomSecret::kBytes) return Damaged(key);
  known = std::make_shared<RoomSecret>(RoomSecret{id, Secret::Copy(record->secret())});
  Wipe(*record->mutable_secret());
  known_.Put(id, known, epoch);
  return known;
}

absl::Status RoomSecrets::Destroy(absl::string_view room_id, absl::Span<const uint64_t> ids) {
  CommitRequest request;
  request.may_use_reserve = true;
  for (const uint64_t id : ids) {
    request.writes.push_back({SecretKey(id), Encode(RoomSecretRecord())});
    request.writes.push_back({KeyBuilder(Table::kRoomKey).Str(room_id).U64(id).Build(), ""});
  }
  const CommitResult result = CommitAndWait(*engine_, std::move(request));
  known_.Clear();
  return result.status;
}

absl::Status RoomSecrets::ScanDestroyed(
    absl::FunctionRef<void(absl::string_view room_key)> visit) const {
  const std::string prefix = KeyBuilder(Table::kRoomKey).Build();
  return engine_->NewSnapshot()->Scan(prefix, PrefixEnd(prefix),
                                      [&](absl::string_view key, absl::string_view, Revision) {
                                        visit(key);
                                        return true;
                                      });
}

absl::Status RoomSecrets::Close() {
  CommitRequest request;
  {
    absl::MutexLock lock(&mutex_);
    for (const RoomSecretPtr& unused : ready_) {
      request.writes.push_back({SecretKey(unused->id), std::nullopt});
    }
    ready_.clear();
  }
  if (!request.writes.empty()) {
    // If it fails they are left, of no use to anybody.
    CommitAndWait(*engine_, std::move(request)).status.IgnoreError();
  }
  return engine_->Close();
}

RoomSecrets::Batch RoomSecrets::MakeBatch() {
  RoomSecretsRecord head;
  head.set_id(id_);
  uint64_t first = 0;
  {
    absl::MutexLock lock(&mutex_);
    batch_size_ = std::clamp(4 * batch_size_, kFirstBatch, kLargestBatch);
    first = std::exchange(next_id_, next_id_ + batch_size_);
    head.set_next_id(next_id_);
  }
  Batch batch;
  // They are there when the store takes rooms again.
  batch.request.may_use_reserve = true;
  batch.request.writes.push_back({HeadKey(), Encode(head)});
  const Secret random = Secret::Random((head.next_id() - first) * RoomSecret::kBytes);
  for (uint64_t id = first; id < head.next_id(); ++id) {
    const absl::string_view bytes =
        random.Expose().substr((id - first) * RoomSecret::kBytes, RoomSecret::kBytes);
    batch.secrets.push_back(std::make_shared<RoomSecret>(RoomSecret{id, Secret::Copy(bytes)}));
    batch.request.writes.push_back({SecretKey(id), EncodeSecret(*batch.secrets.back())});
  }
  return batch;
}

void RoomSecrets::Keep(std::vector<RoomSecretPtr> secrets, const absl::Status& stored) {
  absl::MutexLock lock(&mutex_);
  is_making_ = false;
  were_stored_ = stored.ok();
  if (!were_stored_) return;
  ready_.insert(ready_.end(), std::make_move_iterator(secrets.begin()),
                std::make_move_iterator(secrets.end()));
}

}  // namespace innkeeper::storage
