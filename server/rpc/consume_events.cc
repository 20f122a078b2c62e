#include "server/rpc/consume_events.h"

#include <string>
#include <utility>

#include "server/rpc/status.h"
#include "server/rpc/wire.h"

namespace innkeeper::rpc {
namespace {

// One call. Deletes itself when gRPC is done with it. The stream may begin, and end,
// while it is being opened; gRPC calls back only after that.
//
// Writes never carry the buffer hint: in gRPC 1.51 it holds the first message of a
// callback stream back for ever.
class EventWriter final : public grpc::ServerWriteReactor<grpc::ByteBuffer>,
                          private subscriptions::ConsumerSink {
 public:
  EventWriter(grpc::CallbackServerContext& context, ConsumeDone done)
      : context_(context), done_(std::move(done)) {}

  void Start(const OpenStream& open) {
    auto consumer = open(*this);
    if (!consumer.ok()) return End(consumer.status());
    consumer_ = *std::move(consumer);
  }

  void OnWriteDone(bool ok) override {
    message_.Clear();
    consumer_->Sent(ok);
  }

  void OnCancel() override {
    if (consumer_ != nullptr) consumer_->Cancel();
  }

  void OnDone() override {
    done_(status_);
    delete this;
  }

 private:
  void Send(std::string message) override {
    message_ = ToByteBuffer(std::move(message));
    StartWrite(&message_);
  }

  void End(absl::Status status) override {
    status_ = std::move(status);
    Finish(ToGrpcStatus(status_));
  }

  void Break(absl::Status status) override { End(std::move(status)); }

  void Abort() override { context_.TryCancel(); }

  grpc::CallbackServerContext& context_;
  ConsumeDone done_;
  std::shared_ptr<subscriptions::Consumer> consumer_;  // constant from Start() on; none if refused
  // Belong to whoever is at work on the stream.
  grpc::ByteBuffer message_;
  absl::Status status_;
};

}  // namespace

grpc::ServerWriteReactor<grpc::ByteBuffer>* ConsumeEvents(grpc::CallbackServerContext& context,
                                                          const OpenStream& open,
                                                          ConsumeDone done) {
  auto* writer = new EventWriter(context, std::move(done));
  writer->Start(open);
  return writer;
}

}  // namespace innkeeper::rpc
