#include "server/feed/room_snapshot.h"

#include <optional>
#include <utility>

#include "server/values/room_proto.h"

namespace innkeeper::feed {
namespace {

// How many rooms one page looks at.
constexpr size_t kMaxScanned = 1000;

}  // namespace

// The rooms of one page.
class RoomSnapshot::Page {
 public:
  Page(const EventFilter& filter, StretchLimits limits) : filter_(filter), limits_(limits) {}

  bool IsFull() const {
    return scanned_ >= kMaxScanned ||
           (!rooms_.empty() && (rooms_.size() >= limits_.events || bytes_ >= limits_.bytes));
  }

  void Take(const storage::RoomRecord& record) {
    ++scanned_;
    v1::Room room = ToProto(record);
    if (!filter_.Matches(room)) return;
    bytes_ += room.ByteSizeLong();
    rooms_.push_back(std::move(room));
  }

  std::vector<v1::Room> TakeRooms() { return std::move(rooms_); }

 private:
  const EventFilter& filter_;
  const StretchLimits limits_;
  std::vector<v1::Room> rooms_;
  size_t bytes_ = 0;
  size_t scanned_ = 0;
};

absl::StatusOr<std::vector<v1::Room>> RoomSnapshot::NextPage(const EventFilter& filter,
                                                             StretchLimits limits) {
  Page page(filter, limits);
  absl::Status read = wanted_ids_.empty() ? ScanRooms(page) : ReadWantedRooms(page);
  if (!read.ok()) return read;
  return page.TakeRooms();
}

absl::Status RoomSnapshot::ReadWantedRooms(Page& page) {
  for (; next_wanted_ < wanted_ids_.size() && !page.IsFull(); ++next_wanted_) {
    const auto room = reader_.GetRoom(wanted_ids_[next_wanted_]);
    if (!room.ok()) return room.status();
    if (room->has_value()) page.Take((*room)->record);
  }
  done_ = next_wanted_ == wanted_ids_.size();
  return absl::OkStatus();
}

absl::Status RoomSnapshot::ScanRooms(Page& page) {
  done_ = true;
  return reader_.ScanRooms(after_, [&](const storage::RoomRecord& record) {
    done_ = !page.IsFull();
    if (!done_) return false;
    after_ = record.room_id();
    page.Take(record);
    return true;
  });
}

}  // namespace innkeeper::feed
