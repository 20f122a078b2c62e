// File: tests/server/rooms/vectors.h
//
// The vectors in testdata/vectors.json.

#ifndef INNKEEPER_TESTS_SERVER_ROOMS_VECTORS_H_
#define INNKEEPER_TESTS_SERVER_ROOMS_VECTORS_H_

#include <string>

#include "absl/strings/string_view.h"
#include "server/rooms/json.h"

namespace innkeeper::rooms {

// All of them; the file says what they are.
const Json& Vectors();

// Returns the bytes that `text`, in unpadded base64, stands for.
std::string FromBase64(absl::string_view text);

}  // namespace innkeeper::rooms

#endif  // INNKEEPER_TESTS_SERVER_ROOMS_VECTORS_H_
