// File: server/feed/wire_fields.h
//
// Protobuf's wire format, for messages whose parts are serialised already.

#ifndef INNKEEPER_SERVER_FEED_WIRE_FIELDS_H_
#define INNKEEPER_SERVER_FEED_WIRE_FIELDS_H_

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

namespace innkeeper::feed {

inline constexpr size_t kMaxFieldHeaderBytes = 10;

// Appends what stands before the value of a string, bytes or message field.
inline void AppendFieldHeader(int field, size_t value_size, std::string& out) {
  using google::protobuf::internal::WireFormatLite;
  std::array<uint8_t, kMaxFieldHeaderBytes> header;
  uint8_t* end = WireFormatLite::WriteTagToArray(field, WireFormatLite::WIRETYPE_LENGTH_DELIMITED,
                                                 header.data());
  end = google::protobuf::io::CodedOutputStream::WriteVarint32ToArray(
      static_cast<uint32_t>(value_size), end);
  out.append(reinterpret_cast<const char*>(header.data()),
             static_cast<size_t>(end - header.data()));
}

}  // namespace innkeeper::feed

#endif  // INNKEEPER_SERVER_FEED_WIRE_FIELDS_H_
