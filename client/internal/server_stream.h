// File: client/internal/server_stream.h

#ifndef INNKEEPER_CLIENT_INTERNAL_SERVER_STREAM_H_
#define INNKEEPER_CLIENT_INTERNAL_SERVER_STREAM_H_

#include <memory>
#include <optional>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "client/internal/connection.h"
#include "client/internal/status.h"
#include "client/internal/stopper.h"
#include "grpcpp/alarm.h"
#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"
#include "grpcpp/completion_queue.h"
#include "grpcpp/support/async_stream.h"

namespace innkeeper::client_internal {

// Whether a stream that ended so would end so for ever. Of everything else it can't be
// known, and a stream is not given up lightly. The token of one that was let in may merely
// have expired, and there may be a new one by now.
inline bool IsFinal(const absl::Status& error, bool was_let_in) {
  switch (error.code()) {
    case absl::StatusCode::kUnauthenticated:
      return !was_let_in;
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kOutOfRange:
    case absl::StatusCode::kUnimplemented:
      return true;
    default:
      return false;
  }
}

// One call of a method that streams `Response` messages, on a connection of its own. For
// one thread, without one of its own: gRPC's work for the call is done while Next() waits.
template <typename Response>
class ServerStream {
 public:
  using Reader = std::unique_ptr<grpc::ClientAsyncReader<Response>>;
  // Begins the call on `channel`, as the stubs' methods Async... do, with no tag.
  using Call =
      absl::FunctionRef<Reader(const std::shared_ptr<grpc::Channel>& channel,
                               grpc::ClientContext& context, grpc::CompletionQueue& queue)>;

  // Begins the call. `method` is its name, a literal. `stopper` must outlive the stream, and
  // has Next() return. Errors: those of Connection::Authorize.
  static absl::StatusOr<std::unique_ptr<ServerStream>> Open(absl::string_view method,
                                                            const Connection& connection,
                                                            Stopper& stopper, Call call) {
    std::unique_ptr<ServerStream> stream(new ServerStream(method, connection));
    absl::Status authorized = connection.Authorize(stream->context_);
    if (!authorized.ok()) return authorized;
    stream->reader_ = call(stream->channel_, stream->context_, stream->queue_);
    stream->stop_.emplace(stopper, [raw = stream.get()] { raw->Interrupt(); });
    return stream;
  }

  // Cancels the call if it has not ended.
  ~ServerStream() {
    stop_.reset();
    if (reader_ != nullptr && !ended_) {
      context_.TryCancel();
      ending_ = true;
      if (pending_) Await(absl::InfiniteDuration());
      End().IgnoreError();
    }
    interrupt_.Cancel();
    queue_.Shutdown();
    void* tag = nullptr;
    bool ok = false;
    while (queue_.Next(&tag, &ok)) {
    }
  }

  ServerStream(const ServerStream&) = delete;
  ServerStream& operator=(const ServerStream&) = delete;

  // Waits for the next message, at most `silence_limit`. An error is the end of the
  // stream: what the server ended it with, or UNAVAILABLE if it was silent for too
  // long or ended without an error. CANCELLED if the stream was stopped; then it goes on
  // until it is destroyed. Not to be called after either.
  absl::StatusOr<Response> Next(absl::Duration silence_limit) {
    if (!std::exchange(began_, true) && !Await(silence_limit)) return Failure();
    reader_->Read(&message_, Operation());
    pending_ = true;
    if (!Await(silence_limit)) return Failure();
    was_let_in_ = true;
    return std::move(message_);
  }

  // Whether the server has said anything but how the stream ended.
  bool was_let_in() const { return was_let_in_; }

  // The connection, for calls that are about the stream.
  const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }

 private:
  ServerStream(absl::string_view method, const Connection& connection)
      : method_(method), channel_(connection.NewChannel()) {}

  // The tags of the queue: nothing for the call's operations.
  static void* Operation() { return nullptr; }
  void* Interruption() { return &interrupt_; }

  void Interrupt() { interrupt_.Set(&queue_, absl::ToChronoTime(absl::Now()), Interruption()); }

  // Waits for the operation under way; cancels the call if that takes longer than
  // `limit`. Returns whether it succeeded; false too if the stream was stopped, while the
  // operation is still pending.
  bool Await(absl::Duration limit) {
    void* tag = nullptr;
    bool ok = false;
    auto deadline = absl::ToChronoTime(absl::Now() + limit);
    while (true) {
      if (queue_.AsyncNext(&tag, &ok, deadline) == grpc::CompletionQueue::TIMEOUT) {
        was_silent_ = true;
        context_.TryCancel();
        deadline = absl::ToChronoTime(absl::InfiniteFuture());
      } else if (tag == Operation()) {
        pending_ = false;
        return ok;
      } else if (stop_ && !ending_) {
        return false;
      }
    }
  }

  absl::Status Failure() {
    return pending_ ? absl::CancelledError(absl::StrCat(method_, ": stopped")) : End();
  }

  absl::Status End() {
    ending_ = true;
    reader_->Finish(&status_, Operation());
    Await(absl::InfiniteDuration());
    ended_ = true;
    if (was_silent_) {
      return absl::UnavailableError(absl::StrCat(method_, ": the server was silent for too long"));
    }
    if (status_.ok()) {
      return absl::UnavailableError(absl::StrCat(method_, ": the server ended the stream"));
    }
    return ToAbslStatus(method_, status_);
  }

  // In the order in which gRPC wants them to be made.
  const absl::string_view method_;
  const std::shared_ptr<grpc::Channel> channel_;
  grpc::CompletionQueue queue_;
  grpc::Alarm interrupt_;
  grpc::ClientContext context_;
  Reader reader_;
  std::optional<Stopper::Scope> stop_;

  bool began_ = false;   // the request is on its way
  bool pending_ = true;  // an operation is
  bool was_let_in_ = false;
  bool was_silent_ = false;
  bool ending_ = false;
  bool ended_ = false;
  Response message_;
  grpc::Status status_;
};

}  // namespace innkeeper::client_internal

#endif  // INNKEEPER_CLIENT_INTERNAL_SERVER_STREAM_H_
