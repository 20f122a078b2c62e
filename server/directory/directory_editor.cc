#include "server/directory/directory_editor.h"

#include <cstdint>
#include <optional>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "server/errors/errors.h"
#include "server/lifecycle/room_caps.h"
#include "server/lifecycle/room_errors.h"
#include "server/lifecycle/room_records.h"
#include "server/rooms/canonical_alias.h"

namespace innkeeper::directory {
namespace {

using lifecycle::Outcome;
using lifecycle::RequestIdentity;
using lifecycle::RoomEdit;
using lifecycle::Write;
using storage::RoomCommit;
using storage::RoomReader;
using storage::RoomRecord;
using storage::Stored;

constexpr char kCanonicalAlias[] = "m.room.canonical_alias";

// The room, if `requester` is joined to it and it takes changes.
absl::StatusOr<Stored<RoomRecord>> ReadEditableRoom(const RoomReader& reader,
                                                    const std::string& room_id,
                                                    const std::string& requester) {
  auto found = reader.GetRoomOfUser(room_id, requester);
  if (!found.ok()) return found.status();
  const bool joined = found->user_room && found->user_room->membership() == "join";
  if (!found->room || !joined) return lifecycle::RoomNotFound(room_id);
  absl::Status writable = lifecycle::CheckWritable(found->room->record);
  if (!writable.ok()) return writable;
  return *std::move(found->room);
}

// Whether `requester` has the power to send m.room.canonical_alias.
absl::Status CheckPower(RoomEdit& edit, const std::string& requester) {
  absl::StatusOr<rooms::PowerLevels> levels = edit.Levels();
  if (!levels.ok()) return levels.status();
  const int64_t required = levels->ForStateEvent(kCanonicalAlias);
  const int64_t actual = levels->OfUser(requester);
  if (actual >= required) return absl::OkStatus();
  return MakeError(absl::StatusCode::kPermissionDenied, v1::ERROR_REASON_INSUFFICIENT_POWER,
                   "this takes the power to send m.room.canonical_alias, which the requester does "
                   "not have",
                   {{"required", absl::StrCat(required)}, {"actual", absl::StrCat(actual)}});
}

// Has the commit depend on the room's head, and count as a change to the room.
void StageHead(RoomCommit& commit, Stored<RoomRecord> room, absl::Time now) {
  lifecycle::Touch(room.record, absl::ToUnixMicros(now));
  commit.UpdateRoom(std::move(room.record), room.revision);
}

}  // namespace

Write<v1::SetAliasResponse> DirectoryEditor::SetAlias(v1::SetAliasRequest request,
                                                      RequestIdentity identity) const {
  std::string room_id = request.room_id();
  return {std::move(identity),
          [this, request = std::move(request)](const RoomReader& reader) {
            return TrySetAlias(request, reader);
          },
          std::move(room_id)};
}

Write<v1::DeleteAliasResponse> DirectoryEditor::DeleteAlias(v1::DeleteAliasRequest request,
                                                            RequestIdentity identity) const {
  std::string room_id = RoomOf(request.alias());
  return {std::move(identity),
          [this, request = std::move(request)](const RoomReader& reader) {
            return TryDeleteAlias(request, reader);
          },
          std::move(room_id)};
}

Write<v1::SetVisibilityResponse> DirectoryEditor::SetVisibility(v1::SetVisibilityRequest request,
                                                                RequestIdentity identity) const {
  std::string room_id = request.room_id();
  return {std::move(identity),
          [this, request = std::move(request)](const RoomReader& reader) {
            return TrySetVisibility(request, reader);
          },
          std::move(room_id)};
}

absl::StatusOr<Outcome<v1::SetAliasResponse>> DirectoryEditor::TrySetAlias(
    const v1::SetAliasRequest& request, const RoomReader& reader) const {
  auto room = ReadEditableRoom(reader, request.room_id(), request.requester());
  if (!room.ok()) return room.status();
  auto stored = reader.GetAlias(request.alias());
  if (!stored.ok()) return stored.status();
  Outcome<v1::SetAliasResponse> outcome;
  if (stored->has_value()) {
    const bool is_set = (*stored)->record.room_id() == request.room_id();
    if (!is_set) return lifecycle::AliasInUse(request.alias());
    return outcome;
  }
  auto aliases = reader.ListAliases(request.room_id());
  if (!aliases.ok()) return aliases.status();
  absl::Status allowed = lifecycle::CheckAliases(context_.caps, room->record,
                                                 static_cast<int64_t>(aliases->size()) + 1);
  if (!allowed.ok()) return allowed;
  storage::AliasRecord alias;
  alias.set_room_id(request.room_id());
  alias.set_creator(request.requester());
  outcome.commit.emplace();
  outcome.commit->CreateAlias(request.alias(), alias);
  StageHead(*outcome.commit, *std::move(room), context_.clock());
  return outcome;
}

absl::StatusOr<Outcome<v1::DeleteAliasResponse>> DirectoryEditor::TryDeleteAlias(
    const v1::DeleteAliasRequest& request, const RoomReader& reader) const {
  auto stored = reader.GetAlias(request.alias());
  if (!stored.ok()) return stored.status();
  if (!stored->has_value()) return lifecycle::AliasNotFound(request.alias());
  const storage::AliasRecord& alias = (*stored)->record;
  auto room = ReadEditableRoom(reader, alias.room_id(), request.requester());
  if (ReasonOf(room.status()) == v1::ERROR_REASON_ROOM_NOT_FOUND) {
    return lifecycle::AliasNotFound(request.alias());
  }
  if (!room.ok()) return room.status();

  RoomEdit edit(reader, *room, context_);
  absl::StatusOr<rooms::Json> content = edit.Content(kCanonicalAlias);
  if (!content.ok()) return content.status();
  std::optional<rooms::Json> without = rooms::WithoutAlias(*content, request.alias());
  if (without || alias.creator() != request.requester()) {
    absl::Status powerful = CheckPower(edit, request.requester());
    if (!powerful.ok()) return powerful;
  }
  Outcome<v1::DeleteAliasResponse> outcome;
  outcome.response.set_room_id(alias.room_id());
  RoomCommit& commit = outcome.commit.emplace();
  commit.DeleteAlias(request.alias(), alias.room_id(), (*stored)->revision);
  if (!without) {
    StageHead(commit, *std::move(room), context_.clock());
    return outcome;
  }
  absl::Status appended = edit.Append({.type = kCanonicalAlias,
                                       .state_key = "",
                                       .sender = request.requester(),
                                       .content = *std::move(without),
                                       .source_field = "alias"});
  if (!appended.ok()) return appended;
  absl::Status staged = edit.Stage(commit);
  if (!staged.ok()) return staged;
  return outcome;
}

absl::StatusOr<Outcome<v1::SetVisibilityResponse>> DirectoryEditor::TrySetVisibility(
    const v1::SetVisibilityRequest& request, const RoomReader& reader) const {
  auto room = ReadEditableRoom(reader, request.room_id(), request.requester());
  if (!room.ok()) return room.status();
  RoomEdit edit(reader, *room, context_);
  absl::Status powerful = CheckPower(edit, request.requester());
  if (!powerful.ok()) return powerful;
  Outcome<v1::SetVisibilityResponse> outcome;
  if (room->record.is_public() != request.is_public()) {
    room->record.set_is_public(request.is_public());
    lifecycle::Touch(room->record, absl::ToUnixMicros(context_.clock()));
    outcome.commit.emplace().UpdateRoom(room->record, room->revision);
  }
  *outcome.response.mutable_room() = lifecycle::ToProto(room->record);
  return outcome;
}

std::string DirectoryEditor::RoomOf(const std::string& alias) const {
  auto stored = RoomReader(engine_).GetAlias(alias);
  if (!stored.ok() || !stored->has_value()) return "";
  return (*stored)->record.room_id();
}

}  // namespace innkeeper::directory
