// File: server/rpc/wire.h
//
// Between messages and the bytes that gRPC brings and takes. Methods are
// registered with raw bytes, so that a caller is known before anything of theirs is
// parsed, parsing happens off gRPC's threads, and a request that can't be parsed
// gets an error that says so.

#ifndef INNKEEPER_SERVER_RPC_WIRE_H_
#define INNKEEPER_SERVER_RPC_WIRE_H_

#include <string>

#include "absl/status/status.h"
#include "google/protobuf/message.h"
#include "grpcpp/support/byte_buffer.h"

namespace innkeeper::rpc {

// Parses `bytes` into `message`. INVALID_ARGUMENT (INVALID_REQUEST) if they are no
// such message or nested too deeply.
absl::Status ParseMessage(const grpc::ByteBuffer& bytes, google::protobuf::Message* message);

// Returns `message` as bytes.
grpc::ByteBuffer SerializeMessage(const google::protobuf::MessageLite& message);

// Returns `bytes`, which are not copied.
grpc::ByteBuffer ToByteBuffer(std::string bytes);

// Returns `message` serialised such that equal messages are equal.
std::string DeterministicBytes(const google::protobuf::Message& message);

// A hash that is equal for equal requests to the same method and different for
// others.
std::string Fingerprint(const google::protobuf::Message& request);

}  // namespace innkeeper::rpc

#endif  // INNKEEPER_SERVER_RPC_WIRE_H_
