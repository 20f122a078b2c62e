// A server that ends is not held up for the others by one who does not read.

#include <memory>
#include <string>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "grpcpp/client_context.h"
#include "tests/e2e/e2e_test.h"
#include "tests/support/consumer_stream.h"
#include "tests/support/people.h"

namespace innkeeper {
namespace {

constexpr absl::Duration kDrainTimeout = absl::Minutes(1);

TEST(DrainTest, AStuckReaderCostsNobodyElseTheirFarewell) {
  TestServer server([](ServerConfig& config) {
    config.drain_timeout = kDrainTimeout;
    config.metrics_address = "127.0.0.1:0";
  });
  const TestClient admin(server.address(), TestToken("admin"));
  // Invites to another server are told of in full: more than the window of a connection.
  v1::CreateRoomRequest room = RoomRequest(kAlice);
  for (int i = 0; i < 500; ++i) room.add_invites(absl::StrCat("@user", i, ":elsewhere.net"));
  admin.Create(room);
  const auto stub = ConnectNarrowly(server.address());
  grpc::ClientContext context;
  admin.Prepare(context);
  v1::WatchRoomEventsRequest watch;
  watch.set_position(v1::START_POSITION_OLDEST);
  const auto stuck = stub->WatchRoomEvents(&context, watch);
  v1::WatchRoomEventsResponse message;
  ASSERT_TRUE(stuck->Read(&message));
  // A window of the stream's large message was taken, and no more.
  const std::string nothing_queued = "\ninnkeeper_stream_queued_bytes 0\n";
  while (absl::StrContains(MetricsOf(server), nothing_queued)) {
  }

  v1::CreateSubscriptionRequest create;
  create.mutable_subscription()->set_name("orders");
  ASSERT_TRUE(admin.CreateSubscription(create).ok());
  v1::ConsumeEventsRequest consume;
  consume.set_name("orders");
  ConsumerStream consumer(admin, consume);
  consumer.AwaitStart();

  const absl::Time begin = absl::Now();
  std::thread stopping([&] { EXPECT_TRUE(server.Stop().ok()); });
  EXPECT_THAT(consumer.Finish(), IsError(grpc::StatusCode::UNAVAILABLE, "SHUTTING_DOWN"));
  EXPECT_LT(absl::Now() - begin, kDrainTimeout / 2) << "it waited for the stuck reader";
  context.TryCancel();
  stopping.join();
  EXPECT_FALSE(stuck->Finish().ok());
}

}  // namespace
}  // namespace innkeeper
