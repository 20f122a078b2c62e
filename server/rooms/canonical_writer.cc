#include "server/rooms/canonical_writer.h"

#include <algorithm>
#include <charconv>
#include <iterator>

#include <glog/logging.h>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

namespace innkeeper::rooms {
namespace {

// Appends the escape of a character that cannot stand for itself in a string.
void AppendEscape(char c, std::string& text) {
  switch (c) {
    case '"':
      text += "\\\"";
      break;
    case '\\':
      text += "\\\\";
      break;
    case '\b':
      text += "\\b";
      break;
    case '\t':
      text += "\\t";
      break;
    case '\n':
      text += "\\n";
      break;
    case '\f':
      text += "\\f";
      break;
    case '\r':
      text += "\\r";
      break;
    default:
      absl::StrAppend(&text, "\\u00", absl::Hex(c, absl::kZeroPad2));
  }
}

// Returns a fraction in the form of Python's repr(), which is what has been hashed in
// rooms of versions that take fractions.
std::string FractionText(double value) {
  char buffer[32];
  const auto end =
      std::to_chars(std::begin(buffer), std::end(buffer), value, std::chars_format::scientific);
  const absl::string_view text(buffer, static_cast<size_t>(end.ptr - buffer));
  const size_t e = text.find('e');
  int exponent = 0;
  CHECK(absl::SimpleAtoi(text.substr(e + 1), &exponent));
  if (exponent < -4 || exponent >= 16) return std::string(text);

  const absl::string_view sign = text.substr(0, text[0] == '-' ? 1 : 0);
  std::string digits = absl::StrReplaceAll(text.substr(sign.size(), e - sign.size()), {{".", ""}});
  if (exponent < 0) digits.insert(0, static_cast<size_t>(-exponent), '0');
  const size_t whole = static_cast<size_t>(std::max(exponent, 0)) + 1;
  if (digits.size() <= whole) digits.append(whole + 1 - digits.size(), '0');
  return absl::StrCat(sign, digits.substr(0, whole), ".", digits.substr(whole));
}

}  // namespace

void CanonicalWriter::Key(absl::string_view key) {
  Separate();
  Quote(key);
  text_ += ':';
  follows_value_ = false;
}

void CanonicalWriter::String(absl::string_view value) {
  Separate();
  Quote(value);
}

void CanonicalWriter::Integer(int64_t value) {
  Separate();
  absl::StrAppend(&text_, value);
}

void CanonicalWriter::Raw(absl::string_view canonical) {
  Separate();
  text_.append(canonical.data(), canonical.size());
}

void CanonicalWriter::Value(const Json& value) {
  switch (value.type()) {
    case Json::value_t::object:
      return Object(value.get_ref<const Json::object_t&>());
    case Json::value_t::array:
      return Array(value.get_ref<const Json::array_t&>());
    case Json::value_t::string:
      return String(value.get_ref<const std::string&>());
    case Json::value_t::boolean:
      return Raw(value.get<bool>() ? "true" : "false");
    case Json::value_t::number_integer:
      return Integer(value.get<int64_t>());
    case Json::value_t::number_unsigned:
      return Raw(absl::AlphaNum(value.get<uint64_t>()).Piece());
    case Json::value_t::number_float:
      return Raw(FractionText(value.get<double>()));
    case Json::value_t::null:
      return Raw("null");
    default:
      LOG(FATAL) << "no canonical JSON: " << value.type_name();
  }
}

void CanonicalWriter::Object(const Json::object_t& object) {
  BeginObject();
  for (const auto& [key, member] : object) {
    Key(key);
    Value(member);
  }
  EndObject();
}

void CanonicalWriter::Array(const Json::array_t& array) {
  BeginArray();
  for (const Json& element : array) Value(element);
  EndArray();
}

void CanonicalWriter::Begin(char bracket) {
  Separate();
  text_ += bracket;
  follows_value_ = false;
}

void CanonicalWriter::End(char bracket) {
  text_ += bracket;
  follows_value_ = true;
}

// Comes before every key, and before every value but those of keys.
void CanonicalWriter::Separate() {
  if (follows_value_) text_ += ',';
  follows_value_ = true;
}

void CanonicalWriter::Quote(absl::string_view value) {
  text_ += '"';
  size_t written = 0;
  for (size_t i = 0; i < value.size(); ++i) {
    const char c = value[i];
    if (static_cast<unsigned char>(c) >= 0x20 && c != '"' && c != '\\') continue;
    text_.append(value.data() + written, i - written);
    AppendEscape(c, text_);
    written = i + 1;
  }
  text_.append(value.data() + written, value.size() - written);
  text_ += '"';
}

}  // namespace innkeeper::rooms
