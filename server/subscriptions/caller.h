// File: server/subscriptions/caller.h

#ifndef INNKEEPER_SERVER_SUBSCRIPTIONS_CALLER_H_
#define INNKEEPER_SERVER_SUBSCRIPTIONS_CALLER_H_

#include <string>

#include "server/base/audience.h"

namespace innkeeper::subscriptions {

// Who asks.
struct Caller {
  std::string principal;
  bool is_admin = false;                           // may do everything with all subscriptions
  AudienceScope audiences = AudienceScope::All();  // whose events it may see

  bool MayKnowOfThoseOf(const std::string& owner) const { return is_admin || principal == owner; }
};

}  // namespace innkeeper::subscriptions

#endif  // INNKEEPER_SERVER_SUBSCRIPTIONS_CALLER_H_
