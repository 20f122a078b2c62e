// The properties of the event stream (validators.h), each under every condition
// (conditions.h), and of durable subscriptions (consumers.h), whose problems are among those of
// the condition. What readers get under a condition is recorded once, and then held against
// each property.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <future>
#include <map>
#include <string>

#include "tests/stream/conditions.h"
#include "tests/stream/validators.h"

namespace innkeeper::stream {
namespace {

constexpr Condition kConditions[] = {
    Condition::kRetention, Condition::kSlowReader, Condition::kManyReaders,   Condition::kSigkill,
    Condition::kRestart,   Condition::kCalm,       Condition::kNothingMatches};

class StreamProperties : public testing::TestWithParam<Condition> {
 protected:
  static const Outcome& OutcomeOf(Condition condition) {
    static std::map<Condition, Outcome> outcomes;
    const auto [outcome, is_new] = outcomes.try_emplace(condition);
    if (is_new) outcome->second = GoThrough(condition, INNKEEPER_SERVER);
    return outcome->second;
  }

  template <typename Check>
  void ExpectOfAll(Check check) {
    const Outcome& outcome = OutcomeOf(GetParam());
    EXPECT_THAT(outcome.problems, testing::IsEmpty()) << "the test itself";
    for (const Recording& recording : outcome.recordings) {
      EXPECT_THAT(check(recording, outcome.log), testing::IsEmpty());
    }
  }
};

TEST_P(StreamProperties, Ordered) { ExpectOfAll(CheckOrdered); }
TEST_P(StreamProperties, Unique) { ExpectOfAll(CheckUnique); }
TEST_P(StreamProperties, Reliable) { ExpectOfAll(CheckReliable); }
TEST_P(StreamProperties, Atomic) { ExpectOfAll(CheckAtomic); }
TEST_P(StreamProperties, Resumable) { ExpectOfAll(CheckResumable); }
TEST_P(StreamProperties, Bookmarkable) { ExpectOfAll(CheckBookmarkable); }
TEST_P(StreamProperties, Snapshots) { ExpectOfAll(CheckSnapshots); }

INSTANTIATE_TEST_SUITE_P(Conditions, StreamProperties, testing::ValuesIn(kConditions),
                         [](const auto& param_info) { return NameOf(param_info.param); });

}  // namespace
}  // namespace innkeeper::stream
