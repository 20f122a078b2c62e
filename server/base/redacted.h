// File: server/base/redacted.h

#ifndef INNKEEPER_SERVER_BASE_REDACTED_H_
#define INNKEEPER_SERVER_BASE_REDACTED_H_

#include <openssl/crypto.h>

#include <ostream>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"

namespace innkeeper {

// A text that must not get into logs, errors or the output of tests: there "(redacted)" stands
// for it, and StrCat does not take it. Whoever needs the text says so with Expose(). It is
// wiped when it is destroyed or assigned to; the text that it was made from is not, unless it
// was moved in.
class Redacted {
 public:
  Redacted() = default;
  explicit Redacted(std::string text) : text_(std::move(text)) {}
  ~Redacted() { Wipe(); }
  Redacted(const Redacted& other) = default;
  Redacted(Redacted&& other) noexcept : text_(std::move(other.text_)) { other.Wipe(); }
  Redacted& operator=(Redacted other) noexcept {
    text_.swap(other.text_);
    return *this;
  }

  // Valid as long as this is not changed.
  const std::string& Expose() const { return text_; }
  bool empty() const { return text_.empty(); }

  friend bool operator==(const Redacted& a, const Redacted& b) = default;
  friend std::ostream& operator<<(std::ostream& out, const Redacted&) {
    return out << "(redacted)";
  }

 private:
  void Wipe() {
    text_.resize(text_.capacity());
    OPENSSL_cleanse(text_.data(), text_.size());
    text_.clear();
  }

  std::string text_;
};

}  // namespace innkeeper

#endif  // INNKEEPER_SERVER_BASE_REDACTED_H_
