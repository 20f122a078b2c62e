// File: server/auth/strict_json.h
//
// JSON for files that say who may do what, where a doubtful reading is worse
// than none.

#ifndef INNKEEPER_SERVER_AUTH_STRICT_JSON_H_
#define INNKEEPER_SERVER_AUTH_STRICT_JSON_H_

#include <nlohmann/json.hpp>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace innkeeper::auth {

// Parses `text`. INVALID_ARGUMENT if it is not JSON or has a key twice in one
// object. The message names line and column but never quotes `text`. Pure.
absl::StatusOr<nlohmann::json> ParseStrictJson(absl::string_view text);

}  // namespace innkeeper::auth

#endif  // INNKEEPER_SERVER_AUTH_STRICT_JSON_H_
