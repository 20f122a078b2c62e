#include "server/lifecycle/request_log.h"

#include <utility>

#include "server/errors/errors.h"

namespace innkeeper::lifecycle {
namespace {

constexpr size_t kForgetBatch = 500;

}  // namespace

absl::StatusOr<std::optional<std::string>> FindSerializedResponse(const storage::RoomReader& reader,
                                                                  const RequestIdentity& identity) {
  if (identity.key.request_id.empty()) return std::nullopt;
  auto stored = reader.GetRequest(identity.key);
  if (!stored.ok()) return stored.status();
  if (!stored->has_value()) return std::nullopt;
  storage::RequestRecord& record = (*stored)->record;
  if (record.fingerprint() != identity.fingerprint) {
    FieldErrors errors;
    errors.Add("request_id",
               "was used for another request; take a new one for every request that differs");
    return errors.ToStatus(v1::ERROR_REASON_REQUEST_ID_REUSED);
  }
  return std::move(*record.mutable_response());
}

void RecordResponse(storage::RoomCommit& commit, const RequestIdentity& identity,
                    const google::protobuf::MessageLite& response, absl::Time expire_time) {
  if (identity.key.request_id.empty()) return;
  storage::RequestRecord record;
  record.set_fingerprint(identity.fingerprint);
  record.set_response(response.SerializeAsString());
  record.set_expire_time_us(absl::ToUnixMicros(expire_time));
  commit.RecordRequest(identity.key, record);
}

absl::Status ForgetExpiredRequests(storage::Engine& engine, absl::Time now) {
  while (true) {
    auto expired = storage::RoomReader(engine).ListExpiredRequests(now, kForgetBatch);
    if (!expired.ok()) return expired.status();
    if (expired->empty()) return absl::OkStatus();
    storage::RoomCommit commit;
    for (const auto& request : *expired) commit.ForgetRequest(request);
    storage::CommitResult result = CommitAndWait(engine, commit.Take());
    if (!result.status.ok()) return result.status;
  }
}

}  // namespace innkeeper::lifecycle
