#include "server/limits/stream_slots.h"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

#include "server/errors/errors.h"

namespace innkeeper::limits {
namespace {

class StreamSlotsTest : public testing::Test {
 protected:
  metrics::LimitMetrics metrics_;
};

TEST_F(StreamSlotsTest, APrincipalHasSoManyAndNoMoreUntilOneEnds) {
  StreamSlots slots(/*most=*/10, /*most_per_principal=*/2, metrics_);
  auto first = slots.Take("a");
  auto second = slots.Take("a");
  ASSERT_TRUE(first.ok() && second.ok());
  const absl::Status refused = slots.Take("a").status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ReasonOf(refused), v1::ERROR_REASON_LIMIT_EXCEEDED);
  EXPECT_EQ(MetadataOf(refused, "limit"), "max_streams_per_principal");
  EXPECT_EQ(MetadataOf(refused, "most"), "2");
  EXPECT_TRUE(refused.GetPayload("type.googleapis.com/google.rpc.RetryInfo").has_value());
  EXPECT_TRUE(slots.Take("b").ok());
  EXPECT_EQ(metrics_.open_streams.value(), 2);
  *first = StreamSlots::Slot();
  EXPECT_TRUE(slots.Take("a").ok());
}

TEST_F(StreamSlotsTest, ThereAreSoManyInAll) {
  StreamSlots slots(/*most=*/2, /*most_per_principal=*/0, metrics_);
  auto first = slots.Take("a");
  auto second = slots.Take("b");
  ASSERT_TRUE(first.ok() && second.ok());
  const absl::Status refused = slots.Take("c").status();
  EXPECT_EQ(ReasonOf(refused), v1::ERROR_REASON_OVERLOADED);
  EXPECT_EQ(MetadataOf(refused, "limit"), "max_streams");
  second = absl::CancelledError();
  EXPECT_TRUE(slots.Take("c").ok());
}

TEST_F(StreamSlotsTest, ASlotThatMovesIsOne) {
  StreamSlots slots(1, 1, metrics_);
  {
    auto slot = slots.Take("a");
    StreamSlots::Slot moved = *std::move(slot);
    StreamSlots::Slot kept;
    kept = std::move(moved);
    EXPECT_FALSE(slots.Take("a").ok());
  }
  EXPECT_TRUE(slots.Take("a").ok());
  EXPECT_EQ(metrics_.open_streams.value(), 0);
}

TEST_F(StreamSlotsTest, ZeroIsNoLimit) {
  StreamSlots slots(0, 0, metrics_);
  std::vector<StreamSlots::Slot> taken;
  for (int i = 0; i < 1000; ++i) taken.push_back(*slots.Take("a"));
  EXPECT_EQ(metrics_.open_streams.value(), 1000);
}

}  // namespace
}  // namespace innkeeper::limits
