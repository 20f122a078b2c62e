#include "tests/support/raw_call.h"

#include <glog/logging.h>

#include <chrono>

#include "absl/strings/str_cat.h"
#include "grpcpp/client_context.h"
#include "grpcpp/completion_queue.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/slice.h"

namespace innkeeper {
namespace {

constexpr std::chrono::seconds kDeadline(60);

// Waits for the one operation under way, and returns whether it went well.
bool Await(grpc::CompletionQueue& queue) {
  void* tag = nullptr;
  bool ok = false;
  CHECK(queue.Next(&tag, &ok));
  return ok;
}

}  // namespace

grpc::Status CallRaw(const std::shared_ptr<grpc::Channel>& channel,
                     const google::protobuf::MethodDescriptor& method,
                     const std::vector<std::string>& requests,
                     const std::multimap<std::string, std::string>& metadata) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kDeadline);
  for (const auto& [key, value] : metadata) context.AddMetadata(key, value);
  grpc::CompletionQueue queue;
  grpc::GenericStub stub(channel);
  auto call = stub.PrepareCall(
      &context, absl::StrCat("/", method.service()->full_name(), "/", method.name()), &queue);
  call->StartCall(nullptr);
  Await(queue);
  // Fails if the call is over already, which Finish tells.
  for (size_t i = 0; i < requests.size(); ++i) {
    const grpc::Slice slice(requests[i]);
    grpc::WriteOptions options;
    if (i + 1 == requests.size()) options.set_last_message();
    call->Write(grpc::ByteBuffer(&slice, 1), options, nullptr);
    Await(queue);
  }
  grpc::ByteBuffer response;
  call->Read(&response, nullptr);
  const bool answered = Await(queue);
  if (answered && method.server_streaming()) context.TryCancel();
  grpc::Status status;
  call->Finish(&status, nullptr);
  Await(queue);
  if (answered && method.server_streaming()) return grpc::Status::OK;
  return status;
}

}  // namespace innkeeper
