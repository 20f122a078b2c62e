#include "server/rpc/requests.h"

#include <utility>

#include "server/errors/errors.h"
#include "server/lifecycle/supported_version.h"
#include "server/rooms/identifiers.h"
#include "server/rpc/request_fields.h"
#include "server/rpc/wire.h"
#include "server/values/struct_json.h"

namespace innkeeper::rpc {
namespace {

template <typename Request>
lifecycle::RequestIdentity IdentityOf(const Request& request, absl::string_view principal) {
  if (request.validate_only()) return {};
  return MakeIdentity(request, request.request_id(), principal);
}

rooms::Preset PresetOf(const v1::CreateRoomRequest& request) {
  switch (request.preset()) {
    case v1::ROOM_PRESET_PRIVATE_CHAT:
      return rooms::Preset::kPrivateChat;
    case v1::ROOM_PRESET_TRUSTED_PRIVATE_CHAT:
      return rooms::Preset::kTrustedPrivateChat;
    case v1::ROOM_PRESET_PUBLIC_CHAT:
      return rooms::Preset::kPublicChat;
    default:
      return request.is_public() ? rooms::Preset::kPublicChat : rooms::Preset::kPrivateChat;
  }
}

}  // namespace

lifecycle::CreateRoomCommand ToCommand(const v1::CreateRoomRequest& request,
                                       absl::string_view principal,
                                       absl::string_view default_version) {
  lifecycle::CreateRoomCommand command;
  CheckRequestIdField(request.request_id(), command.field_errors);
  if (!v1::RoomPreset_IsValid(request.preset())) {
    command.field_errors.Add(
        "preset",
        "must be ROOM_PRESET_PRIVATE_CHAT, ROOM_PRESET_TRUSTED_PRIVATE_CHAT or "
        "ROOM_PRESET_PUBLIC_CHAT, or left out");
  }
  rooms::RoomSpec& spec = command.spec;
  spec.creator = request.creator();
  spec.version = rooms::FindRoomVersion(default_version);
  if (!request.room_version().empty()) {
    auto version = lifecycle::SupportedVersion(request.room_version(), "room_version");
    command.version_status = version.status();
    command.field_errors.AddStatus("room_version", command.version_status);
    if (version.ok()) spec.version = *version;
  }
  spec.preset = PresetOf(request);
  spec.is_public = request.is_public();
  for (const v1::InitialStateEvent& event : request.initial_state()) {
    spec.initial_state.push_back(
        {event.type(), event.state_key(), JsonFromStruct(event.content())});
  }
  spec.creation_content = JsonFromStruct(request.creation_content());
  spec.power_level_content_override = JsonFromStruct(request.power_level_content_override());
  spec.name = request.name();
  spec.topic = request.topic();
  spec.alias = request.alias();
  spec.invites.assign(request.invites().begin(), request.invites().end());
  spec.is_direct = request.is_direct();
  spec.encryption_algorithm = request.encryption_algorithm();
  command.validate_only = request.validate_only();
  command.identity = IdentityOf(request, principal);
  return command;
}

absl::StatusOr<lifecycle::UpgradeRoomCommand> ToCommand(const v1::UpgradeRoomRequest& request,
                                                        absl::string_view principal) {
  FieldErrors errors;
  CheckRoomIdField(request.room_id(), errors);
  errors.AddStatus("requester", rooms::CheckUserId(request.requester()));
  if (request.new_version().empty()) {
    errors.Add("new_version", "must be given: the version of the new room, such as \"12\"");
  }
  CheckRequestIdField(request.request_id(), errors);
  absl::Status valid = errors.ToStatus();
  if (!valid.ok()) return valid;
  return lifecycle::UpgradeRoomCommand{.room_id = request.room_id(),
                                       .requester = request.requester(),
                                       .new_version = request.new_version(),
                                       .identity = IdentityOf(request, principal),
                                       .validate_only = request.validate_only()};
}

absl::Status CheckRequest(const v1::GetRoomRequest& request) {
  FieldErrors errors;
  CheckRoomIdField(request.room_id(), errors);
  CheckReaderField(request.requester(), errors);
  return errors.ToStatus();
}

absl::Status CheckRequest(const v1::GetRoomStateRequest& request) {
  FieldErrors errors;
  CheckRoomIdField(request.room_id(), errors);
  CheckReaderField(request.requester(), errors);
  if (request.has_state_key() && request.type().empty()) {
    errors.Add("state_key", "needs `type` to be given too");
  }
  if (request.revision() < 0) {
    errors.Add("revision", "must not be negative; 0 stands for the current one");
  }
  CheckPageSizeField(request.page_size(), errors);
  return errors.ToStatus();
}

absl::Status CheckRequest(const v1::ListRoomsRequest& request) {
  FieldErrors errors;
  CheckReaderField(request.requester(), errors);
  if (!v1::RoomStatus_IsValid(request.status())) {
    errors.Add("status",
               "must be ROOM_STATUS_ACTIVE, ROOM_STATUS_UPGRADING or "
               "ROOM_STATUS_TOMBSTONED, or left out");
  }
  CheckPageSizeField(request.page_size(), errors);
  return errors.ToStatus();
}

absl::Status CheckRequest(const v1::ExportRoomRequest& request) {
  FieldErrors errors;
  CheckRoomIdField(request.room_id(), errors);
  CheckReaderField(request.requester(), errors);
  return errors.ToStatus();
}

}  // namespace innkeeper::rpc
