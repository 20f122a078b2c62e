#include <utility>

#include "absl/strings/str_cat.h"
#include "server/lifecycle/room_records.h"
#include "server/rooms/event.h"
#include "server/rooms/identifiers.h"
#include "server/state/room_writer.h"
#include "server/state/state_content.h"

namespace innkeeper::state {
namespace {

using lifecycle::Outcome;
using storage::RoomCommit;
using storage::RoomReader;

void CheckStateKey(const std::string& state_key, FieldErrors& errors) {
  if (state_key.size() > rooms::kMaxEventKeyBytes) {
    errors.Add("state_key",
               absl::StrCat("must be at most ", rooms::kMaxEventKeyBytes, " bytes long"));
  }
}

// Checks that the aliases of this server in an m.room.canonical_alias are those of the
// room, and has `commit` depend on that.
absl::Status RequireOwnAliases(const SetStateCommand& command, const std::string& server_name,
                               const RoomReader& reader, RoomCommit& commit) {
  if (command.type != "m.room.canonical_alias") return absl::OkStatus();
  FieldErrors errors;
  for (const auto& [field, alias] : AliasesIn(command.content)) {
    if (rooms::ServerNameOf(alias) != server_name) continue;
    auto stored = reader.GetAlias(alias);
    if (!stored.ok()) return stored.status();
    if (stored->has_value() && (*stored)->record.room_id() == command.room_id) {
      commit.RequireAlias(alias, (*stored)->revision);
    } else {
      errors.Add(field, "must be an alias of this room: set it with RoomDirectory first");
    }
  }
  return errors.ToStatus();
}

absl::StatusOr<v1::SetStateResponse> ResponseOf(const SetStateCommand& command,
                                                const storage::StateRecord& state, bool changed) {
  auto event = lifecycle::ToProto({command.type, command.state_key}, state);
  if (!event.ok()) return event.status();
  v1::SetStateResponse response;
  *response.mutable_event() = *std::move(event);
  response.set_changed(changed);
  return response;
}

}  // namespace

lifecycle::Write<v1::SetStateResponse> RoomWriter::SetState(SetStateCommand command) const {
  CheckRequester(command);
  CheckSettableType(command.type, command.field_errors);
  CheckStateKey(command.state_key, command.field_errors);
  CheckStateContent(command.type, command.content, context_.server_name, command.field_errors);
  lifecycle::RequestIdentity identity = command.identity;
  std::string room_id = command.room_id;
  return {std::move(identity),
          [this, command = std::move(command)](const RoomReader& reader) {
            return Try(command, reader);
          },
          std::move(room_id)};
}

absl::StatusOr<Outcome<v1::SetStateResponse>> RoomWriter::Try(const SetStateCommand& command,
                                                              const RoomReader& reader) const {
  auto edit = Begin(command, reader);
  if (!edit.ok()) return edit.status();
  absl::Status allowed = edit->Append({.type = command.type,
                                       .state_key = command.state_key,
                                       .sender = command.requester,
                                       .content = command.content,
                                       .source_field = "content"});
  if (!allowed.ok()) return allowed;
  RoomCommit commit;
  absl::Status owned = RequireOwnAliases(command, context_.server_name, reader, commit);
  if (!owned.ok()) return owned;

  const rooms::Event& event = edit->events().back();
  auto standing = reader.GetState(command.room_id, command.type, command.state_key);
  if (!standing.ok()) return standing.status();
  const bool changed = !standing->has_value() || (*standing)->content() != event.canonical_content;
  auto response = ResponseOf(
      command,
      changed ? lifecycle::ToStateRecord(edit->version(), event, edit->new_revision()) : **standing,
      changed);
  if (!response.ok()) return response.status();
  if (!changed) return Outcome<v1::SetStateResponse>{*std::move(response), std::nullopt};
  absl::Status staged = edit->Stage(commit);
  if (!staged.ok()) return staged;
  return Outcome<v1::SetStateResponse>{*std::move(response), std::move(commit)};
}

}  // namespace innkeeper::state
