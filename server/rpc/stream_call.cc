#include "server/rpc/stream_call.h"

#include <memory>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "server/feed/stream_errors.h"
#include "server/rpc/caller_access.h"
#include "server/rpc/status.h"

namespace innkeeper::rpc {
namespace {

// One call. One thread at a time is at work on it: gRPC's, which hands it to the
// executor, or the executor's, which hands it back with a message or the end. Deletes
// itself when gRPC is done with it.
class StreamCall final : public grpc::ServerWriteReactor<grpc::ByteBuffer> {
 public:
  StreamCall(const Method& method, const CallEnvironment& environment, Executor& executor,
             grpc::CallbackServerContext* context, const grpc::ByteBuffer& request, StreamBody body)
      : method_(method),
        environment_(environment),
        executor_(executor),
        context_(context),
        request_(request),
        body_(std::move(body)) {}

  void Start() {
    was_let_in_ = environment_.gate.Enter();
    if (!was_let_in_) return End(feed::ShuttingDownError());
    admission_ = Admission(method_, environment_, *context_);
    if (!admission_.status().ok()) return End(admission_.status());
    Submit([this] { Begin(); });
  }

  void OnWriteDone(bool ok) override {
    message_.Clear();
    if (!ok) return End(absl::CancelledError());
    Submit([this] { SendNext(); });
  }

  void OnDone() override {
    EndCall(environment_, method_, admission_, status_, start_);
    if (was_let_in_) environment_.gate.Leave();
    delete this;
  }

 private:
  void Submit(Executor::Task task) {
    if (!executor_.TrySubmit(std::move(task))) End(Overloaded());
  }

  void Begin() {
    if (context_->IsCancelled()) return End(DeadlinePassed());
    absl::StatusOr<MessageSource> source = body_(admission_.call(), request_);
    if (!source.ok()) return End(source.status());
    source_ = *std::move(source);
    access_ = AccessFor(admission_.call(), method_, environment_, *context_);
    SendNext();
  }

  // Writes without the buffer hint, which in gRPC 1.51 holds the first message of a
  // callback stream back for ever.
  void SendNext() {
    const absl::StatusOr<bool> allowed = access_->Refresh();
    if (!allowed.ok()) return End(allowed.status());
    absl::StatusOr<std::optional<grpc::ByteBuffer>> message = source_();
    if (!message.ok()) return End(message.status());
    if (!message->has_value()) return End(absl::OkStatus());
    message_ = **std::move(message);
    StartWrite(&message_);
  }

  void End(const absl::Status& outcome) {
    status_ = HideInternals(outcome);
    Finish(ToGrpcStatus(status_));
  }

  const absl::Time start_ = absl::Now();
  const Method method_;
  const CallEnvironment environment_;
  Executor& executor_;
  grpc::CallbackServerContext* const context_;
  const grpc::ByteBuffer request_;
  StreamBody body_;
  bool was_let_in_ = false;
  Admission admission_;
  std::unique_ptr<CallerAccess> access_;  // from Begin() on
  MessageSource source_;                  // the same
  grpc::ByteBuffer message_;
  absl::Status status_;
};

}  // namespace

grpc::ServerWriteReactor<grpc::ByteBuffer>* ServeStreamBytes(
    const Method& method, const CallEnvironment& environment, Executor& executor,
    grpc::CallbackServerContext* context, const grpc::ByteBuffer* request, StreamBody body) {
  auto* call = new StreamCall(method, environment, executor, context, *request, std::move(body));
  call->Start();
  return call;
}

}  // namespace innkeeper::rpc
