#include "server/feed/watch_messages.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/wire_format_lite.h>

#include "absl/strings/string_view.h"
#include "innkeeper/v1/room_event.pb.h"
#include "innkeeper/v1/room_lifecycle.pb.h"

namespace innkeeper::feed {
namespace {

using google::protobuf::internal::WireFormatLite;
using google::protobuf::io::CodedOutputStream;
using google::protobuf::io::StringOutputStream;

// The encoding of a string, bytes or message field.
size_t FieldSize(int field, size_t value_size) {
  return WireFormatLite::TagSize(field, WireFormatLite::TYPE_BYTES) +
         WireFormatLite::LengthDelimitedSize(value_size);
}

void WriteFieldHeader(int field, size_t value_size, CodedOutputStream& out) {
  WireFormatLite::WriteTag(field, WireFormatLite::WIRETYPE_LENGTH_DELIMITED, &out);
  out.WriteVarint32(static_cast<uint32_t>(value_size));
}

void WriteField(int field, const std::string& value, CodedOutputStream& out) {
  WriteFieldHeader(field, value.size(), out);
  out.WriteString(value);
}

}  // namespace

std::string WatchMessages::Confirmed(storage::LogPosition position,
                                     storage::LogBounds bounds) const {
  v1::WatchRoomEventsResponse response;
  v1::WatchConfirmed& confirmed = *response.mutable_confirmed();
  confirmed.set_cursor(CursorAt(position));
  confirmed.set_start_sequence(static_cast<int64_t>(position + 1));
  confirmed.set_oldest_sequence(static_cast<int64_t>(bounds.oldest));
  confirmed.set_head_sequence(static_cast<int64_t>(bounds.head));
  return response.SerializeAsString();
}

std::string WatchMessages::Events(const Stretch& stretch) const {
  std::string batch;
  {
    StringOutputStream stream(&batch);
    CodedOutputStream out(&stream);
    for (const auto& event : stretch.events) {
      const std::string cursor = CursorAt(event->position());
      WriteFieldHeader(
          v1::RoomEventBatch::kEventsFieldNumber,
          event->bytes.size() + FieldSize(v1::RoomEvent::kCursorFieldNumber, cursor.size()), out);
      out.WriteString(event->bytes);
      WriteField(v1::RoomEvent::kCursorFieldNumber, cursor, out);
    }
    WriteField(v1::RoomEventBatch::kCursorFieldNumber, CursorAt(stretch.through), out);
  }
  std::string response;
  {
    StringOutputStream stream(&response);
    CodedOutputStream out(&stream);
    WriteField(v1::WatchRoomEventsResponse::kEventsFieldNumber, batch, out);
  }
  return response;
}

std::string WatchMessages::CaughtUp(storage::LogPosition position) const {
  v1::WatchRoomEventsResponse response;
  response.mutable_caught_up()->set_cursor(CursorAt(position));
  response.mutable_caught_up()->set_sequence(static_cast<int64_t>(position));
  return response.SerializeAsString();
}

std::string WatchMessages::Progress(storage::LogPosition position) const {
  v1::WatchRoomEventsResponse response;
  response.mutable_progress()->set_cursor(CursorAt(position));
  response.mutable_progress()->set_sequence(static_cast<int64_t>(position));
  return response.SerializeAsString();
}

}  // namespace innkeeper::feed
