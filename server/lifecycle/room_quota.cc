#include "server/lifecycle/room_quota.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/limits/limit_errors.h"
#include "storage/room_store.h"

namespace innkeeper::lifecycle {
namespace {

constexpr absl::Duration kMaxAge = absl::Minutes(1);
// Of the count of a user who may create no more rooms: some may have been deleted.
constexpr absl::Duration kMaxAgeAtLimit = absl::Seconds(1);
constexpr size_t kMaxCounts = 10'000;

}  // namespace

class RoomQuota::PlaceToll final : public limits::Toll {
 public:
  PlaceToll(RoomQuota& quota, std::string creator) : quota_(quota), creator_(std::move(creator)) {}

  // Not given back: the room is there.
  ~PlaceToll() override {
    if (paid_) quota_.Settle(creator_, true);
  }

  absl::Status Pay() override {
    if (paid_) return absl::OkStatus();
    absl::Status taken = quota_.Take(creator_);
    paid_ = taken.ok();
    return taken;
  }

  void GiveBack() override {
    if (std::exchange(paid_, false)) quota_.Settle(creator_, false);
  }

 private:
  RoomQuota& quota_;
  const std::string creator_;
  bool paid_ = false;
};

std::unique_ptr<limits::Toll> RoomQuota::TollFor(const std::string& creator) {
  if (most_ == 0 || creator.empty()) return nullptr;
  return std::make_unique<PlaceToll>(*this, creator);
}

absl::Status RoomQuota::Take(const std::string& creator) {
  int64_t settled = 0;
  {
    const absl::MutexLock lock(&mutex_);
    if (counts_.size() >= kMaxCounts) ForgetSome();
    Count& count = counts_[creator];
    if (IsFresh(count)) return TakePlace(creator, count);
    ++count.counters;
    settled = count.settled;
  }
  const absl::Time now = clock_();
  const absl::StatusOr<int64_t> stored =
      storage::RoomReader(engine_).CountRoomsCreatedBy(creator, most_);
  const absl::MutexLock lock(&mutex_);
  Count& count = counts_.at(creator);
  --count.counters;
  if (!stored.ok()) return stored.status();
  // What is being created, or was while they were counted, may not be among them.
  const bool has_all = count.pending == 0 && count.settled == settled;
  count.rooms = has_all ? *stored : std::max(count.rooms, *stored);
  count.counted = now;
  return TakePlace(creator, count);
}

absl::Status RoomQuota::TakePlace(const std::string& creator, Count& count) const {
  if (count.rooms >= most_) {
    return limits::LimitExceeded(
        "max_rooms_per_creator", absl::StrCat("user:", creator), most_,
        "creator: has created as many rooms as a user may; have another user create more");
  }
  ++count.rooms;
  ++count.pending;
  return absl::OkStatus();
}

void RoomQuota::Settle(const std::string& creator, bool is_created) {
  const absl::MutexLock lock(&mutex_);
  Count& count = counts_.at(creator);
  --count.pending;
  ++count.settled;
  if (!is_created) --count.rooms;
}

bool RoomQuota::IsFresh(const Count& count) const {
  return clock_() - count.counted < (count.rooms < most_ ? kMaxAge : kMaxAgeAtLimit);
}

void RoomQuota::ForgetSome() {
  absl::erase_if(counts_, [](const auto& entry) {
    return entry.second.pending == 0 && entry.second.counters == 0;
  });
}

}  // namespace innkeeper::lifecycle
