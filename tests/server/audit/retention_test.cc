#include "server/audit/retention.h"

#include <gtest/gtest.h>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "tests/server/audit/audit_fixture.h"

namespace innkeeper::audit {
namespace {

using RetentionTest = AuditFixture;

TEST_F(RetentionTest, RemovesWhatIsTooOldButTheNewest) {
  const absl::Time begin = absl::Now();
  Append(1200);
  const absl::Time end = absl::Now();
  Retention retention(engine(), absl::Hours(24));
  ASSERT_TRUE(retention.Enforce(begin + absl::Hours(24) - absl::Seconds(1)).ok());
  EXPECT_EQ(Entries().size(), 1200u);
  ASSERT_TRUE(retention.Enforce(end + absl::Hours(25)).ok());
  ASSERT_EQ(Entries().size(), 1u);
  EXPECT_EQ(Entries()[0].first, 1200u);
  Append(1);
  ASSERT_TRUE(retention.Enforce(end + absl::Hours(50)).ok());
  EXPECT_EQ(Entries()[0].first, 1201u);
}

TEST_F(RetentionTest, StopsAtTheFirstThatIsYoungEnough) {
  const auto put = [this](uint64_t number, absl::Time time) {
    Overwrite(number, storage::EncodeAuditValue({}, time, ""));
  };
  Append(4);
  const absl::Time now = absl::Now();
  put(1, now - absl::Hours(3));
  put(2, now);
  put(3, now - absl::Hours(3));
  ASSERT_TRUE(Retention(engine(), absl::Hours(1)).Enforce(now).ok());
  EXPECT_EQ(Entries().size(), 3u);
  EXPECT_EQ(Entries()[0].first, 2u);
}

TEST_F(RetentionTest, KeepsAllForEver) {
  Append(2);
  Retention retention(engine(), absl::InfiniteDuration());
  ASSERT_TRUE(retention.Enforce(absl::Now() + 1'000'000 * absl::Hours(24)).ok());
  EXPECT_EQ(Entries().size(), 2u);
}

TEST_F(RetentionTest, HasNothingToDoInAnEmptyLog) {
  EXPECT_TRUE(Retention(engine(), absl::Hours(1)).Enforce(absl::Now()).ok());
}

}  // namespace
}  // namespace innkeeper::audit
