#include "server/lifecycle/stored_message.h"

#include <cstdint>

#include "google/protobuf/io/coded_stream.h"

namespace innkeeper::lifecycle {
namespace {

// As deep as requests are taken.
constexpr int kMaxMessageDepth = 600;

}  // namespace

absl::Status ParseStored(const std::string& bytes, google::protobuf::MessageLite* message) {
  google::protobuf::io::CodedInputStream input(reinterpret_cast<const uint8_t*>(bytes.data()),
                                               static_cast<int>(bytes.size()));
  input.SetRecursionLimit(kMaxMessageDepth);
  if (message->ParseFromCodedStream(&input) && input.ConsumedEntireMessage()) {
    return absl::OkStatus();
  }
  return absl::DataLossError("a stored message is damaged");
}

}  // namespace innkeeper::lifecycle
