// What was acknowledged to a consumer stays so whenever the server is killed, and nothing
// else gets lost.

#include <signal.h>

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/e2e/e2e_test.h"
#include "tests/support/child_process.h"
#include "tests/support/consumer_stream.h"
#include "tests/support/people.h"
#include "tests/support/temp_dir.h"

namespace innkeeper {
namespace {

class SubscriptionsKillTest : public testing::Test {
 protected:
  void Start() {
    dir_.Write("tokens.json", TestTokenFile());
    server_ = std::make_unique<ChildProcess>(
        INNKEEPER_SERVER,
        std::vector<std::string>{"--server_name=example.org", "--listen_address=127.0.0.1:0",
                                 "--data_dir", dir_.File("data"), "--tokens_file",
                                 dir_.File("tokens.json"), "--rate_limits=off"},
        dir_.File("log"));
    const auto address = ReadReadyAddress(*server_);
    ASSERT_TRUE(address.has_value());
    client_ = std::make_unique<TestClient>(*address, TestToken("admin"));
  }

  void Kill() {
    server_->Signal(SIGKILL);
    server_->Wait();
  }

  const TempDir dir_;
  std::unique_ptr<ChildProcess> server_;
  std::unique_ptr<TestClient> client_;
};

TEST_F(SubscriptionsKillTest, NothingAcknowledgedComesAgainAndNothingElseIsLost) {
  ASSERT_NO_FATAL_FAILURE(Start());
  v1::CreateSubscriptionRequest create;
  create.mutable_subscription()->set_name("orders");
  ASSERT_TRUE(client_->CreateSubscription(create).ok());
  v1::ConsumeEventsRequest consume;
  consume.set_name("orders");
  consume.set_max_batch_events(3);

  constexpr int kRounds = 5;
  constexpr int kRoomsPerRound = 8;
  std::set<int64_t> acknowledged;
  std::set<int64_t> seen;
  for (int round = 0; round < kRounds; ++round) {
    for (int i = 0; i < kRoomsPerRound; ++i) client_->Create(RoomRequest(kAlice));
    ConsumerStream consumer(*client_, consume);
    // Leaves the last message of each round without an acknowledgement.
    for (size_t count = 0; count < kRoomsPerRound - 2;) {
      const auto events = consumer.NextEvents(1);
      ASSERT_FALSE(events.empty());
      for (const v1::DeliveredEvent& event : events) {
        const int64_t sequence = event.event().sequence();
        EXPECT_FALSE(acknowledged.contains(sequence)) << sequence << " comes again";
        seen.insert(sequence);
      }
      count += events.size();
      if (count >= kRoomsPerRound - 2) break;
      ASSERT_TRUE(consumer.Ack().ok());
      for (const v1::DeliveredEvent& event : events) {
        acknowledged.insert(event.event().sequence());
      }
    }
    Kill();
    ASSERT_NO_FATAL_FAILURE(Start());
  }

  ConsumerStream consumer(*client_, consume);
  const int64_t total = kRounds * kRoomsPerRound;
  while (static_cast<int64_t>(acknowledged.size()) < total) {
    const auto events = consumer.NextEvents(1);
    ASSERT_FALSE(events.empty()) << acknowledged.size() << " of " << total;
    for (const v1::DeliveredEvent& event : events) {
      EXPECT_TRUE(acknowledged.insert(event.event().sequence()).second);
    }
    ASSERT_TRUE(consumer.Ack().ok());
  }
  EXPECT_EQ(*acknowledged.begin(), 1);
  EXPECT_EQ(*acknowledged.rbegin(), total);
}

}  // namespace
}  // namespace innkeeper
