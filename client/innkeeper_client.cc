#include "client/innkeeper_client.h"

#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "client/internal/connection.h"
#include "client/internal/retry.h"
#include "grpcpp/client_context.h"
#include "grpcpp/support/status.h"

namespace innkeeper {
namespace {

using client_internal::Connection;

template <typename Request>
concept HasRequestId = requires(Request& request) {
  request.set_request_id("");
};
template <typename Request>
concept HasTransactionId = requires(Request& request) {
  request.set_transaction_id("");
};

// What makes it harmless to repeat a call.
enum class Repeat {
  kHarmless,     // it changes nothing, or nothing more the second time
  kByRequestId,  // the request's id
  kNever,        // nothing does
};

std::string NewRequestId(const ClientSurroundings& surroundings) {
  return absl::StrCat(absl::Hex(surroundings.random(), absl::kZeroPad16),
                      absl::Hex(surroundings.random(), absl::kZeroPad16));
}

template <typename Request>
void FillInRequestId(const ClientSurroundings& surroundings, Request& request) {
  if constexpr (HasTransactionId<Request>) {
    if (request.transaction_id().empty()) request.set_transaction_id(NewRequestId(surroundings));
  } else {
    if (request.request_id().empty()) request.set_request_id(NewRequestId(surroundings));
  }
}

template <Repeat repeat, typename Stub, typename Request, typename Response>
absl::StatusOr<Response> Call(absl::string_view name, const Connection& connection,
                              absl::Duration timeout, Stub& stub,
                              grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                                           Response*),
                              Request request) {
  static_assert((repeat == Repeat::kByRequestId) ==
                (HasRequestId<Request> || HasTransactionId<Request>));
  const ClientSurroundings& surroundings = connection.surroundings();
  const absl::Time deadline = surroundings.now() + timeout;
  if constexpr (repeat == Repeat::kByRequestId) FillInRequestId(surroundings, request);
  Response response;
  const auto attempt = [&] {
    grpc::ClientContext context;
    return connection.Attempt(name, context, deadline,
                              [&] { return (stub.*method)(&context, request, &response); });
  };
  const absl::Status status =
      repeat == Repeat::kNever ? attempt()
                               : client_internal::CallWithRetries(connection.options().backoff,
                                                                  surroundings, deadline, attempt);
  if (!status.ok()) return status;
  return response;
}

}  // namespace

Client::Client(ClientOptions options, ClientSurroundings surroundings)
    : connection_(std::make_shared<Connection>(std::move(options), std::move(surroundings))),
      timeout_(connection_->options().timeout) {}

#define INNKEEPER_DEFINE_CALL(service, Service, method, repeat)                            \
  absl::StatusOr<v1::method##Response> Client::method(v1::method##Request request) const { \
    return Call<Repeat::repeat>(#method, *connection_, timeout_, connection_->service(),   \
                                &v1::Service::Stub::method, std::move(request));           \
  }

INNKEEPER_DEFINE_CALL(lifecycle, RoomLifecycle, CreateRoom, kByRequestId)
INNKEEPER_DEFINE_CALL(lifecycle, RoomLifecycle, UpgradeRoom, kByRequestId)
INNKEEPER_DEFINE_CALL(lifecycle, RoomLifecycle, CancelUpgrade, kNever)
INNKEEPER_DEFINE_CALL(lifecycle, RoomLifecycle, LinkUpgrade, kByRequestId)
INNKEEPER_DEFINE_CALL(lifecycle, RoomLifecycle, DeleteRoom, kByRequestId)
INNKEEPER_DEFINE_CALL(lifecycle, RoomLifecycle, GetRoom, kHarmless)
INNKEEPER_DEFINE_CALL(lifecycle, RoomLifecycle, GetRoomState, kHarmless)
INNKEEPER_DEFINE_CALL(lifecycle, RoomLifecycle, ListRooms, kHarmless)
INNKEEPER_DEFINE_CALL(lifecycle, RoomLifecycle, ListRoomEvents, kHarmless)

