#include "server/master_key_watch.h"

#include <glog/logging.h>

#include <cstdint>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/master_keys.h"

namespace innkeeper {
namespace {

// Values that one call of Continue() looks at.
constexpr size_t kValuesAtOnce = 2000;

// Logs an error that is not the one that was logged last.
void LogOnce(absl::string_view what, const absl::Status& status, absl::Status& logged) {
  if (status == logged) return;
  logged = status;
  LOG_IF(ERROR, !status.ok()) << what << ": " << status;
}

}  // namespace

MasterKeyWatch::MasterKeyWatch(const ServerConfig& config, storage::SealedEngine& engine,
                               storage::SealedEngine& secrets, const Clock& clock,
                               metrics::SealingMetrics& metrics)
    : config_(config), clock_(clock), metrics_(metrics), secrets_(secrets), store_(engine) {}

void MasterKeyWatch::ReloadIfChanged() {
  if (!config_.master_key_command.empty()) return;
  LogOnce("the store's master key can't be changed", Reload(), reload_error_);
}

absl::Status MasterKeyWatch::Reload() {
  const std::optional<FileStamp> stamp = StampOf(MasterKeyPath(config_), clock_());
  if (stamp && stamp == stamp_) return absl::OkStatus();
  stamp_.reset();
  const auto keys = LoadMasterKeys(config_, /*may_make=*/false);
  if (!keys.ok()) return keys.status();
  absl::Status rotated = RotateTo(*keys);
  if (rotated.ok()) stamp_ = stamp;
  return rotated;
}

absl::Status MasterKeyWatch::RotateTo(const storage::MasterKeys& keys) {
  const std::string& id = keys.front().id();
  if (store_.master_key_id == id && secrets_.master_key_id == id) return absl::OkStatus();
  for (Rotating* const each : {&secrets_, &store_}) {
    if (each->master_key_id == id) continue;
    absl::Status rotated = each->rotation.Rotate(keys, clock_());
    if (absl::IsUnavailable(rotated)) each->master_key_id.clear();
    if (!rotated.ok()) return rotated;
    each->master_key_id = id;
  }
  LOG(INFO) << "the store is sealed with the master key " << id
            << " from now on; sealing all values anew";
  return absl::OkStatus();
}

void MasterKeyWatch::Continue() {
  const auto step = store_.rotation.Continue(kValuesAtOnce);
  const auto of_secrets = secrets_.rotation.Continue(kValuesAtOnce);
  LogOnce("sealing values anew", step.ok() ? of_secrets.status() : step.status(), work_error_);
  if (!step.ok() || !of_secrets.ok()) return;
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

}  // namespace innkeeper
