#include "server/rpc/request_checks.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "server/rooms/identifiers.h"

namespace innkeeper::rpc {
namespace {

constexpr size_t kMaxRequestIdBytes = 128;

bool IsRequestId(absl::string_view id) {
  return id.size() <= kMaxRequestIdBytes && std::all_of(id.begin(), id.end(), [](char c) {
           return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '_' ||
                  c == ':' || c == '-';
         });
}

}  // namespace

void CheckRequestId(absl::string_view field, absl::string_view id, FieldErrors& errors) {
  if (!IsRequestId(id)) {
    errors.Add(std::string(field),
               "must be 1 to 128 characters of A-Z a-z 0-9 . _ : - or left out; a UUID is a good "
               "choice");
  }
}

void CheckRoomIdField(const std::string& room_id, FieldErrors& errors) {
  errors.AddStatus("room_id", rooms::CheckRoomId(room_id));
}

void CheckRequesterField(const std::string& requester, FieldErrors& errors) {
  if (!requester.empty()) errors.AddStatus("requester", rooms::CheckUserId(requester));
}

void CheckWriterField(const std::string& requester, absl::string_view server_name,
                      FieldErrors& errors) {
  const absl::Status status = rooms::CheckUserId(requester);
  errors.AddStatus("requester", status);
  if (status.ok() && !rooms::IsLocal(requester, server_name)) {
    errors.Add("requester", absl::StrCat("must be a user of this server, ", server_name));
  }
}

void CheckPageSize(int32_t page_size, FieldErrors& errors) {
  if (page_size < 0) errors.Add("page_size", "must not be negative; 0 stands for the default");
}

}  // namespace innkeeper::rpc
