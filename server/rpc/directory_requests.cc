#include "server/rpc/directory_requests.h"

#include "absl/strings/str_cat.h"
#include "server/errors/errors.h"
#include "server/rooms/identifiers.h"
#include "server/rpc/request_checks.h"

namespace innkeeper::rpc {
namespace {

constexpr size_t kMaxSearchBytes = 255;

}  // namespace

absl::Status CheckRequest(const v1::SetAliasRequest& request, absl::string_view server_name) {
  FieldErrors errors;
  const absl::Status alias = rooms::CheckRoomAlias(request.alias());
  errors.AddStatus("alias", alias);
  if (alias.ok() && !rooms::IsLocal(request.alias(), server_name)) {
    errors.Add("alias", absl::StrCat("must be an alias of this server, ending in :", server_name));
  }
  CheckRoomIdField(request.room_id(), errors);
  CheckWriterField(request.requester(), server_name, errors);
  CheckRequestId("request_id", request.request_id(), errors);
  return errors.ToStatus();
}

absl::Status CheckRequest(const v1::DeleteAliasRequest& request, absl::string_view server_name) {
  FieldErrors errors;
  errors.AddStatus("alias", rooms::CheckRoomAlias(request.alias()));
  CheckWriterField(request.requester(), server_name, errors);
  CheckRequestId("request_id", request.request_id(), errors);
  return errors.ToStatus();
}

absl::Status CheckRequest(const v1::SetVisibilityRequest& request, absl::string_view server_name) {
  FieldErrors errors;
  CheckRoomIdField(request.room_id(), errors);
  CheckWriterField(request.requester(), server_name, errors);
  CheckRequestId("request_id", request.request_id(), errors);
  return errors.ToStatus();
}

absl::Status CheckRequest(const v1::ResolveAliasRequest& request) {
  FieldErrors errors;
  errors.AddStatus("alias", rooms::CheckRoomAlias(request.alias()));
  return errors.ToStatus();
}

absl::Status CheckRequest(const v1::ListAliasesRequest& request) {
  FieldErrors errors;
  CheckRoomIdField(request.room_id(), errors);
  CheckRequesterField(request.requester(), errors);
  return errors.ToStatus();
}

absl::Status CheckRequest(const v1::ListPublicRoomsRequest& request) {
  FieldErrors errors;
  if (request.search().size() > kMaxSearchBytes) {
    errors.Add("search", absl::StrCat("must be at most ", kMaxSearchBytes, " bytes long"));
  }
  CheckPageSize(request.page_size(), errors);
  return errors.ToStatus();
}

}  // namespace innkeeper::rpc
