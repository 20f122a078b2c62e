#include "server/state/timeline_event.h"

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/errors/errors.h"
#include "server/lifecycle/room_records.h"
#include "server/rooms/json.h"
#include "server/values/struct_json.h"
#include "server/values/timestamp.h"

namespace innkeeper::state {
namespace {

absl::Status EventNotFound(const std::string& event_id) {
  return WithResource(MakeError(absl::StatusCode::kNotFound, v1::ERROR_REASON_EVENT_NOT_FOUND,
                                "event_id: the room has no such event"),
                      "event", event_id);
}

}  // namespace

absl::StatusOr<NumberedEvent> FindEvent(const storage::RoomReader& reader,
                                        const std::string& room_id, const std::string& event_id) {
  auto number = reader.GetEventNumber(room_id, event_id);
  if (!number.ok()) return number.status();
  if (!number->has_value()) return EventNotFound(event_id);
  auto record = reader.GetEvent(room_id, **number);
  if (!record.ok()) return record.status();
  if (!record->has_value() || (*record)->event_id() != event_id) {
    return absl::DataLossError(absl::StrCat(room_id, " has lost its event number ", **number));
  }
  return NumberedEvent{**number, **std::move(record)};
}

absl::StatusOr<v1::TimelineEvent> ToProto(const NumberedEvent& event) {
  const storage::EventRecord& record = event.record;
  absl::StatusOr<rooms::Json> content = lifecycle::ContentOf(record);
  if (!content.ok()) return content.status();
  v1::TimelineEvent proto;
  proto.set_event_id(record.event_id());
  proto.set_type(record.type());
  if (record.has_state_key()) proto.set_state_key(record.state_key());
  JsonToStruct(*content, proto.mutable_content());
  proto.set_sender(record.sender());
  SetTimestamp(MicrosFromMillis(record.origin_server_ts()), proto.mutable_origin_server_time());
  proto.set_number(event.number);
  proto.set_revision(record.revision());
  if (record.type() == "m.room.redaction") {
    proto.set_redacts(record.redacts().empty() ? rooms::StringOrEmpty(*content, "redacts")
                                               : record.redacts());
  }
  proto.set_redacted_by(record.redacted_by());
  return proto;
}

absl::StatusOr<v1::TimelineEvent> LatestToProto(const lifecycle::RoomEdit& edit) {
  const int64_t number =
      edit.room().latest_event_number() + static_cast<int64_t>(edit.events().size());
  return ToProto({number, lifecycle::ToEventRecord(edit.events().back(), edit.new_revision())});
}

}  // namespace innkeeper::state
