#include "client/event_consumer.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "client/error_info.h"
#include "client/internal/acknowledger.h"
#include "client/internal/backoff.h"
#include "client/internal/connection.h"
#include "client/internal/server_stream.h"
#include "client/internal/stopper.h"
#include "grpcpp/client_context.h"
#include "innkeeper/v1/event_subscriptions.grpc.pb.h"

namespace innkeeper {
namespace {

using client_internal::Acknowledger;
using client_internal::Backoff;
using client_internal::Connection;
using client_internal::ServerStream;
using client_internal::Stopper;
using ConsumerStream = ServerStream<v1::ConsumeEventsResponse>;

// How long the server has for a rejection, and for what is left to acknowledge at the end.
constexpr absl::Duration kFarewell = absl::Seconds(5);

constexpr size_t kMaxErrorBytes = 1024;

// What the server takes of the text, which it would refuse if the last character were
// cut in two.
absl::string_view Shortened(absl::string_view text) {
  if (text.size() <= kMaxErrorBytes) return text;
  size_t size = kMaxErrorBytes;
  while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xC0) == 0x80) --size;
  return text.substr(0, size);
}

// Whether a new stream would end in the same way. A consumer that the server does not know
// any more gets another name with it.
bool IsFinal(const absl::Status& error, bool was_let_in) {
  return client_internal::IsFinal(error, was_let_in) &&
         ErrorReasonOf(error) != v1::ERROR_REASON_CONSUMER_NOT_FOUND;
}

}  // namespace

class EventConsumer::Impl {
 public:
  Impl(std::shared_ptr<const Connection> connection, absl::Duration timeout,
       ConsumerOptions options, OnEvent on_event)
      : connection_(std::move(connection)),
        timeout_(timeout),
        options_(std::move(options)),
        progress_interval_(
            std::max(absl::Ceil(options_.progress_interval, absl::Seconds(1)), absl::Seconds(1))),
        silence_limit_(options_.silence_limit.value_or(3 * progress_interval_)),
        on_event_(std::move(on_event)),
        backoff_(connection_->options().backoff, connection_->surroundings().random) {}

  // Consumes to the end; returns what it came to.
  absl::Status Run();
  void Stop() { stopper_.Stop(); }

 private:
  // Who we are to the server, for as long as a stream lasts.
  struct Session {
    ConsumerStream& stream;
    Stopper& stopper;  // of the stream
    std::string consumer_id;
    std::unique_ptr<Acknowledger> acknowledger = nullptr;
    // By part of the rooms, the cursor of the last message whose events of it count no more:
    // one of them was rejected, and they come again with it.
    std::map<int32_t, std::string> void_through = {};
  };

  // Consumes until a stream ends; returns why, and whether it had been let in.
  absl::Status ConsumeStream(bool& was_let_in);
  absl::StatusOr<std::unique_ptr<ConsumerStream>> OpenStream(Stopper& stopper) const;
  absl::Status Take(const v1::ConsumeEventsResponse& message, Session& session);
  void Begin(const v1::ConsumerStarted& started, Session& session) const;
  absl::Status TakeEvents(const v1::DeliveredEvents& events, Session& session);
  absl::Status Reject(const v1::DeliveredEvent& event, const absl::Status& error,
                      Session& session) const;

  const std::shared_ptr<const Connection> connection_;
  const absl::Duration timeout_;
  const ConsumerOptions options_;
  const absl::Duration progress_interval_;  // whole seconds
  const absl::Duration silence_limit_;
  const OnEvent on_event_;
  Stopper stopper_;
  Backoff backoff_;
};

absl::Status EventConsumer::Impl::Run() {
  while (true) {
    bool was_let_in = false;
    absl::Status ended = ConsumeStream(was_let_in);
    if (stopper_.stopped()) return absl::CancelledError("the consumer was stopped");
    if (IsFinal(ended, was_let_in)) return ended;
    const absl::Duration delay =
        backoff_.Next() + RetryDelayOf(ended).value_or(absl::ZeroDuration());
    if (options_.on_interrupted) options_.on_interrupted(ended, delay);
    connection_->surroundings().sleep(delay, stopper_.notification());
  }
}

