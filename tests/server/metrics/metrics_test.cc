#include "server/metrics/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace innkeeper::metrics {
namespace {

using testing::ElementsAre;
using testing::Pair;

TEST(MetricsTest, CallsAreCountedByMethodCodeAndReason) {
  CallMetrics calls;
  calls.Count("GetRoom", absl::StatusCode::kOk, "", {absl::Milliseconds(3)});
  calls.Count("GetRoom", absl::StatusCode::kOk, "", {absl::Milliseconds(3)});
  calls.Count("GetRoom", absl::StatusCode::kNotFound, "ROOM_NOT_FOUND", {absl::Milliseconds(1)});
  calls.Count("CreateRoom", absl::StatusCode::kResourceExhausted, "OVERLOADED",
              {absl::Seconds(99)});
  const auto methods = calls.methods();
  ASSERT_EQ(methods.size(), 2u);
  EXPECT_EQ(methods[0].first, "CreateRoom");
  EXPECT_EQ(methods[0].second->by_code[8].value(), 1u);
  EXPECT_EQ(methods[0].second->latency.count(methods[0].second->latency.bounds().size()), 1u);
  EXPECT_EQ(methods[1].first, "GetRoom");
  EXPECT_EQ(methods[1].second->by_code[0].value(), 2u);
  EXPECT_EQ(methods[1].second->by_code[5].value(), 1u);
  EXPECT_NEAR(methods[1].second->latency.sum(), 0.007, 1e-9);
  EXPECT_THAT(calls.errors().values(),
              ElementsAre(Pair("OVERLOADED", 1u), Pair("ROOM_NOT_FOUND", 1u)));
}

TEST(MetricsTest, AnUnknownCodeIsCountedAsSuch) {
  CallMetrics calls;
  calls.Count("GetRoom", static_cast<absl::StatusCode>(99), "", {absl::ZeroDuration()});
  EXPECT_EQ(calls.methods()[0].second->by_code[2].value(), 1u);
}

}  // namespace
}  // namespace innkeeper::metrics
