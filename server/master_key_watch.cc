#include "server/master_key_watch.h"

#include <glog/logging.h>

#include <cstdint>

#include "absl/status/status.h"
#include "server/master_keys.h"

namespace innkeeper {
namespace {

// Values that one call of Continue() looks at.
constexpr size_t kValuesAtOnce = 2000;

}  // namespace

MasterKeyWatch::MasterKeyWatch(const ServerConfig& config, storage::SealedEngine& engine,
                               storage::SealedEngine& secrets, const Clock& clock,
                               metrics::SealingMetrics& metrics)
    : config_(config),
      clock_(clock),
      metrics_(metrics),
      rotation_(engine),
      rotation_of_secrets_(secrets),
      master_key_id_(engine.master_key_id()) {}

void MasterKeyWatch::ReloadIfChanged() {
  if (!config_.master_key_command.empty()) return;
  const auto keys = LoadMasterKeys(config_, /*may_make=*/false);
  if (!keys.ok()) {
    Complain(keys.status());
    return;
  }
  if (keys->front().id() == master_key_id_) return;
  absl::Status rotated = rotation_of_secrets_.Rotate(*keys, clock_());
  if (rotated.ok()) rotated = rotation_.Rotate(*keys, clock_());
  if (!rotated.ok()) {
    Complain(rotated);
    return;
  }
  master_key_id_ = keys->front().id();
  complaint_.clear();
  LOG(INFO) << "the store is sealed with the master key " << master_key_id_
            << " from now on; sealing all values anew";
}

void MasterKeyWatch::Continue() {
  const auto step = rotation_.Continue(kValuesAtOnce);
  const auto of_secrets = rotation_of_secrets_.Continue(kValuesAtOnce);
  if (!step.ok() || !of_secrets.ok()) {
    Complain(step.ok() ? of_secrets.status() : step.status());
    return;
  }
  const size_t resealed = step->resealed + of_secrets->resealed;
  const bool done = step->done && of_secrets->done;
  metrics_.resealed_values.Add(resealed);
  metrics_.resealing.Set(done ? 0 : 1);
  resealed_ += resealed;
  if (done && resealed_ > 0) {
    LOG(INFO) << "sealed " << resealed_ << " values anew";
    resealed_ = 0;
  }
  metrics_.data_keys.Set(static_cast<int64_t>(step->data_keys));
}

void MasterKeyWatch::Complain(const absl::Status& status) {
  if (complaint_ == status.message()) return;
  complaint_ = std::string(status.message());
  LOG(ERROR) << "the keys of the store stay as they are: " << status;
}

}  // namespace innkeeper
