// File: server/subscriptions/progress_update.h
//
// What of a subscription's delivery goes to the disk.

#ifndef INNKEEPER_SERVER_SUBSCRIPTIONS_PROGRESS_UPDATE_H_
#define INNKEEPER_SERVER_SUBSCRIPTIONS_PROGRESS_UPDATE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/lifecycle/transaction.h"
#include "server/subscriptions/buckets.h"
#include "server/subscriptions/ledger.h"
#include "storage/records.pb.h"
#include "storage/room_store.h"

namespace innkeeper::subscriptions {

// At most this many events of a subscription are parked.
inline constexpr int64_t kMaxParkedEvents = 10'000;

// How far deliveries have come since the last update.
struct ProgressUpdate {
  std::string name;
  uint64_t uid = 0;
  // As of the record that the delivery began with.
  int64_t seek_count = 0;
  Positions positions = {};
  // Those that the positions have passed.
  std::vector<Ledger::GivenUp> given_up;
  std::vector<Ledger::ReplayEnd> replay_ends;
};

// Adds an update to what is stored: positions only rise, so that the outcome is right
// however many write at the same time. If the subscription was moved to another place
// meanwhile, the positions are left as they are. Returns the new record.
//
// Errors: SUBSCRIPTION_NOT_FOUND if the subscription is gone, also when another has its
// name; those of RoomReader.
absl::StatusOr<lifecycle::Outcome<storage::SubscriptionProgressRecord>> UpdateProgress(
    const ProgressUpdate& update, const storage::RoomReader& reader, absl::Time now);

// The name under which the writes to a subscription take turns (lifecycle::Write).
std::string TurnOf(const std::string& name);

// The record's positions. DATA_LOSS if it does not have one for each bucket.
absl::StatusOr<Positions> PositionsIn(const storage::SubscriptionProgressRecord& record);

}  // namespace innkeeper::subscriptions

#endif  // INNKEEPER_SERVER_SUBSCRIPTIONS_PROGRESS_UPDATE_H_
