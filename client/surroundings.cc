#include "client/surroundings.h"

#include <random>

namespace innkeeper {

uint64_t ClientSurroundings::RandomBits() {
  std::random_device device;
  return uint64_t{device()} << 32 | device();
}

}  // namespace innkeeper
