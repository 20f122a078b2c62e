#include "server/rooms/utf8.h"

#include <algorithm>
#include <cstdint>
#include <iterator>

#include "absl/strings/strip.h"

namespace innkeeper::rooms {
namespace {

// By the length of a character: what must not be written shorter.
constexpr uint32_t kSmallestCodePoint[] = {0, 0, 0x80, 0x800, 0x10000};

constexpr absl::string_view kWhiteSpace[] = {
    "\t",     "\n",     "\v",     "\f",     "\r",     " ",      "\u0085", "\u00a0", "\u1680",
    "\u2000", "\u2001", "\u2002", "\u2003", "\u2004", "\u2005", "\u2006", "\u2007", "\u2008",
    "\u2009", "\u200a", "\u2028", "\u2029", "\u202f", "\u205f", "\u3000"};

bool IsContinuation(char byte) { return (static_cast<unsigned char>(byte) & 0xC0) == 0x80; }

// Returns the length of the well-formed character that `text`, which is not
// empty, starts with; 0 if there is none.
size_t CharacterLength(absl::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  if (lead < 0x80) return 1;
  if (lead < 0xC2 || lead > 0xF4) return 0;
  const size_t length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  if (text.size() < length) return 0;
  uint32_t code_point = lead & (0x7F >> length);
  for (size_t i = 1; i < length; ++i) {
    if (!IsContinuation(text[i])) return 0;
    code_point = code_point << 6 | (static_cast<unsigned char>(text[i]) & 0x3F);
  }
  const bool surrogate = code_point >= 0xD800 && code_point <= 0xDFFF;
  if (code_point < kSmallestCodePoint[length] || code_point > 0x10FFFF || surrogate) return 0;
  return length;
}

}  // namespace

bool IsUtf8(absl::string_view text) {
  while (!text.empty()) {
    const size_t length = CharacterLength(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

bool IsWhiteSpace(absl::string_view text) {
  while (!text.empty()) {
    const bool consumed =
        std::any_of(std::begin(kWhiteSpace), std::end(kWhiteSpace),
                    [&](absl::string_view space) { return absl::ConsumePrefix(&text, space); });
    if (!consumed) return false;
  }
  return true;
}

absl::string_view Utf8Prefix(absl::string_view text, size_t max_bytes) {
  if (text.size() <= max_bytes) return text;
  size_t end = max_bytes;
  while (end > 0 && IsContinuation(text[end])) --end;
  return text.substr(0, end);
}

}  // namespace innkeeper::rooms
