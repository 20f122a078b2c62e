// File: tests/server/rooms/violations.h
//
// Looks into errors that name fields.

#ifndef INNKEEPER_TESTS_SERVER_ROOMS_VIOLATIONS_H_
#define INNKEEPER_TESTS_SERVER_ROOMS_VIOLATIONS_H_

#include <string>
#include <vector>

#include "absl/status/status.h"

namespace innkeeper::rooms {

// Returns the violations in the BadRequest of `status` as "field: description".
std::vector<std::string> Violations(const absl::Status& status);

// Returns the fields alone.
std::vector<std::string> ViolatedFields(const absl::Status& status);

}  // namespace innkeeper::rooms

#endif  // INNKEEPER_TESTS_SERVER_ROOMS_VIOLATIONS_H_
