// File: server/rpc/upload_call.h
//
// What a method that takes a stream of messages and gives one reply does around its use
// case, as stream_call.h for those the other way round: the call is admitted on
// gRPC's thread, the rest runs on an executor, one message at a time.

#ifndef INNKEEPER_SERVER_RPC_UPLOAD_CALL_H_
#define INNKEEPER_SERVER_RPC_UPLOAD_CALL_H_

#include <memory>
#include <string>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/server_callback.h"
#include "server/base/executor.h"
#include "server/rpc/admission.h"
#include "server/rpc/call.h"
#include "server/rpc/wire.h"

namespace innkeeper::rpc {

// Takes the messages of an upload as bytes, one a call, and then answers it. After an
// error nothing is called any more.
class UploadSink {
 public:
  virtual ~UploadSink() = default;
  virtual absl::Status Take(const grpc::ByteBuffer& bytes) = 0;
  virtual absl::StatusOr<grpc::ByteBuffer> Finish() = 0;

  // The room that the upload is about, for the log; empty as long as it is not known.
  virtual const std::string& room_id() const = 0;
};

using OpenUpload = absl::AnyInvocable<std::unique_ptr<UploadSink>(Call&)>;

// Serves a call: `open` and then its sink are called on `executor`, in turns with the
// reading, so that the next message is read only when the last one was taken: a caller
// who sends faster, or stops, holds neither a thread nor more than one message. Only a
// caller who has said that all was sent is answered: of an upload that is cancelled or
// breaks off, Finish is not called. Who calls is asked again whenever the credentials have
// changed, before each message and before the answer. The server drains by letting the
// upload come to its end. If the executor has too much to do when the call comes, the
// caller gets OVERLOADED. Returns the reactor for gRPC.
grpc::ServerReadReactor<grpc::ByteBuffer>* ServeUploadBytes(
    const Method& method, const CallEnvironment& environment, Executor& executor,
    grpc::CallbackServerContext* context, grpc::ByteBuffer* response, OpenUpload open);

// As ServeUploadBytes, with a use case, Upload(Call&), that returns an object with
// absl::Status Take(const Request&), absl::StatusOr<Response> Finish() and room_id().
template <typename Request, typename UseCase>
grpc::ServerReadReactor<grpc::ByteBuffer>* ServeUpload(
    const Method& method, const CallEnvironment& environment, Executor& executor,
    grpc::CallbackServerContext* context, grpc::ByteBuffer* response, UseCase use_case) {
  class Sink final : public UploadSink {
   public:
    Sink(UseCase& use_case, Call& call) : upload_(use_case(call)) {}

    absl::Status Take(const grpc::ByteBuffer& bytes) override {
      Request message;
      absl::Status parsed = ParseMessage(bytes, &message);
      return parsed.ok() ? upload_.Take(message) : parsed;
    }

    absl::StatusOr<grpc::ByteBuffer> Finish() override {
      auto result = upload_.Finish();
      if (!result.ok()) return result.status();
      return SerializeMessage(*result);
    }

    const std::string& room_id() const override { return upload_.room_id(); }

   private:
    decltype(std::declval<UseCase&>()(std::declval<Call&>())) upload_;
  };
  return ServeUploadBytes(method, environment, executor, context, response,
                          [use_case = std::move(use_case)](Call& call) mutable {
                            return std::make_unique<Sink>(use_case, call);
                          });
}

}  // namespace innkeeper::rpc

#endif  // INNKEEPER_SERVER_RPC_UPLOAD_CALL_H_
