#include "server/rpc/requests.h"

#include <cstddef>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/base/audience.h"
#include "server/errors/errors.h"
#include "server/lifecycle/supported_version.h"
#include "server/rooms/identifiers.h"
#include "server/rpc/request_checks.h"
#include "server/values/struct_json.h"

namespace innkeeper::rpc {
namespace {

// The longest that a room version can be, by the grammar of the specification.
constexpr size_t kMaxVersionBytes = 32;

template <typename Request>
lifecycle::RequestIdentity WriteIdentityOf(const Request& request, absl::string_view principal) {
  if (request.validate_only()) return {};
  return IdentityOf(request, request.request_id(), principal);
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

rooms::CopyPolicy CopyPolicyOf(const v1::UpgradeRoomRequest& request, FieldErrors& errors) {
  switch (request.copy_policy()) {
    case v1::COPY_POLICY_UNSPECIFIED:
    case v1::COPY_POLICY_RECOMMENDED:
      return rooms::CopyPolicy::kRecommended;
    case v1::COPY_POLICY_EVERYTHING:
      return rooms::CopyPolicy::kEverything;
    case v1::COPY_POLICY_LISTED:
      return rooms::CopyPolicy::kListed;
    default:
      errors.Add("copy_policy",
                 "must be COPY_POLICY_RECOMMENDED, COPY_POLICY_EVERYTHING or COPY_POLICY_LISTED, "
                 "or left out");
      return rooms::CopyPolicy::kRecommended;
  }
}

rooms::MemberPolicy MemberPolicyOf(const v1::UpgradeRoomRequest& request, FieldErrors& errors) {
  switch (request.member_policy()) {
    case v1::MEMBER_POLICY_UNSPECIFIED:
    case v1::MEMBER_POLICY_JOIN_LOCAL:
      return rooms::MemberPolicy::kJoinLocal;
    case v1::MEMBER_POLICY_INVITE_ALL:
      return rooms::MemberPolicy::kInviteAll;
    case v1::MEMBER_POLICY_NONE:
      return rooms::MemberPolicy::kNone;
    default:
      errors.Add("member_policy",
                 "must be MEMBER_POLICY_JOIN_LOCAL, MEMBER_POLICY_INVITE_ALL or "
                 "MEMBER_POLICY_NONE, or left out");
      return rooms::MemberPolicy::kJoinLocal;
  }
}

rooms::UpgradeOptions OptionsOf(const v1::UpgradeRoomRequest& request, FieldErrors& errors) {
  return {.copy_policy = CopyPolicyOf(request, errors),
          .copy_types = {request.copy_types().begin(), request.copy_types().end()},
          .member_policy = MemberPolicyOf(request, errors),
          .additional_creators = {request.additional_creators().begin(),
                                  request.additional_creators().end()}};
}

// Who asks. Whether they may read all rooms is for the caller to say.
template <typename Request>
lifecycle::UpgradeActor UpgradeActorOf(const Request& request) {
  return {.requester = request.requester(), .as_administrator = request.as_administrator()};
}

}  // namespace

lifecycle::CreateRoomCommand ToCommand(const v1::CreateRoomRequest& request,
                                       absl::string_view principal,
                                       absl::string_view default_version) {
  lifecycle::CreateRoomCommand command;
  CheckRequestId("request_id", request.request_id(), command.field_errors);
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
  command.audience = request.audience();
  if (!command.audience.empty()) {
    command.field_errors.AddStatus("audience", CheckAudience(command.audience));
  }
  command.validate_only = request.validate_only();
  command.identity = WriteIdentityOf(request, principal);
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
  // An upgrade that is refused is told of with it.
  if (request.new_version().size() > kMaxVersionBytes) {
    errors.Add("new_version", absl::StrCat("must be at most ", kMaxVersionBytes, " bytes long"));
  }
  CheckRequestId("request_id", request.request_id(), errors);
  rooms::UpgradeOptions options = OptionsOf(request, errors);
  absl::Status valid = errors.ToStatus();
  if (!valid.ok()) return valid;
  return lifecycle::UpgradeRoomCommand{.room_id = request.room_id(),
                                       .actor = UpgradeActorOf(request),
                                       .new_version = request.new_version(),
                                       .options = std::move(options),
                                       .identity = WriteIdentityOf(request, principal),
                                       .validate_only = request.validate_only()};
}

absl::StatusOr<lifecycle::CancelUpgradeCommand> ToCommand(const v1::CancelUpgradeRequest& request) {
  FieldErrors errors;
  CheckRoomIdField(request.room_id(), errors);
  errors.AddStatus("requester", rooms::CheckUserId(request.requester()));
  absl::Status valid = errors.ToStatus();
  if (!valid.ok()) return valid;
  return lifecycle::CancelUpgradeCommand{request.room_id(), UpgradeActorOf(request)};
}

absl::StatusOr<lifecycle::LinkUpgradeCommand> ToCommand(const v1::LinkUpgradeRequest& request,
                                                        absl::string_view principal) {
  FieldErrors errors;
  errors.AddStatus("old_room_id", rooms::CheckRoomId(request.old_room_id()));
  errors.AddStatus("new_room_id", rooms::CheckRoomId(request.new_room_id()));
  errors.AddStatus("requester", rooms::CheckUserId(request.requester()));
  CheckRequestId("request_id", request.request_id(), errors);
  absl::Status valid = errors.ToStatus();
  if (!valid.ok()) return valid;
  return lifecycle::LinkUpgradeCommand{
      .old_room_id = request.old_room_id(),
      .new_room_id = request.new_room_id(),
      .actor = UpgradeActorOf(request),
      .identity = IdentityOf(request, request.request_id(), principal)};
}

absl::StatusOr<lifecycle::DeleteRoomCommand> ToCommand(const v1::DeleteRoomRequest& request,
                                                       const auth::Principal& principal) {
  FieldErrors errors;
  CheckRoomIdField(request.room_id(), errors);
  CheckRequestId("request_id", request.request_id(), errors);
  absl::Status valid = errors.ToStatus();
  if (!valid.ok()) return valid;
  return lifecycle::DeleteRoomCommand{
      .room_id = request.room_id(),
      .may_know_of = principal.audiences(),
      .identity = IdentityOf(request, request.request_id(), principal.name())};
}

absl::Status CheckRequest(const v1::GetRoomRequest& request) {
  FieldErrors errors;
  CheckRoomIdField(request.room_id(), errors);
  CheckRequesterField(request.requester(), errors);
  return errors.ToStatus();
}

absl::Status CheckRequest(const v1::GetRoomStateRequest& request) {
  FieldErrors errors;
  CheckRoomIdField(request.room_id(), errors);
  CheckRequesterField(request.requester(), errors);
  if (request.has_state_key() && request.type().empty()) {
    errors.Add("state_key", "needs `type` to be given too");
  }
  if (request.revision() < 0) {
    errors.Add("revision", "must not be negative; 0 stands for the current one");
  }
  CheckPageSize(request.page_size(), errors);
  return errors.ToStatus();
}

absl::Status CheckRequest(const v1::ListRoomsRequest& request) {
  FieldErrors errors;
  CheckRequesterField(request.requester(), errors);
  if (!v1::RoomStatus_IsValid(request.status())) {
    errors.Add("status",
               "must be ROOM_STATUS_ACTIVE, ROOM_STATUS_UPGRADING or "
               "ROOM_STATUS_TOMBSTONED, or left out");
  }
  CheckPageSize(request.page_size(), errors);
  return errors.ToStatus();
}

absl::Status CheckRequest(const v1::ExportRoomRequest& request) {
  FieldErrors errors;
  CheckRoomIdField(request.room_id(), errors);
  CheckRequesterField(request.requester(), errors);
  return errors.ToStatus();
}

}  // namespace innkeeper::rpc
