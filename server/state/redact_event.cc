#include <utility>

#include "absl/strings/str_cat.h"
#include "server/errors/errors.h"
#include "server/rooms/event.h"
#include "server/state/room_writer.h"
#include "server/state/timeline_event.h"

namespace innkeeper::state {
namespace {

using lifecycle::Outcome;
using storage::RoomReader;

constexpr size_t kMaxReasonBytes = 1024;

rooms::EventDraft RedactionDraft(const rooms::RoomVersion& version,
                                 const RedactEventCommand& command) {
  rooms::EventDraft draft{
      .type = "m.room.redaction", .sender = command.requester, .source_field = "event_id"};
  if (!command.reason.empty()) draft.content["reason"] = command.reason;
  if (version.redacts_in_content) {
    draft.content["redacts"] = command.event_id;
  } else {
    draft.redacts = command.event_id;
  }
  return draft;
}

absl::Status InsufficientPower(int64_t required, int64_t actual) {
  return MakeError(absl::StatusCode::kPermissionDenied, v1::ERROR_REASON_INSUFFICIENT_POWER,
                   "the requester's power level does not suffice to redact the events of others",
                   {{"required", absl::StrCat(required)}, {"actual", absl::StrCat(actual)}});
}

// Whether the requester may redact `event`, as far as the authorisation rules don't say
// it: from version 3 on they let redactions stand that have no effect.
absl::Status CheckTarget(const RedactEventCommand& command, const storage::EventRecord& event,
                         lifecycle::RoomEdit& edit) {
  if (event.type() == "m.room.create" || event.type() == "m.room.server_acl") {
    FieldErrors errors;
    errors.Add("event_id",
               absl::StrCat("must not be of an ", event.type(), ", which the room depends on"));
    return errors.ToStatus();
  }
  if (event.sender() == command.requester) return absl::OkStatus();
  auto levels = edit.Levels();
  if (!levels.ok()) return levels.status();
  const int64_t required = levels->ForAction("redact");
  const int64_t actual = levels->OfUser(command.requester);
  return actual >= required ? absl::OkStatus() : InsufficientPower(required, actual);
}

// What a request comes to whose event was redacted already.
absl::StatusOr<Outcome<v1::RedactEventResponse>> RedactedBefore(const RoomReader& reader,
                                                                const std::string& room_id,
                                                                const std::string& redacted_by) {
  auto redaction = FindEvent(reader, room_id, redacted_by);
  if (!redaction.ok()) return redaction.status();
  auto event = ToProto(*redaction);
  if (!event.ok()) return event.status();
  v1::RedactEventResponse response;
  *response.mutable_event() = *std::move(event);
  return Outcome<v1::RedactEventResponse>{std::move(response), std::nullopt};
}

}  // namespace

lifecycle::Write<v1::RedactEventResponse> RoomWriter::RedactEvent(
    RedactEventCommand command) const {
  CheckRequester(command);
  if (command.event_id.empty()) command.field_errors.Add("event_id", "must be given");
  if (command.reason.size() > kMaxReasonBytes) {
    command.field_errors.Add("reason",
                             absl::StrCat("must be at most ", kMaxReasonBytes, " bytes long"));
  }
  lifecycle::RequestIdentity identity = command.identity;
  std::string room_id = command.room_id;
  return {std::move(identity),
          [this, command = std::move(command)](const RoomReader& reader) {
            return Try(command, reader);
          },
          std::move(room_id)};
}

absl::StatusOr<Outcome<v1::RedactEventResponse>> RoomWriter::Try(const RedactEventCommand& command,
                                                                 const RoomReader& reader) const {
  auto edit = Begin(command, reader);
  if (!edit.ok()) return edit.status();
  absl::Status sent = edit->Append(RedactionDraft(edit->version(), command));
  if (!sent.ok()) return sent;
  auto target = FindEvent(reader, command.room_id, command.event_id);
  if (!target.ok()) return target.status();
  absl::Status allowed = CheckTarget(command, target->record, *edit);
  if (!allowed.ok()) return allowed;

  if (!target->record.redacted_by().empty()) {
    return RedactedBefore(reader, command.room_id, target->record.redacted_by());
  }
  auto event = LatestToProto(*edit);
  if (!event.ok()) return event.status();
  edit->Redact(target->number, std::move(target->record));
  storage::RoomCommit commit;
  absl::Status staged = edit->Stage(commit);
  if (!staged.ok()) return staged;
  v1::RedactEventResponse response;
  *response.mutable_event() = *std::move(event);
  return Outcome<v1::RedactEventResponse>{std::move(response), std::move(commit)};
}

}  // namespace innkeeper::state
