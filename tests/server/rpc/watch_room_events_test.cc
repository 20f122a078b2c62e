#include "server/rpc/watch_room_events.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/impl/codegen/proto_utils.h"
#include "grpcpp/security/credentials.h"
#include "grpcpp/security/server_credentials.h"
#include "grpcpp/server.h"
#include "grpcpp/server_builder.h"
#include "innkeeper/v1/room_lifecycle.grpc.pb.h"
#include "server/errors/errors.h"
#include "tests/server/feed/test_feed.h"

namespace innkeeper::rpc {
namespace {

using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr std::chrono::seconds kPatience(30);

template <typename Detail>
Detail DetailOf(const grpc::Status& status) {
  google::rpc::Status details;
  EXPECT_TRUE(details.ParseFromString(status.error_details()));
  Detail detail;
  for (const google::protobuf::Any& any : details.details()) {
    if (any.UnpackTo(&detail)) break;
  }
  return detail;
}

std::string ReasonOf(const grpc::Status& status) {
  return DetailOf<google::rpc::ErrorInfo>(status).reason();
}

// A server with the one method, which remembers how its calls ended.
class WatchServer final
    : private v1::RoomLifecycle::WithRawCallbackMethod_WatchRoomEvents<v1::RoomLifecycle::Service> {
 public:
  explicit WatchServer(feed::EventFeed& feed) : feed_(feed) {
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
    address_ = absl::StrCat("127.0.0.1:", port);
  }

  // Breaks off all calls.
  ~WatchServer() override { Shutdown(); }

  void Shutdown() { server_->Shutdown(std::chrono::system_clock::now()); }

  // A stub with a connection of its own, which takes in `window` bytes of a stream
  // that is not read, or with 0 gRPC's default.
  std::unique_ptr<v1::RoomLifecycle::Stub> NewStub(int window) const {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    if (window > 0) {
      arguments.SetInt(GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, window);
      arguments.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);
    }
    return v1::RoomLifecycle::NewStub(
        grpc::CreateCustomChannel(address_, grpc::InsecureChannelCredentials(), arguments));
  }

  // What calls get in place of their requests from now on.
  void SetRefusal(absl::Status refusal) { refusal_ = std::move(refusal); }

  // Waits until a call has started.
  void AwaitStart() {
    absl::MutexLock lock(&mutex_);
    EXPECT_TRUE(mutex_.AwaitWithTimeout(absl::Condition(&started_), absl::FromChrono(kPatience)));
  }

  // Waits until that many calls have ended and returns what they ended with.
  std::vector<absl::Status> AwaitEnds(size_t count) {
    absl::MutexLock lock(&mutex_);
    const auto enough = [&]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return ends_.size() >= count; };
    EXPECT_TRUE(mutex_.AwaitWithTimeout(absl::Condition(&enough), absl::FromChrono(kPatience)));
    return ends_;
  }

 private:
  grpc::ServerWriteReactor<grpc::ByteBuffer>* WatchRoomEvents(
      grpc::CallbackServerContext* context, const grpc::ByteBuffer* request) override {
    absl::StatusOr<WatchCall> call(absl::in_place);
    grpc::ByteBuffer bytes = *request;
    EXPECT_TRUE(
        grpc::SerializationTraits<v1::WatchRoomEventsRequest>::Deserialize(&bytes, &call->request)
            .ok());
    if (!refusal_.ok()) call = refusal_;
    auto* reactor = rpc::WatchRoomEvents(feed_, *context, std::move(call),
                                         [this](absl::string_view, const absl::Status& status) {
                                           absl::MutexLock lock(&mutex_);
                                           ends_.push_back(status);
                                         });
    absl::MutexLock lock(&mutex_);
    started_ = true;
    return reactor;
  }

  feed::EventFeed& feed_;
  std::string address_;
  absl::Status refusal_;
  absl::Mutex mutex_;
  bool started_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<absl::Status> ends_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<grpc::Server> server_;
};

// A client's end of a stream.
class Client {
 public:
  Client(const WatchServer& server, const v1::WatchRoomEventsRequest& request, int window = 0)
      : stub_(server.NewStub(window)) {
    context_.set_deadline(std::chrono::system_clock::now() + 2 * kPatience);
    reader_ = stub_->WatchRoomEvents(&context_, request);
  }

  // Breaks the stream off if it has not ended.
  ~Client() {
    context_.TryCancel();
    if (reader_ != nullptr) AwaitEnd();
  }

  // Returns the next message, or an empty one if the stream ended.
  v1::WatchRoomEventsResponse Next() {
    v1::WatchRoomEventsResponse message;
    reader_->Read(&message);
    return message;
  }

