#include "server/rpc/room_lifecycle_service.h"

#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/auth/access.h"
#include "server/auth/principal.h"
#include "server/rpc/requests.h"

namespace innkeeper::rpc {
namespace {

using auth::Role;

constexpr Method kCreateRoom = {"CreateRoom", Role::kCreate};
constexpr Method kUpgradeRoom = {"UpgradeRoom", Role::kUpgrade};
constexpr Method kGetRoom = {"GetRoom", std::nullopt};
constexpr Method kGetRoomState = {"GetRoomState", std::nullopt};
constexpr Method kListRooms = {"ListRooms", std::nullopt};
constexpr Method kListRoomEvents = {"ListRoomEvents", Role::kWatch};

// A user that the request has the caller act for. A missing one is for the checks
// of the request to complain of.
absl::Status MayActFor(const Call& call, const std::string& user_id) {
  if (user_id.empty()) return absl::OkStatus();
  return auth::RequireUser(*call.principal, user_id);
}

// Who reads as nobody in particular must be allowed to read everything.
absl::Status MayReadAs(const Call& call, const std::string& requester) {
  if (requester.empty()) return auth::RequireRole(*call.principal, Role::kReadAll);
  return auth::RequireUser(*call.principal, requester);
}

// The room that a request is about.
template <typename Request>
std::string RoomIdOf(const Request& request) {
  return request.room_id();
}
std::string RoomIdOf(const v1::ListRoomsRequest&) { return ""; }

}  // namespace

grpc::ServerUnaryReactor* RoomLifecycleService::CreateRoom(grpc::CallbackServerContext* context,
                                                           const grpc::ByteBuffer* request,
                                                           grpc::ByteBuffer* response) {
  return ServeUnary<v1::CreateRoomRequest>(
      kCreateRoom, environment_.authenticator, environment_.write_executor, context, request,
      response,
      [this](Call& call,
             const v1::CreateRoomRequest& message) -> absl::StatusOr<v1::CreateRoomResponse> {
        absl::Status allowed = MayActFor(call, message.creator());
        if (!allowed.ok()) return allowed;
        auto command = ToCommand(message, call.principal->name(), default_room_version_);
        if (!command.ok()) return command.status();
        auto created = use_cases_.creator.Create(*std::move(command));
        if (created.ok()) call.room_id = created->room().room_id();
        return created;
      });
}

grpc::ServerUnaryReactor* RoomLifecycleService::UpgradeRoom(grpc::CallbackServerContext* context,
                                                            const grpc::ByteBuffer* request,
                                                            grpc::ByteBuffer* response) {
  return ServeUnary<v1::UpgradeRoomRequest>(
      kUpgradeRoom, environment_.authenticator, environment_.write_executor, context, request,
      response,
      [this](Call& call,
             const v1::UpgradeRoomRequest& message) -> absl::StatusOr<v1::UpgradeRoomResponse> {
        absl::Status allowed = MayActFor(call, message.requester());
        if (!allowed.ok()) return allowed;
        auto command = ToCommand(message, call.principal->name());
        if (!command.ok()) return command.status();
        call.room_id = command->room_id;
        command->may_read_all = call.principal->Has(Role::kReadAll);
        return use_cases_.upgrader.Upgrade(*command);
      });
}

template <typename Request, typename Response>
grpc::ServerUnaryReactor* RoomLifecycleService::ServeRead(
    const Method& method, grpc::CallbackServerContext* context, const grpc::ByteBuffer* request,
    grpc::ByteBuffer* response,
    absl::StatusOr<Response> (lifecycle::RoomBrowser::*read)(const Request&) const) {
  return ServeUnary<Request>(
      method, environment_.authenticator, environment_.read_executor, context, request, response,
      [this, read](Call& call, const Request& message) -> absl::StatusOr<Response> {
        absl::Status allowed = MayReadAs(call, message.requester());
        if (!allowed.ok()) return allowed;
        absl::Status valid = CheckRequest(message);
        if (!valid.ok()) return valid;
        call.room_id = RoomIdOf(message);
        return (use_cases_.browser.*read)(message);
      });
}

grpc::ServerUnaryReactor* RoomLifecycleService::GetRoom(grpc::CallbackServerContext* context,
                                                        const grpc::ByteBuffer* request,
                                                        grpc::ByteBuffer* response) {
  return ServeRead(kGetRoom, context, request, response, &lifecycle::RoomBrowser::GetRoom);
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

}  // namespace innkeeper::rpc
