#include "server/metrics/metrics_endpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "tests/support/http_get.h"

namespace innkeeper::metrics {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

std::vector<prometheus::MetricFamily> OneGauge() {
  prometheus::MetricFamily family;
  family.name = "rooms";
  family.help = "Rooms in this house.";
  family.type = prometheus::MetricType::Gauge;
  family.metric.resize(1);
  family.metric[0].gauge.value = 7;
  return {family};
}

TEST(MetricsEndpointTest, AnswersWithWhatIsCollected) {
  const auto endpoint = MetricsEndpoint::Start("127.0.0.1:0", OneGauge);
  ASSERT_TRUE(endpoint.ok()) << endpoint.status();
  const std::string address = absl::StrCat("127.0.0.1:", (*endpoint)->port());
  EXPECT_THAT(HttpGet(address, "/metrics"),
              AllOf(StartsWith("HTTP/1.1 200"), HasSubstr("# HELP rooms Rooms in this house."),
                    HasSubstr("# TYPE rooms gauge"), HasSubstr("\nrooms 7")));
  EXPECT_THAT(HttpGet(address, "/"), StartsWith("HTTP/1.1 404"));
}

TEST(MetricsEndpointTest, SaysThatItCannotListen) {
  const auto endpoint = MetricsEndpoint::Start("127.0.0.1:0", OneGauge);
  ASSERT_TRUE(endpoint.ok()) << endpoint.status();
  const std::string taken = absl::StrCat("127.0.0.1:", (*endpoint)->port());
  for (const std::string& address : {taken, std::string("nowhere")}) {
    const absl::Status status = MetricsEndpoint::Start(address, OneGauge).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
    EXPECT_THAT(std::string(status.message()), HasSubstr(address));
  }
}

}  // namespace
}  // namespace innkeeper::metrics
