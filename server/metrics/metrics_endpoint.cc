#include "server/metrics/metrics_endpoint.h"

#include <exception>
#include <utility>

#include "absl/strings/str_cat.h"

namespace innkeeper::metrics {

class MetricsEndpoint::Source final : public prometheus::Collectable {
 public:
  explicit Source(MetricsEndpoint::Collect collect) : collect_(std::move(collect)) {}

  std::vector<prometheus::MetricFamily> Collect() const override { return collect_(); }

 private:
  const MetricsEndpoint::Collect collect_;
};

MetricsEndpoint::MetricsEndpoint(const std::string& address, Collect collect)
    : source_(std::make_shared<Source>(std::move(collect))), exposer_(address) {
  exposer_.RegisterCollectable(source_);
}

absl::StatusOr<std::unique_ptr<MetricsEndpoint>> MetricsEndpoint::Start(const std::string& address,
                                                                        Collect collect) {
  try {
    return std::unique_ptr<MetricsEndpoint>(new MetricsEndpoint(address, std::move(collect)));
  } catch (const std::exception& error) {
    return absl::UnavailableError(absl::StrCat(
        "cannot serve metrics on ", address,
        ": the address is in use, not this machine's, or not an IP address and a port"));
  }
}

}  // namespace innkeeper::metrics
