#include "tests/fuzz/mutator.h"

#include <algorithm>
#include <cstddef>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

namespace innkeeper::fuzz {
namespace {

constexpr size_t kMaxChanges = 6;
constexpr size_t kMaxWordBytes = 64;
constexpr size_t kMaxInputBytes = size_t{256} << 10;

const char* const kHostileWords[] = {"0",
                                     "-1",
                                     "-0",
                                     "1e3",
                                     "9007199254740992",
                                     "18446744073709551616",
                                     "1e999",
                                     "null",
                                     "true",
                                     "[]",
                                     "{}",
                                     "\"",
                                     "\\",
                                     "\\u0000",
                                     "\\ud800",
                                     "\n",
                                     "@",
                                     "*"};

// Words and what stands between them: what a seed is put together from.
void AddWords(const std::string& text, std::set<std::string>& words) {
  std::string word;
  for (const char c : text + " ") {
    if (absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '.') {
      word += c;
      continue;
    }
    if (!word.empty() && word.size() <= kMaxWordBytes) words.insert(word);
    word.clear();
  }
}

}  // namespace

Mutator::Mutator(std::vector<std::string> seeds) : seeds_(std::move(seeds)), random_(1) {
  if (seeds_.empty()) seeds_.emplace_back();
  std::set<std::string> words(std::begin(kHostileWords), std::end(kHostileWords));
  for (const std::string& seed : seeds_) AddWords(seed, words);
  words_.assign(words.begin(), words.end());
}

std::string Mutator::Next() {
  std::string text = seeds_[Below(seeds_.size())];
  for (size_t changes = 1 + Below(kMaxChanges); changes > 0; --changes) Change(text);
  if (text.size() > kMaxInputBytes) text.resize(kMaxInputBytes);
  return text;
}

Mutator::Stretch Mutator::Pick(const std::string& text, size_t max_length) {
  if (text.empty()) return {};
  const size_t offset = Below(text.size());
  return {offset, 1 + Below(std::min(max_length, text.size() - offset))};
}

void Mutator::Change(std::string& text) {
  const Stretch stretch = Pick(text, 16);
  switch (Below(8)) {
    case 0:
      return ChangeLines(text);
    case 1:
      text.erase(stretch.offset, stretch.length);
      return;
    case 2:
      text.insert(stretch.offset, text.substr(stretch.offset, stretch.length));
      return;
    case 3:
    case 4: {
      // A word in the place of another.
      size_t end = stretch.offset;
      while (end < text.size() && absl::ascii_isalnum(static_cast<unsigned char>(text[end]))) ++end;
      text.replace(stretch.offset, end - stretch.offset, words_[Below(words_.size())]);
      return;
    }
    case 5: {
      const std::string& other = seeds_[Below(seeds_.size())];
      const Stretch taken = Pick(other, 256);
      text.insert(stretch.offset, other, taken.offset, taken.length);
      return;
    }
    default:
      return ChangeByte(text);
  }
}

void Mutator::ChangeByte(std::string& text) {
  if (text.empty()) {
    text.push_back(static_cast<char>(random_()));
    return;
  }
  char& byte = text[Below(text.size())];
  switch (Below(3)) {
    case 0:
      byte = static_cast<char>(byte ^ (1 << Below(8)));
      return;
    case 1:
      byte = static_cast<char>(random_());
      return;
    default:
      byte = "0123456789\"{}[],:\\-.\n\0\x01\xff"[Below(24)];
  }
}

void Mutator::ChangeLines(std::string& text) {
  std::vector<std::string> lines = absl::StrSplit(text, '\n');
  const size_t one = Below(lines.size());
  const size_t other = Below(lines.size());
  switch (Below(3)) {
    case 0:
      std::swap(lines[one], lines[other]);
      break;
    case 1:
      lines.insert(lines.begin() + static_cast<ptrdiff_t>(one), std::string(lines[other]));
      break;
    default:
      lines.erase(lines.begin() + static_cast<ptrdiff_t>(one));
  }
  text = absl::StrJoin(lines, "\n");
}

}  // namespace innkeeper::fuzz
