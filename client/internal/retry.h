// File: client/internal/retry.h
//
// When a unary call is tried again.

#ifndef INNKEEPER_CLIENT_INTERNAL_RETRY_H_
#define INNKEEPER_CLIENT_INTERNAL_RETRY_H_

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "client/options.h"
#include "client/surroundings.h"

namespace innkeeper::client_internal {

// Makes attempts until one comes to an end that another would not change, or until
// there is no time for another before `deadline`; returns the outcome of the last one.
// Waits between them as long as `backoff` has it, and longer by what the server asks
// for. To be used only if two attempts do no more than one. Blocks. Once `stop` is notified
// there is no other attempt.
absl::Status CallWithRetries(const BackoffOptions& backoff, const ClientSurroundings& surroundings,
                             absl::Time deadline, absl::FunctionRef<absl::Status()> attempt,
                             const absl::Notification& stop);

// The same, to be stopped by nobody.
absl::Status CallWithRetries(const BackoffOptions& backoff, const ClientSurroundings& surroundings,
                             absl::Time deadline, absl::FunctionRef<absl::Status()> attempt);

}  // namespace innkeeper::client_internal

#endif  // INNKEEPER_CLIENT_INTERNAL_RETRY_H_