  // Takes events up to the one with that sequence, past `fell_behind` and `caught_up`, and checks
  // that they follow on each other, the first on `after`.
  void ReadThrough(int64_t after, int64_t sequence) {
    while (after < sequence) {
      const v1::WatchRoomEventsResponse message = Next();
      if (message.has_fell_behind() || message.has_caught_up()) continue;
      ASSERT_TRUE(message.has_events()) << message.DebugString();
      for (const v1::RoomEvent& event : message.events().events()) {
        ASSERT_EQ(event.sequence(), ++after);
      }
    }
  }

  void Cancel() { context_.TryCancel(); }

  // Takes what is left and returns what the stream ended with.
  grpc::Status AwaitEnd() {
    v1::WatchRoomEventsResponse message;
    while (reader_->Read(&message)) {
    }
    grpc::Status status = reader_->Finish();
    reader_.reset();
    return status;
  }

 private:
  const std::unique_ptr<v1::RoomLifecycle::Stub> stub_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReader<v1::WatchRoomEventsResponse>> reader_;
};

TEST(WatchRoomEventsTest, CarriesAStream) {
  feed::TestFeed feed;
  WatchServer server(*feed);
  feed::AppendRooms(feed.engine(), {"!a:x", "!b:x"});
  Client client(server, feed::FromOldest());
  EXPECT_EQ(client.Next().confirmed().start_sequence(), 1);
  const auto batch = client.Next();
  EXPECT_THAT(feed::Sequences(batch.events().events()), ElementsAre(1, 2));
  EXPECT_EQ(batch.events().events(1).room_created().room_id(), "!b:x");
  EXPECT_EQ(client.Next().caught_up().sequence(), 2);
  feed::AppendRooms(feed.engine(), 1);
  client.ReadThrough(2, 3);
}

TEST(WatchRoomEventsTest, EndsWhenTheClientCancels) {
  feed::TestFeed feed;
  WatchServer server(*feed);
  Client client(server, feed::FromNow());
  client.Next();
  client.Next();
  client.Cancel();
  EXPECT_EQ(client.AwaitEnd().error_code(), grpc::StatusCode::CANCELLED);
  EXPECT_TRUE(absl::IsCancelled(server.AwaitEnds(1)[0]));
}

TEST(WatchRoomEventsTest, EndsWhenTheServerShutsDownWithoutDraining) {
  feed::TestFeed feed;
  WatchServer server(*feed);
  Client client(server, feed::FromNow());
  client.Next();
  client.Next();
  server.Shutdown();
  EXPECT_TRUE(absl::IsCancelled(server.AwaitEnds(1)[0]));
}

TEST(WatchRoomEventsTest, RefusalReachesTheClientWithItsDetails) {
  feed::TestFeed feed;
  WatchServer server(*feed);
  v1::WatchRoomEventsRequest request;
  for (int i = 0; i < 1000; ++i) request.mutable_filter()->add_room_ids("not a room id");
  Client client(server, request);
  const grpc::Status status = client.AwaitEnd();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("filter.room_ids[0]"));
  EXPECT_EQ(ReasonOf(status), "INVALID_REQUEST");
  EXPECT_GT(DetailOf<google::rpc::BadRequest>(status).field_violations_size(), 10);
  EXPECT_TRUE(absl::IsInvalidArgument(server.AwaitEnds(1)[0]));
}

TEST(WatchRoomEventsTest, CallThatIsRefusedBeforeItsRequestIsReadEndsWithThat) {
  feed::TestFeed feed;
  WatchServer server(*feed);
  server.SetRefusal(MakeError(absl::StatusCode::kPermissionDenied, v1::ERROR_REASON_ROLE_MISSING,
                              "needs the role watch", {{"role", "watch"}}));
  Client client(server, feed::FromNow());
  const grpc::Status status = client.AwaitEnd();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(ReasonOf(status), "ROLE_MISSING");
  EXPECT_TRUE(absl::IsPermissionDenied(server.AwaitEnds(1)[0]));
}

TEST(WatchRoomEventsTest, InternalErrorsTellNothing) {
  feed::TestFeed feed;
  WatchServer server(*feed);
  storage::CommitRequest damaged;
  damaged.log_entries.push_back("?");
  ASSERT_TRUE(CommitAndWait(feed.engine(), std::move(damaged)).status.ok());
  Client client(server, feed::FromOldest());
  const grpc::Status status = client.AwaitEnd();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INTERNAL);
  EXPECT_EQ(ReasonOf(status), "INTERNAL");
  EXPECT_THAT(status.error_message(), testing::Not(HasSubstr("damaged")));
  const absl::Status end = server.AwaitEnds(1)[0];
  EXPECT_TRUE(absl::IsInternal(end)) << end;
  EXPECT_EQ(innkeeper::ReasonOf(end), v1::ERROR_REASON_INTERNAL);
}

// Far more than fits into the buffers of a connection that is not read.
constexpr int kBigEvents = 400;

