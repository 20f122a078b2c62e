// File: server/rpc/request_fields.h
//
// The checks of fields that many requests have. Each notes in `errors` what is wrong.
// Pure functions.

#ifndef INNKEEPER_SERVER_RPC_REQUEST_FIELDS_H_
#define INNKEEPER_SERVER_RPC_REQUEST_FIELDS_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "google/protobuf/message.h"
#include "server/errors/errors.h"
#include "server/lifecycle/request_log.h"

namespace innkeeper::rpc {

// `request_id`: may be left out.
void CheckRequestIdField(absl::string_view request_id, FieldErrors& errors);

// `room_id`: required.
void CheckRoomIdField(const std::string& room_id, FieldErrors& errors);

// `requester`: a user to read as, or none.
void CheckReaderField(const std::string& requester, FieldErrors& errors);

// `requester`: a user of `server_name` who changes something; required.
void CheckWriterField(const std::string& requester, absl::string_view server_name,
                      FieldErrors& errors);

// `page_size`: 0 stands for the default.
void CheckPageSizeField(int32_t page_size, FieldErrors& errors);

// Which request of the caller called `principal` this is.
lifecycle::RequestIdentity MakeIdentity(const google::protobuf::Message& request,
                                        const std::string& request_id, absl::string_view principal);

}  // namespace innkeeper::rpc

#endif  // INNKEEPER_SERVER_RPC_REQUEST_FIELDS_H_
