#include "client/internal/stopper.h"

#include <gtest/gtest.h>

#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "innkeeper/v1/room_lifecycle.grpc.pb.h"
#include "tests/client/tcp_proxy.h"

namespace innkeeper::client_internal {
namespace {

// How a call ends to a server that is not there.
grpc::StatusCode OutcomeOfCall(grpc::ClientContext& context) {
  const TcpProxy nowhere("");
  const auto stub = v1::RoomLifecycle::NewStub(
      grpc::CreateChannel(nowhere.address(), grpc::InsecureChannelCredentials()));
  v1::ListRoomsResponse response;
  return stub->ListRooms(&context, v1::ListRoomsRequest(), &response).error_code();
}

TEST(StopperTest, LeavesCallsAloneUntilItIsStopped) {
  Stopper stopper;
  grpc::ClientContext context;
  const Stopper::Scope scope(stopper, context);
  EXPECT_EQ(OutcomeOfCall(context), grpc::StatusCode::UNAVAILABLE);
  EXPECT_FALSE(stopper.stopped());
}

TEST(StopperTest, CancelsTheCallThatIsThere) {
  Stopper stopper;
  grpc::ClientContext context;
  const Stopper::Scope scope(stopper, context);
  stopper.Stop();
  EXPECT_EQ(OutcomeOfCall(context), grpc::StatusCode::CANCELLED);
}

TEST(StopperTest, CancelsCallsThatComeLater) {
  Stopper stopper;
  stopper.Stop();
  stopper.Stop();
  grpc::ClientContext context;
  const Stopper::Scope scope(stopper, context);
  EXPECT_EQ(OutcomeOfCall(context), grpc::StatusCode::CANCELLED);
  EXPECT_TRUE(stopper.stopped());
}

TEST(StopperTest, ForgetsACallThatIsOver) {
  Stopper stopper;
  {
    grpc::ClientContext context;
    const Stopper::Scope scope(stopper, context);
  }
  stopper.Stop();
}

}  // namespace
}  // namespace innkeeper::client_internal
