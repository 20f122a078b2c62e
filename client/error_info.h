// File: client/error_info.h
//
// What an error of a call says beyond its code and message.
//
// The errors of calls are absl::Status with the code and the message that the server
// sent, the message behind the method's name, and the google.rpc details as payloads
// under their type URLs.

#ifndef INNKEEPER_CLIENT_ERROR_INFO_H_
#define INNKEEPER_CLIENT_ERROR_INFO_H_

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "google/rpc/error_details.pb.h"
#include "innkeeper/v1/error_reason.pb.h"

namespace innkeeper {

// Returns a google.rpc detail, such as google::rpc::BadRequest, if the error has it.
template <typename Detail>
std::optional<Detail> ErrorDetailOf(const absl::Status& status) {
  const auto payload =
      status.GetPayload(absl::StrCat("type.googleapis.com/", Detail::descriptor()->full_name()));
  Detail detail;
  if (!payload || !detail.ParseFromString(std::string(*payload))) return std::nullopt;
  return detail;
}

// Returns the reason of an error, or ERROR_REASON_UNSPECIFIED: the error then comes
// from the network, a proxy or the library, or its reason is newer than the library.
v1::ErrorReason ErrorReasonOf(const absl::Status& status);

// Returns what the error's metadata has under `key`, such as "successor_room_id", or
// "". error_reason.proto says which reason has which.
std::string ErrorMetadataOf(const absl::Status& status, absl::string_view key);

// Returns how long the server asks to wait before the call is tried again, or nothing
// if it doesn't.
std::optional<absl::Duration> RetryDelayOf(const absl::Status& status);

}  // namespace innkeeper

#endif  // INNKEEPER_CLIENT_ERROR_INFO_H_
