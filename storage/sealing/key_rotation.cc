#include "storage/sealing/key_rotation.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/synchronization/blocking_counter.h"
#include "storage/keys.h"
#include "storage/sealing/keyring.h"
#include "storage/sealing/value_sealer.h"

namespace innkeeper::storage {
namespace {

constexpr absl::string_view kBehindAllKeys = "\xFF";

// Whether nothing is sealed with `key` any more, if the log begins at `oldest`.
bool IsUnused(const DataKeyRecord& key, LogPosition oldest) {
  return key.only_log() && key.has_last_position() && key.last_position() < oldest;
}

}  // namespace

absl::Status KeyRotation::Rotate(const MasterKeys& master_keys, absl::Time now) {
  absl::MutexLock lock(&mutex_);
  const auto keyring = OpenKeyring(engine_.unsealed(), master_keys, now);
  is_rotating_ = is_rotating_ || keyring.ok() || absl::IsUnavailable(keyring.status());
  if (!keyring.ok()) return keyring.status();
  absl::Status begun = BeginPass(keyring->data_keys.back());
  // Whatever went wrong, the keyring has changed.
  if (!begun.ok()) return absl::UnavailableError(begun.ToString());
  is_rotating_ = false;
  next_key_.clear();
  left_out_ = false;
  return absl::OkStatus();
}

absl::Status KeyRotation::BeginPass(const Keyring::DataKey& key) {
  absl::Status sealing = engine_.SealWith(key);
  if (!sealing.ok()) return sealing;
  absl::Status closed = CloseDataKeys(engine_.unsealed());
  if (!closed.ok()) return closed;
  return Update([&](KeyringRecord& record) {
    record.set_reseal_before(key.id);
    return true;
  });
}

absl::StatusOr<KeyRotation::Step> KeyRotation::Continue(size_t max_values) {
  absl::MutexLock lock(&mutex_);
  absl::Status read = ReadKeyringOnce();
  if (!read.ok()) return read;
  Step step{.done = !is_rotating_};
  if (!is_rotating_) {
    if (keyring_->reseal_before() != 0) {
      auto resealed = ResealFrom(keyring_->reseal_before(), max_values);
      if (!resealed.ok()) return resealed.status();
      step = *resealed;
    }
    absl::Status retired = Retire();
    if (!retired.ok()) return retired;
  }
  step.data_keys = static_cast<size_t>(keyring_->data_keys_size());
  return step;
}

absl::Status KeyRotation::ReadKeyringOnce() {
  if (keyring_) return absl::OkStatus();
  auto keyring = ReadKeyring(engine_.unsealed());
  if (!keyring.ok()) return keyring.status();
  if (!keyring->has_value()) return absl::DataLossError("the store's keyring is gone");
  keyring_ = **std::move(keyring);
  return absl::OkStatus();
}

absl::Status KeyRotation::Update(absl::FunctionRef<bool(KeyringRecord&)> change) {
  keyring_.reset();
  std::optional<KeyringRecord> changed;
  absl::Status updated = UpdateKeyring(engine_.unsealed(), [&](KeyringRecord& record) {
    const bool is_changed = change(record);
    changed = record;
    return is_changed;
  });
  if (updated.ok()) keyring_ = std::move(changed);
  return updated;
}

absl::StatusOr<KeyRotation::Step> KeyRotation::ResealFrom(uint32_t reseal_before,
                                                          size_t max_values) {
  Step step{.done = false};
  std::vector<Candidate> candidates;
  std::optional<std::string> next_key;
  absl::Status scanned = engine_.unsealed().NewSnapshot()->Scan(
      next_key_, kBehindAllKeys,
      [&](absl::string_view key, absl::string_view value, Revision revision) {
        if (step.looked_at == max_values) {
          next_key = std::string(key);
          return false;
        }
        ++step.looked_at;
        const std::optional<uint32_t> id = SealingKeyId(value);
        if (key != KeyringKey() && id && *id < reseal_before) {
          candidates.push_back({std::string(key), std::string(value), revision});
        }
        return true;
      });
  if (!scanned.ok()) return scanned;
  absl::Status resealed = Reseal(candidates, step);
  if (!resealed.ok()) return resealed;
  next_key_ = next_key.value_or("");
  if (next_key) return step;
  step.done = !std::exchange(left_out_, false);
  if (!step.done) return step;
  absl::Status finished = FinishPass(reseal_before);
  if (!finished.ok()) return finished;
  return step;
}

absl::Status KeyRotation::Reseal(const std::vector<Candidate>& candidates, Step& step) {
  std::vector<CommitRequest> requests;
  absl::Status damaged;
  for (const Candidate& candidate : candidates) {
    auto resealed = engine_.seal().Reseal(candidate.sealed_key, candidate.sealed);
    damaged.Update(resealed.status());
    if (!resealed.ok() || !resealed->has_value()) continue;  // of a room that was deleted
    CommitRequest& request = requests.emplace_back();
    request.preconditions.push_back(
        Precondition::Unchanged(candidate.sealed_key, candidate.revision));
    request.writes.push_back({candidate.sealed_key, **std::move(resealed)});
  }
  std::vector<CommitResult> results(requests.size());
  absl::BlockingCounter pending(static_cast<int>(requests.size()));
  for (size_t i = 0; i < requests.size(); ++i) {
    engine_.unsealed().Commit(std::move(requests[i]), [&, i](CommitResult result) {
      results[i] = std::move(result);
      pending.DecrementCount();
    });
  }
  pending.Wait();
  if (!damaged.ok()) return damaged;
  for (const CommitResult& result : results) {
    if (absl::IsAborted(result.status)) {
      left_out_ = true;
    } else if (!result.status.ok()) {
      return result.status;
    } else {
      ++step.resealed;
    }
  }
  return absl::OkStatus();
}

absl::Status KeyRotation::FinishPass(uint32_t reseal_before) {
  return Update([&](KeyringRecord& record) {
    for (DataKeyRecord& key : *record.mutable_data_keys()) {
      if (key.id() < reseal_before) key.set_only_log(true);
    }
    record.set_reseal_before(0);
    return true;
  });
}

absl::Status KeyRotation::Retire() {
  const LogPosition oldest = engine_.log_bounds().oldest;
  const auto is_unused = [&](const DataKeyRecord& key) { return IsUnused(key, oldest); };
  const auto& present = keyring_->data_keys();
  if (std::none_of(present.begin(), present.end(), is_unused)) return absl::OkStatus();
  return Update([&](KeyringRecord& record) {
    auto& keys = *record.mutable_data_keys();
    const auto unused = std::remove_if(keys.begin(), keys.end(), is_unused);
    const bool changed = unused != keys.end();
    keys.erase(unused, keys.end());
    return changed;
  });
}

}  // namespace innkeeper::storage
