#include "client/internal/backoff.h"

#include <algorithm>
#include <cmath>

namespace innkeeper::client_internal {

absl::Duration Backoff::Next() {
  const absl::Duration ceiling = std::min(ceiling_, options_.maximum);
  ceiling_ = std::min(ceiling * options_.multiplier, options_.maximum);
  return ceiling * std::ldexp(static_cast<double>(random_()), -64);
}

}  // namespace innkeeper::client_internal
