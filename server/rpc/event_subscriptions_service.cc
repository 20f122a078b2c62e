#include "server/rpc/event_subscriptions_service.h"

#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/clock.h"
#include "server/auth/access.h"
#include "server/auth/authenticator.h"
#include "server/auth/principal.h"
#include "server/errors/errors.h"
#include "server/feed/event_filter.h"
#include "server/rpc/caller_access.h"
#include "server/rpc/request_checks.h"
#include "server/rpc/stream_writer.h"
#include "server/rpc/subscription_requests.h"
#include "server/rpc/wire.h"
#include "server/subscriptions/caller.h"
#include "server/subscriptions/consumer.h"
#include "server/subscriptions/parked_events.h"

namespace innkeeper::rpc {
namespace {

using auth::Role;
using limits::Work;
using subscriptions::Caller;
using subscriptions::Consumer;
using subscriptions::ConsumerSink;

constexpr Method kCreateSubscription = {"CreateSubscription", Role::kWatch, Work::kWrite};
constexpr Method kGetSubscription = {"GetSubscription", Role::kWatch, Work::kRead};
constexpr Method kListSubscriptions = {"ListSubscriptions", Role::kWatch, Work::kRead};
constexpr Method kUpdateSubscription = {"UpdateSubscription", Role::kWatch, Work::kWrite};
constexpr Method kSeekSubscription = {"SeekSubscription", Role::kWatch, Work::kWrite};
constexpr Method kDeleteSubscription = {"DeleteSubscription", Role::kWatch, Work::kWrite};
constexpr Method kConsumeEvents = {"ConsumeEvents", Role::kWatch, Work::kStream};
constexpr Method kAckEvents = {"AckEvents", Role::kWatch, Work::kWrite};
constexpr Method kRejectEvent = {"RejectEvent", Role::kWatch, Work::kWrite};
constexpr Method kListParkedEvents = {"ListParkedEvents", Role::kWatch, Work::kRead};
constexpr Method kReplayParkedEvents = {"ReplayParkedEvents", Role::kWatch, Work::kWrite};
constexpr Method kDropParkedEvents = {"DropParkedEvents", Role::kWatch, Work::kWrite};

Caller CallerOf(const auth::Principal& principal) {
  return {principal.name(), principal.Has(Role::kAdmin), principal.audiences()};
}

template <typename Request>
const std::string& NameIn(const Request& request) {
  if constexpr (requires { request.subscription(); }) {
    return request.subscription().name();
  } else {
    return request.name();
  }
}

// The request in `bytes`, if it is right.
template <typename Request>
absl::StatusOr<Request> ParseRequest(const grpc::ByteBuffer& bytes) {
  Request request;
  absl::Status status = ParseMessage(bytes, &request);
  if (status.ok()) status = CheckRequest(request);
  if (!status.ok()) return status;
  return request;
}

// OK if the principal may see the audiences that the filter, which is right, names.
absl::Status MayAskFor(const v1::RoomEventFilter& filter, const auth::Principal& principal) {
  FieldErrors errors;
  for (const std::string& audience :
       feed::EventFilter::FromProto(filter, errors).NamedAudiences()) {
    absl::Status allowed = auth::RequireAudience(principal, audience);
    if (!allowed.ok()) return allowed;
  }
  return absl::OkStatus();
}

// OK if a consumer that was `caller` when its stream began may go on as `principal`.
absl::Status MayStillConsume(const Caller& caller, const auth::Principal& principal) {
  absl::Status allowed = CheckRole(kConsumeEvents, principal);
  const bool is_the_same = principal.name() == caller.principal && !caller.is_admin;
  if (!allowed.ok() || is_the_same) return allowed;
  return auth::RequireRole(principal, Role::kAdmin);
}

}  // namespace

template <typename Request, typename Read>
grpc::ServerUnaryReactor* EventSubscriptionsService::ServeRead(const Method& method,
                                                               grpc::CallbackServerContext* context,
                                                               const grpc::ByteBuffer* request,
                                                               grpc::ByteBuffer* response,
                                                               Read read) {
  return ServeUnary<Request>(
      method, environment_, environment_.read_executor, context, request, response,
      [read](Call& call,
             const Request& message) -> decltype(read(message, CallerOf(*call.principal))) {
        absl::Status valid = CheckRequest(message);
        if (!valid.ok()) return valid;
        return read(message, CallerOf(*call.principal));
      });
}

template <typename Request, typename Response, typename Change>
grpc::ServerUnaryReactor* EventSubscriptionsService::ServeChange(
    const Method& method, grpc::CallbackServerContext* context, const grpc::ByteBuffer* request,
    grpc::ByteBuffer* response, Change change) {
  auto serve = [change, &environment = environment_, &dispatcher = use_cases_.dispatcher](
                   Call& call, const grpc::ByteBuffer& bytes, Reply reply) {
    auto message = ParseRequest<Request>(bytes);
    if (!message.ok()) return reply(message.status());
    NoteRequest(*message, call);
    std::string name = NameIn(*message);
    lifecycle::Write<Response> write = change(*std::move(message), CallerOf(*call.principal));
    write.trail = TrailOf(environment, call);
    environment.transactor.template Run<Response>(
        std::move(write),
        [&dispatcher, name = std::move(name),
         reply = std::move(reply)](absl::StatusOr<Response> result) mutable {
          if (!result.ok()) return reply(result.status());
          dispatcher.Refresh(name);
          reply(SerializeMessage(*result));
        },
        lifecycle::Transactor::Thread::kMayWait);
  };
  return ServeBytes(method, environment_, &environment_.write_executor, context, request, response,
                    std::move(serve));
}

grpc::ServerUnaryReactor* EventSubscriptionsService::CreateSubscription(
    grpc::CallbackServerContext* context, const grpc::ByteBuffer* request,
    grpc::ByteBuffer* response) {
  return ServeWrite<v1::CreateSubscriptionRequest, v1::CreateSubscriptionResponse>(
      kCreateSubscription, environment_, context, request, response,
      [&manager = use_cases_.manager](Call& call, v1::CreateSubscriptionRequest message)
          -> absl::StatusOr<lifecycle::Write<v1::CreateSubscriptionResponse>> {
        absl::Status valid = CheckRequest(message);
        if (valid.ok()) valid = MayAskFor(message.subscription().filter(), *call.principal);
        if (!valid.ok()) return valid;
        auto identity = IdentityOf(message, message.request_id(), call.principal->name());
        return manager.Create(std::move(message), CallerOf(*call.principal), std::move(identity));
      });
}

grpc::ServerUnaryReactor* EventSubscriptionsService::GetSubscription(
    grpc::CallbackServerContext* context, const grpc::ByteBuffer* request,
    grpc::ByteBuffer* response) {
  return ServeRead<v1::GetSubscriptionRequest>(
      kGetSubscription, context, request, response,
      [&manager = use_cases_.manager](const v1::GetSubscriptionRequest& message,
                                      const Caller& caller) {
        return manager.Get(message, caller);
      });
}

grpc::ServerUnaryReactor* EventSubscriptionsService::ListSubscriptions(
    grpc::CallbackServerContext* context, const grpc::ByteBuffer* request,
    grpc::ByteBuffer* response) {
  return ServeRead<v1::ListSubscriptionsRequest>(
      kListSubscriptions, context, request, response,
      [&manager = use_cases_.manager](const v1::ListSubscriptionsRequest& message,
                                      const Caller& caller) {
        return manager.List(message, caller);
      });
}

grpc::ServerUnaryReactor* EventSubscriptionsService::UpdateSubscription(
    grpc::CallbackServerContext* context, const grpc::ByteBuffer* request,
    grpc::ByteBuffer* response) {
  return ServeChange<v1::UpdateSubscriptionRequest, v1::UpdateSubscriptionResponse>(
      kUpdateSubscription, context, request, response,
      [&manager = use_cases_.manager](v1::UpdateSubscriptionRequest message, Caller caller) {
        return manager.Update(std::move(message), std::move(caller));
      });
}

grpc::ServerUnaryReactor* EventSubscriptionsService::SeekSubscription(
    grpc::CallbackServerContext* context, const grpc::ByteBuffer* request,
    grpc::ByteBuffer* response) {
  return ServeChange<v1::SeekSubscriptionRequest, v1::SeekSubscriptionResponse>(
      kSeekSubscription, context, request, response,
      [&manager = use_cases_.manager](v1::SeekSubscriptionRequest message, Caller caller) {
        return manager.Seek(std::move(message), std::move(caller));
      });
}

grpc::ServerUnaryReactor* EventSubscriptionsService::DeleteSubscription(
    grpc::CallbackServerContext* context, const grpc::ByteBuffer* request,
    grpc::ByteBuffer* response) {
  return ServeChange<v1::DeleteSubscriptionRequest, v1::DeleteSubscriptionResponse>(
      kDeleteSubscription, context, request, response,
      [&manager = use_cases_.manager](v1::DeleteSubscriptionRequest message, Caller caller) {
        return manager.Delete(std::move(message), std::move(caller));
      });
}

grpc::ServerWriteReactor<grpc::ByteBuffer>* EventSubscriptionsService::ConsumeEvents(
    grpc::CallbackServerContext* context, const grpc::ByteBuffer* request) {
  const absl::Time start = absl::Now();
  auto admission = std::make_shared<Admission>(kConsumeEvents, environment_, *context);
  return StreamWriter<Consumer, ConsumerSink>::Serve(
      *context,
      [&](ConsumerSink& sink) -> absl::StatusOr<std::shared_ptr<Consumer>> {
        if (!admission->status().ok()) return admission->status();
        // Small, and parsed where it arrives.
        auto message = ParseRequest<v1::ConsumeEventsRequest>(*request);
        if (!message.ok()) return message.status();
        NoteRequest(*message, admission->call());
        const Caller caller = CallerOf(*admission->call().principal);
        auto access = std::make_unique<CallerAccess>(
            environment_.authenticator, CredentialOf(*context),
            [caller](const auth::Principal& now) { return MayStillConsume(caller, now); });
        return use_cases_.dispatcher.Consume(*message, caller, std::move(access), sink);
      },
      [start, admission, &environment = environment_](const Consumer*, const absl::Status& status) {
        EndCall(environment, kConsumeEvents, *admission, status, start);
      });
}

grpc::ServerUnaryReactor* EventSubscriptionsService::AckEvents(grpc::CallbackServerContext* context,
                                                               const grpc::ByteBuffer* request,
                                                               grpc::ByteBuffer* response) {
  return ServeBytes(
      kAckEvents, environment_, &environment_.write_executor, context, request, response,
      [&dispatcher = use_cases_.dispatcher](Call& call, const grpc::ByteBuffer& bytes,
                                            Reply reply) {
        auto message = ParseRequest<v1::AckEventsRequest>(bytes);
        if (!message.ok()) return reply(message.status());
        NoteRequest(*message, call);
        dispatcher.Acknowledge(*message, CallerOf(*call.principal),
                               [reply = std::move(reply)](absl::StatusOr<int64_t> count) mutable {
                                 if (!count.ok()) return reply(count.status());
                                 v1::AckEventsResponse answer;
                                 answer.set_acknowledged_event_count(*count);
                                 reply(SerializeMessage(answer));
                               });
      });
}

grpc::ServerUnaryReactor* EventSubscriptionsService::RejectEvent(
    grpc::CallbackServerContext* context, const grpc::ByteBuffer* request,
    grpc::ByteBuffer* response) {
  return ServeBytes(
      kRejectEvent, environment_, &environment_.write_executor, context, request, response,
      [&dispatcher = use_cases_.dispatcher](Call& call, const grpc::ByteBuffer& bytes,
                                            Reply reply) {
        auto message = ParseRequest<v1::RejectEventRequest>(bytes);
        if (!message.ok()) return reply(message.status());
        NoteRequest(*message, call);
        dispatcher.Reject(
            *message, CallerOf(*call.principal),
            [reply = std::move(reply)](absl::StatusOr<v1::RejectEventResponse> answer) mutable {
              if (!answer.ok()) return reply(answer.status());
              reply(SerializeMessage(*answer));
            });
      });
}

grpc::ServerUnaryReactor* EventSubscriptionsService::ListParkedEvents(
    grpc::CallbackServerContext* context, const grpc::ByteBuffer* request,
    grpc::ByteBuffer* response) {
  return ServeRead<v1::ListParkedEventsRequest>(
      kListParkedEvents, context, request, response,
      [&engine = use_cases_.engine, &signer = use_cases_.signer](
          const v1::ListParkedEventsRequest& message, const Caller& caller) {
        return subscriptions::ListParkedEvents(message, caller, engine, signer);
      });
}

grpc::ServerUnaryReactor* EventSubscriptionsService::ReplayParkedEvents(
    grpc::CallbackServerContext* context, const grpc::ByteBuffer* request,
    grpc::ByteBuffer* response) {
  return ServeChange<v1::ReplayParkedEventsRequest, v1::ReplayParkedEventsResponse>(
      kReplayParkedEvents, context, request, response, subscriptions::ReplayParkedEvents);
}

grpc::ServerUnaryReactor* EventSubscriptionsService::DropParkedEvents(
    grpc::CallbackServerContext* context, const grpc::ByteBuffer* request,
    grpc::ByteBuffer* response) {
  return ServeChange<v1::DropParkedEventsRequest, v1::DropParkedEventsResponse>(
      kDropParkedEvents, context, request, response, subscriptions::DropParkedEvents);
}

}  // namespace innkeeper::rpc
