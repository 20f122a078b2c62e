// A server and clients on gRPC's callback API, used correctly, over a socket. A
// report ends the program.

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/blocking_counter.h"
#include "absl/synchronization/notification.h"
#include "innkeeper/v1/room_lifecycle.grpc.pb.h"
#include "tests/sanitizers/thread/worker.h"

namespace innkeeper {
namespace {

constexpr int kClients = 4;
constexpr int kCalls = 50;

// Writes `kCalls` messages, each on the worker's thread.
class Stream final : public grpc::ServerWriteReactor<v1::WatchRoomEventsResponse> {
 public:
  explicit Stream(Worker* worker) : worker_(worker) { Step(); }

  void OnWriteDone(bool ok) override {
    if (!ok) return Finish(grpc::Status::CANCELLED);
    worker_->Do([this] { Step(); });
  }
  void OnDone() override { delete this; }

 private:
  void Step() {
    if (sequence_ == kCalls) return Finish(grpc::Status::OK);
    message_.mutable_progress()->set_sequence(++sequence_);
    StartWrite(&message_);
  }

  Worker* const worker_;
  v1::WatchRoomEventsResponse message_;
  int sequence_ = 0;
};

// Answers CreateRoom on the worker's thread, GetRoom at once.
class Service final : public v1::RoomLifecycle::CallbackService {
 public:
  grpc::ServerUnaryReactor* CreateRoom(grpc::CallbackServerContext* context,
                                       const v1::CreateRoomRequest* request,
                                       v1::CreateRoomResponse* response) override {
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    worker_.Do([=] {
      response->mutable_room()->set_name(request->name());
      reactor->Finish(grpc::Status::OK);
    });
    return reactor;
  }

  grpc::ServerUnaryReactor* GetRoom(grpc::CallbackServerContext* context,
                                    const v1::GetRoomRequest* request,
                                    v1::GetRoomResponse* response) override {
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    response->mutable_room()->set_room_id(request->room_id());
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }

  grpc::ServerWriteReactor<v1::WatchRoomEventsResponse>* WatchRoomEvents(
      grpc::CallbackServerContext*, const v1::WatchRoomEventsRequest*) override {
    return new Stream(&worker_);
  }

 private:
  Worker worker_;
};

class Reader final : public grpc::ClientReadReactor<v1::WatchRoomEventsResponse> {
 public:
  explicit Reader(v1::RoomLifecycle::Stub* stub) {
    stub->async()->WatchRoomEvents(&context_, &request_, this);
    StartRead(&message_);
    StartCall();
  }

  void OnReadDone(bool ok) override {
    if (!ok) return;
    last_ = message_.progress().sequence();
    StartRead(&message_);
  }
  void OnDone(const grpc::Status& status) override {
    status_ = status;
    done_.Notify();
  }

  // Returns the last sequence that came; waits for the end of the stream.
  int64_t Last() {
    done_.WaitForNotification();
    EXPECT_TRUE(status_.ok()) << status_.error_message();
    return last_;
  }

 private:
  grpc::ClientContext context_;
  v1::WatchRoomEventsRequest request_;
  v1::WatchRoomEventsResponse message_;
  int64_t last_ = 0;
  grpc::Status status_;
  absl::Notification done_;
};

class ThreadSanitizerGrpcTest : public testing::Test {
 protected:
  ThreadSanitizerGrpcTest() {
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(&service_);
    server_ = builder.BuildAndStart();
    stub_ = v1::RoomLifecycle::NewStub(
        grpc::CreateChannel(absl::StrCat("127.0.0.1:", port), grpc::InsecureChannelCredentials()));
  }

  // Runs `client` on several threads at once.
  template <typename Client>
  void RunClients(Client client) {
    std::vector<std::thread> threads;
    for (int i = 0; i < kClients; ++i) threads.emplace_back(client);
    for (std::thread& thread : threads) thread.join();
  }

  Service service_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<v1::RoomLifecycle::Stub> stub_;
};

TEST_F(ThreadSanitizerGrpcTest, SeesUnaryCalls) {
  RunClients([this] {
    for (int i = 0; i < kCalls; ++i) {
      grpc::ClientContext create_context, get_context;
      v1::CreateRoomRequest create;
      create.set_name("a name");
      v1::CreateRoomResponse created;
      EXPECT_TRUE(stub_->CreateRoom(&create_context, create, &created).ok());
      EXPECT_EQ(created.room().name(), "a name");
      v1::GetRoomRequest get;
      get.set_room_id("!a:b");
      v1::GetRoomResponse got;
      EXPECT_TRUE(stub_->GetRoom(&get_context, get, &got).ok());
      EXPECT_EQ(got.room().room_id(), "!a:b");
    }
  });
}

TEST_F(ThreadSanitizerGrpcTest, SeesAsyncCalls) {
  struct Call {
    grpc::ClientContext context;
    v1::CreateRoomRequest request;
    v1::CreateRoomResponse response;
  };
  RunClients([this] {
    std::vector<Call> calls(kCalls);
    absl::BlockingCounter answered(kCalls);
    for (Call& call : calls) {
      call.request.set_name("a name");
      stub_->async()->CreateRoom(&call.context, &call.request, &call.response,
                                 [&answered](const grpc::Status& status) {
                                   EXPECT_TRUE(status.ok());
                                   answered.DecrementCount();
                                 });
    }
    answered.Wait();
    for (const Call& call : calls) EXPECT_EQ(call.response.room().name(), "a name");
  });
}

TEST_F(ThreadSanitizerGrpcTest, SeesStreams) {
  RunClients([this] { EXPECT_EQ(Reader(stub_.get()).Last(), kCalls); });
}

TEST_F(ThreadSanitizerGrpcTest, SeesCancelledStreams) {
  RunClients([this] {
    grpc::ClientContext context;
    const auto stream = stub_->WatchRoomEvents(&context, {});
    v1::WatchRoomEventsResponse message;
    EXPECT_TRUE(stream->Read(&message));
    context.TryCancel();
    while (stream->Read(&message)) {
    }
    stream->Finish();
  });
}

}  // namespace
}  // namespace innkeeper
