// File: server/lifecycle/stored_message.h
//
// Messages of the API as they are stored.

#ifndef INNKEEPER_SERVER_LIFECYCLE_STORED_MESSAGE_H_
#define INNKEEPER_SERVER_LIFECYCLE_STORED_MESSAGE_H_

#include <string>

#include "absl/status/status.h"
#include "google/protobuf/message_lite.h"

namespace innkeeper::lifecycle {

// Parses a stored request or response, however deep the content in it is. DATA_LOSS if it
// is damaged.
absl::Status ParseStored(const std::string& bytes, google::protobuf::MessageLite* message);

}  // namespace innkeeper::lifecycle

#endif  // INNKEEPER_SERVER_LIFECYCLE_STORED_MESSAGE_H_
