#include <utility>

#include "absl/strings/str_cat.h"
#include "server/rooms/event.h"
#include "server/rooms/event_content.h"
#include "server/rooms/identifiers.h"
#include "server/state/room_writer.h"
#include "server/state/timeline_event.h"

namespace innkeeper::state {
namespace {

using lifecycle::Outcome;
using storage::RoomReader;

void CheckMessageContent(const std::string& type, const rooms::Json& content,
                         const std::string& server_name, FieldErrors& errors) {
  const absl::Status canonical = rooms::CheckCanonical(content, "content");
  if (!canonical.ok()) return errors.AddStatus("content", canonical);
  errors.AddStatus("content", rooms::CheckEventContent(type, content, "content", server_name));
}

void CheckMessageType(const std::string& type, FieldErrors& errors) {
  if (type.empty()) return errors.Add("type", "must be given, as in m.room.message");
  if (type.size() > rooms::kMaxEventKeyBytes) {
    errors.Add("type", absl::StrCat("must be at most ", rooms::kMaxEventKeyBytes, " bytes long"));
  }
  if (rooms::IsStateEventType(type)) {
    errors.Add("type", "must not be a type of state events: use RoomState.SetState");
  }
  if (type == "m.room.redaction") {
    errors.Add("type", "must not be m.room.redaction: use RoomState.RedactEvent");
  }
}

}  // namespace

lifecycle::Write<v1::SendEventResponse> RoomWriter::SendEvent(SendEventCommand command) const {
  CheckRequester(command);
  CheckMessageType(command.type, command.field_errors);
  CheckMessageContent(command.type, command.content, context_.server_name, command.field_errors);
  lifecycle::RequestIdentity identity = command.identity;
  std::string room_id = command.room_id;
  return {std::move(identity),
          [this, command = std::move(command)](const RoomReader& reader) {
            return Try(command, reader);
          },
          std::move(room_id)};
}

absl::StatusOr<Outcome<v1::SendEventResponse>> RoomWriter::Try(const SendEventCommand& command,
                                                               const RoomReader& reader) const {
  auto edit = Begin(command, reader);
  if (!edit.ok()) return edit.status();
  absl::Status sent = edit->Append({.type = command.type,
                                    .sender = command.requester,
                                    .content = command.content,
                                    .source_field = "content"});
  if (!sent.ok()) return sent;
  storage::RoomCommit commit;
  absl::Status staged = edit->Stage(commit);
  if (!staged.ok()) return staged;
  auto event = LatestToProto(*edit);
  if (!event.ok()) return event.status();
  v1::SendEventResponse response;
  *response.mutable_event() = *std::move(event);
  return Outcome<v1::SendEventResponse>{std::move(response), std::move(commit)};
}

}  // namespace innkeeper::state
