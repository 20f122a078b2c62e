#include "server/auth/strict_json.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace innkeeper::auth {
namespace {

using Json = nlohmann::json;

// Notices a key that comes twice in one object.
class DuplicateKeys {
 public:
  void See(Json::parse_event_t event, const Json& value) {
    if (event == Json::parse_event_t::object_start) {
      open_objects_.emplace_back();
    } else if (event == Json::parse_event_t::object_end) {
      open_objects_.pop_back();
    } else if (event == Json::parse_event_t::key) {
      found_ |= !open_objects_.back().insert(value.get<std::string>()).second;
    }
  }

  bool found() const { return found_; }

 private:
  std::vector<std::set<std::string>> open_objects_;
  bool found_ = false;
};

// Names the `offset`th byte of `text`, counted from 1.
std::string Place(absl::string_view text, size_t offset) {
  const absl::string_view before = text.substr(0, offset == 0 ? 0 : offset - 1);
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  const size_t line_start = before.rfind('\n') + 1;  // npos + 1 is 0
  return absl::StrCat("line ", line, ", column ", before.size() - line_start + 1);
}

}  // namespace

absl::StatusOr<Json> ParseStrictJson(absl::string_view text) {
  DuplicateKeys duplicate_keys;
  const auto see = [&](int /*depth*/, Json::parse_event_t event, const Json& value) {
    duplicate_keys.See(event, value);
    return true;
  };
  Json json;
  try {
    json = Json::parse(text.begin(), text.end(), see);
  } catch (const Json::parse_error& error) {
    return absl::InvalidArgumentError(
        absl::StrCat("is not JSON: error at ", Place(text, error.byte)));
  } catch (const Json::exception&) {
    return absl::InvalidArgumentError("is not JSON that can be represented");
  }
  if (duplicate_keys.found()) {
    return absl::InvalidArgumentError("has a key twice in one object");
  }
  return json;
}

}  // namespace innkeeper::auth
