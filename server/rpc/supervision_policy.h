// File: server/rpc/supervision_policy.h

#ifndef INNKEEPER_SERVER_RPC_SUPERVISION_POLICY_H_
#define INNKEEPER_SERVER_RPC_SUPERVISION_POLICY_H_

#include "absl/time/time.h"

namespace innkeeper::rpc {

// What another principal has to approve before it is carried out.
struct SupervisionPolicy {
  bool upgrades = false;
  bool creation = false;
  absl::Duration timeout = absl::Hours(24);  // how long it waits at most
};

}  // namespace innkeeper::rpc

#endif  // INNKEEPER_SERVER_RPC_SUPERVISION_POLICY_H_