INNKEEPER_DEFINE_CALL(membership, RoomMembership, InviteUser, kByRequestId)
INNKEEPER_DEFINE_CALL(membership, RoomMembership, JoinRoom, kByRequestId)
INNKEEPER_DEFINE_CALL(membership, RoomMembership, LeaveRoom, kByRequestId)
INNKEEPER_DEFINE_CALL(membership, RoomMembership, KickUser, kByRequestId)
INNKEEPER_DEFINE_CALL(membership, RoomMembership, BanUser, kByRequestId)
INNKEEPER_DEFINE_CALL(membership, RoomMembership, UnbanUser, kByRequestId)
INNKEEPER_DEFINE_CALL(membership, RoomMembership, KnockOnRoom, kByRequestId)
INNKEEPER_DEFINE_CALL(membership, RoomMembership, ListMembers, kHarmless)
INNKEEPER_DEFINE_CALL(membership, RoomMembership, ListUserRooms, kHarmless)
INNKEEPER_DEFINE_CALL(membership, RoomMembership, ListPendingInvites, kHarmless)
INNKEEPER_DEFINE_CALL(membership, RoomMembership, AckInvite, kHarmless)

INNKEEPER_DEFINE_CALL(state, RoomState, SetState, kByRequestId)
INNKEEPER_DEFINE_CALL(state, RoomState, SendEvent, kByRequestId)
INNKEEPER_DEFINE_CALL(state, RoomState, RedactEvent, kByRequestId)
INNKEEPER_DEFINE_CALL(state, RoomState, GetEvent, kHarmless)
INNKEEPER_DEFINE_CALL(state, RoomState, ListEvents, kHarmless)

INNKEEPER_DEFINE_CALL(directory, RoomDirectory, SetAlias, kByRequestId)
INNKEEPER_DEFINE_CALL(directory, RoomDirectory, DeleteAlias, kByRequestId)
INNKEEPER_DEFINE_CALL(directory, RoomDirectory, ResolveAlias, kHarmless)
INNKEEPER_DEFINE_CALL(directory, RoomDirectory, ListAliases, kHarmless)
INNKEEPER_DEFINE_CALL(directory, RoomDirectory, SetVisibility, kByRequestId)
INNKEEPER_DEFINE_CALL(directory, RoomDirectory, ListPublicRooms, kHarmless)

INNKEEPER_DEFINE_CALL(subscriptions, EventSubscriptions, CreateSubscription, kByRequestId)
INNKEEPER_DEFINE_CALL(subscriptions, EventSubscriptions, GetSubscription, kHarmless)
INNKEEPER_DEFINE_CALL(subscriptions, EventSubscriptions, ListSubscriptions, kHarmless)
INNKEEPER_DEFINE_CALL(subscriptions, EventSubscriptions, UpdateSubscription, kNever)
INNKEEPER_DEFINE_CALL(subscriptions, EventSubscriptions, SeekSubscription, kNever)
INNKEEPER_DEFINE_CALL(subscriptions, EventSubscriptions, DeleteSubscription, kNever)
INNKEEPER_DEFINE_CALL(subscriptions, EventSubscriptions, AckEvents, kHarmless)
INNKEEPER_DEFINE_CALL(subscriptions, EventSubscriptions, RejectEvent, kNever)
INNKEEPER_DEFINE_CALL(subscriptions, EventSubscriptions, ListParkedEvents, kHarmless)
INNKEEPER_DEFINE_CALL(subscriptions, EventSubscriptions, ReplayParkedEvents, kNever)
INNKEEPER_DEFINE_CALL(subscriptions, EventSubscriptions, DropParkedEvents, kNever)

INNKEEPER_DEFINE_CALL(supervision, Supervision, ApproveUpgrade, kByRequestId)
INNKEEPER_DEFINE_CALL(supervision, Supervision, RejectUpgrade, kByRequestId)
INNKEEPER_DEFINE_CALL(supervision, Supervision, ApproveCreation, kByRequestId)
INNKEEPER_DEFINE_CALL(supervision, Supervision, RejectCreation, kByRequestId)
INNKEEPER_DEFINE_CALL(supervision, Supervision, ListPendingApprovals, kHarmless)

INNKEEPER_DEFINE_CALL(audit, AuditLog, VerifyAudit, kHarmless)

#undef INNKEEPER_DEFINE_CALL

}  // namespace innkeeper
