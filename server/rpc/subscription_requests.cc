#include "server/rpc/subscription_requests.h"

#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "server/errors/errors.h"
#include "server/feed/event_filter.h"
#include "server/rpc/request_checks.h"
#include "server/values/timestamp.h"

namespace innkeeper::rpc {
namespace {

constexpr int kMaxAttempts = 1000;
constexpr int kMaxUnacknowledged = 10'000;
constexpr int kMaxBatch = 1000;
constexpr int kMaxProgressInterval = 3600;
constexpr int kMaxSequences = 1000;
constexpr size_t kMaxErrorBytes = 1024;

void CheckName(const std::string& field, const std::string& name, FieldErrors& errors) {
  FieldErrors grammar;
  CheckRequestId(field, name, grammar);
  if (name.empty() || !grammar.empty()) {
    errors.Add(field, "must be 1 to 128 characters of A-Z a-z 0-9 . _ : -");
  }
}

void CheckDuration(const std::string& field, const google::protobuf::Duration& proto,
                   absl::Duration minimum, absl::Duration maximum, FieldErrors& errors) {
  const absl::Duration duration = absl::Seconds(proto.seconds()) + absl::Nanoseconds(proto.nanos());
  if (duration < minimum || duration > maximum) {
    errors.Add(field, absl::StrCat("must be ", absl::FormatDuration(minimum), " to ",
                                   absl::FormatDuration(maximum)));
  }
}

// A number of which 0 stands for a default.
void CheckNumber(const std::string& field, int number, int maximum, FieldErrors& errors) {
  if (number < 0 || number > maximum) {
    errors.Add(field, absl::StrCat("must be 1 to ", maximum, ", or 0 for the default"));
  }
}

void CheckDelivery(const v1::Subscription& subscription, FieldErrors& errors) {
  if (subscription.has_ack_deadline()) {
    CheckDuration("subscription.ack_deadline", subscription.ack_deadline(), absl::Seconds(1),
                  absl::Hours(1), errors);
  }
  CheckNumber("subscription.max_delivery_attempts", subscription.max_delivery_attempts(),
              kMaxAttempts, errors);
  if (subscription.has_retry_delay()) {
    CheckDuration("subscription.retry_delay", subscription.retry_delay(), absl::ZeroDuration(),
                  absl::Minutes(10), errors);
  }
}

template <typename Request>
void CheckStart(const Request& request, FieldErrors& errors) {
  if (request.start_case() == Request::kPosition && request.position() != v1::START_POSITION_NOW &&
      request.position() != v1::START_POSITION_OLDEST) {
    errors.Add("position", "must be START_POSITION_NOW or START_POSITION_OLDEST");
  }
  if (!TimeFrom(request.start_time())) errors.Add("start_time", kTimestampRange);
}

void CheckMask(const v1::UpdateSubscriptionRequest& request, FieldErrors& errors) {
  for (const std::string& path : request.update_mask().paths()) {
    if (path == "ack_deadline" || path == "max_delivery_attempts" || path == "retry_delay" ||
        path == "*") {
      continue;
    }
    errors.Add("update_mask",
               "must name ack_deadline, max_delivery_attempts and retry_delay, or be *; nothing "
               "else can be changed");
    return;
  }
}

template <typename Request>
absl::Status CheckNameOnly(const Request& request) {
  FieldErrors errors;
  CheckName("name", request.name(), errors);
  return errors.ToStatus();
}

template <typename Request>
absl::Status CheckChoice(const Request& request) {
  FieldErrors errors;
  CheckName("name", request.name(), errors);
  if (request.all() == !request.sequences().empty()) {
    errors.Add("sequences", "must be given, or else all; not both");
  }
  if (request.sequences_size() > kMaxSequences) {
    errors.Add("sequences", absl::StrCat("has more than ", kMaxSequences, " entries"));
  }
  return errors.ToStatus();
}

void CheckConsumer(const std::string& consumer_id, FieldErrors& errors) {
  if (consumer_id.empty()) {
    errors.Add("consumer_id", "must be that of the first message of the consumer's stream");
  }
}

}  // namespace

absl::Status CheckRequest(const v1::CreateSubscriptionRequest& request) {
  FieldErrors errors;
  CheckName("subscription.name", request.subscription().name(), errors);
  feed::EventFilter::FromProto(request.subscription().filter(), errors, "subscription.filter");
  CheckDelivery(request.subscription(), errors);
  CheckStart(request, errors);
  CheckRequestId("request_id", request.request_id(), errors);
  return errors.ToStatus();
}

absl::Status CheckRequest(const v1::GetSubscriptionRequest& request) {
  return CheckNameOnly(request);
}

absl::Status CheckRequest(const v1::ListSubscriptionsRequest& request) {
  FieldErrors errors;
  CheckPageSize(request.page_size(), errors);
  return errors.ToStatus();
}

absl::Status CheckRequest(const v1::UpdateSubscriptionRequest& request) {
  FieldErrors errors;
  CheckName("subscription.name", request.subscription().name(), errors);
  CheckDelivery(request.subscription(), errors);
  CheckMask(request, errors);
  return errors.ToStatus();
}

absl::Status CheckRequest(const v1::SeekSubscriptionRequest& request) {
  FieldErrors errors;
  CheckName("name", request.name(), errors);
  CheckStart(request, errors);
  if (request.start_case() == v1::SeekSubscriptionRequest::START_NOT_SET) {
    errors.Add("start", "one of after_cursor, position and start_time must be given");
  }
  return errors.ToStatus();
}

absl::Status CheckRequest(const v1::DeleteSubscriptionRequest& request) {
  return CheckNameOnly(request);
}

absl::Status CheckRequest(const v1::ConsumeEventsRequest& request) {
  FieldErrors errors;
  CheckName("name", request.name(), errors);
  CheckNumber("max_unacknowledged_events", request.max_unacknowledged_events(), kMaxUnacknowledged,
              errors);
  CheckNumber("max_batch_events", request.max_batch_events(), kMaxBatch, errors);
  CheckNumber("progress_interval_seconds", request.progress_interval_seconds(),
              kMaxProgressInterval, errors);
  return errors.ToStatus();
}

absl::Status CheckRequest(const v1::AckEventsRequest& request) {
  FieldErrors errors;
  CheckName("name", request.name(), errors);
  CheckConsumer(request.consumer_id(), errors);
  if (request.cursor().empty()) errors.Add("cursor", "must be that of a message");
  return errors.ToStatus();
}

absl::Status CheckRequest(const v1::RejectEventRequest& request) {
  FieldErrors errors;
  CheckName("name", request.name(), errors);
  CheckConsumer(request.consumer_id(), errors);
  if (request.sequence() < 1) errors.Add("sequence", "must be that of an event");
  if (request.error().size() > kMaxErrorBytes) {
    errors.Add("error", absl::StrCat("must be at most ", kMaxErrorBytes, " bytes long"));
  }
  return errors.ToStatus();
}

absl::Status CheckRequest(const v1::ListParkedEventsRequest& request) {
  FieldErrors errors;
  CheckName("name", request.name(), errors);
  CheckPageSize(request.page_size(), errors);
  return errors.ToStatus();
}

absl::Status CheckRequest(const v1::ReplayParkedEventsRequest& request) {
  return CheckChoice(request);
}

absl::Status CheckRequest(const v1::DropParkedEventsRequest& request) {
  return CheckChoice(request);
}

}  // namespace innkeeper::rpc
