#include "server/base/random.h"

#include <glog/logging.h>
#include <openssl/rand.h>

namespace innkeeper {

RandomBytes SecureRandom() {
  return [](size_t count) {
    std::string bytes(count, '\0');
    CHECK_EQ(RAND_bytes(reinterpret_cast<unsigned char*>(bytes.data()), static_cast<int>(count)), 1)
        << "the system gives no random bytes";
    return bytes;
  };
}

}  // namespace innkeeper
