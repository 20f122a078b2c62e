// A server's metrics, as Prometheus would read them.

#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "server/store.h"
#include "storage/engine.h"
#include "storage/keys.h"
#include "storage/sealing/sealed_engine.h"
#include "tests/e2e/e2e_test.h"
#include "tests/support/consumer_stream.h"
#include "tests/support/watch_stream.h"

namespace innkeeper {
namespace {

using testing::HasSubstr;
using testing::Not;

class MetricsTest : public testing::Test {
 protected:
  // The value of a sample, such as `innkeeper_calls_total{...}`; -1 if there is none.
  double Value(const std::string& sample) {
    const std::string page = MetricsOf(server_);
    for (absl::string_view line : absl::StrSplit(page, '\n')) {
      if (!absl::ConsumePrefix(&line, sample + " ")) continue;
      double value = 0;
      EXPECT_TRUE(absl::SimpleAtod(line, &value)) << line;
      return value;
    }
    return -1;
  }

  // Has another record in the store, which is none, under `key`.
  void Damage(const std::string& key) {
    ASSERT_TRUE(server_.Stop().ok());
    auto store = OpenStore(server_.config(), {}, absl::Now());
    ASSERT_TRUE(store.ok()) << store.status();
    storage::CommitRequest request;
    request.writes.push_back({key, "?"});
    ASSERT_TRUE(CommitAndWait(*store->sealed, std::move(request)).status.ok());
    ASSERT_TRUE(store->engine->Close().ok());
    store->engine.reset();
    server_.Start();
  }

  TestServer server_{[](ServerConfig& config) { config.metrics_address = "127.0.0.1:0"; }};
  const TestClient client_{server_.address(), TestToken("admin")};
};

TEST_F(MetricsTest, CountWhatGoesOn) {
  const std::string room_id = client_.Create(RoomRequest("@alice:example.org")).room_id();
  ASSERT_TRUE(client_.UpgradeRoom(UpgradeRequest(room_id, "@alice:example.org", "12")).ok());
  EXPECT_FALSE(client_.GetRoom(GetRequest("!nowhere:example.org")).ok());
  v1::WatchRoomEventsRequest watch;
  watch.set_position(v1::START_POSITION_OLDEST);
  WatchStream stream(client_, watch);
  const size_t events = stream.UntilCaughtUp().size();

  EXPECT_EQ(Value(R"(innkeeper_calls_total{method="CreateRoom",code="OK"})"), 1);
  EXPECT_EQ(Value(R"(innkeeper_calls_total{method="GetRoom",code="NOT_FOUND"})"), 1);
  EXPECT_EQ(Value(R"(innkeeper_errors_total{reason="ROOM_NOT_FOUND"})"), 1);
  EXPECT_EQ(Value(R"(innkeeper_call_duration_seconds_count{method="UpgradeRoom"})"), 1);
  EXPECT_EQ(Value(R"(innkeeper_room_events_total{type="room.upgraded"})"), 1);
  EXPECT_EQ(Value("innkeeper_streams"), 1);
  EXPECT_EQ(Value("innkeeper_stream_events_total"), static_cast<double>(events));
  EXPECT_GT(Value("innkeeper_stream_bytes_total"), 100);
  EXPECT_EQ(Value("innkeeper_log_head"), static_cast<double>(events));
  EXPECT_EQ(Value("innkeeper_log_oldest"), 1);
  EXPECT_GE(Value("innkeeper_commits_total"), 2);
  EXPECT_GE(Value("innkeeper_commit_sync_seconds_count"), 2);
  EXPECT_GT(Value("innkeeper_store_write_buffer_bytes"), 0);
  stream.Cancel();
  stream.Finish();
}

TEST_F(MetricsTest, TellHowSubscriptionsAreDoing) {
  for (int i = 0; i < 3; ++i) client_.Create(RoomRequest("@alice:example.org"));
  v1::CreateSubscriptionRequest create;
  create.mutable_subscription()->set_name("mailer");
  create.set_position(v1::START_POSITION_OLDEST);
  ASSERT_TRUE(client_.CreateSubscription(create).ok());
  EXPECT_EQ(Value("innkeeper_subscriptions"), 1);
  EXPECT_EQ(Value(R"(innkeeper_subscription_lag_events{subscription="mailer"})"), 3);
  EXPECT_GT(Value(R"(innkeeper_subscription_lag_seconds{subscription="mailer"})"), 0);
  EXPECT_EQ(Value(R"(innkeeper_subscription_consumers{subscription="mailer"})"), 0);

  v1::ConsumeEventsRequest consume;
  consume.set_name("mailer");
  ConsumerStream consumer(client_, consume);
  ASSERT_EQ(consumer.NextEvents(3).size(), 3u);
  ASSERT_TRUE(consumer.Ack().ok());
  EXPECT_EQ(Value("innkeeper_subscription_acknowledged_events_total"), 3);
  EXPECT_EQ(Value("innkeeper_subscription_sent_events_total"), 3);
  EXPECT_EQ(Value(R"(innkeeper_subscription_lag_events{subscription="mailer"})"), 0);
  EXPECT_EQ(Value(R"(innkeeper_subscription_consumers{subscription="mailer"})"), 1);
  EXPECT_EQ(Value("innkeeper_subscriptions_consumers"), 1);
}

TEST_F(MetricsTest, CountInternalErrorsAsWhatCallersGet) {
  const std::string room_id = client_.Create(RoomRequest("@alice:example.org")).room_id();
  ASSERT_NO_FATAL_FAILURE(Damage(storage::KeyBuilder(storage::Table::kRoom).Str(room_id).Build()));
  const TestClient client(server_.address(), TestToken("admin"));
  EXPECT_THAT(client.GetRoom(GetRequest(room_id)).status,
              IsError(grpc::StatusCode::INTERNAL, "INTERNAL"));
  EXPECT_THAT(client.ExportRoom(ExportRequest(room_id)).status,
              IsError(grpc::StatusCode::INTERNAL, "INTERNAL"));
  // A stream is counted when gRPC is done with it, which is behind its reply.
  const absl::Time deadline = absl::Now() + absl::Seconds(30);
  while (Value(R"(innkeeper_errors_total{reason="INTERNAL"})") < 2 && absl::Now() < deadline) {
    std::this_thread::yield();
  }
  EXPECT_EQ(Value(R"(innkeeper_errors_total{reason="INTERNAL"})"), 2);
  EXPECT_EQ(Value(R"(innkeeper_calls_total{method="GetRoom",code="INTERNAL"})"), 1);
  EXPECT_EQ(Value(R"(innkeeper_calls_total{method="ExportRoom",code="INTERNAL"})"), 1);
  EXPECT_EQ(Value(R"(innkeeper_calls_total{method="GetRoom",code="DATA_LOSS"})"), -1);
}

TEST_F(MetricsTest, TellNothingOfRoomsUsersAndCallers) {
  const std::string room_id = client_.Create(RoomRequest("@alice:example.org")).room_id();
  client_.GetRoom(GetRequest("!nowhere:example.org"));
  const std::string page = MetricsOf(server_);
  for (const std::string& secret : {room_id, std::string("alice"), std::string("nowhere"),
                                    std::string("admin"), std::string("example.org")}) {
    EXPECT_THAT(page, Not(HasSubstr(secret)));
  }
}

TEST(NoMetricsTest, AreServedOnlyWhereTheConfigurationSays) {
  const TestServer server;
  EXPECT_EQ(server.metrics_address(), "");
}

}  // namespace
}  // namespace innkeeper
