// File: tests/bench/calls.h
//
// Calls of a server that is measured.

#ifndef INNKEEPER_TESTS_BENCH_CALLS_H_
#define INNKEEPER_TESTS_BENCH_CALLS_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/strings/str_cat.h"
#include "glog/logging.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/grpcpp.h"
#include "innkeeper/v1/room_lifecycle.grpc.pb.h"
#include "tests/support/test_server.h"

namespace innkeeper::bench {

inline constexpr int kChannels = 4;

// The stubs of some connections to one server.
template <typename Service>
class Stubs {
 public:
  explicit Stubs(const std::string& address) {
    for (int i = 0; i < kChannels; ++i) {
      grpc::ChannelArguments arguments;
      arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
      stubs_.push_back(Service::NewStub(
          grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments)));
    }
  }

  typename Service::Stub& For(int64_t index) {
    return *stubs_[static_cast<size_t>(index) % kChannels];
  }

 private:
  std::vector<std::unique_ptr<typename Service::Stub>> stubs_;
};

// A call that nobody waits for. Deletes itself when it has ended, before it tells of that:
// with it goes its hold on the channel, which must not be the last one. A thread of gRPC that
// destroys the last channel waits for itself (https://github.com/grpc/grpc/issues/37858).
template <typename Request, typename Response>
class UnaryCall final : private grpc::ClientUnaryReactor {
 public:
  // The method as a stub's async() has it.
  template <typename AsyncStub>
  using Method = void (AsyncStub::*)(grpc::ClientContext*, const Request*, Response*,
                                     grpc::ClientUnaryReactor*);
  // Called on a thread of gRPC.
  using Answered = absl::AnyInvocable<void(const grpc::Status& status, Response response)>;

  template <typename Stub, typename AsyncStub>
  static void Start(Stub& stub, Method<AsyncStub> method, Request request, Answered answered,
                    const std::string& token = TestToken("admin")) {
    auto* const call = new UnaryCall(std::move(request), std::move(answered));
    call->context_.AddMetadata("authorization", absl::StrCat("Bearer ", token));
    (stub.async()->*method)(&call->context_, &call->request_, &call->response_, call);
    call->StartCall();
  }

 private:
  UnaryCall(Request request, Answered answered)
      : request_(std::move(request)), answered_(std::move(answered)) {}

  void OnDone(const grpc::Status& status) override {
    Answered answered = std::move(answered_);
    Response response = std::move(response_);
    delete this;  // not what `status` refers to
    answered(status, std::move(response));
  }

  grpc::ClientContext context_;
  const Request request_;
  Response response_;
  Answered answered_;
};

// Makes one call whose answer does not matter, but whether it is an error.
template <typename Request, typename Response, typename Stub, typename AsyncStub>
void StartUnary(Stub& stub,
                void (AsyncStub::*method)(grpc::ClientContext*, const Request*, Response*,
                                          grpc::ClientUnaryReactor*),
                Request request, std::function<void(bool)> done,
                const std::string& token = TestToken("admin")) {
  UnaryCall<Request, Response>::Start(
      stub, method, std::move(request),
      [done = std::move(done)](const grpc::Status& status, const Response&) {
        LOG_IF(ERROR, !status.ok()) << status.error_message();
        done(status.ok());
      },
      token);
}

inline std::string Creator(int64_t index) {
  return absl::StrCat("@user", index % 1000, ":example.org");
}

// What a backend sends for a new room.
inline v1::CreateRoomRequest CreateRequest(int64_t index) {
  v1::CreateRoomRequest request;
  request.set_creator(Creator(index));
  request.set_name("Planning");
  request.set_topic("What comes next");
  return request;
}

}  // namespace innkeeper::bench

#endif  // INNKEEPER_TESTS_BENCH_CALLS_H_
