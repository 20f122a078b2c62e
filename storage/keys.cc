#include "storage/keys.h"

#include <glog/logging.h>

#include <array>

#include "absl/algorithm/container.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace innkeeper::storage {
namespace {

constexpr char kEscape = '\xFF';      // behind a 0x00 of the component itself
constexpr char kTerminator = '\x01';  // behind the 0x00 that ends it

}  // namespace

absl::Span<const Component> ComponentsOf(Table table) {
  using enum Component;
  static constexpr std::array kRoom = {kText};
  static constexpr std::array kStateEntry = {kText, kText, kPrivate};
  static constexpr std::array kSuperseded = {kText, kText, kPrivate, kNumber};
  static constexpr std::array kEventNumber = {kText, kNumber};
  static constexpr std::array kEventName = {kText, kText, kNumber};
  static constexpr std::array kName = {kPrivate};
  static constexpr std::array kNameInRoom = {kText, kPrivate};
  static constexpr std::array kListing = {kNumber, kText};
  static constexpr std::array kLinkPlace = {kText, kText, kText, kPrivate};
  static constexpr std::array kRoomOfUser = {kPrivate, kText};
  static constexpr std::array kRequestName = {kPrivate, kPrivate};
  static constexpr std::array kExpiry = {kNumber, kPrivate, kPrivate};
  static constexpr std::array kNumbered = {kPrivate, kNumber};
  static constexpr std::array kCounted = {kNumber};
  switch (table) {
    case Table::kRoom:
    case Table::kRoomKeys:
    case Table::kLockedRoom:
    case Table::kStagedRoom:
    case Table::kSetting:
    case Table::kApproval:
      return kRoom;
    case Table::kState:
      return kStateEntry;
    case Table::kStateHistory:
      return kSuperseded;
    case Table::kEvent:
    case Table::kRoomKey:
      return kEventNumber;
    case Table::kEventId:
      return kEventName;
    case Table::kAlias:
    case Table::kSubscription:
    case Table::kSubscriptionProgress:
      return kName;
    case Table::kRoomAlias:
    case Table::kPendingInvite:
      return kNameInRoom;
    case Table::kListedRoom:
      return kListing;
    case Table::kLink:
      return kLinkPlace;
    case Table::kUserRoom:
    case Table::kCreatedRoom:
      return kRoomOfUser;
    case Table::kRequest:
      return kRequestName;
    case Table::kRequestExpiry:
      return kExpiry;
    case Table::kParkedEvent:
      return kNumbered;
    case Table::kAuditEntry:
    case Table::kRoomSecret:
      return kCounted;
    case Table::kKeyring:
      break;
  }
  return {};
}

bool MayBeEmpty(Table table) {
  switch (table) {
    case Table::kEventId:
    case Table::kRoomAlias:
    case Table::kListedRoom:
    case Table::kLink:
    case Table::kCreatedRoom:
    case Table::kLockedRoom:
    case Table::kRequestExpiry:
    case Table::kRoomKey:
      return true;
    default:
      return false;
  }
}

std::optional<absl::string_view> RoomOf(absl::string_view key) {
  if (key.empty()) return std::nullopt;
  switch (static_cast<Table>(key[0])) {
    case Table::kRoom:
    case Table::kState:
    case Table::kStateHistory:
    case Table::kEvent:
    case Table::kRoomKeys:
    case Table::kPendingInvite:
      return KeyReader(key).Raw(/*is_number=*/false);
    default:
      return std::nullopt;
  }
}

std::optional<absl::string_view> OwnerOf(absl::string_view key) {
  if (key.empty()) return std::nullopt;
  KeyReader reader(key);
  switch (static_cast<Table>(key[0])) {
    case Table::kRoom:
    case Table::kState:
    case Table::kStateHistory:
    case Table::kEvent:
    case Table::kEventId:
    case Table::kRoomKeys:
    case Table::kRoomAlias:
    case Table::kPendingInvite:
    case Table::kLockedRoom:
    case Table::kStagedRoom:
    case Table::kRoomKey:
      return reader.Raw(/*is_number=*/false);
    case Table::kListedRoom:
      reader.U64();
      return reader.Raw(/*is_number=*/false);
    case Table::kUserRoom:
    case Table::kCreatedRoom:
    case Table::kLink:  // of the room that has it, not of the one that it leads to
      reader.Raw(/*is_number=*/false);
      return reader.Raw(/*is_number=*/false);
    default:
      return std::nullopt;
  }
}

bool HasPrivateComponents(Table table) {
  return absl::c_linear_search(ComponentsOf(table), Component::kPrivate);
}

std::string DescribeKey(absl::string_view key) {
  if (key.empty()) return "\"\"";
  const auto table = static_cast<Table>(key[0]);
  std::string description = absl::StrCat("\"", absl::CHexEscape(key.substr(0, 1)));
  KeyReader reader(key);
  for (const Component component : ComponentsOf(table)) {
    if (component == Component::kNumber) {
      absl::StrAppend(&description, " ", reader.U64().value_or(0));
    } else {
      const std::string text = reader.Str().value_or("");
      absl::StrAppend(&description, " ",
                      component == Component::kPrivate ? "?" : absl::CHexEscape(text));
    }
  }
  return description + "\"";
}

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
  std::optional<absl::string_view> escaped = Raw(/*is_number=*/false);
  if (!escaped) return std::nullopt;
  escaped->remove_suffix(2);  // what ends it
  std::string component;
  size_t zero = escaped->find('\0');
  while (zero != absl::string_view::npos) {
    component.append(escaped->data(), zero + 1);
    escaped->remove_prefix(zero + 2);
    zero = escaped->find('\0');
  }
  component.append(escaped->data(), escaped->size());
  return component;
}

std::optional<uint64_t> KeyReader::U64() {
  if (rest_.size() < 8) return std::nullopt;
  uint64_t component = 0;
  for (int i = 0; i < 8; ++i) component = component << 8 | static_cast<uint8_t>(rest_[i]);
  rest_.remove_prefix(8);
  return component;
}

std::optional<absl::string_view> KeyReader::Raw(bool is_number) {
  size_t size = sizeof(uint64_t);
  if (!is_number) {
    size_t zero = rest_.find('\0');
    while (zero != absl::string_view::npos && zero + 1 < rest_.size() &&
           rest_[zero + 1] == kEscape) {
      zero = rest_.find('\0', zero + 2);
    }
    const bool ends = zero != absl::string_view::npos && zero + 1 < rest_.size() &&
                      rest_[zero + 1] == kTerminator;
    if (!ends) return std::nullopt;
    size = zero + 2;
  }
  if (rest_.size() < size) return std::nullopt;
  const absl::string_view component = rest_.substr(0, size);
  rest_.remove_prefix(size);
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
