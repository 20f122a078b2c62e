// File: server/rpc/request_notes.h
//
// What is noted of a request, whatever the method is.

#ifndef INNKEEPER_SERVER_RPC_REQUEST_NOTES_H_
#define INNKEEPER_SERVER_RPC_REQUEST_NOTES_H_

#include <cstddef>
#include <string>

#include "server/rpc/admission.h"

namespace innkeeper::rpc {

// The user for whom a request changes something; "" if it names none.
template <typename Request>
std::string ActorOf(const Request& request) {
  if constexpr (requires { request.creator(); }) return request.creator();
  if constexpr (requires { request.requester(); }) return request.requester();
  return "";
}

// The room, alias, approval or subscription that a request is about; "" if it names none.
template <typename Request>
std::string TargetOf(const Request& request) {
  if constexpr (requires { request.creator(); }) return "";
  if constexpr (requires { request.room_id(); }) return request.room_id();
  if constexpr (requires { request.room_id_or_alias(); }) return request.room_id_or_alias();
  if constexpr (requires { request.old_room_id(); }) return request.old_room_id();
  if constexpr (requires { request.alias(); }) return request.alias();
  if constexpr (requires { request.approval_id(); }) return request.approval_id();
  if constexpr (requires { request.subscription().name(); }) return request.subscription().name();
  if constexpr (requires { request.name(); }) return request.name();
  return "";
}

// The id that the caller gave a request, to be able to repeat it; "" if none.
template <typename Request>
std::string RequestIdOf(const Request& request) {
  if constexpr (requires { request.request_id(); }) return request.request_id();
  if constexpr (requires { request.transaction_id(); }) return request.transaction_id();
  return "";
}

// Notes in `call` what the audit log says of its request. What is longer than anything that
// is right is left out: nobody has checked the request yet.
template <typename Request>
void NoteRequest(const Request& request, Call& call) {
  const auto bounded = [](std::string text) {
    constexpr size_t kMaxBytes = 255;
    if (text.size() > kMaxBytes) text.clear();
    return text;
  };
  call.user = bounded(ActorOf(request));
  call.target = bounded(TargetOf(request));
  call.request_id = bounded(RequestIdOf(request));
}

}  // namespace innkeeper::rpc

#endif  // INNKEEPER_SERVER_RPC_REQUEST_NOTES_H_
