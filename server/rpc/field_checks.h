// File: server/rpc/field_checks.h
//
// Checks of fields that many requests have.

#ifndef INNKEEPER_SERVER_RPC_FIELD_CHECKS_H_
#define INNKEEPER_SERVER_RPC_FIELD_CHECKS_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "server/errors/errors.h"

namespace innkeeper::rpc {

// Each adds to `errors` what is wrong with the field.

void CheckRequestId(absl::string_view id, FieldErrors& errors,
                    const std::string& field = "request_id");

// Required.
void CheckRoomIdField(const std::string& room_id, FieldErrors& errors);

// An optional user to act as.
void CheckRequesterField(const std::string& requester, FieldErrors& errors);

void CheckPageSize(int32_t page_size, FieldErrors& errors);

}  // namespace innkeeper::rpc

#endif  // INNKEEPER_SERVER_RPC_FIELD_CHECKS_H_
