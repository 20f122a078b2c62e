// File: server/lifecycle/request_log.h
//
// Idempotency by request_id: what a request answered is kept with what it wrote,
// in the same commit, and answered again to the same request.

#ifndef INNKEEPER_SERVER_LIFECYCLE_REQUEST_LOG_H_
#define INNKEEPER_SERVER_LIFECYCLE_REQUEST_LOG_H_

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "google/protobuf/message_lite.h"
#include "server/lifecycle/stored_message.h"
#include "storage/engine.h"
#include "storage/room_store.h"

namespace innkeeper::lifecycle {

// Which request this is. With an empty `key.request_id` it is like no other:
// nothing is recorded and nothing found.
struct RequestIdentity {
  storage::RequestKey key;
  // Equal for equal requests, different for others: a hash over method and
  // content.
  std::string fingerprint;
};

// The recorded response to the request, or nothing if it was not carried out.
// INVALID_ARGUMENT (REQUEST_ID_REUSED) if its id was used for another request;
// else the errors of RoomReader.
absl::StatusOr<std::optional<std::string>> FindSerializedResponse(const storage::RoomReader& reader,
                                                                  const RequestIdentity& identity);

// As FindSerializedResponse, parsed.
template <typename Response>
absl::StatusOr<std::optional<Response>> FindResponse(const storage::RoomReader& reader,
                                                     const RequestIdentity& identity) {
  absl::StatusOr<std::optional<std::string>> found = FindSerializedResponse(reader, identity);
  if (!found.ok()) return found.status();
  if (!found->has_value()) return std::nullopt;
  Response response;
  absl::Status parsed = ParseStored(**found, &response);
  if (!parsed.ok()) return parsed;
  return response;
}

// Records `response` in the commit that carries the request out, until
// `expire_time`. Nothing, if the request has no id.
void RecordResponse(storage::RoomCommit& commit, const RequestIdentity& identity,
                    const google::protobuf::MessageLite& response, absl::Time expire_time);

// Forgets the requests that expired before `now`. Blocks. Errors of RoomReader
// and of CommitResult.
absl::Status ForgetExpiredRequests(storage::Engine& engine, absl::Time now);

}  // namespace innkeeper::lifecycle

#endif  // INNKEEPER_SERVER_LIFECYCLE_REQUEST_LOG_H_
