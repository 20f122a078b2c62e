#include "server/rooms/room_version.h"

namespace innkeeper::rooms {
namespace {

constexpr auto kOpaqueId = EventIdFormat::kOpaque;
constexpr auto kBase64Id = EventIdFormat::kBase64;
constexpr auto kUrlSafeId = EventIdFormat::kBase64UrlSafe;
constexpr auto kOpaqueRoom = RoomIdFormat::kOpaque;
constexpr auto kHashRoom = RoomIdFormat::kCreateHash;
constexpr auto kR1 = RedactionRules::kR1;
constexpr auto kR2 = RedactionRules::kR2;
constexpr auto kR3 = RedactionRules::kR3;
constexpr auto kR4 = RedactionRules::kR4;
constexpr auto kR5 = RedactionRules::kR5;
constexpr bool kYes = true;
constexpr bool kNo = false;

// The columns are the members of RoomVersion, in their order.
// clang-format off
constexpr RoomVersion kVersions[] = {
    //                                hash    creator  unbounded  create   predecessor  integer  restricted
    //                                in refs in       creators   implied  has event    levels   joins
    //                                        content                      id
    {"1",  kOpaqueId,  kOpaqueRoom, kR1, kYes, kYes,   kNo,       kNo,     kYes,        kNo,     kNo},
    {"2",  kOpaqueId,  kOpaqueRoom, kR1, kYes, kYes,   kNo,       kNo,     kYes,        kNo,     kNo},
    {"3",  kBase64Id,  kOpaqueRoom, kR1, kNo,  kYes,   kNo,       kNo,     kYes,        kNo,     kNo},
    {"4",  kUrlSafeId, kOpaqueRoom, kR1, kNo,  kYes,   kNo,       kNo,     kYes,        kNo,     kNo},
    {"5",  kUrlSafeId, kOpaqueRoom, kR1, kNo,  kYes,   kNo,       kNo,     kYes,        kNo,     kNo},
    {"6",  kUrlSafeId, kOpaqueRoom, kR2, kNo,  kYes,   kNo,       kNo,     kYes,        kNo,     kNo},
    {"7",  kUrlSafeId, kOpaqueRoom, kR2, kNo,  kYes,   kNo,       kNo,     kYes,        kNo,     kNo},
    {"8",  kUrlSafeId, kOpaqueRoom, kR3, kNo,  kYes,   kNo,       kNo,     kYes,        kNo,     kYes},
    {"9",  kUrlSafeId, kOpaqueRoom, kR4, kNo,  kYes,   kNo,       kNo,     kYes,        kNo,     kYes},
    {"10", kUrlSafeId, kOpaqueRoom, kR4, kNo,  kYes,   kNo,       kNo,     kYes,        kYes,    kYes},
    {"11", kUrlSafeId, kOpaqueRoom, kR5, kNo,  kNo,    kNo,       kNo,     kYes,        kYes,    kYes},
    {"12", kUrlSafeId, kHashRoom,   kR5, kNo,  kNo,    kYes,      kYes,    kNo,         kYes,    kYes},
};
// clang-format on

}  // namespace

const RoomVersion* FindRoomVersion(absl::string_view id) {
  for (const RoomVersion& version : kVersions) {
    if (version.id == id) return &version;
  }
  return nullptr;
}

absl::Span<const RoomVersion> AllRoomVersions() { return kVersions; }

}  // namespace innkeeper::rooms
