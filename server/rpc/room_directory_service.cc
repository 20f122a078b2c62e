#include "server/rpc/room_directory_service.h"

#include <optional>

#include "absl/status/status.h"
#include "server/auth/principal.h"
#include "server/rpc/caller.h"
#include "server/rpc/directory_requests.h"
#include "server/rpc/request_checks.h"

namespace innkeeper::rpc {
namespace {

using auth::Role;
using directory::DirectoryEditor;
using directory::DirectoryReader;
using limits::Work;

constexpr Method kSetAlias = {"SetAlias", Role::kParticipate, Work::kWrite};
constexpr Method kDeleteAlias = {"DeleteAlias", Role::kParticipate, Work::kWrite};
constexpr Method kResolveAlias = {"ResolveAlias", std::nullopt, Work::kRead};
constexpr Method kListAliases = {"ListAliases", std::nullopt, Work::kRead};
constexpr Method kSetVisibility = {"SetVisibility", Role::kParticipate, Work::kWrite};
constexpr Method kListPublicRooms = {"ListPublicRooms", std::nullopt, Work::kRead};

}  // namespace

template <typename Request, typename Response>
grpc::ServerUnaryReactor* RoomDirectoryService::ServeEdit(
    const Method& method, grpc::CallbackServerContext* context, const grpc::ByteBuffer* request,
    grpc::ByteBuffer* response,
    lifecycle::Write<Response> (DirectoryEditor::*edit)(Request, lifecycle::RequestIdentity)
        const) {
  return ServeWrite<Request, Response>(
      method, environment_, context, request, response,
      [&editor = editor_, &server_name = server_name_, edit](
          Call& call, Request message) -> absl::StatusOr<lifecycle::Write<Response>> {
        absl::Status allowed = MayActFor(call, message.requester());
        if (!allowed.ok()) return allowed;
        absl::Status valid = CheckRequest(message, server_name);
        if (!valid.ok()) return valid;
        call.room_id = RoomIdOf(message);
        auto identity = IdentityOf(message, message.request_id(), call.principal->name());
        return (editor.*edit)(std::move(message), std::move(identity));
      });
}

template <typename Request, typename Response>
grpc::ServerUnaryReactor* RoomDirectoryService::ServePublicRead(
    const Method& method, grpc::CallbackServerContext* context, const grpc::ByteBuffer* request,
    grpc::ByteBuffer* response,
    absl::StatusOr<Response> (DirectoryReader::*read)(const Request&) const) {
  return ServeUnary<Request>(
      method, environment_, environment_.read_executor, context, request, response,
      [&reader = reader_, read](Call&, const Request& message) -> absl::StatusOr<Response> {
        absl::Status valid = CheckRequest(message);
        if (!valid.ok()) return valid;
        return (reader.*read)(message);
      });
}

grpc::ServerUnaryReactor* RoomDirectoryService::SetAlias(grpc::CallbackServerContext* context,
                                                         const grpc::ByteBuffer* request,
                                                         grpc::ByteBuffer* response) {
  return ServeEdit(kSetAlias, context, request, response, &DirectoryEditor::SetAlias);
}

grpc::ServerUnaryReactor* RoomDirectoryService::DeleteAlias(grpc::CallbackServerContext* context,
                                                            const grpc::ByteBuffer* request,
                                                            grpc::ByteBuffer* response) {
  return ServeEdit(kDeleteAlias, context, request, response, &DirectoryEditor::DeleteAlias);
}

grpc::ServerUnaryReactor* RoomDirectoryService::ResolveAlias(grpc::CallbackServerContext* context,
                                                             const grpc::ByteBuffer* request,
                                                             grpc::ByteBuffer* response) {
  return ServePublicRead(kResolveAlias, context, request, response, &DirectoryReader::ResolveAlias);
}

grpc::ServerUnaryReactor* RoomDirectoryService::ListAliases(grpc::CallbackServerContext* context,
                                                            const grpc::ByteBuffer* request,
                                                            grpc::ByteBuffer* response) {
  return ServeUnary<v1::ListAliasesRequest>(
      kListAliases, environment_, environment_.read_executor, context, request, response,
      [&reader = reader_](Call& call, const v1::ListAliasesRequest& message)
          -> absl::StatusOr<v1::ListAliasesResponse> {
        absl::StatusOr<AudienceScope> scope = MayReadAs(call, message.requester());
        if (!scope.ok()) return scope.status();
        absl::Status valid = CheckRequest(message);
        if (!valid.ok()) return valid;
        call.room_id = message.room_id();
        return reader.ListAliases(message, *scope);
      });
}

grpc::ServerUnaryReactor* RoomDirectoryService::SetVisibility(grpc::CallbackServerContext* context,
                                                              const grpc::ByteBuffer* request,
                                                              grpc::ByteBuffer* response) {
  return ServeEdit(kSetVisibility, context, request, response, &DirectoryEditor::SetVisibility);
}

grpc::ServerUnaryReactor* RoomDirectoryService::ListPublicRooms(
    grpc::CallbackServerContext* context, const grpc::ByteBuffer* request,
    grpc::ByteBuffer* response) {
  return ServePublicRead(kListPublicRooms, context, request, response,
                         &DirectoryReader::ListPublicRooms);
}

}  // namespace innkeeper::rpc
