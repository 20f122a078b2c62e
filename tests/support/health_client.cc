#include "tests/support/health_client.h"

#include <glog/logging.h>

#include <chrono>

#include "google/protobuf/wrappers.pb.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/proto_buffer_reader.h"
#include "grpcpp/support/slice.h"

namespace innkeeper {
namespace {

constexpr std::chrono::seconds kDeadline(60);

// The messages of grpc.health.v1 have one field each, of number 1, as those have
// that stand in for them here.
using HealthCheckRequest = google::protobuf::StringValue;
using HealthCheckResponse = google::protobuf::Int32Value;

grpc::ByteBuffer RequestFor(const std::string& service) {
  HealthCheckRequest request;
  request.set_value(service);
  const grpc::Slice slice(request.SerializeAsString());
  return grpc::ByteBuffer(&slice, 1);
}

std::string StatusIn(grpc::ByteBuffer& buffer) {
  HealthCheckResponse response;
  grpc::ProtoBufferReader reader(&buffer);
  if (!response.ParseFromZeroCopyStream(&reader)) return "FAILED";
  switch (response.value()) {
    case 1:
      return "SERVING";
    case 2:
      return "NOT_SERVING";
    case 3:
      return "NOT_FOUND";
    default:
      return "FAILED";
  }
}

bool Await(grpc::CompletionQueue& queue) {
  void* tag = nullptr;
  bool ok = false;
  CHECK(queue.Next(&tag, &ok));
  return ok;
}

}  // namespace

std::string HealthOf(const std::string& address, const std::string& service) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kDeadline);
  grpc::GenericStub stub(grpc::CreateChannel(address, grpc::InsecureChannelCredentials()));
  grpc::CompletionQueue queue;
  auto call =
      stub.PrepareUnaryCall(&context, "/grpc.health.v1.Health/Check", RequestFor(service), &queue);
  call->StartCall();
  grpc::ByteBuffer response;
  grpc::Status status;
  call->Finish(&response, &status, nullptr);
  Await(queue);
  if (status.error_code() == grpc::StatusCode::NOT_FOUND) return "NOT_FOUND";
  return status.ok() ? StatusIn(response) : "FAILED";
}

HealthWatch::HealthWatch(const std::string& address, const std::string& service)
    : channel_(grpc::CreateChannel(address, grpc::InsecureChannelCredentials())), stub_(channel_) {
  context_.set_deadline(std::chrono::system_clock::now() + kDeadline);
  call_ = stub_.PrepareCall(&context_, "/grpc.health.v1.Health/Watch", &queue_);
  call_->StartCall(nullptr);
  Await(queue_);
  call_->WriteLast(RequestFor(service), grpc::WriteOptions(), nullptr);
  Await(queue_);
}

HealthWatch::~HealthWatch() {
  context_.TryCancel();
  grpc::Status status;
  call_->Finish(&status, nullptr);
  Await(queue_);
}

std::string HealthWatch::Next() {
  grpc::ByteBuffer response;
  call_->Read(&response, nullptr);
  return Await(queue_) ? StatusIn(response) : "ENDED";
}

}  // namespace innkeeper
