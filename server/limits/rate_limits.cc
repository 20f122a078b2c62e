#include "server/limits/rate_limits.h"

#include <glog/logging.h>

#include <utility>
#include <vector>

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

// A token of a bucket, and whose bucket it is.
struct Charge {
  Bucket bucket;
  absl::string_view kind;  // of the key: "user" or "room"
  std::string key;
  bool taken = false;  // what is only observed is paid without a token
};

absl::Status Refusal(const Charge& charge, absl::Duration wait) {
  const std::string subject = absl::StrCat(charge.kind, ":", charge.key);
  if (charge.bucket == Bucket::kCreations) return CreationRateLimited(subject, wait);
  return RateLimited(NameOf(charge.bucket), subject, wait);
}

class RateToll final : public Toll {
 public:
  RateToll(RateLimits& limits, std::vector<Charge> charges)
      : limits_(limits), charges_(std::move(charges)) {}

  absl::Status Pay() override {
    for (; paid_ < charges_.size(); ++paid_) {
      Charge& charge = charges_[paid_];
      const auto [taken, wait] = limits_.Take(charge.bucket, charge.key);
      if (wait > absl::ZeroDuration()) {
        GiveBack();
        return Refusal(charge, wait);
      }
      charge.taken = taken;
    }
    return absl::OkStatus();
  }

  void GiveBack() override {
    for (; paid_ > 0; --paid_) {
      const Charge& charge = charges_[paid_ - 1];
      if (charge.taken) limits_.GiveBack(charge.bucket, charge.key);
    }
  }

 private:
  RateLimits& limits_;
  std::vector<Charge> charges_;
  size_t paid_ = 0;  // of them
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

std::unique_ptr<Toll> RateLimits::TollFor(Work work, absl::string_view user,
                                          absl::string_view room_id) {
  const Rule rule = RuleOf(work);
  std::vector<Charge> charges;
  const auto charge = [&](std::optional<Bucket> bucket, absl::string_view kind,
                          absl::string_view key) {
    if (!bucket || key.empty() || !IsLimited(*bucket)) return;
    charges.push_back({*bucket, kind, std::string(key)});
  };
  charge(rule.user, "user", user);
  charge(rule.room, "room", room_id);
  if (charges.empty()) return nullptr;
  return std::make_unique<RateToll>(*this, std::move(charges));
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
