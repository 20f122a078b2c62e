// File: server/directory/directory_reader.h
//
// The reading use cases of RoomDirectory: ResolveAlias, ListAliases, ListPublicRooms.

#ifndef INNKEEPER_SERVER_DIRECTORY_DIRECTORY_READER_H_
#define INNKEEPER_SERVER_DIRECTORY_DIRECTORY_READER_H_

#include "absl/status/statusor.h"
#include "innkeeper/v1/room_directory.pb.h"
#include "server/base/audience.h"
#include "server/base/signed_token.h"
#include "storage/engine.h"

namespace innkeeper::directory {

// Finds rooms. Whoever calls has seen to it that the caller may act for the request's
// `requester`, or may read as nobody if there is none, and then rooms of the audiences in
// `scope`, and that the fields are what they should be; whether a room may be seen is
// checked here. Directory and aliases are for everybody.
//
// The methods may block on the disk. Their errors are as documented for the RPCs, and
// those without a reason that are internal. Thread-safe.
class DirectoryReader {
 public:
  // The references must outlive the reader.
  DirectoryReader(const storage::Engine& engine, const TokenSigner& signer)
      : engine_(engine), signer_(signer) {}

  absl::StatusOr<v1::ResolveAliasResponse> ResolveAlias(
      const v1::ResolveAliasRequest& request) const;

  absl::StatusOr<v1::ListAliasesResponse> ListAliases(const v1::ListAliasesRequest& request,
                                                      const AudienceScope& scope) const;

  absl::StatusOr<v1::ListPublicRoomsResponse> ListPublicRooms(
      const v1::ListPublicRoomsRequest& request) const;

 private:
  const storage::Engine& engine_;
  const TokenSigner& signer_;
};

}  // namespace innkeeper::directory

#endif  // INNKEEPER_SERVER_DIRECTORY_DIRECTORY_READER_H_
