#include "server/metrics/metrics.h"

#include <utility>

namespace innkeeper::metrics {

void CounterByName::Add(absl::string_view name, uint64_t count) {
  if (count == 0) return;
  const std::string_view key(name.data(), name.size());
  {
    absl::ReaderMutexLock lock(&mutex_);
    if (const auto found = counters_.find(key); found != counters_.end()) {
      found->second.Add(count);
      return;
    }
  }
  absl::MutexLock lock(&mutex_);
  counters_[std::string(key)].Add(count);
}

std::vector<std::pair<std::string, uint64_t>> CounterByName::values() const {
  std::vector<std::pair<std::string, uint64_t>> values;
  absl::ReaderMutexLock lock(&mutex_);
  for (const auto& [name, counter] : counters_) values.emplace_back(name, counter.value());
  return values;
}

void CallMetrics::Count(absl::string_view method, absl::StatusCode code, absl::string_view reason,
                        const CallTime& time) {
  const std::string_view key(method.data(), method.size());
  MethodCalls* calls = nullptr;
  {
    absl::ReaderMutexLock lock(&mutex_);
    if (const auto found = methods_.find(key); found != methods_.end()) calls = found->second.get();
  }
  if (calls == nullptr) {
    absl::MutexLock lock(&mutex_);
    std::unique_ptr<MethodCalls>& made = methods_[std::string(key)];
    if (made == nullptr) made = std::make_unique<MethodCalls>();
    calls = made.get();
  }
  const auto index = static_cast<size_t>(code);
  calls->by_code[index < MethodCalls::kCodes ? index : 2].Add();  // 2 is UNKNOWN
  calls->latency.Observe(time.took);
  if (!reason.empty()) errors_.Add(reason);
  if (action_rates_ == nullptr) return;
  if (const auto succeeded = ActionOutcome(method, code, reason, time.allowed)) {
    action_rates_->CountAction(*succeeded);
  }
}

std::vector<std::pair<std::string, const MethodCalls*>> CallMetrics::methods() const {
  std::vector<std::pair<std::string, const MethodCalls*>> methods;
  absl::ReaderMutexLock lock(&mutex_);
  for (const auto& [name, calls] : methods_) methods.emplace_back(name, calls.get());
  return methods;
}

}  // namespace innkeeper::metrics
