// File: server/base/jitter.h
//
// Spreading in time what would otherwise happen in step.

#ifndef INNKEEPER_SERVER_BASE_JITTER_H_
#define INNKEEPER_SERVER_BASE_JITTER_H_

#include "absl/time/time.h"
#include "server/base/random.h"

namespace innkeeper {

// Returns a duration drawn evenly from within 10 % of `duration`.
absl::Duration WithJitter(absl::Duration duration, const RandomBytes& random);

}  // namespace innkeeper

#endif  // INNKEEPER_SERVER_BASE_JITTER_H_
