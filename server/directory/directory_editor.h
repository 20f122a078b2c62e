// File: server/directory/directory_editor.h
//
// The writing use cases of RoomDirectory: SetAlias, DeleteAlias, SetVisibility.

#ifndef INNKEEPER_SERVER_DIRECTORY_DIRECTORY_EDITOR_H_
#define INNKEEPER_SERVER_DIRECTORY_DIRECTORY_EDITOR_H_

#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "innkeeper/v1/room_directory.pb.h"
#include "server/lifecycle/request_log.h"
#include "server/lifecycle/room_edit.h"
#include "server/lifecycle/transaction.h"
#include "storage/engine.h"
#include "storage/room_store.h"

namespace innkeeper::directory {

// Changes how rooms are found. Whoever calls has seen to it that the caller may act
// for the request's `requester`, a user of this server, and that the fields are what
// they should be; what the requester may do in the room is checked here.
//
// Every write is conditional on the room's head and rewrites it, so that none can get
// past an upgrade of the room, nor an upgrade past it.
//
// The writes must not outlive the editor. Their errors are as documented for the
// RPCs, and those without a reason that are internal. Thread-safe.
class DirectoryEditor {
 public:
  // The references must outlive the editor.
  DirectoryEditor(const storage::Engine& engine, lifecycle::EditContext context)
      : engine_(engine), context_(std::move(context)) {}

  lifecycle::Write<v1::SetAliasResponse> SetAlias(v1::SetAliasRequest request,
                                                  lifecycle::RequestIdentity identity) const;

  // Blocks on the disk.
  lifecycle::Write<v1::DeleteAliasResponse> DeleteAlias(v1::DeleteAliasRequest request,
                                                        lifecycle::RequestIdentity identity) const;

  lifecycle::Write<v1::SetVisibilityResponse> SetVisibility(
      v1::SetVisibilityRequest request, lifecycle::RequestIdentity identity) const;

 private:
  absl::StatusOr<lifecycle::Outcome<v1::SetAliasResponse>> TrySetAlias(
      const v1::SetAliasRequest& request, const storage::RoomReader& reader) const;
  absl::StatusOr<lifecycle::Outcome<v1::DeleteAliasResponse>> TryDeleteAlias(
      const v1::DeleteAliasRequest& request, const storage::RoomReader& reader) const;
  absl::StatusOr<lifecycle::Outcome<v1::SetVisibilityResponse>> TrySetVisibility(
      const v1::SetVisibilityRequest& request, const storage::RoomReader& reader) const;

  // The room that `alias` points at now, to take turns at; "" if that isn't known.
  std::string RoomOf(const std::string& alias) const;

  const storage::Engine& engine_;
  const lifecycle::EditContext context_;
};

}  // namespace innkeeper::directory

#endif  // INNKEEPER_SERVER_DIRECTORY_DIRECTORY_EDITOR_H_
