#include "storage/engine.h"

#include <algorithm>
#include <utility>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"

namespace innkeeper::storage {
namespace {

constexpr absl::string_view kNotInMemory = "innkeeper/not-in-memory";

absl::Status CheckKey(absl::string_view key) {
  if (key.empty()) return absl::InvalidArgumentError("a key is empty");
  if (key.size() <= kMaxKeyBytes) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("a key has ", key.size(), " bytes, more than the ", kMaxKeyBytes, " allowed"));
}

}  // namespace

absl::Status NotInMemory() {
  absl::Status status = absl::UnavailableError("not in memory");
  status.SetPayload(kNotInMemory, absl::Cord());
  return status;
}

bool IsNotInMemory(const absl::Status& status) {
  return absl::IsUnavailable(status) && status.GetPayload(kNotInMemory).has_value();
}

CommitResult CommitAndWait(Engine& engine, CommitRequest request) {
  CommitResult result;
  absl::Notification done;
  engine.Commit(std::move(request), [&](CommitResult outcome) {
    result = std::move(outcome);
    done.Notify();
  });
  done.WaitForNotification();
  return result;
}

absl::Status CheckCommitRequest(const CommitRequest& request) {
  for (const Precondition& precondition : request.preconditions) {
    if (absl::Status status = CheckKey(precondition.key); !status.ok()) return status;
  }
  std::vector<absl::string_view> written;
  written.reserve(request.writes.size());
  for (const Write& write : request.writes) {
    if (absl::Status status = CheckKey(write.key); !status.ok()) return status;
    written.push_back(write.key);
  }
  std::sort(written.begin(), written.end());
  if (std::adjacent_find(written.begin(), written.end()) == written.end()) return absl::OkStatus();
  return absl::InvalidArgumentError("a key is written twice");
}

}  // namespace innkeeper::storage
