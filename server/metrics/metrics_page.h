// File: server/metrics/metrics_page.h

#ifndef INNKEEPER_SERVER_METRICS_METRICS_PAGE_H_
#define INNKEEPER_SERVER_METRICS_METRICS_PAGE_H_

#include <optional>
#include <vector>

#include "prometheus/metric_family.h"
#include "server/metrics/metrics.h"
#include "storage/engine.h"

namespace innkeeper::metrics {

// Returns the metrics as they are served, each with its name, its type and what it
// means: those that were counted, how `engine`, which must be open, is doing now, how
// `subscriptions` are, if that is known, and how the service did lately.
std::vector<prometheus::MetricFamily> MetricsPage(
    const Metrics& metrics, const storage::Engine& engine,
    const std::optional<SubscriptionStates>& subscriptions, const ServiceState& service);

}  // namespace innkeeper::metrics

#endif  // INNKEEPER_SERVER_METRICS_METRICS_PAGE_H_
