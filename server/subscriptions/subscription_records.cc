#include "server/subscriptions/subscription_records.h"

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "server/values/duration.h"
#include "server/values/timestamp.h"

namespace innkeeper::subscriptions {
namespace {

constexpr int64_t kDefaultAckDeadlineMicros = 60'000'000;
constexpr int64_t kDefaultRetryDelayMicros = 1'000'000;
constexpr int kDefaultMaxAttempts = 5;

int64_t ToMicros(const google::protobuf::Duration& duration) {
  return duration.seconds() * 1'000'000 + duration.nanos() / 1000;
}

}  // namespace

void SetAckDeadline(const v1::Subscription& subscription, storage::SubscriptionRecord& record) {
  record.set_ack_deadline_us(subscription.has_ack_deadline() ? ToMicros(subscription.ack_deadline())
                                                             : kDefaultAckDeadlineMicros);
}

void SetMaxAttempts(const v1::Subscription& subscription, storage::SubscriptionRecord& record) {
  const int attempts = subscription.max_delivery_attempts();
  record.set_max_delivery_attempts(attempts == 0 ? kDefaultMaxAttempts : attempts);
}

void SetRetryDelay(const v1::Subscription& subscription, storage::SubscriptionRecord& record) {
  record.set_retry_delay_us(subscription.has_retry_delay() ? ToMicros(subscription.retry_delay())
                                                           : kDefaultRetryDelayMicros);
}

std::string EtagOf(const storage::SubscriptionRecord& record) {
  return absl::StrCat(absl::Hex(record.uid(), absl::kZeroPad16), "-", record.version());
}

v1::Subscription ToProto(const storage::SubscriptionRecord& record) {
  v1::Subscription proto;
  proto.set_name(record.name());
  *proto.mutable_filter() = FilterIn(record);
  SetDuration(absl::Microseconds(record.ack_deadline_us()), proto.mutable_ack_deadline());
  proto.set_max_delivery_attempts(record.max_delivery_attempts());
  SetDuration(absl::Microseconds(record.retry_delay_us()), proto.mutable_retry_delay());
  proto.set_etag(EtagOf(record));
  proto.set_owner(record.owner());
  SetTimestamp(record.create_time_us(), proto.mutable_create_time());
  return proto;
}

v1::RoomEventFilter FilterIn(const storage::SubscriptionRecord& record) {
  v1::RoomEventFilter filter;
  filter.ParseFromString(record.filter());
  return filter;
}

v1::ParkedEvent ToProto(const storage::ParkedEventRecord& record) {
  v1::ParkedEvent proto;
  proto.mutable_event()->ParseFromString(record.event());
  proto.set_attempts(record.attempts());
  proto.set_last_error(record.last_error());
  SetTimestamp(record.park_time_us(), proto.mutable_park_time());
  proto.set_replaying(record.replaying());
  return proto;
}

}  // namespace innkeeper::subscriptions
