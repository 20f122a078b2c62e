// File: tests/bench/memory.h
//
// What this process takes of memory.

#ifndef INNKEEPER_TESTS_BENCH_MEMORY_H_
#define INNKEEPER_TESTS_BENCH_MEMORY_H_

#include <cstdint>
#include <string>

namespace innkeeper::bench {

// A figure of /proc/self/status, in MiB, such as "VmRSS": what is resident, or "VmHWM": the
// most that was. There must be one of that name.
int64_t MemoryMiB(const std::string& figure);

// From now on VmHWM tells the most since now.
void ResetPeakMemory();

}  // namespace innkeeper::bench

#endif  // INNKEEPER_TESTS_BENCH_MEMORY_H_
