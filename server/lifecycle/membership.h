// File: server/lifecycle/membership.h
//
// Memberships as the API and as Matrix name them.

#ifndef INNKEEPER_SERVER_LIFECYCLE_MEMBERSHIP_H_
#define INNKEEPER_SERVER_LIFECYCLE_MEMBERSHIP_H_

#include "absl/strings/string_view.h"
#include "innkeeper/v1/room.pb.h"

namespace innkeeper::lifecycle {

// The membership that an m.room.member calls `name`; MEMBERSHIP_UNSPECIFIED if there
// is none of that name.
v1::Membership ParseMembership(absl::string_view name);

// What an m.room.member calls it; "" for MEMBERSHIP_UNSPECIFIED.
absl::string_view MembershipName(v1::Membership membership);

}  // namespace innkeeper::lifecycle

#endif  // INNKEEPER_SERVER_LIFECYCLE_MEMBERSHIP_H_
