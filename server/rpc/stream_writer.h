// File: server/rpc/stream_writer.h
//
// The gRPC end of a stream whose messages another part of the server makes.

#ifndef INNKEEPER_SERVER_RPC_STREAM_WRITER_H_
#define INNKEEPER_SERVER_RPC_STREAM_WRITER_H_

#include <memory>
#include <string>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/server_callback.h"
#include "server/rpc/status.h"
#include "server/rpc/wire.h"

namespace innkeeper::rpc {

// One call. Deletes itself when gRPC is done with it.
//
// A `Source` makes the messages and has Sent() and Cancel() for the transport; `Sink` is
// the interface that it sends to: feed::Subscription and feed::SubscriptionSink, or
// subscriptions::Consumer and subscriptions::ConsumerSink.
//
// Writes never carry the buffer hint: in gRPC 1.51 it holds the first message of a
// callback stream back for ever.
template <typename Source, typename Sink>
class StreamWriter final : public grpc::ServerWriteReactor<grpc::ByteBuffer>, private Sink {
 public:
  // Opens the stream: gives its source, or the error that the call ends with. Must not
  // block. The stream may begin, and end, meanwhile: gRPC calls back only after that.
  using Open = absl::FunctionRef<absl::StatusOr<std::shared_ptr<Source>>(Sink& sink)>;

  // Called once when the stream has ended, on a thread of gRPC, with its source, null if it
  // was refused, and with what it ended with (see HideInternals); CANCELLED if the caller broke
  // it off. Must not block.
  using Done = absl::AnyInvocable<void(const Source* source, const absl::Status& status)>;

  // Serves a call of a method that is registered raw: what its handler returns to gRPC.
  // `context` is the call's. Does not block.
  static grpc::ServerWriteReactor<grpc::ByteBuffer>* Serve(grpc::CallbackServerContext& context,
                                                           Open open, Done done) {
    auto* writer = new StreamWriter(context, std::move(done));
    auto source = open(*writer);
    if (source.ok()) {
      writer->source_ = *std::move(source);
    } else {
      writer->End(source.status());
    }
    return writer;
  }

  void OnWriteDone(bool ok) override {
    message_.Clear();
    source_->Sent(ok);
  }

  void OnCancel() override {
    if (source_ != nullptr) source_->Cancel();
  }

  void OnDone() override {
    done_(source_.get(), status_);
    delete this;
  }

 private:
  StreamWriter(grpc::CallbackServerContext& context, Done done)
      : context_(context), done_(std::move(done)) {}

  void Send(std::string message) override {
    message_ = ToByteBuffer(std::move(message));
    StartWrite(&message_);
  }

  void End(absl::Status outcome) override {
    status_ = HideInternals(outcome);
    Finish(ToGrpcStatus(status_));
  }

  void Break(absl::Status status) override { End(std::move(status)); }

  void Abort() override { context_.TryCancel(); }

  grpc::CallbackServerContext& context_;
  Done done_;
  std::shared_ptr<Source> source_;  // constant from Serve() on; none if refused
  // Belong to whoever is at work on the stream.
  grpc::ByteBuffer message_;
  absl::Status status_;
};

}  // namespace innkeeper::rpc

#endif  // INNKEEPER_SERVER_RPC_STREAM_WRITER_H_
