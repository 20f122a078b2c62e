// File: tests/fuzz/fuzz_target.h
//
// What a fuzz target defines. tests/fuzz/main.cc calls it with one input after another.

#ifndef INNKEEPER_TESTS_FUZZ_FUZZ_TARGET_H_
#define INNKEEPER_TESTS_FUZZ_FUZZ_TARGET_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace innkeeper::fuzz {

// Gives `input` to the code under test and CHECKs what must hold whatever the input is.
// Does the same every time: no time, no randomness, nothing left from one call to the next.
void TestOneInput(absl::string_view input);

// Inputs to start from beside the files of the target's seed directory, for those that are
// better made by the product's own encoders than kept: they can't go out of date.
std::vector<std::string> MadeSeeds();

}  // namespace innkeeper::fuzz

#endif  // INNKEEPER_TESTS_FUZZ_FUZZ_TARGET_H_
