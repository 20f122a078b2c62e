#include "storage/keys.h"

#include <glog/logging.h>

namespace innkeeper::storage {
namespace {

constexpr char kEscape = '\xFF';      // behind a 0x00 of the component itself
constexpr char kTerminator = '\x01';  // behind the 0x00 that ends it

}  // namespace

KeyBuilder& KeyBuilder::Str(absl::string_view component) {
  size_t zero = component.find('\0');
  while (zero != absl::string_view::npos) {
    key_.append(component.data(), zero + 1);
    key_ += kEscape;
    component.remove_prefix(zero + 1);
    zero = component.find('\0');
  }
  key_.append(component.data(), component.size());
  key_ += '\0';
  key_ += kTerminator;
  return *this;
}

KeyBuilder& KeyBuilder::U64(uint64_t component) {
  char bytes[8];
  for (int i = 0; i < 8; ++i) bytes[i] = static_cast<char>(component >> (56 - 8 * i));
  key_.append(bytes, sizeof(bytes));
  return *this;
}

std::optional<std::string> KeyReader::Str() {
  std::string component;
  while (true) {
    const size_t zero = rest_.find('\0');
    if (zero == absl::string_view::npos || zero + 1 == rest_.size()) return std::nullopt;
    const char mark = rest_[zero + 1];
    if (mark != kEscape && mark != kTerminator) return std::nullopt;
    component.append(rest_.data(), mark == kEscape ? zero + 1 : zero);
    rest_.remove_prefix(zero + 2);
    if (mark == kTerminator) return component;
  }
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
