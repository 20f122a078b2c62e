#include "server/base/jitter.h"

#include <cstdint>
#include <string>

namespace innkeeper {

absl::Duration WithJitter(absl::Duration duration, const RandomBytes& random) {
  const std::string bytes = random(2);
  const double drawn = (static_cast<uint8_t>(bytes[0]) * 256 + static_cast<uint8_t>(bytes[1])) /
                       65535.0;  // within [0, 1]
  return duration * (0.9 + 0.2 * drawn);
}

}  // namespace innkeeper
