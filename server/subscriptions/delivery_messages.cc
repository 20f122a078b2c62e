#include "server/subscriptions/delivery_messages.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/wire_format_lite.h>

#include <cstdint>

#include "innkeeper/v1/event_subscriptions.pb.h"
#include "server/subscriptions/buckets.h"
#include "server/values/duration.h"

namespace innkeeper::subscriptions {
namespace {

using google::protobuf::internal::WireFormatLite;
using google::protobuf::io::CodedOutputStream;
using google::protobuf::io::StringOutputStream;

// What an event carries beside itself.
std::string Attributes(size_t bucket, int attempt, bool replayed) {
  v1::DeliveredEvent event;
  event.set_attempt(attempt);
  event.set_replayed(replayed);
  event.set_part(static_cast<int32_t>(bucket));
  return event.SerializeAsString();
}

void WriteFieldHeader(int field, size_t value_size, CodedOutputStream& out) {
  WireFormatLite::WriteTag(field, WireFormatLite::WIRETYPE_LENGTH_DELIMITED, &out);
  out.WriteVarint32(static_cast<uint32_t>(value_size));
}

// Writes an event of a v1::DeliveredEvents.
void WriteEvent(const std::string& event, const std::string& attributes, CodedOutputStream& out) {
  const size_t size =
      WireFormatLite::TagSize(v1::DeliveredEvent::kEventFieldNumber, WireFormatLite::TYPE_MESSAGE) +
      WireFormatLite::LengthDelimitedSize(event.size()) + attributes.size();
  WriteFieldHeader(v1::DeliveredEvents::kEventsFieldNumber, size, out);
  WriteFieldHeader(v1::DeliveredEvent::kEventFieldNumber, event.size(), out);
  out.WriteString(event);
  out.WriteString(attributes);
}

void WriteCursor(const std::string& cursor, CodedOutputStream& out) {
  WriteFieldHeader(v1::DeliveredEvents::kCursorFieldNumber, cursor.size(), out);
  out.WriteString(cursor);
}

// Wraps a serialised v1::DeliveredEvents.
std::string Wrap(const std::string& events) {
  std::string response;
  {
    StringOutputStream stream(&response);
    CodedOutputStream out(&stream);
    WriteFieldHeader(v1::ConsumeEventsResponse::kEventsFieldNumber, events.size(), out);
    out.WriteString(events);
  }
  return response;
}

}  // namespace

std::string StartedMessage(const std::string& consumer_id, absl::Duration ack_deadline) {
  v1::ConsumeEventsResponse response;
  response.mutable_started()->set_consumer_id(consumer_id);
  SetDuration(ack_deadline, response.mutable_started()->mutable_ack_deadline());
  return response.SerializeAsString();
}

std::string EventsMessage(const std::vector<Ledger::Sent>& events, const std::string& cursor) {
  std::string bytes;
  {
    StringOutputStream stream(&bytes);
    CodedOutputStream out(&stream);
    for (const Ledger::Sent& sent : events) {
      const size_t bucket = BucketOf(sent.event->event.room_id());
      WriteEvent(sent.event->bytes, Attributes(bucket, sent.attempt, false), out);
    }
    WriteCursor(cursor, out);
  }
  return Wrap(bytes);
}

std::string ReplayMessage(const std::string& event, size_t bucket, int attempt,
                          const std::string& cursor) {
  std::string bytes;
  {
    StringOutputStream stream(&bytes);
    CodedOutputStream out(&stream);
    WriteEvent(event, Attributes(bucket, attempt, true), out);
    WriteCursor(cursor, out);
  }
  return Wrap(bytes);
}

std::string ProgressMessage(size_t share, size_t unacknowledged) {
  v1::ConsumeEventsResponse response;
  response.mutable_progress()->set_share(static_cast<int32_t>(share));
  response.mutable_progress()->set_unacknowledged_event_count(static_cast<int64_t>(unacknowledged));
  return response.SerializeAsString();
}

}  // namespace innkeeper::subscriptions
