#include "server/rpc/wire.h"

#include <glog/logging.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "grpcpp/support/proto_buffer_reader.h"
#include "grpcpp/support/proto_buffer_writer.h"
#include "grpcpp/support/slice.h"
#include "server/errors/errors.h"
#include "server/rooms/event.h"

namespace innkeeper::rpc {
namespace {

// A level of JSON takes three levels of messages. What is deeper than the rules
// allow, but not absurdly so, is parsed, so that its place can be named.
constexpr int kMaxMessageDepth = 600;

}  // namespace

absl::Status ParseMessage(const grpc::ByteBuffer& bytes, google::protobuf::Message* message) {
  // Reading a ByteBuffer does not change it, though the reader's type says so.
  grpc::ProtoBufferReader reader(const_cast<grpc::ByteBuffer*>(&bytes));
  bool parsed = reader.status().ok();
  if (parsed) {
    google::protobuf::io::CodedInputStream input(&reader);
    input.SetRecursionLimit(kMaxMessageDepth);
    parsed = message->ParseFromCodedStream(&input) && input.ConsumedEntireMessage();
  }
  if (parsed) return absl::OkStatus();
  return MakeError(absl::StatusCode::kInvalidArgument, v1::ERROR_REASON_INVALID_REQUEST,
                   absl::StrCat("the request is no ", message->GetDescriptor()->full_name(),
                                ", has text that is not UTF-8, or is nested too deeply"));
}

grpc::ByteBuffer SerializeMessage(const google::protobuf::MessageLite& message) {
  grpc::Slice slice(message.ByteSizeLong());
  CHECK(message.SerializeWithCachedSizesToArray(const_cast<uint8_t*>(slice.begin())) ==
        slice.end());
  return grpc::ByteBuffer(&slice, 1);
}

grpc::ByteBuffer ToByteBuffer(std::string bytes) {
  auto* const owned = new std::string(std::move(bytes));
  const grpc::Slice slice(
      owned->data(), owned->size(), [](void* owner) { delete static_cast<std::string*>(owner); },
      owned);
  return grpc::ByteBuffer(&slice, 1);
}

std::string DeterministicBytes(const google::protobuf::Message& message) {
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream output(&stream);
    output.SetSerializationDeterministic(true);
    CHECK(message.SerializeToCodedStream(&output));
  }
  return bytes;
}

std::string Fingerprint(const google::protobuf::Message& request) {
  std::string text = request.GetDescriptor()->full_name();
  text.push_back('\0');
  return rooms::Sha256(absl::StrCat(text, DeterministicBytes(request)));
}

}  // namespace innkeeper::rpc
