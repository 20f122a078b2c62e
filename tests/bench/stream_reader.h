// File: tests/bench/stream_reader.h
//
// A reader of a stream that is measured: takes messages as bytes, as fast as they come.

#ifndef INNKEEPER_TESTS_BENCH_STREAM_READER_H_
#define INNKEEPER_TESTS_BENCH_STREAM_READER_H_

#include <memory>
#include <string>

#include "absl/functional/any_invocable.h"
#include "absl/synchronization/notification.h"
#include "google/protobuf/message_lite.h"
#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/client_callback.h"

namespace innkeeper::bench {

// An open stream. Crashes if it ends before it is cancelled: what waits for it would wait for
// ever. Thread-safe.
class StreamReader final : private grpc::ClientBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer> {
 public:
  // Called with each message on threads of gRPC, one at a time.
  using Receive = absl::AnyInvocable<void(grpc::ByteBuffer&)>;

  // Calls a method, such as "/package.Service/Method", as "admin" of test servers.
  StreamReader(const std::shared_ptr<grpc::Channel>& channel, const std::string& method,
               const google::protobuf::MessageLite& request, Receive receive);

  // As Cancel(); returns when `receive` isn't called any more.
  ~StreamReader() override;

  void Cancel() { context_.TryCancel(); }

 private:
  void OnReadDone(bool ok) override;
  void OnDone(const grpc::Status& status) override;

  Receive receive_;
  grpc::ClientContext context_;
  grpc::ByteBuffer request_;
  grpc::ByteBuffer message_;
  absl::Notification done_;
};

// A connection that is shared with nobody who did not get this object.
std::shared_ptr<grpc::Channel> Connect(const std::string& address);

}  // namespace innkeeper::bench

#endif  // INNKEEPER_TESTS_BENCH_STREAM_READER_H_
