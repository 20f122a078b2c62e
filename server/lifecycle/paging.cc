#include "server/lifecycle/paging.h"

#include <algorithm>

#include "server/errors/errors.h"

namespace innkeeper::lifecycle {

int PageSize(int requested, int fallback, int maximum) {
  return requested == 0 ? fallback : std::min(requested, maximum);
}

absl::Status PageTokenInvalid(absl::string_view cause) {
  FieldErrors errors;
  errors.Add("page_token",
             "must be the next_page_token of a page of the same request; start again without one");
  return WithMetadata(errors.ToStatus(v1::ERROR_REASON_CURSOR_INVALID), {{"cause", cause}});
}

}  // namespace innkeeper::lifecycle
