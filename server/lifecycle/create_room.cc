#include "server/lifecycle/create_room.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "server/events/event_codec.h"
#include "server/lifecycle/room_errors.h"
#include "server/lifecycle/room_records.h"
#include "storage/room_store.h"

namespace innkeeper::lifecycle {
namespace {

using storage::RoomCommit;
using storage::RoomReader;

// How often a new id is drawn when the last one was taken.
constexpr int kMaxIdRetries = 5;

constexpr size_t kNonceBytes = 32;

absl::Status AliasInUse(const std::string& alias) {
  return WithResource(
      MakeError(absl::StatusCode::kAlreadyExists, v1::ERROR_REASON_ALIAS_IN_USE,
                "alias: belongs to another room; choose another one or remove it there first"),
      "alias", alias);
}

v1::RoomPreset ToProto(rooms::Preset preset) {
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

storage::RoomRecord MakeRecord(const rooms::RoomSpec& spec, const rooms::Genesis& genesis,
                               int64_t now_us) {
  storage::RoomRecord room = NewRoomRecord(*spec.version, genesis, now_us);
  room.set_preset(ToProto(spec.preset));
  room.set_is_public(spec.is_public);
  return room;
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

}  // namespace

RoomCreator::RoomCreator(storage::Engine& engine, const Clock& clock, const RandomBytes& random,
                         Options options)
    : engine_(engine),
      clock_(clock),
      random_(random),
      options_(std::move(options)),
      rate_limiter_(options_.rooms_per_second, options_.room_burst) {}

absl::StatusOr<v1::CreateRoomResponse> RoomCreator::Create(CreateRoomCommand command) {
  RoomReader reader(engine_);
  auto answered = FindResponse<v1::CreateRoomResponse>(reader, command.identity);
  if (!answered.ok()) return answered.status();
  if (answered->has_value()) return **std::move(answered);

  ApplyEncryptionPolicy(command.spec);
  const rooms::RoomSpec& spec = command.spec;
  command.field_errors.AddStatus("", CheckRoomSpec(spec, options_.limits, options_.server_name));
  absl::Status valid = command.version_status.ok()
                           ? command.field_errors.ToStatus()
                           : command.field_errors.ToStatus(ReasonOf(command.version_status),
                                                           command.version_status.message());
  if (!valid.ok()) return valid;
  if (!spec.alias.empty()) {
    auto alias = reader.GetAlias(spec.alias);
    if (!alias.ok()) return alias.status();
    if (alias->has_value()) return AliasInUse(spec.alias);
  }
  absl::StatusOr<rooms::Genesis> genesis = BuildRoom(spec, clock_());
  if (!genesis.ok()) return genesis.status();
  if (command.validate_only) {
    genesis->room_id.clear();
    v1::CreateRoomResponse response;
    *response.mutable_room() =
        lifecycle::ToProto(MakeRecord(spec, *genesis, absl::ToUnixMicros(clock_())));
    return response;
  }
  absl::Status allowed = TakeRateToken(spec.creator);
  if (!allowed.ok()) return allowed;
  return CommitRoom(command, *std::move(genesis));
}

void RoomCreator::ApplyEncryptionPolicy(rooms::RoomSpec& spec) const {
  if (SetsEncryption(spec)) return;
  const bool encrypt = options_.encryption_policy == EncryptionPolicy::kAll ||
                       (options_.encryption_policy == EncryptionPolicy::kInvite &&
                        spec.preset != rooms::Preset::kPublicChat);
  if (encrypt) spec.encryption_algorithm = options_.encryption_algorithm;
}

absl::Status RoomCreator::TakeRateToken(const std::string& creator) {
  const absl::Duration wait = rate_limiter_.Take(creator, clock_());
  if (wait <= absl::ZeroDuration()) return absl::OkStatus();
  return WithRetryDelay(
      MakeError(absl::StatusCode::kResourceExhausted, v1::ERROR_REASON_ROOM_CREATION_RATE_LIMITED,
                "You have created too many rooms recently. Please wait before creating another."),
      wait);
}

absl::StatusOr<rooms::Genesis> RoomCreator::BuildRoom(const rooms::RoomSpec& spec,
                                                      absl::Time now) const {
  return BuildGenesis(spec, {options_.server_name, absl::ToUnixMillis(now), random_(kNonceBytes)});
}

absl::StatusOr<v1::CreateRoomResponse> RoomCreator::CommitRoom(const CreateRoomCommand& command,
                                                               rooms::Genesis genesis) {
  const rooms::RoomSpec& spec = command.spec;
  storage::CommitResult result;
  for (int attempt = 0; attempt <= kMaxIdRetries; ++attempt) {
    const absl::Time now = clock_();
    if (attempt > 0) {
      absl::StatusOr<rooms::Genesis> rebuilt = BuildRoom(spec, now);
      if (!rebuilt.ok()) return rebuilt.status();
      genesis = *std::move(rebuilt);
    }
    const storage::RoomRecord room = MakeRecord(spec, genesis, absl::ToUnixMicros(now));
    v1::CreateRoomResponse response;
    *response.mutable_room() = lifecycle::ToProto(room);

    RoomCommit commit;
    StageNewRoom(commit, room, genesis);
    if (!spec.alias.empty()) {
      storage::AliasRecord alias;
      alias.set_room_id(room.room_id());
      alias.set_creator(spec.creator);
      commit.CreateAlias(spec.alias, alias);
    }
    commit.AppendLog(EncodeEvent(CreatedEvent(room)));
    RecordResponse(commit, command.identity, response, now + options_.request_retention);

    result = CommitAndWait(engine_, commit.Take());
    if (result.status.ok()) return response;
    if (!absl::IsAborted(result.status)) break;
    // Whatever was in the way may be the work of the same request, sent twice.
    auto answered = FindResponse<v1::CreateRoomResponse>(RoomReader(engine_), command.identity);
    if (!answered.ok()) return answered.status();
    if (answered->has_value()) return **std::move(answered);
    if (commit.ConflictOf(result) == RoomCommit::Conflict::kAliasTaken) {
      return AliasInUse(spec.alias);
    }
  }
  return CommitError(result);
}

}  // namespace innkeeper::lifecycle