void AppendBigEvents(storage::Engine& engine) {
  for (int i = 0; i < kBigEvents; ++i) feed::AppendRooms(engine, {std::string(60'000, 'x')});
}

TEST(WatchRoomEventsTest, ClientThatDoesNotReadHoldsNobodyUpAndLosesNothing) {
  feed::TestFeed feed;
  WatchServer server(*feed);
  Client stuck(server, feed::FromOldest());
  Client quick(server, feed::FromOldest());
  quick.Next();
  quick.Next();
  AppendBigEvents(feed.engine());
  quick.ReadThrough(0, kBigEvents);
  EXPECT_TRUE(stuck.Next().has_confirmed());
  EXPECT_TRUE(stuck.Next().has_caught_up());
  stuck.ReadThrough(0, kBigEvents);
}

// Waits for that many progress messages of a stream, which come a unit apart.
void AwaitProgress(const WatchServer& server, int count) {
  v1::WatchRoomEventsRequest request;
  request.set_progress_interval_seconds(1);
  Client witness(server, request);
  while (count > 0) count -= witness.Next().has_progress() ? 1 : 0;
}

TEST(WatchRoomEventsTest, ClientThatDoesNotReadForTooLongIsToldWhenItDoes) {
  feed::TestFeed::Options options;
  options.feed.stall_timeout = absl::Milliseconds(100);
  options.feed.progress_unit = absl::Milliseconds(100);
  feed::TestFeed feed(options);
  WatchServer server(*feed);
  AppendBigEvents(feed.engine());
  Client stuck(server, feed::FromOldest());
  server.AwaitStart();
  AwaitProgress(server, 10);
  const grpc::Status status = stuck.AwaitEnd();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(ReasonOf(status), "STREAM_STALLED");
  EXPECT_THAT(server.AwaitEnds(2), Contains(testing::Property(
                                       &absl::Status::code, absl::StatusCode::kResourceExhausted)));
}

TEST(WatchRoomEventsTest, ClientThatNeverReadsIsBrokenOff) {
  feed::TestFeed::Options options;
  options.feed.stall_timeout = absl::Milliseconds(50);
  options.feed.break_grace = absl::Milliseconds(50);
  feed::TestFeed feed(options);
  WatchServer server(*feed);
  AppendBigEvents(feed.engine());
  Client stuck(server, feed::FromOldest());
  EXPECT_TRUE(absl::IsResourceExhausted(server.AwaitEnds(1)[0]));
}

TEST(WatchRoomEventsTest, DrainingEndsStreamsWithALastCursor) {
  feed::TestFeed feed;
  WatchServer server(*feed);
  feed::AppendRooms(feed.engine(), 3);
  Client client(server, feed::FromNow());
  client.Next();
  client.Next();
  EXPECT_TRUE(feed->Drain(absl::Now() + absl::FromChrono(kPatience)));
  const auto farewell = client.Next();
  EXPECT_EQ(farewell.progress().sequence(), 3);
  const grpc::Status status = client.AwaitEnd();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(ReasonOf(status), "SHUTTING_DOWN");

  Client late(server, feed::FromNow());
  EXPECT_EQ(ReasonOf(late.AwaitEnd()), "SHUTTING_DOWN");
}

TEST(WatchRoomEventsTest, DrainingBreaksOffClientsThatDoNotRead) {
  feed::TestFeed feed;
  WatchServer server(*feed);
  Client stuck(server, feed::FromNow(), /*window=*/5);
  server.AwaitStart();
  EXPECT_FALSE(feed->Drain(absl::Now() + absl::Milliseconds(100)));
  EXPECT_TRUE(absl::IsCancelled(server.AwaitEnds(1)[0]));
}

constexpr size_t kClients = 8;
constexpr size_t kStreams = 25;  // of each client, one after the other

TEST(WatchRoomEventsTest, StreamsComeAndGoWhileOthersWrite) {
  feed::TestFeed feed;
  WatchServer server(*feed);
  std::thread writer([&] { feed::AppendRooms(feed.engine(), 500); });
  std::vector<std::thread> clients;
  clients.reserve(kClients);
  for (size_t c = 0; c < kClients; ++c) {
    clients.emplace_back([&server, c] {
      for (size_t s = 0; s < kStreams; ++s) {
        Client client(server, c % 2 == 0 ? feed::FromOldest() : feed::FromNow());
        client.Next();
        if (s % 2 == 0) client.Next();
      }
    });
  }
  for (std::thread& client : clients) client.join();
  writer.join();
  EXPECT_THAT(server.AwaitEnds(kClients * kStreams),
              AllOf(SizeIs(kClients * kStreams),
                    Each(testing::Property(&absl::Status::code, absl::StatusCode::kCancelled))));
}

}  // namespace
}  // namespace innkeeper::rpc
