#include "server/rpc/upload_call.h"

#include <memory>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "grpcpp/alarm.h"
#include "server/feed/stream_errors.h"
#include "server/rpc/caller_access.h"
#include "server/rpc/status.h"

namespace innkeeper::rpc {
namespace {

// A wait for a message. Belongs to the call and its alarm, which may come behind the call.
class MessageWait {
 public:
  // True for the first who calls it, who goes on with the call.
  bool End() ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    return !std::exchange(is_over_, true);
  }

  // Held while the wait begins, so that it does not end meanwhile.
  absl::Mutex& mutex() ABSL_LOCK_RETURNED(mutex_) { return mutex_; }

 private:
  absl::Mutex mutex_;
  bool is_over_ ABSL_GUARDED_BY(mutex_) = false;
};

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
    if (!wait_->End()) return;  // the call has been ended
    alarm_.reset();
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
    ReadNext();
  }

  // Has either the next message or the end of the time for it call back, on another thread.
  void ReadNext() {
    const auto wait = std::make_shared<MessageWait>();
    wait_ = wait;
    const absl::MutexLock lock(&wait->mutex());
    const absl::Duration limit = environment_.upload_stall_timeout;
    if (limit < absl::InfiniteDuration()) {
      alarm_ = std::make_unique<grpc::Alarm>();
      alarm_->Set(absl::ToChronoTime(absl::Now() + limit), [this, wait, limit](bool is_due) {
        if (is_due && wait->End()) End(feed::UploadStalledError(limit));
      });
    }
    StartRead(&message_);
  }

  void Take() {
    const absl::StatusOr<bool> allowed = access_->Refresh();
    if (!allowed.ok()) return End(allowed.status());
    absl::Status taken = sink_->Take(message_);
    admission_.call().room_id = sink_->room_id();
    message_.Clear();
    if (!taken.ok()) return End(taken);
    ReadNext();
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
  // Of the message that is waited for.
  std::shared_ptr<MessageWait> wait_;
  std::unique_ptr<grpc::Alarm> alarm_;  // null if it may take for ever
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
