#include "server/rpc/upload_call.h"

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "server/feed/stream_errors.h"
#include "server/rpc/caller_access.h"
#include "server/rpc/status.h"

namespace innkeeper::rpc {
namespace {

// One call. One thread at a time is at work on it: gRPC's, which hands it to the
// executor, or the executor's, which hands it back to have the next message read, or with
// the end. Deletes itself when gRPC is done with it.
class UploadCall final : public grpc::ServerReadReactor<grpc::ByteBuffer> {
 public:
  UploadCall(const Method& method, const CallEnvironment& environment, Executor& executor,
             grpc::CallbackServerContext* context, grpc::ByteBuffer* response, OpenUpload open)
      : method_(method),
        environment_(environment),
        executor_(executor),
        context_(context),
        response_(response),
        open_(std::move(open)) {}

  void Start() {
    was_let_in_ = environment_.gate.Enter();
    if (!was_let_in_) return End(feed::ShuttingDownError());
    admission_ = Admission(method_, environment_, *context_);
    if (!admission_.status().ok()) return End(admission_.status());
    if (!executor_.TrySubmit([this] { Begin(); })) End(Overloaded());
  }

  void OnReadDone(bool ok) override {
    if (ok) return GoOn([this] { Take(); });
    // That was the last message, or the call is over: gRPC does not say which. To a call
    // that is over nothing can be sent.
    StartSendInitialMetadata();
  }

  void OnSendInitialMetadataDone(bool ok) override {
    if (!ok) return End(absl::CancelledError());
    GoOn([this] { Answer(); });
  }

  void OnDone() override {
    EndCall(environment_, method_, admission_, status_, start_);
    if (was_let_in_) environment_.gate.Leave();
    delete this;
  }

 private:
  void GoOn(Executor::Task task) {
    if (!executor_.Submit(std::move(task))) End(feed::ShuttingDownError());
  }

  void Begin() {
    if (context_->IsCancelled()) return End(DeadlinePassed());
    sink_ = open_(admission_.call());
    access_ = AccessFor(admission_.call(), method_, environment_, *context_);
    StartRead(&message_);
  }

  void Take() {
    const absl::StatusOr<bool> allowed = access_->Refresh();
    if (!allowed.ok()) return End(allowed.status());
    absl::Status taken = sink_->Take(message_);
    admission_.call().room_id = sink_->room_id();
    message_.Clear();
    if (!taken.ok()) return End(taken);
    StartRead(&message_);
  }

  void Answer() {
    const absl::StatusOr<bool> allowed = access_->Refresh();
    if (!allowed.ok()) return End(allowed.status());
    absl::StatusOr<grpc::ByteBuffer> response = sink_->Finish();
    if (!response.ok()) return End(response.status());
    *response_ = *std::move(response);
    End(absl::OkStatus());
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
  grpc::ByteBuffer* const response_;
  OpenUpload open_;
  bool was_let_in_ = false;
  Admission admission_;
  std::unique_ptr<CallerAccess> access_;  // from Begin() on
  std::unique_ptr<UploadSink> sink_;      // the same
  grpc::ByteBuffer message_;
  absl::Status status_;
};

}  // namespace

grpc::ServerReadReactor<grpc::ByteBuffer>* ServeUploadBytes(
    const Method& method, const CallEnvironment& environment, Executor& executor,
    grpc::CallbackServerContext* context, grpc::ByteBuffer* response, OpenUpload open) {
  auto* call = new UploadCall(method, environment, executor, context, response, std::move(open));
  call->Start();
  return call;
}

}  // namespace innkeeper::rpc
