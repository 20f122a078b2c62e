#include "server/rpc/room_lifecycle_service.h"

#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/clock.h"
#include "server/auth/access.h"
#include "server/auth/principal.h"
#include "server/rpc/caller.h"
#include "server/rpc/caller_access.h"
#include "server/rpc/request_checks.h"
#include "server/rpc/requests.h"
#include "server/rpc/stream_call.h"
#include "server/rpc/upload_call.h"
#include "server/rpc/watch_room_events.h"
#include "server/rpc/wire.h"

namespace innkeeper::rpc {
namespace {

using auth::Role;
using limits::Work;

constexpr Method kCreateRoom = {"CreateRoom", Role::kCreate, Work::kCreate};
constexpr Method kUpgradeRoom = {"UpgradeRoom", Role::kUpgrade, Work::kUpgrade};
constexpr Method kCancelUpgrade = {"CancelUpgrade", Role::kUpgrade, Work::kWrite};
constexpr Method kLinkUpgrade = {"LinkUpgrade", Role::kUpgrade, Work::kWrite};
constexpr Method kDeleteRoom = {"DeleteRoom", Role::kAdmin, Work::kWrite};
constexpr Method kGetRoom = {"GetRoom", std::nullopt, Work::kRead};
constexpr Method kGetRoomState = {"GetRoomState", std::nullopt, Work::kRead};
constexpr Method kListRooms = {"ListRooms", std::nullopt, Work::kRead};
constexpr Method kExportRoom = {"ExportRoom", std::nullopt, Work::kStream};
constexpr Method kImportRoom = {"ImportRoom", Role::kAdmin, Work::kUpload};
constexpr Method kWatchRoomEvents = {"WatchRoomEvents", Role::kWatch, Work::kStream};
constexpr Method kListRoomEvents = {"ListRoomEvents", Role::kWatch, Work::kRead};

// The checks that the methods that read have in common. Returns what they may read; see
// MayReadAs.
template <typename Request>
absl::StatusOr<AudienceScope> AdmitRead(Call& call, const Request& request) {
  absl::StatusOr<AudienceScope> scope = MayReadAs(call, request.requester());
  if (!scope.ok()) return scope;
  absl::Status valid = CheckRequest(request);
  if (!valid.ok()) return valid;
  call.room_id = RoomIdOf(request);
  return scope;
}

// Whether the caller may act for the requester, and as an administrator if it asks so.
template <typename Request>
absl::Status AdmitUpgrade(const Call& call, const Request& request) {
  absl::Status allowed = MayActFor(call, request.requester());
  if (!allowed.ok() || !request.as_administrator()) return allowed;
  return auth::RequireRole(*call.principal, Role::kAdmin);
}

// What to keep of a request that waits for an approval.
template <typename Request>
lifecycle::Supervised SupervisedOf(const Call& call, const Request& request,
                                   absl::Duration timeout) {
  return {call.principal->name(), DeterministicBytes(request), request.request_id(), timeout};
}

// The audiences of whose rooms the caller may know though it does not act for a member.
AudienceScope MayKnowOf(const Call& call) {
  return call.principal->Has(Role::kReadAll) ? call.principal->audiences()
                                             : AudienceScope::Nothing();
}

// What the caller of `context` may see of the log, as long as it has those roles.
std::unique_ptr<CallerAccess> AccessOf(const auth::Authenticator& authenticator,
                                       const grpc::CallbackServerContext& context,
                                       std::vector<Role> roles) {
  return std::make_unique<CallerAccess>(
      authenticator, CredentialOf(context),
      [roles = std::move(roles)](const auth::Principal& principal) {
        absl::Status allowed;
        for (const Role role : roles) allowed.Update(auth::RequireRole(principal, role));
        return allowed;
      });
}

// The call of a stream, if it is admitted. The request is small, and parsed where it
// arrives.
absl::StatusOr<WatchCall> ReadWatchCall(const auth::Authenticator& authenticator,
                                        const grpc::CallbackServerContext& context,
                                        const Admission& admission, const grpc::ByteBuffer& bytes) {
  if (!admission.status().ok()) return admission.status();
  WatchCall call;
  absl::Status parsed = ParseMessage(bytes, &call.request);
  if (!parsed.ok()) return parsed;
  std::vector<Role> roles = {*kWatchRoomEvents.role};
  if (call.request.position() == v1::START_POSITION_SNAPSHOT) roles.push_back(Role::kReadAll);
  call.access = AccessOf(authenticator, context, std::move(roles));
  return call;
}

}  // namespace

grpc::ServerUnaryReactor* RoomLifecycleService::CreateRoom(grpc::CallbackServerContext* context,
                                                           const grpc::ByteBuffer* request,
                                                           grpc::ByteBuffer* response) {
  return ServeWrite<v1::CreateRoomRequest, v1::CreateRoomResponse>(
      kCreateRoom, environment_, context, request, response,
      [this](Call& call, const v1::CreateRoomRequest& message)
          -> absl::StatusOr<lifecycle::Write<v1::CreateRoomResponse>> {
        absl::Status allowed = MayActFor(call, message.creator());
        if (allowed.ok()) allowed = MayUseAudience(call, message.audience());
        if (!allowed.ok()) return allowed;
        auto command = ToCommand(message, call.principal->name(), default_room_version_);
        if (supervision_.creation && !message.validate_only()) {
          command.supervised = SupervisedOf(call, message, supervision_.timeout);
        }
        return use_cases_.creator.Create(std::move(command));
      });
}

grpc::ServerUnaryReactor* RoomLifecycleService::UpgradeRoom(grpc::CallbackServerContext* context,
                                                            const grpc::ByteBuffer* request,
                                                            grpc::ByteBuffer* response) {
  return ServeUnary<v1::UpgradeRoomRequest>(
      kUpgradeRoom, environment_, environment_.upgrade_executor, context, request, response,
      [this](Call& call,
             const v1::UpgradeRoomRequest& message) -> absl::StatusOr<v1::UpgradeRoomResponse> {
        absl::Status allowed = AdmitUpgrade(call, message);
        if (!allowed.ok()) return allowed;
        auto command = ToCommand(message, call.principal->name());
        if (!command.ok()) return command.status();
        call.room_id = command->room_id;
        command->actor.may_know_of = MayKnowOf(call);
        command->toll =
            environment_.limits.rates.UserToll(kUpgradeRoom.work, command->actor.requester);
        command->trail = TrailOf(environment_, call);
        if (supervision_.upgrades && !message.validate_only()) {
          command->supervised = SupervisedOf(call, message, supervision_.timeout);
        }
        return use_cases_.upgrader.Upgrade(*command);
      });
}

grpc::ServerUnaryReactor* RoomLifecycleService::CancelUpgrade(grpc::CallbackServerContext* context,
                                                              const grpc::ByteBuffer* request,
                                                              grpc::ByteBuffer* response) {
  return ServeWrite<v1::CancelUpgradeRequest, v1::CancelUpgradeResponse>(
      kCancelUpgrade, environment_, context, request, response,
      [this](Call& call, const v1::CancelUpgradeRequest& message)
          -> absl::StatusOr<lifecycle::Write<v1::CancelUpgradeResponse>> {
        absl::Status allowed = AdmitUpgrade(call, message);
        if (!allowed.ok()) return allowed;
        auto command = ToCommand(message);
        if (!command.ok()) return command.status();
        call.room_id = command->room_id;
        command->actor.may_know_of = MayKnowOf(call);
        return use_cases_.upgrader.Cancel(*std::move(command));
      });
}

grpc::ServerUnaryReactor* RoomLifecycleService::LinkUpgrade(grpc::CallbackServerContext* context,
                                                            const grpc::ByteBuffer* request,
                                                            grpc::ByteBuffer* response) {
  return ServeWrite<v1::LinkUpgradeRequest, v1::LinkUpgradeResponse>(
      kLinkUpgrade, environment_, context, request, response,
      [this](Call& call, const v1::LinkUpgradeRequest& message)
          -> absl::StatusOr<lifecycle::Write<v1::LinkUpgradeResponse>> {
        absl::Status allowed = AdmitUpgrade(call, message);
        // It ends a room without that another principal has to approve it.
        if (allowed.ok() && supervision_.upgrades) {
          allowed = auth::RequireRole(*call.principal, Role::kAdmin);
        }
        if (!allowed.ok()) return allowed;
        auto command = ToCommand(message, call.principal->name());
        if (!command.ok()) return command.status();
        call.room_id = command->old_room_id;
        command->actor.may_know_of = MayKnowOf(call);
        return use_cases_.linker.Link(*std::move(command));
      });
}

grpc::ServerUnaryReactor* RoomLifecycleService::DeleteRoom(grpc::CallbackServerContext* context,
                                                           const grpc::ByteBuffer* request,
                                                           grpc::ByteBuffer* response) {
  return ServeWrite<v1::DeleteRoomRequest, v1::DeleteRoomResponse>(
      kDeleteRoom, environment_, context, request, response,
      [this](Call& call, const v1::DeleteRoomRequest& message)
          -> absl::StatusOr<lifecycle::Write<v1::DeleteRoomResponse>> {
        auto command = ToCommand(message, *call.principal);
        if (!command.ok()) return command.status();
        call.room_id = command->room_id;
        return use_cases_.deleter.Delete(*std::move(command));
      });
}

template <typename Request, typename Response>
grpc::ServerUnaryReactor* RoomLifecycleService::ServeRead(
    const Method& method, grpc::CallbackServerContext* context, const grpc::ByteBuffer* request,
    grpc::ByteBuffer* response,
    absl::StatusOr<Response> (lifecycle::RoomBrowser::*read)(const Request&, const AudienceScope&)
        const) {
  return ServeUnary<Request>(method, environment_, environment_.read_executor, context, request,
                             response,
                             [&browser = use_cases_.browser, read](
                                 Call& call, const Request& message) -> absl::StatusOr<Response> {
                               auto scope = AdmitRead(call, message);
                               if (!scope.ok()) return scope.status();
                               return (browser.*read)(message, *scope);
                             });
}

grpc::ServerUnaryReactor* RoomLifecycleService::GetRoom(grpc::CallbackServerContext* context,
                                                        const grpc::ByteBuffer* request,
                                                        grpc::ByteBuffer* response) {
  return ServeLookup<v1::GetRoomRequest>(
      kGetRoom, environment_, context, request, response,
      [&browser = use_cases_.browser](
          Call& call, const v1::GetRoomRequest& message,
          storage::ReadTier tier) -> absl::StatusOr<v1::GetRoomResponse> {
        auto scope = AdmitRead(call, message);
        if (!scope.ok()) return scope.status();
        return browser.GetRoom(message, *scope, tier);
      });
}

grpc::ServerUnaryReactor* RoomLifecycleService::GetRoomState(grpc::CallbackServerContext* context,
                                                             const grpc::ByteBuffer* request,
                                                             grpc::ByteBuffer* response) {
  return ServeRead(kGetRoomState, context, request, response,
                   &lifecycle::RoomBrowser::GetRoomState);
}

grpc::ServerUnaryReactor* RoomLifecycleService::ListRooms(grpc::CallbackServerContext* context,
                                                          const grpc::ByteBuffer* request,
                                                          grpc::ByteBuffer* response) {
  return ServeRead(kListRooms, context, request, response, &lifecycle::RoomBrowser::ListRooms);
}

grpc::ServerWriteReactor<grpc::ByteBuffer>* RoomLifecycleService::ExportRoom(
    grpc::CallbackServerContext* context, const grpc::ByteBuffer* request) {
  return ServeStream<v1::ExportRoomRequest>(
      kExportRoom, environment_, environment_.read_executor, context, request,
      [this](Call& call,
             const v1::ExportRoomRequest& message) -> absl::StatusOr<lifecycle::RoomExport> {
        auto scope = AdmitRead(call, message);
        if (!scope.ok()) return scope.status();
        call.permission = [requester = message.requester()](const auth::Principal& principal) {
          return MayReadAs(principal, requester).status();
        };
        return use_cases_.exporter.Begin(message, *scope);
      });
}

grpc::ServerReadReactor<grpc::ByteBuffer>* RoomLifecycleService::ImportRoom(
    grpc::CallbackServerContext* context, grpc::ByteBuffer* response) {
  return ServeUpload<v1::ImportRoomRequest>(
      kImportRoom, environment_, environment_.upgrade_executor, context, response,
      [this](Call& call) { return use_cases_.importer.Begin(TrailOf(environment_, call)); });
}

grpc::ServerWriteReactor<grpc::ByteBuffer>* RoomLifecycleService::WatchRoomEvents(
    grpc::CallbackServerContext* context, const grpc::ByteBuffer* request) {
  const absl::Time start = absl::Now();
  Admission admission(kWatchRoomEvents, environment_, *context);
  auto call = ReadWatchCall(environment_.authenticator, *context, admission, *request);
  return rpc::WatchRoomEvents(
      use_cases_.feed, *context, std::move(call),
      [start, admission = std::move(admission), &environment = environment_](
          absl::string_view stream_id, const absl::Status& status) {
        EndCall(environment, kWatchRoomEvents, admission, status, start, stream_id);
      });
}

grpc::ServerUnaryReactor* RoomLifecycleService::ListRoomEvents(grpc::CallbackServerContext* context,
                                                               const grpc::ByteBuffer* request,
                                                               grpc::ByteBuffer* response) {
  return ServeUnary<v1::ListRoomEventsRequest>(
      kListRoomEvents, environment_, environment_.read_executor, context, request, response,
      [this, context](Call&, const v1::ListRoomEventsRequest& message) {
        return use_cases_.feed.List(
            message, AccessOf(environment_.authenticator, *context, {*kListRoomEvents.role}));
      });
}

}  // namespace innkeeper::rpc
