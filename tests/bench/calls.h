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

template <typename Request, typename Response>
struct ClientCall {
  grpc::ClientContext context;
  Request request;
  Response response;
};

// Makes one call of the method `method` of a stub's async().
template <typename Request, typename Response, typename Stub, typename AsyncStub>
void StartUnary(Stub& stub,
                void (AsyncStub::*method)(grpc::ClientContext*, const Request*, Response*,
                                          std::function<void(grpc::Status)>),
                Request request, std::function<void(bool)> done,
                const std::string& token = TestToken("admin")) {
  auto call = std::make_shared<ClientCall<Request, Response>>();
  call->request = std::move(request);
  call->context.AddMetadata("authorization", absl::StrCat("Bearer ", token));
  (stub.async()->*method)(&call->context, &call->request, &call->response,
                          [call, done = std::move(done)](const grpc::Status& status) {
                            LOG_IF(ERROR, !status.ok()) << status.error_message();
                            done(status.ok());
                          });
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
