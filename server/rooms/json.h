// File: server/rooms/json.h
//
// JSON as Matrix uses it: the value type, canonical form, and the checks that
// keep everything that we store canonical. Pure functions.
//
// Source: Matrix specification, appendices, "Canonical JSON".

#ifndef INNKEEPER_SERVER_ROOMS_JSON_H_
#define INNKEEPER_SERVER_ROOMS_JSON_H_

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace innkeeper::rooms {

// A JSON value. Object keys are ordered bytewise, which is canonical order.
using Json = nlohmann::json;

// The integers that canonical JSON can hold: within +-(2^53 - 1).
inline constexpr int64_t kMaxCanonicalInteger = (int64_t{1} << 53) - 1;

// How deep objects and arrays may be nested in the content of events, and in what we
// accept of other servers and read of our own: such content and the event around it.
inline constexpr int kMaxContentDepth = 64;
inline constexpr int kMaxJsonDepth = kMaxContentDepth + 1;

// How deep they may be nested in content that callers give. They get it back as a
// google.protobuf.Struct, where a level takes up to three levels of messages, and
// standard stubs parse no more than 100 of those.
inline constexpr int kMaxGivenDepth = 30;

// Returns `value` in canonical form: shortest UTF-8, keys in bytewise order, no
// white space. `value` must satisfy CheckCanonical, but for numbers that are beyond
// canonical JSON (JsonNumbers::kAny): those are written as other servers write them,
// fractions in the shortest form that reads back the same.
std::string CanonicalJson(const Json& value);

// Returns OK if `value` can be written as canonical JSON: integers in range, no
// fractions, valid UTF-8, not nested deeper than `max_depth`. Otherwise
// INVALID_ARGUMENT with an ErrorInfo and a BadRequest whose field is the path
// of the first offending place, starting from `field`: for
// `field` "initial_state[2].content" such as "initial_state[2].content.a.b[0]".
absl::Status CheckCanonical(const Json& value, absl::string_view field,
                            int max_depth = kMaxGivenDepth);

// Returns the path of the member `key` of the object at the path `field`:
// "content" and "a" make "content.a". Long keys are shortened, so that a path fits
// into an error.
std::string FieldPath(absl::string_view field, absl::string_view key);

// Which numbers ParseJson takes.
enum class JsonNumbers {
  // Integers within +-(2^53 - 1), however they are written: 1e10 and 5.0 are taken
  // as the integers that they stand for.
  kIntegers,
  // Integers of 64 bits and fractions, as events may have them in versions without
  // strict canonical JSON.
  kAny,
};

// Parses `text`. INVALID_ARGUMENT if it is not JSON, has a key twice in one
// object, has another number than `numbers` says, has a lone surrogate, or is nested
// deeper than kMaxJsonDepth. The message is a phrase fit for a BadRequest field
// violation.
absl::StatusOr<Json> ParseJson(absl::string_view text,
                               JsonNumbers numbers = JsonNumbers::kIntegers);

// Returns the member `key` of the object `object`, or nullptr if `object` is no
// object or has no such key. Points into `object`.
const Json* FindMember(const Json& object, absl::string_view key);

// Returns the string under `key` of the object `object`, or "" if `object` is
// no object, has no such key, or has something other than a string there.
std::string StringOrEmpty(const Json& object, absl::string_view key);

// The same without a copy: a view into `object`.
absl::string_view StringViewOrEmpty(const Json& object, absl::string_view key);

}  // namespace innkeeper::rooms

#endif  // INNKEEPER_SERVER_ROOMS_JSON_H_
