#include "storage/keys.h"

#include <glog/logging.h>

namespace innkeeper::storage {
namespace {

constexpr char kEscape = '\xFF';      // behind a 0x00 of the component itself
constexpr char kTerminator = '\x01';  // behind the 0x00 that ends it

}  // namespace

KeyBuilder& KeyBuilder::Str(absl::string_view component) {
  for (char c : component) {
    key_.push_back(c);
    if (c == '\0') key_.push_back(kEscape);
  }
  key_.push_back('\0');
  key_.push_back(kTerminator);
  return *this;
}

KeyBuilder& KeyBuilder::U64(uint64_t component) {
  for (int shift = 56; shift >= 0; shift -= 8) {
    key_.push_back(static_cast<char>(component >> shift));
  }
  return *this;
}

std::optional<std::string> KeyReader::Str() {
  std::string component;
  for (size_t i = 0; i + 1 < rest_.size(); ++i) {
    if (rest_[i] != '\0') {
      component.push_back(rest_[i]);
    } else if (rest_[i + 1] == kEscape) {
      component.push_back('\0');
      ++i;
    } else if (rest_[i + 1] == kTerminator) {
      rest_.remove_prefix(i + 2);
      return component;
    } else {
      return std::nullopt;
    }
  }
  return std::nullopt;
}

std::optional<uint64_t> KeyReader::U64() {
  if (rest_.size() < 8) return std::nullopt;
  uint64_t component = 0;
  for (int i = 0; i < 8; ++i) component = component << 8 | static_cast<uint8_t>(rest_[i]);
  rest_.remove_prefix(8);
  return component;
}

std::string PrefixEnd(absl::string_view prefix) {
  std::string end(prefix);
  while (!end.empty() && end.back() == '\xFF') end.pop_back();
  CHECK(!end.empty()) << "a prefix without an end";
  ++end.back();
  return end;
}

std::string KeyAfter(absl::string_view key) {
  std::string after(key);
  after.push_back('\0');
  return after;
}

}  // namespace innkeeper::storage
