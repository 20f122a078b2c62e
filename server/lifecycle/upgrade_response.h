// File: server/lifecycle/upgrade_response.h
//
// What the caller of UpgradeRoom is told of an upgrade's report.

#ifndef INNKEEPER_SERVER_LIFECYCLE_UPGRADE_RESPONSE_H_
#define INNKEEPER_SERVER_LIFECYCLE_UPGRADE_RESPONSE_H_

#include "innkeeper/v1/room_lifecycle.pb.h"
#include "innkeeper/v1/room_upgrade.pb.h"
#include "server/rooms/upgrade_report.h"

namespace innkeeper::lifecycle {

// Sets the counts of members, what could not be moved, and what other rooms say.
void SetReport(const rooms::UpgradeReport& report, v1::UpgradeRoomResponse* response);

// Sets what could not be moved, and what other rooms say.
void SetReport(const rooms::UpgradeReport& report, v1::LinkUpgradeResponse* response);

v1::UpgradePlan PlanOf(const rooms::UpgradeReport& report);

}  // namespace innkeeper::lifecycle

#endif  // INNKEEPER_SERVER_LIFECYCLE_UPGRADE_RESPONSE_H_
