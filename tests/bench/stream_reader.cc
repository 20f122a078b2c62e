#include "tests/bench/stream_reader.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "glog/logging.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/security/credentials.h"
#include "grpcpp/support/slice.h"
#include "tests/support/test_server.h"

namespace innkeeper::bench {

StreamReader::StreamReader(const std::shared_ptr<grpc::Channel>& channel, const std::string& method,
                           const google::protobuf::MessageLite& request, Receive receive)
    : receive_(std::move(receive)) {
  const grpc::Slice slice(request.SerializeAsString());
  request_ = grpc::ByteBuffer(&slice, 1);
  context_.AddMetadata("authorization", absl::StrCat("Bearer ", TestToken("admin")));
  grpc::GenericStub(channel).PrepareBidiStreamingCall(&context_, method, grpc::StubOptions(), this);
  StartWriteLast(&request_, grpc::WriteOptions());
  StartRead(&message_);
  StartCall();
}

StreamReader::~StreamReader() {
  Cancel();
  done_.WaitForNotification();
}

void StreamReader::OnReadDone(bool ok) {
  if (!ok) return;
  receive_(message_);
  StartRead(&message_);
}

void StreamReader::OnDone(const grpc::Status& status) {
  CHECK_EQ(status.error_code(), grpc::StatusCode::CANCELLED)
      << "a stream ended: " << status.error_message();
  done_.Notify();
}

std::shared_ptr<grpc::Channel> Connect(const std::string& address) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetMaxReceiveMessageSize(-1);
  return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
}

}  // namespace innkeeper::bench
