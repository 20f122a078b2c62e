#include "tests/support/reflection_client.h"

#include <glog/logging.h>

#include <chrono>

#include "google/protobuf/unknown_field_set.h"
#include "grpcpp/client_context.h"
#include "grpcpp/completion_queue.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/security/credentials.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/slice.h"

namespace innkeeper {
namespace {

constexpr std::chrono::seconds kDeadline(60);
constexpr char kMethod[] = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo";

// The numbers of fields in grpc.reflection.v1alpha, of which there are no classes here.
constexpr int kListServicesRequest = 7;
constexpr int kListServicesResponse = 6;
constexpr int kService = 1;
constexpr int kServiceName = 1;

// The values of the field `number`, bytes, of the message in `bytes`.
std::vector<std::string> FieldsIn(const std::string& bytes, int number) {
  google::protobuf::UnknownFieldSet message;
  CHECK(message.ParseFromString(bytes));
  std::vector<std::string> values;
  for (int i = 0; i < message.field_count(); ++i) {
    const auto& field = message.field(i);
    if (field.number() == number) values.push_back(field.length_delimited());
  }
  return values;
}

grpc::ByteBuffer ListRequest() {
  google::protobuf::UnknownFieldSet request;
  request.AddLengthDelimited(kListServicesRequest, "*");
  std::string bytes;
  CHECK(request.SerializeToString(&bytes));
  const grpc::Slice slice(bytes);
  return grpc::ByteBuffer(&slice, 1);
}

void Await(grpc::CompletionQueue& queue) {
  void* tag = nullptr;
  bool ok = false;
  CHECK(queue.Next(&tag, &ok) && ok) << "reflection is off, or the server gone";
}

std::string BytesOf(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  CHECK(buffer.Dump(&slices).ok());
  std::string bytes;
  for (const grpc::Slice& slice : slices) {
    bytes.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  }
  return bytes;
}

}  // namespace

std::vector<std::string> ReflectedServices(const std::string& address) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kDeadline);
  grpc::GenericStub stub(grpc::CreateChannel(address, grpc::InsecureChannelCredentials()));
  grpc::CompletionQueue queue;
  auto call = stub.PrepareCall(&context, kMethod, &queue);
  call->StartCall(nullptr);
  Await(queue);
  call->WriteLast(ListRequest(), grpc::WriteOptions(), nullptr);
  Await(queue);
  grpc::ByteBuffer response;
  call->Read(&response, nullptr);
  Await(queue);
  grpc::Status status;
  call->Finish(&status, nullptr);
  Await(queue);
  std::vector<std::string> names;
  for (const std::string& list : FieldsIn(BytesOf(response), kListServicesResponse)) {
    for (const std::string& service : FieldsIn(list, kService)) {
      for (const std::string& name : FieldsIn(service, kServiceName)) names.push_back(name);
    }
  }
  return names;
}

}  // namespace innkeeper
