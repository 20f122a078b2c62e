// File: server/rooms/canonical_writer.h
//
// Writes canonical JSON piece by piece, for what is built too often to make a
// Json of it first.

#ifndef INNKEEPER_SERVER_ROOMS_CANONICAL_WRITER_H_
#define INNKEEPER_SERVER_ROOMS_CANONICAL_WRITER_H_

#include <cstdint>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "server/rooms/json.h"

namespace innkeeper::rooms {

// Every object and array begun must be ended, every key be followed by a value, and
// the keys of an object come in bytewise order. Not thread-safe.
class CanonicalWriter {
 public:
  // `bytes` is how long the text is expected to get.
  explicit CanonicalWriter(size_t bytes = 0) { text_.reserve(bytes); }

  void BeginObject() { Begin('{'); }
  void EndObject() { End('}'); }
  void BeginArray() { Begin('['); }
  void EndArray() { End(']'); }

  // Writes the key of the member whose value comes next; valid UTF-8.
  void Key(absl::string_view key);

  void String(absl::string_view value);   // valid UTF-8
  void Integer(int64_t value);            // within +-kMaxCanonicalInteger
  void Value(const Json& value);          // as CanonicalJson takes it
  void Raw(absl::string_view canonical);  // canonical JSON

  // Gives the text away. The writer must not be used after that.
  std::string Take() { return std::move(text_); }

 private:
  void Begin(char bracket);
  void End(char bracket);
  void Separate();
  void Quote(absl::string_view value);
  void Object(const Json::object_t& object);
  void Array(const Json::array_t& array);

  std::string text_;
  bool follows_value_ = false;  // a comma is due before the next element
};

}  // namespace innkeeper::rooms

#endif  // INNKEEPER_SERVER_ROOMS_CANONICAL_WRITER_H_
