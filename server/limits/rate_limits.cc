#include "server/limits/rate_limits.h"

#include <glog/logging.h>

#include "absl/strings/str_cat.h"
#include "server/limits/limit_errors.h"

namespace innkeeper::limits {
namespace {

// What work takes from: a bucket of the principal that calls, one of the user for whom it
// does, and one of the room.
struct Rule {
  Bucket principal;
  std::optional<Bucket> user;
  std::optional<Bucket> room;
};

Rule RuleOf(Work work) {
  switch (work) {
    case Work::kRead:
    case Work::kStream:
      return {Bucket::kPrincipalReads, std::nullopt, std::nullopt};
    case Work::kUpload:
    case Work::kWrite:
      return {Bucket::kPrincipalWrites, std::nullopt, std::nullopt};
    case Work::kCreate:
      return {Bucket::kPrincipalWrites, Bucket::kCreations, std::nullopt};
    case Work::kUpgrade:
      return {Bucket::kPrincipalWrites, Bucket::kUpgrades, std::nullopt};
    case Work::kInvite:
      return {Bucket::kPrincipalWrites, Bucket::kInvites, Bucket::kRoomInvites};
    case Work::kJoin:
      return {Bucket::kPrincipalWrites, Bucket::kJoins, Bucket::kRoomJoins};
    case Work::kMessage:
      return {Bucket::kPrincipalWrites, Bucket::kMessages, Bucket::kRoomMessages};
    case Work::kModeration:
      return {Bucket::kPrincipalWrites, Bucket::kMessages, std::nullopt};
  }
  LOG(FATAL) << "no such work";
}

// A token of a bucket.
class RateToll final : public Toll {
 public:
  // `kind` is that of the key: "user" or "room".
  RateToll(RateLimits& limits, Bucket bucket, absl::string_view kind, absl::string_view key)
      : limits_(limits), bucket_(bucket), kind_(kind), key_(key) {}

  absl::Status Pay() override {
    if (paid_) return absl::OkStatus();
    const auto [taken, wait] = limits_.Take(bucket_, key_);
    if (wait > absl::ZeroDuration()) return Refusal(wait);
    paid_ = true;
    taken_ = taken;
    return absl::OkStatus();
  }

  void GiveBack() override {
    if (taken_) limits_.GiveBack(bucket_, key_);
    paid_ = false;
    taken_ = false;
  }

 private:
  absl::Status Refusal(absl::Duration wait) const {
    const std::string subject = absl::StrCat(kind_, ":", key_);
    if (bucket_ == Bucket::kCreations) return CreationRateLimited(subject, wait);
    return RateLimited(NameOf(bucket_), subject, wait);
  }

  RateLimits& limits_;
  const Bucket bucket_;
  const absl::string_view kind_;
  const std::string key_;
  bool paid_ = false;
  bool taken_ = false;  // what is only observed is paid without a token
};

}  // namespace

bool IsWrite(Work work) { return work != Work::kRead && work != Work::kStream; }

absl::string_view NameOf(Bucket bucket) {
  switch (bucket) {
    case Bucket::kPrincipalReads:
      return "principal_read_rate";
    case Bucket::kPrincipalWrites:
      return "principal_write_rate";
    case Bucket::kCreations:
      return "room_creation_rate";
    case Bucket::kUpgrades:
      return "upgrade_rate";
    case Bucket::kInvites:
      return "invite_rate";
    case Bucket::kJoins:
      return "join_rate";
    case Bucket::kMessages:
      return "message_rate";
    case Bucket::kRoomInvites:
      return "room_invite_rate";
    case Bucket::kRoomJoins:
      return "room_join_rate";
    case Bucket::kRoomMessages:
      return "room_message_rate";
    case Bucket::kFailedLogins:
      return "failed_login_rate";
  }
  LOG(FATAL) << "no such bucket";
}

RateLimits::RateLimits(const RateLimitOptions& options, const Clock& clock,
                       metrics::LimitMetrics& metrics)
    : enforcement_(options.enforcement), clock_(clock), metrics_(metrics) {
  for (size_t i = 0; i < kBucketCount; ++i) {
    const Rate rate = enforcement_ == Enforcement::kOff ? Rate() : options.rates[i];
    buckets_[i] = std::make_unique<TokenBuckets>(rate);
  }
}

absl::Status RateLimits::TakeCall(Work work, const std::string& principal) {
  const Bucket bucket = RuleOf(work).principal;
  const absl::Duration wait = Take(bucket, principal).wait;
  if (wait <= absl::ZeroDuration()) return absl::OkStatus();
  return RateLimited(NameOf(bucket), absl::StrCat("principal:", principal), wait);
}

std::unique_ptr<Toll> RateLimits::UserToll(Work work, absl::string_view user) {
  return TollOf(RuleOf(work).user, "user", user);
}

std::unique_ptr<Toll> RateLimits::RoomToll(Work work, absl::string_view room_id) {
  return TollOf(RuleOf(work).room, "room", room_id);
}

std::unique_ptr<Toll> RateLimits::TollOf(std::optional<Bucket> bucket, absl::string_view kind,
                                         absl::string_view key) {
  if (!bucket || key.empty() || !IsLimited(*bucket)) return nullptr;
  return std::make_unique<RateToll>(*this, *bucket, kind, key);
}

RateLimits::Taking RateLimits::Take(Bucket bucket, absl::string_view key) {
  TokenBuckets& buckets = Of(bucket);
  if (!buckets.is_limited()) return {};
  const absl::Duration wait = buckets.Take(key, clock_());
  return {.taken = wait <= absl::ZeroDuration(), .wait = Enforced(bucket, wait)};
}

absl::Duration RateLimits::WaitFor(Bucket bucket, absl::string_view key) {
  TokenBuckets& buckets = Of(bucket);
  if (!buckets.is_limited()) return absl::ZeroDuration();
  return Enforced(bucket, buckets.WaitFor(key, clock_()));
}

void RateLimits::GiveBack(Bucket bucket, absl::string_view key) {
  Of(bucket).GiveBack(key, clock_());
}

bool RateLimits::IsLimited(Bucket bucket) const {
  return buckets_[static_cast<size_t>(bucket)]->is_limited();
}

absl::Duration RateLimits::Enforced(Bucket bucket, absl::Duration wait) {
  if (wait <= absl::ZeroDuration() || enforcement_ == Enforcement::kEnforce) return wait;
  metrics_.observed.Add(NameOf(bucket));
  return absl::ZeroDuration();
}

}  // namespace innkeeper::limits
