#include "client/demo/describe.h"

#include <google/protobuf/util/json_util.h>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"

namespace innkeeper {
namespace {

// "active" for ("ROOM_STATUS_ACTIVE", "ROOM_STATUS_").
std::string Plain(absl::string_view value_name, absl::string_view prefix) {
  return absl::AsciiStrToLower(absl::StripPrefix(value_name, prefix));
}

void AppendLine(absl::string_view label, absl::string_view value, std::string* text) {
  if (value.empty()) return;
  absl::StrAppendFormat(text, "%s   %-12s %s", text->empty() ? "" : "\n", label, value);
}

std::string Json(const google::protobuf::Struct& content) {
  std::string json;
  const auto status = google::protobuf::util::MessageToJsonString(content, &json);
  return status.ok() ? json : status.ToString();
}

std::string Details(const v1::RoomEvent& event) {
  switch (event.payload_case()) {
    case v1::RoomEvent::kRoomCreated: {
      const v1::RoomCreated& created = event.room_created();
      std::string text =
          absl::StrCat("by ", created.creator_id(), ", version ", created.room_version());
      if (!created.encryption_algorithm().empty()) {
        absl::StrAppend(&text, ", encrypted with ", created.encryption_algorithm());
      }
      if (!created.predecessor_room_id().empty()) {
        absl::StrAppend(&text, ", replaces ", created.predecessor_room_id());
      }
      return text;
    }
    case v1::RoomEvent::kRoomUpgraded:
      return absl::StrCat("replaced by ", event.room_upgraded().new_room_id(), ", version ",
                          event.room_upgraded().new_version());
    case v1::RoomEvent::kRoomUpgradeFailed:
      return absl::StrCat("because of ",
                          Plain(v1::UpgradeFailureReason_Name(event.room_upgrade_failed().reason()),
                                "UPGRADE_FAILURE_REASON_"));
    case v1::RoomEvent::kRoomInvitePending:
      return absl::StrCat("of ", event.room_invite_pending().user_id(),
                          ", who is on another server");
    default:
      return "";
  }
}

}  // namespace

std::string Describe(const v1::Room& room) {
  std::string text;
  AppendLine("room", room.room_id(), &text);
  AppendLine("version", room.room_version(), &text);
  AppendLine("status", Plain(v1::RoomStatus_Name(room.status()), "ROOM_STATUS_"), &text);
  AppendLine("name", room.name(), &text);
  AppendLine("topic", room.topic(), &text);
  AppendLine("alias", room.canonical_alias(), &text);
  AppendLine("encryption", room.encryption_algorithm(), &text);
  AppendLine("members",
             absl::StrCat(room.joined_member_count(), " joined, ", room.invited_member_count(),
                          " invited"),
             &text);
  AppendLine("predecessor", room.predecessor_room_id(), &text);
  AppendLine("successor", room.successor_room_id(), &text);
  return text;
}

std::string Describe(const v1::StateEvent& event) {
  const std::string place =
      event.state_key().empty() ? event.type() : absl::StrCat(event.type(), " ", event.state_key());
  return absl::StrFormat("%-44s %s", place, Json(event.content()));
}

std::string Describe(const v1::RoomEvent& event) {
  return absl::StrCat("#", event.sequence(), " ", event.type(), " ", event.room_id(), " ",
                      Details(event));
}

}  // namespace innkeeper
