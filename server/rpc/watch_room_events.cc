#include "server/rpc/watch_room_events.h"

#include <memory>
#include <string>
#include <utility>

#include "server/feed/subscription.h"
#include "server/rpc/status.h"
#include "server/rpc/wire.h"

namespace innkeeper::rpc {
namespace {

// One call. Deletes itself when gRPC is done with it.
//
// Writes never carry the buffer hint: in gRPC 1.51 it holds the first message of
// a callback stream back for ever.
class RoomEventWriter final : public grpc::ServerWriteReactor<grpc::ByteBuffer>,
                              private feed::SubscriptionSink {
 public:
  RoomEventWriter(grpc::CallbackServerContext& context, WatchDone done)
      : context_(context), done_(std::move(done)) {}

  void Start(feed::EventFeed& feed, absl::StatusOr<WatchCall> call) {
    if (!call.ok()) return End(call.status());
    auto subscription = feed.Subscribe(call->request, *this, std::move(call->access));
    if (!subscription.ok()) return End(subscription.status());
    subscription_ = *std::move(subscription);
    subscription_->Start();
  }

  void OnWriteDone(bool ok) override {
    message_.Clear();
    subscription_->Sent(ok);
  }

  void OnCancel() override {
    if (subscription_ != nullptr) subscription_->Cancel();
  }

  void OnDone() override {
    done_(subscription_ == nullptr ? "" : subscription_->stream_id(), status_);
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
  WatchDone done_;
  std::shared_ptr<feed::Subscription> subscription_;  // constant from Start() on; none if refused
  // Belong to whoever is at work on the subscription.
  grpc::ByteBuffer message_;
  absl::Status status_;
};

}  // namespace

grpc::ServerWriteReactor<grpc::ByteBuffer>* WatchRoomEvents(feed::EventFeed& feed,
                                                            grpc::CallbackServerContext& context,
                                                            absl::StatusOr<WatchCall> call,
                                                            WatchDone done) {
  auto* writer = new RoomEventWriter(context, std::move(done));
  writer->Start(feed, std::move(call));
  return writer;
}

}  // namespace innkeeper::rpc
