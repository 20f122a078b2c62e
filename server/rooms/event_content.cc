#include "server/rooms/event_content.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "server/errors/errors.h"
#include "server/rooms/server_acl.h"

namespace innkeeper::rooms {
namespace {

void RequireText(const Json& content, const char* key, absl::string_view field,
                 FieldErrors& errors) {
  const auto text = content.find(key);
  if (text == content.end() || !text->is_string()) {
    errors.Add(FieldPath(field, key), "must be a string");
  }
}

bool AreStrings(const Json& list) {
  return list.is_array() &&
         std::all_of(list.begin(), list.end(), [](const Json& item) { return item.is_string(); });
}

void CheckMentions(const Json& mentions, const std::string& field, FieldErrors& errors) {
  if (!mentions.is_object()) return errors.Add(field, "must be an object");
  if (mentions.contains("user_ids") && !AreStrings(mentions["user_ids"])) {
    errors.Add(FieldPath(field, "user_ids"), "must be a list of user ids");
  }
  if (mentions.contains("room") && !mentions["room"].is_boolean()) {
    errors.Add(FieldPath(field, "room"), "must be true or false");
  }
}

}  // namespace

absl::Status CheckEventContent(absl::string_view type, const Json& content, absl::string_view field,
                               const std::string& server_name) {
  FieldErrors errors;
  if (type == "m.room.name") RequireText(content, "name", field, errors);
  if (type == "m.room.topic") RequireText(content, "topic", field, errors);
  if (type == "m.room.message") {
    RequireText(content, "msgtype", field, errors);
    RequireText(content, "body", field, errors);
  }
  if (type == "m.room.server_acl" && !AdmitsServer(content, server_name)) {
    errors.Add(std::string(field),
               absl::StrCat("must let this server in: have a pattern in `allow`, "
                            "and none in `deny`, that matches ",
                            server_name));
  }
  if (content.contains("m.mentions")) {
    CheckMentions(content["m.mentions"], FieldPath(field, "m.mentions"), errors);
  }
  return errors.ToStatus();
}

}  // namespace innkeeper::rooms
