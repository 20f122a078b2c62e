// File: server/rpc/request_checks.h
//
// Checks of fields that many requests have, who a request is, and which room it is
// about. Pure functions.

#ifndef INNKEEPER_SERVER_RPC_REQUEST_CHECKS_H_
#define INNKEEPER_SERVER_RPC_REQUEST_CHECKS_H_

#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "server/errors/errors.h"
#include "server/lifecycle/request_log.h"
#include "server/rpc/wire.h"

namespace innkeeper::rpc {

// Each notes what is wrong with a field: the id of a request, under the name that the
// request has for it; a room id; an optional user to act as; a page size.
void CheckRequestId(absl::string_view field, absl::string_view id, FieldErrors& errors);
void CheckRoomIdField(const std::string& room_id, FieldErrors& errors);
void CheckRequesterField(const std::string& requester, FieldErrors& errors);
void CheckPageSize(int32_t page_size, FieldErrors& errors);

// Notes what is wrong with the field `requester`: a user of `server_name` who changes
// something; required.
void CheckWriterField(const std::string& requester, absl::string_view server_name,
                      FieldErrors& errors);

// The room that `request` is about; "" if it names none.
template <typename Request>
std::string RoomIdOf(const Request& request) {
  if constexpr (requires { request.room_id(); }) return request.room_id();
  return "";
}

// Who `request` is, with the id `request_id`, when `principal` makes it; like no other
// if the id is empty.
template <typename Request>
lifecycle::RequestIdentity IdentityOf(const Request& request, const std::string& request_id,
                                      absl::string_view principal) {
  if (request_id.empty()) return {};
  return {{std::string(principal), request_id}, Fingerprint(request)};
}

// As IdentityOf, for ids that the users for whom the principal makes requests choose each
// for themselves.
template <typename Request>
lifecycle::RequestIdentity IdentityAmongUsersOf(const Request& request,
                                                const std::string& transaction_id,
                                                absl::string_view principal,
                                                const std::string& user) {
  return IdentityOf(request, transaction_id, absl::StrCat(principal, " ", user));
}

}  // namespace innkeeper::rpc

#endif  // INNKEEPER_SERVER_RPC_REQUEST_CHECKS_H_
