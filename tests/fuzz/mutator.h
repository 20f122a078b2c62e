// File: tests/fuzz/mutator.h
//
// Inputs for fuzz targets, made from seeds without knowing what they reach: for builds
// without libFuzzer.

#ifndef INNKEEPER_TESTS_FUZZ_MUTATOR_H_
#define INNKEEPER_TESTS_FUZZ_MUTATOR_H_

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace innkeeper::fuzz {

// Makes the same inputs from the same seeds, in the same order. Not thread-safe.
class Mutator {
 public:
  explicit Mutator(std::vector<std::string> seeds);

  // Returns a seed with a few changes: bits, bytes, numbers, words and lines of other seeds.
  std::string Next();

 private:
  size_t Below(size_t end) { return static_cast<size_t>(random_() % end); }

  // Any stretch of `text`, as offset and length.
  struct Stretch {
    size_t offset = 0;
    size_t length = 0;
  };
  Stretch Pick(const std::string& text, size_t max_length);

  void Change(std::string& text);
  void ChangeByte(std::string& text);
  void ChangeLines(std::string& text);

  std::vector<std::string> seeds_;
  std::vector<std::string> words_;  // of all seeds, and some that are often mishandled
  std::mt19937_64 random_;
};

}  // namespace innkeeper::fuzz

#endif  // INNKEEPER_TESTS_FUZZ_MUTATOR_H_
