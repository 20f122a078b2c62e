#include "storage/sealing/key_rotation.h"

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

}  // namespace

absl::Status KeyRotation::Rotate(const MasterKeys& master_keys, absl::Time now) {
  absl::MutexLock lock(&mutex_);
  const auto keyring = OpenKeyring(engine_.unsealed(), master_keys, now);
  if (!keyring.ok()) return keyring.status();
  absl::Status sealing = engine_.SealWith(keyring->data_keys.back());
  if (!sealing.ok()) return sealing;
  absl::Status closed = CloseDataKeys(engine_.unsealed());
  if (!closed.ok()) return closed;
  next_key_.clear();
  left_out_ = false;
  return UpdateKeyring(engine_.unsealed(), [&](KeyringRecord& record) {
    record.set_reseal_before(keyring->data_keys.back().id);
    return true;
  });
}

absl::StatusOr<KeyRotation::Step> KeyRotation::Continue(size_t max_values) {
  absl::MutexLock lock(&mutex_);
  const auto record = ReadKeyring(engine_.unsealed());
  if (!record.ok()) return record.status();
  if (!record->has_value()) return absl::DataLossError("the store's keyring is gone");
  Step step;
  if ((*record)->reseal_before() != 0) {
    auto resealed = ResealFrom((*record)->reseal_before(), max_values);
    if (!resealed.ok()) return resealed.status();
    step = *resealed;
  }
  const absl::StatusOr<size_t> left = Retire();
  if (!left.ok()) return left.status();
  step.data_keys = *left;
  return step;
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
  std::vector<CommitResult> results(candidates.size());
  absl::BlockingCounter pending(static_cast<int>(candidates.size()));
  absl::Status damaged;
  for (size_t i = 0; i < candidates.size(); ++i) {
    const Candidate& candidate = candidates[i];
    auto resealed = engine_.seal().Reseal(candidate.sealed_key, candidate.sealed);
    if (!resealed.ok() || !resealed->has_value()) {
      damaged.Update(resealed.status());
      results[i].status = absl::NotFoundError("it can't be opened any more");
      pending.DecrementCount();
      continue;
    }
    CommitRequest request;
    request.preconditions.push_back(
        Precondition::Unchanged(candidate.sealed_key, candidate.revision));
    request.writes.push_back({candidate.sealed_key, **std::move(resealed)});
    engine_.unsealed().Commit(std::move(request), [&, i](CommitResult result) {
      results[i] = std::move(result);
      pending.DecrementCount();
    });
  }
  pending.Wait();
  if (!damaged.ok()) return damaged;
  for (const CommitResult& result : results) {
    if (absl::IsNotFound(result.status)) continue;
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
  return UpdateKeyring(engine_.unsealed(), [&](KeyringRecord& record) {
    for (DataKeyRecord& key : *record.mutable_data_keys()) {
      if (key.id() < reseal_before) key.set_only_log(true);
    }
    record.set_reseal_before(0);
    return true;
  });
}

absl::StatusOr<size_t> KeyRotation::Retire() {
  const LogPosition oldest = engine_.log_bounds().oldest;
  size_t left = 0;
  std::vector<uint32_t> retired;
  absl::Status updated = UpdateKeyring(engine_.unsealed(), [&](KeyringRecord& record) {
    retired.clear();
    KeyringRecord kept = record;
    kept.clear_data_keys();
    for (const DataKeyRecord& key : record.data_keys()) {
      if (key.only_log() && key.last_position() < oldest) {
        retired.push_back(key.id());
      } else {
        *kept.add_data_keys() = key;
      }
    }
    record = std::move(kept);
    left = static_cast<size_t>(record.data_keys_size());
    return !retired.empty();
  });
  if (!updated.ok()) return updated;
  for (const uint32_t id : retired) engine_.ForgetDataKey(id);
  return left;
}

}  // namespace innkeeper::storage
