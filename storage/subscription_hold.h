// File: storage/subscription_hold.h
//
// What of the log durable subscriptions still need.

#ifndef INNKEEPER_STORAGE_SUBSCRIPTION_HOLD_H_
#define INNKEEPER_STORAGE_SUBSCRIPTION_HOLD_H_

#include <optional>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "storage/engine.h"
#include "storage/records.pb.h"

namespace innkeeper::storage {

// The position up to which a subscription has gone through the whole log.
LogPosition PositionOf(const SubscriptionProgressRecord& progress);

// Returns the lowest position that a durable subscription holds: the first entry of
// the log, there already or yet to come, that some subscription has still to go through.
// Whoever trims the log passes TrimLog() nothing above it. Nothing if there are no
// subscriptions that hold anything.
//
// A subscription that has not moved for longer than `hold`, although the entry that
// comes next for it is older than that, loses its hold; with a `hold` of zero none ever
// does. So does one whose next entry is gone from the log already.
//
// Reads one small record for each subscription, and at most one entry of the log for
// each that lags. Blocks. Errors: those of RoomReader and of Engine::ReadLog.
absl::StatusOr<std::optional<LogPosition>> LowestHeldPosition(const Engine& engine, absl::Time now,
                                                              absl::Duration hold);

}  // namespace innkeeper::storage

#endif  // INNKEEPER_STORAGE_SUBSCRIPTION_HOLD_H_
