#include "server/subscriptions/subscription_manager.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "server/errors/errors.h"
#include "server/feed/event_filter.h"
#include "server/lifecycle/paging.h"
#include "server/subscriptions/buckets.h"
#include "server/subscriptions/page_token.pb.h"
#include "server/subscriptions/progress_update.h"
#include "server/subscriptions/start_position.h"
#include "server/subscriptions/stored_subscription.h"
#include "server/subscriptions/subscription_errors.h"
#include "server/subscriptions/subscription_records.h"
#include "server/subscriptions/survey.h"
#include "server/values/duration.h"
#include "storage/subscription_hold.h"

namespace innkeeper::subscriptions {
namespace {

using lifecycle::Outcome;
using lifecycle::Write;
using storage::LogPosition;
using storage::RoomCommit;
using storage::RoomReader;
using storage::SubscriptionProgressRecord;
using storage::SubscriptionRecord;

constexpr char kSubscriptionsPurpose[] = "subscriptions-page";

// What tells filters apart in cursors.
absl::StatusOr<uint64_t> DigestOf(const v1::RoomEventFilter& proto) {
  FieldErrors errors;
  const feed::EventFilter filter = feed::EventFilter::FromProto(proto, errors);
  if (!errors.empty()) return errors.ToStatus();
  return filter.digest();
}

absl::Status CheckEtag(const std::string& etag, const SubscriptionRecord& record) {
  return etag.empty() || etag == EtagOf(record) ? absl::OkStatus() : EtagMismatch();
}

void MoveTo(LogPosition position, absl::Time now, SubscriptionProgressRecord& progress) {
  progress.mutable_positions()->Resize(0, 0);
  progress.mutable_positions()->Resize(static_cast<int>(kBuckets), position);
  progress.set_move_time_us(absl::ToUnixMicros(now));
}

// True if a request's mask, or with none its fields, name a field.
bool Names(const v1::UpdateSubscriptionRequest& request, const char* path, bool is_set) {
  if (request.update_mask().paths().empty()) return is_set;
  return std::any_of(request.update_mask().paths().begin(), request.update_mask().paths().end(),
                     [&](const std::string& named) { return named == path || named == "*"; });
}

void Change(const v1::UpdateSubscriptionRequest& request, SubscriptionRecord& record) {
  const v1::Subscription& values = request.subscription();
  if (Names(request, "ack_deadline", values.has_ack_deadline())) SetAckDeadline(values, record);
  if (Names(request, "max_delivery_attempts", values.max_delivery_attempts() != 0)) {
    SetMaxAttempts(values, record);
  }
  if (Names(request, "retry_delay", values.has_retry_delay())) SetRetryDelay(values, record);
}

// Where a page begins: behind a name.
absl::StatusOr<std::string> StartOfPage(const v1::ListSubscriptionsRequest& request,
                                        const Caller& caller, const TokenSigner& signer) {
  if (request.page_token().empty()) return std::string();
  auto token = lifecycle::OpenPageToken<SubscriptionsPageToken>(signer, kSubscriptionsPurpose,
                                                                request.page_token());
  if (!token) return lifecycle::PageTokenInvalid("damaged");
  if (token->principal() != caller.principal) return lifecycle::PageTokenInvalid("other-request");
  return token->last_name();
}

}  // namespace

Write<v1::CreateSubscriptionResponse> SubscriptionManager::Create(
    v1::CreateSubscriptionRequest request, Caller caller,
    lifecycle::RequestIdentity identity) const {
  std::string turn = TurnOf(request.subscription().name());
  return {std::move(identity),
          [this, request = std::move(request), caller = std::move(caller)](
              const RoomReader& reader) { return TryCreate(request, caller, reader); },
          std::move(turn)};
}

absl::StatusOr<Outcome<v1::CreateSubscriptionResponse>> SubscriptionManager::TryCreate(
    const v1::CreateSubscriptionRequest& request, const Caller& caller,
    const RoomReader& reader) const {
  const v1::Subscription& wanted = request.subscription();
  auto stored = reader.GetSubscription(wanted.name());
  if (!stored.ok()) return stored.status();
  if (stored->has_value()) return SubscriptionExists(wanted.name());
  const absl::StatusOr<uint64_t> digest = DigestOf(wanted.filter());
  if (!digest.ok()) return digest.status();
  const absl::StatusOr<LogPosition> start = StartOf(request, log_, cursors_, *digest);
  if (!start.ok()) return start.status();

  SubscriptionRecord record;
  uint64_t uid;
  std::memcpy(&uid, random_(sizeof(uid)).data(), sizeof(uid));
  record.set_uid(uid);
  record.set_name(wanted.name());
  record.set_owner(caller.principal);
  record.set_filter(wanted.filter().SerializeAsString());
  SetAckDeadline(wanted, record);
  SetMaxAttempts(wanted, record);
  SetRetryDelay(wanted, record);
  record.set_version(1);
  const absl::Time now = clock_();
  record.set_create_time_us(absl::ToUnixMicros(now));
  SubscriptionProgressRecord progress;
  progress.set_uid(uid);
  MoveTo(*start, now, progress);

  Outcome<v1::CreateSubscriptionResponse> outcome;
  *outcome.response.mutable_subscription() = ToProto(record);
  outcome.commit.emplace().CreateSubscription(record, progress);
  return outcome;
}

absl::StatusOr<v1::GetSubscriptionResponse> SubscriptionManager::Get(
    const v1::GetSubscriptionRequest& request, const Caller& caller) const {
  const RoomReader reader(engine_);
  auto stored = ReadSubscription(reader, request.name(), caller);
  if (!stored.ok()) return stored.status();
  absl::StatusOr<v1::Subscription> shown = Show(stored->record, reader);
  if (!shown.ok()) return shown.status();
  v1::GetSubscriptionResponse response;
  *response.mutable_subscription() = *std::move(shown);
  return response;
}

absl::StatusOr<v1::ListSubscriptionsResponse> SubscriptionManager::List(
    const v1::ListSubscriptionsRequest& request, const Caller& caller) const {
  const absl::StatusOr<std::string> start = StartOfPage(request, caller, signer_);
  if (!start.ok()) return start.status();
  const int page_size =
      lifecycle::PageSize(request.page_size(), lifecycle::kDefaultPage, lifecycle::kMaxPage);
  const RoomReader reader(engine_);
  v1::ListSubscriptionsResponse response;
  SubscriptionsPageToken next;
  next.set_principal(caller.principal);
  int looked_at = 0;
  size_t page_bytes = 0;
  absl::Status shown;
  absl::Status scanned = reader.ScanSubscriptions(*start, [&](const SubscriptionRecord& record) {
    if (response.subscriptions_size() == page_size || page_bytes >= lifecycle::kMaxPageBytes ||
        looked_at == lifecycle::kMaxScanned) {
      response.set_next_page_token(lifecycle::SealPageToken(signer_, kSubscriptionsPurpose, next));
      return false;
    }
    ++looked_at;
    next.set_last_name(record.name());
    if (!caller.MayKnowOfThoseOf(record.owner())) return true;
    absl::StatusOr<v1::Subscription> subscription = Show(record, reader);
    shown = subscription.status();
    if (!shown.ok()) return false;
    page_bytes += subscription->ByteSizeLong();
    *response.add_subscriptions() = *std::move(subscription);
    return true;
  });
  if (!scanned.ok()) return scanned;
  if (!shown.ok()) return shown;
  return response;
}

Write<v1::UpdateSubscriptionResponse> SubscriptionManager::Update(
    v1::UpdateSubscriptionRequest request, Caller caller) const {
  std::string turn = TurnOf(request.subscription().name());
  return {{},
          [this, request = std::move(request), caller = std::move(caller)](
              const RoomReader& reader) { return TryUpdate(request, caller, reader); },
          std::move(turn)};
}

absl::StatusOr<Outcome<v1::UpdateSubscriptionResponse>> SubscriptionManager::TryUpdate(
    const v1::UpdateSubscriptionRequest& request, const Caller& caller,
    const RoomReader& reader) const {
  auto stored = ReadSubscription(reader, request.subscription().name(), caller);
  if (!stored.ok()) return stored.status();
  absl::Status matches = CheckEtag(request.subscription().etag(), stored->record);
  if (!matches.ok()) return matches;
  SubscriptionRecord changed = stored->record;
  Change(request, changed);
  Outcome<v1::UpdateSubscriptionResponse> outcome;
  if (changed.SerializeAsString() != stored->record.SerializeAsString()) {
    changed.set_version(changed.version() + 1);
    outcome.commit.emplace().UpdateSubscription(changed, stored->revision);
  }
  absl::StatusOr<v1::Subscription> shown = Show(changed, reader);
  if (!shown.ok()) return shown.status();
  *outcome.response.mutable_subscription() = *std::move(shown);
  return outcome;
}

Write<v1::SeekSubscriptionResponse> SubscriptionManager::Seek(v1::SeekSubscriptionRequest request,
                                                              Caller caller) const {
  std::string turn = TurnOf(request.name());
  return {{},
          [this, request = std::move(request), caller = std::move(caller)](
              const RoomReader& reader) { return TrySeek(request, caller, reader); },
          std::move(turn)};
}

absl::StatusOr<Outcome<v1::SeekSubscriptionResponse>> SubscriptionManager::TrySeek(
    const v1::SeekSubscriptionRequest& request, const Caller& caller,
    const RoomReader& reader) const {
  auto stored = ReadWhole(reader, request.name(), caller);
  if (!stored.ok()) return stored.status();
  auto& [subscription, progress] = *stored;
  absl::Status matches = CheckEtag(request.etag(), subscription.record);
  if (!matches.ok()) return matches;
  const absl::StatusOr<uint64_t> digest = DigestOf(FilterIn(subscription.record));
  if (!digest.ok()) return digest.status();
  const absl::StatusOr<LogPosition> start = StartOf(request, log_, cursors_, *digest);
  if (!start.ok()) return start.status();
  progress.record.set_seek_count(progress.record.seek_count() + 1);
  MoveTo(*start, clock_(), progress.record);

  Outcome<v1::SeekSubscriptionResponse> outcome;
  absl::StatusOr<v1::Subscription> shown = Show(subscription.record, progress.record);
  if (!shown.ok()) return shown.status();
  *outcome.response.mutable_subscription() = *std::move(shown);
  RoomCommit& commit = outcome.commit.emplace();
  commit.RequireSubscription(request.name(), subscription.revision);
  commit.UpdateSubscriptionProgress(request.name(), progress.record, progress.revision);
  return outcome;
}

Write<v1::DeleteSubscriptionResponse> SubscriptionManager::Delete(
    v1::DeleteSubscriptionRequest request, Caller caller) const {
  std::string turn = TurnOf(request.name());
  return {{},
          [this, request = std::move(request), caller = std::move(caller)](
              const RoomReader& reader) { return TryDelete(request, caller, reader); },
          std::move(turn)};
}

absl::StatusOr<Outcome<v1::DeleteSubscriptionResponse>> SubscriptionManager::TryDelete(
    const v1::DeleteSubscriptionRequest& request, const Caller& caller,
    const RoomReader& reader) const {
  auto stored = ReadWhole(reader, request.name(), caller);
  if (!stored.ok()) return stored.status();
  const auto& [subscription, progress] = *stored;
  absl::Status matches = CheckEtag(request.etag(), subscription.record);
  if (!matches.ok()) return matches;
  Outcome<v1::DeleteSubscriptionResponse> outcome;
  RoomCommit& commit = outcome.commit.emplace();
  commit.DeleteSubscription(request.name(), subscription.revision, progress.revision);
  absl::Status scanned = reader.ScanParkedEvents(
      request.name(), 0, [&](int64_t sequence, const storage::ParkedEventRecord&) {
        commit.EraseParkedEvent(request.name(), sequence);
        return true;
      });
  if (!scanned.ok()) return scanned;
  return outcome;
}

absl::StatusOr<v1::Subscription> SubscriptionManager::Show(const SubscriptionRecord& record,
                                                           const RoomReader& reader) const {
  auto progress = ReadProgress(reader, record.name());
  if (!progress.ok()) return progress.status();
  return Show(record, progress->record);
}

absl::StatusOr<v1::Subscription> SubscriptionManager::Show(
    const SubscriptionRecord& record, const SubscriptionProgressRecord& progress) const {
  v1::Subscription proto = ToProto(record);
  const LogPosition position = storage::PositionOf(progress);
  proto.set_acknowledged_sequence(static_cast<int64_t>(position));
  proto.set_parked_event_count(progress.parked_event_count());
  proto.set_consumer_count(static_cast<int32_t>(dispatcher_.ConsumerCount(record.name())));
  const absl::StatusOr<feed::Lag> lag = LagBehind(position, engine_, clock_());
  if (!lag.ok()) return lag.status();
  proto.mutable_lag()->set_events(static_cast<int64_t>(lag->events));
  SetDuration(lag->age, proto.mutable_lag()->mutable_age());
  return proto;
}

}  // namespace innkeeper::subscriptions