absl::Status EventConsumer::Impl::ConsumeStream(bool& was_let_in) {
  Stopper stream_stopper;
  const Stopper::Scope scope(stopper_, [&stream_stopper] { stream_stopper.Stop(); });
  const auto stream = OpenStream(stream_stopper);
  if (!stream.ok()) return stream.status();
  Session session{**stream, stream_stopper};
  absl::Status status;
  while (status.ok()) {
    const absl::StatusOr<v1::ConsumeEventsResponse> message = (*stream)->Next(silence_limit_);
    status = message.ok() ? Take(*message, session) : message.status();
  }
  was_let_in = (*stream)->was_let_in();
  if (session.acknowledger == nullptr) return status;
  if (stopper_.stopped()) session.acknowledger->Flush(kFarewell);
  // Events that can't be acknowledged come again, and are not to come ever faster.
  if (session.acknowledger->has_succeeded()) backoff_.Reset();
  const absl::Status unacknowledged = session.acknowledger->failure();
  return unacknowledged.ok() ? status : unacknowledged;
}

absl::StatusOr<std::unique_ptr<ConsumerStream>> EventConsumer::Impl::OpenStream(
    Stopper& stopper) const {
  v1::ConsumeEventsRequest request;
  request.set_name(options_.subscription);
  request.set_max_unacknowledged_events(options_.max_unacknowledged_events);
  request.set_max_batch_events(options_.max_batch_events);
  request.set_progress_interval_seconds(
      static_cast<int32_t>(absl::ToInt64Seconds(progress_interval_)));
  return ConsumerStream::Open("ConsumeEvents", *connection_, stopper,
                              [&request](const auto& channel, auto& context, auto& queue) {
                                return v1::EventSubscriptions::NewStub(channel)->AsyncConsumeEvents(
                                    &context, request, &queue, nullptr);
                              });
}

absl::Status EventConsumer::Impl::Take(const v1::ConsumeEventsResponse& message, Session& session) {
  if (message.has_started()) {
    Begin(message.started(), session);
    return absl::OkStatus();
  }
  if (session.acknowledger == nullptr) {
    return absl::InternalError("ConsumeEvents: the server does not say who we are");
  }
  if (message.has_progress()) backoff_.Reset();
  return message.has_events() ? TakeEvents(message.events(), session) : absl::OkStatus();
}

void EventConsumer::Impl::Begin(const v1::ConsumerStarted& started, Session& session) const {
  session.consumer_id = started.consumer_id();
  session.acknowledger =
      std::make_unique<Acknowledger>(*connection_, session.stream.channel(),
                                     Acknowledger::Options{.subscription = options_.subscription,
                                                           .consumer_id = session.consumer_id,
                                                           .timeout = timeout_,
                                                           .interval = options_.ack_interval},
                                     [&stopper = session.stopper] { stopper.Stop(); });
}

absl::Status EventConsumer::Impl::TakeEvents(const v1::DeliveredEvents& events, Session& session) {
  for (const v1::DeliveredEvent& event : events.events()) {
    if (session.stopper.stopped()) return absl::OkStatus();
    if (!event.replayed() && session.void_through.contains(event.part())) continue;
    const absl::Status done = on_event_(event);
    if (done.ok()) continue;
    absl::Status rejected = Reject(event, done, session);
    if (!rejected.ok()) return rejected;
  }
  std::erase_if(session.void_through,
                [&](const auto& entry) { return entry.second == events.cursor(); });
  session.acknowledger->Acknowledge(events.cursor());
  return absl::OkStatus();
}

absl::Status EventConsumer::Impl::Reject(const v1::DeliveredEvent& event, const absl::Status& error,
                                         Session& session) const {
  v1::RejectEventRequest request;
  request.set_name(options_.subscription);
  request.set_consumer_id(session.consumer_id);
  request.set_sequence(event.event().sequence());
  request.set_error(std::string(Shortened(error.message())));
  v1::RejectEventResponse response;
  grpc::ClientContext context;
  absl::Status status = connection_->Attempt(
      "RejectEvent", context, connection_->surroundings().now() + kFarewell, [&] {
        return v1::EventSubscriptions::NewStub(session.stream.channel())
            ->RejectEvent(&context, request, &response);
      });
  if (!status.ok()) return status;
  if (!response.last_cursor().empty()) {
    session.void_through[event.part()] = response.last_cursor();
  }
  return absl::OkStatus();
}

EventConsumer::EventConsumer(const Client& client, ConsumerOptions options, OnEvent on_event,
                             OnEnd on_end)
    : impl_(std::make_unique<Impl>(client.connection_, client.timeout_, std::move(options),
                                   std::move(on_event))),
      thread_([this, on_end = std::move(on_end)] { on_end(impl_->Run()); }) {}

EventConsumer::~EventConsumer() {
  Stop();
  thread_.join();
}

void EventConsumer::Stop() { impl_->Stop(); }

}  // namespace innkeeper
