#include "server/rpc/room_state_service.h"

#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "server/auth/principal.h"
#include "server/rpc/caller.h"
#include "server/rpc/state_requests.h"

namespace innkeeper::rpc {
namespace {

using auth::Role;
using limits::Work;

constexpr Method kSetState = {"SetState", Role::kParticipate, Work::kMessage};
constexpr Method kSendEvent = {"SendEvent", Role::kParticipate, Work::kMessage};
constexpr Method kRedactEvent = {"RedactEvent", Role::kParticipate, Work::kModeration};
constexpr Method kGetEvent = {"GetEvent", std::nullopt, Work::kRead};
constexpr Method kListEvents = {"ListEvents", std::nullopt, Work::kRead};

}  // namespace

template <typename Request, typename Command, typename Response>
grpc::ServerUnaryReactor* RoomStateService::Write(
    const Method& method, grpc::CallbackServerContext* context, const grpc::ByteBuffer* request,
    grpc::ByteBuffer* response,
    lifecycle::Write<Response> (state::RoomWriter::*write)(Command) const) {
  return ServeWrite<Request, Response>(
      method, environment_, context, request, response,
      [&writer = use_cases_.writer, write](
          Call& call, const Request& message) -> absl::StatusOr<lifecycle::Write<Response>> {
        absl::Status allowed = MayActFor(call, message.requester());
        if (!allowed.ok()) return allowed;
        Command command = ToCommand(message, call.principal->name());
        if (command.field_errors.empty()) call.room_id = command.room_id;
        return (writer.*write)(std::move(command));
      });
}

template <typename Request, typename Response>
grpc::ServerUnaryReactor* RoomStateService::Read(
    const Method& method, grpc::CallbackServerContext* context, const grpc::ByteBuffer* request,
    grpc::ByteBuffer* response,
    absl::StatusOr<Response> (state::TimelineReader::*read)(const Request&, const AudienceScope&)
        const) {
  return ServeUnary<Request>(
      method, environment_, environment_.read_executor, context, request, response,
      [&reader = use_cases_.reader, read](Call& call,
                                          const Request& message) -> absl::StatusOr<Response> {
        absl::StatusOr<AudienceScope> scope = MayReadAs(call, message.requester());
        if (!scope.ok()) return scope.status();
        absl::Status valid = CheckRequest(message);
        if (!valid.ok()) return valid;
        call.room_id = message.room_id();
        return (reader.*read)(message, *scope);
      });
}

grpc::ServerUnaryReactor* RoomStateService::SetState(grpc::CallbackServerContext* context,
                                                     const grpc::ByteBuffer* request,
                                                     grpc::ByteBuffer* response) {
  return Write<v1::SetStateRequest>(kSetState, context, request, response,
                                    &state::RoomWriter::SetState);
}

grpc::ServerUnaryReactor* RoomStateService::SendEvent(grpc::CallbackServerContext* context,
                                                      const grpc::ByteBuffer* request,
                                                      grpc::ByteBuffer* response) {
  return Write<v1::SendEventRequest>(kSendEvent, context, request, response,
                                     &state::RoomWriter::SendEvent);
}

grpc::ServerUnaryReactor* RoomStateService::RedactEvent(grpc::CallbackServerContext* context,
                                                        const grpc::ByteBuffer* request,
                                                        grpc::ByteBuffer* response) {
  return Write<v1::RedactEventRequest>(kRedactEvent, context, request, response,
                                       &state::RoomWriter::RedactEvent);
}

grpc::ServerUnaryReactor* RoomStateService::GetEvent(grpc::CallbackServerContext* context,
                                                     const grpc::ByteBuffer* request,
                                                     grpc::ByteBuffer* response) {
  return Read(kGetEvent, context, request, response, &state::TimelineReader::GetEvent);
}

grpc::ServerUnaryReactor* RoomStateService::ListEvents(grpc::CallbackServerContext* context,
                                                       const grpc::ByteBuffer* request,
                                                       grpc::ByteBuffer* response) {
  return Read(kListEvents, context, request, response, &state::TimelineReader::ListEvents);
}

}  // namespace innkeeper::rpc
