// A server that ends is not held up for the others by one who does not read.

#include <memory>
#include <string>
#include <thread>

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
  TestServer server([](ServerConfig& config) { config.drain_timeout = kDrainTimeout; });
  const TestClient admin(server.address(), TestToken("admin"));
  // More than the window of a connection.
  for (int i = 0; i < 600; ++i) admin.Create(RoomRequest(kAlice));
  const auto stub = ConnectNarrowly(server.address());
  grpc::ClientContext context;
  admin.Prepare(context);
  v1::WatchRoomEventsRequest watch;
  watch.set_position(v1::START_POSITION_OLDEST);
  const auto stuck = stub->WatchRoomEvents(&context, watch);
  v1::WatchRoomEventsResponse message;
  ASSERT_TRUE(stuck->Read(&message));

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
