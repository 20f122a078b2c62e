// File: server/limits/toll.h
//
// What a write costs beside its work.

#ifndef INNKEEPER_SERVER_LIMITS_TOLL_H_
#define INNKEEPER_SERVER_LIMITS_TOLL_H_

#include <memory>
#include <vector>

#include "absl/status/status.h"

namespace innkeeper::limits {

// What one write takes of something that is limited. For one thread at a time.
class Toll {
 public:
  virtual ~Toll() = default;

  // Takes it, unless it was taken already. RESOURCE_EXHAUSTED if there is too little; nothing
  // is taken then.
  virtual absl::Status Pay() = 0;

  // Puts back what was taken, if anything was: the write changes nothing.
  virtual void GiveBack() = 0;
};

using Tolls = std::vector<std::unique_ptr<Toll>>;

inline void GiveBack(const Tolls& tolls) {
  for (const auto& toll : tolls) toll->GiveBack();
}

// Takes all of them or none.
inline absl::Status Pay(const Tolls& tolls) {
  for (const auto& toll : tolls) {
    absl::Status paid = toll->Pay();
    if (paid.ok()) continue;
    GiveBack(tolls);
    return paid;
  }
  return absl::OkStatus();
}

}  // namespace innkeeper::limits

#endif  // INNKEEPER_SERVER_LIMITS_TOLL_H_
