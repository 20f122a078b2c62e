// File: server/metrics/metrics_endpoint.h
//
// Serves metrics to Prometheus: HTTP, GET /metrics, in its text format.

#ifndef INNKEEPER_SERVER_METRICS_METRICS_ENDPOINT_H_
#define INNKEEPER_SERVER_METRICS_METRICS_ENDPOINT_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "prometheus/collectable.h"
#include "prometheus/exposer.h"
#include "prometheus/metric_family.h"

namespace innkeeper::metrics {

// An HTTP server of its own threads.
class MetricsEndpoint {
 public:
  using Collect = std::function<std::vector<prometheus::MetricFamily>()>;

  // Listens on `address`, an IP address and a port, and answers with what `collect`
  // returns, which is called on any thread, one at a time or several. Errors: UNAVAILABLE
  // if it can't listen there.
  static absl::StatusOr<std::unique_ptr<MetricsEndpoint>> Start(const std::string& address,
                                                                Collect collect);

  // Ends the server; `collect` is not called any more.
  ~MetricsEndpoint() = default;

  // The port that it listens on.
  int port() const { return exposer_.GetListeningPorts().at(0); }

 private:
  class Source;

  MetricsEndpoint(const std::string& address, Collect collect);

  const std::shared_ptr<prometheus::Collectable> source_;
  prometheus::Exposer exposer_;
};

}  // namespace innkeeper::metrics

#endif  // INNKEEPER_SERVER_METRICS_METRICS_ENDPOINT_H_
