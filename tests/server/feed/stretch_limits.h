// File: tests/server/feed/stretch_limits.h

#ifndef INNKEEPER_TESTS_SERVER_FEED_STRETCH_LIMITS_H_
#define INNKEEPER_TESTS_SERVER_FEED_STRETCH_LIMITS_H_

#include "server/feed/logged_commit.h"

namespace innkeeper::feed {

// More than the stretches of these tests need.
inline constexpr StretchLimits kAmple = {1000, 1 << 20};

}  // namespace innkeeper::feed

#endif  // INNKEEPER_TESTS_SERVER_FEED_STRETCH_LIMITS_H_
