#include "server/lifecycle/create_room.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/events/event_codec.h"
#include "server/lifecycle/room_errors.h"
#include "server/lifecycle/room_records.h"
#include "server/lifecycle/room_staging.h"
#include "server/values/timestamp.h"
#include "storage/room_store.h"

namespace innkeeper::lifecycle {
namespace {

using storage::RoomCommit;
using storage::RoomReader;

v1::RoomPreset PresetToProto(rooms::Preset preset) {
  switch (preset) {
    case rooms::Preset::kPrivateChat:
      return v1::ROOM_PRESET_PRIVATE_CHAT;
    case rooms::Preset::kTrustedPrivateChat:
      return v1::ROOM_PRESET_TRUSTED_PRIVATE_CHAT;
    case rooms::Preset::kPublicChat:
      return v1::ROOM_PRESET_PUBLIC_CHAT;
  }
  return v1::ROOM_PRESET_UNSPECIFIED;
}

bool SetsEncryption(const rooms::RoomSpec& spec) {
  return !spec.encryption_algorithm.empty() ||
         std::any_of(spec.initial_state.begin(), spec.initial_state.end(), [](const auto& event) {
           return event.type == "m.room.encryption" && event.state_key.empty();
         });
}

storage::RoomRecord MakeRecord(const CreateRoomCommand& command, const rooms::Genesis& genesis,
                               int64_t now_us) {
  const rooms::RoomSpec& spec = command.spec;
  storage::RoomRecord room = NewRoomRecord(*spec.version, genesis, now_us);
  room.set_audience(command.audience);
  room.set_preset(PresetToProto(spec.preset));
  room.set_is_public(spec.is_public);
  return room;
}

// Adds what the server's policy says about encryption to a room that says nothing.
void ApplyEncryptionPolicy(EncryptionPolicy policy, const std::string& algorithm,
                           rooms::RoomSpec& spec) {
  if (SetsEncryption(spec)) return;
  const bool encrypt =
      policy == EncryptionPolicy::kAll ||
      (policy == EncryptionPolicy::kInvite && spec.preset != rooms::Preset::kPublicChat);
  if (encrypt) spec.encryption_algorithm = algorithm;
}

absl::Status CheckAliasIsFree(const RoomReader& reader, const std::string& alias) {
  if (alias.empty()) return absl::OkStatus();
  auto found = reader.GetAlias(alias);
  if (!found.ok()) return found.status();
  return found->has_value() ? AliasInUse(alias) : absl::OkStatus();
}

v1::RoomCreated CreatedEvent(const storage::RoomRecord& room) {
  v1::RoomCreated created;
  created.set_room_id(room.room_id());
  created.set_creator_id(room.creator());
  created.set_preset(static_cast<v1::RoomPreset>(room.preset()));
  created.set_room_version(room.room_version());
  created.set_encryption_algorithm(room.encryption_algorithm());
  return created;
}

RoomCommit StageRoom(const rooms::RoomSpec& spec, const storage::RoomRecord& room,
                     const rooms::Genesis& genesis, const std::string& server_name) {
  RoomCommit commit;
  StageNewRoom(commit, room, genesis, server_name);
  if (!spec.alias.empty()) {
    storage::AliasRecord alias;
    alias.set_room_id(room.room_id());
    alias.set_creator(spec.creator);
    commit.CreateAlias(spec.alias, alias);
  }
  commit.NoteCreatedRoom(spec.creator, room.room_id());
  commit.AppendLog(EncodeEvent(CreatedEvent(room), LabelsOf(room)));
  LogPendingInvites(commit, room, genesis.events, server_name);
  return commit;
}

}  // namespace

RoomCreator::RoomCreator(const Clock& clock, const RandomBytes& random, Options options)
    : clock_(clock), random_(random), options_(std::move(options)) {}

Write<v1::CreateRoomResponse> RoomCreator::Create(CreateRoomCommand command) {
  ApplyEncryptionPolicy(options_.encryption_policy, options_.encryption_algorithm, command.spec);
  command.field_errors.AddStatus(
      "", CheckRoomSpec(command.spec, options_.limits, options_.server_name));
  Write<v1::CreateRoomResponse> write;
  if (command.supervised) {
    // What is answered now is not what the request comes to, so it is not recorded. That of
    // each principal one after another, so that equal ones find each other.
    write.room_id = absl::StrCat("asked for by ", command.supervised->principal);
    write.attempt = [this, command = std::move(command)](const RoomReader& reader) {
      return Ask(command, reader);
    };
    return write;
  }
  write.identity = command.identity;
  if (options_.quota != nullptr && !command.validate_only) {
    auto place = options_.quota->TollFor(command.spec.creator);
    if (place != nullptr) write.tolls.push_back(std::move(place));
  }
  write.attempt = [this, command = std::move(command)](const RoomReader& reader) {
    return Try(command, reader);
  };
  return write;
}

absl::StatusOr<RoomCreator::NewRoom> RoomCreator::Build(const CreateRoomCommand& command,
                                                        const RoomReader& reader) const {
  absl::Status valid = Check(command, reader);
  if (!valid.ok()) return valid;
  const absl::Time now = clock_();
  absl::StatusOr<rooms::Genesis> genesis = BuildGenesis(
      command.spec, {options_.server_name, absl::ToUnixMillis(now), random_(rooms::kNonceBytes)});
  if (!genesis.ok()) return genesis.status();
  storage::RoomRecord room = MakeRecord(command, *genesis, absl::ToUnixMicros(now));
  valid = CheckMembers(options_.caps, room);
  valid.Update(CheckStateEntries(options_.caps, room));
  if (!valid.ok()) return valid;
  return NewRoom{std::move(room), *std::move(genesis)};
}

absl::StatusOr<Outcome<v1::CreateRoomResponse>> RoomCreator::Try(const CreateRoomCommand& command,
                                                                 const RoomReader& reader) const {
  absl::StatusOr<NewRoom> room = Build(command, reader);
  if (!room.ok()) return room.status();
  v1::CreateRoomResponse response;
  *response.mutable_room() = ToProto(room->record);
  if (command.validate_only) {
    response.mutable_room()->clear_room_id();
    return Outcome<v1::CreateRoomResponse>{std::move(response), std::nullopt};
  }
  return Outcome<v1::CreateRoomResponse>{
      std::move(response),
      StageRoom(command.spec, room->record, room->genesis, options_.server_name)};
}

absl::StatusOr<Outcome<v1::CreateRoomResponse>> RoomCreator::Ask(const CreateRoomCommand& command,
                                                                 const RoomReader& reader) const {
  const Supervised& supervised = *command.supervised;
  auto answered = FindResponse<v1::CreateRoomResponse>(reader, command.identity);
  if (!answered.ok()) return answered.status();
  Outcome<v1::CreateRoomResponse> outcome;
  if (answered->has_value()) {
    outcome.response = **std::move(answered);
    return outcome;
  }
  const absl::Time now = clock_();
  auto waiting = FindWaiting(reader, supervised, v1::SUPERVISED_ACTION_CREATE, now);
  if (!waiting.ok()) return waiting.status();
  v1::PendingApproval& approval = *outcome.response.mutable_pending_approval();
  if (waiting->has_value()) {
    approval = **std::move(waiting);
    return outcome;
  }
  absl::StatusOr<NewRoom> room = Build(command, reader);
  if (!room.ok()) return room.status();
  approval.set_approval_id(NewApprovalId(random_));
  approval.set_action(v1::SUPERVISED_ACTION_CREATE);
  approval.set_requester(command.spec.creator);
  approval.set_room_version(room->record.room_version());
  approval.set_audience(command.audience);
  SetTimestamp(absl::ToUnixMicros(now), approval.mutable_request_time());
  SetTimestamp(absl::ToUnixMicros(now + supervised.timeout), approval.mutable_expire_time());
  StageRequest(outcome.commit.emplace(), supervised, approval, LabelsOf(room->record));
  return outcome;
}

absl::Status RoomCreator::Check(const CreateRoomCommand& command, const RoomReader& reader) {
  absl::Status valid = command.version_status.ok()
                           ? command.field_errors.ToStatus()
                           : command.field_errors.ToStatus(ReasonOf(command.version_status),
                                                           command.version_status.message());
  return valid.ok() ? CheckAliasIsFree(reader, command.spec.alias) : valid;
}

}  // namespace innkeeper::lifecycle
