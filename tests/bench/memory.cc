#include "tests/bench/memory.h"

#include <fstream>

#include <glog/logging.h>

namespace innkeeper::bench {

int64_t MemoryMiB(const std::string& figure) {
  std::ifstream status("/proc/self/status");
  std::string name;
  int64_t kib = 0;
  while (status >> name) {
    if (name == figure + ":" && status >> kib) return kib / 1024;
    status.ignore(1000, '\n');
  }
  LOG(FATAL) << "there is no " << figure;
}

void ResetPeakMemory() { std::ofstream("/proc/self/clear_refs") << "5"; }

}  // namespace innkeeper::bench
