// File: storage/sealing/secret.h
//
// Bytes that nobody else may see: they are wiped when they are no longer needed, and
// can't be printed by accident, neither by a stream, nor by StrCat, nor by a failing test.

#ifndef INNKEEPER_STORAGE_SEALING_SECRET_H_
#define INNKEEPER_STORAGE_SEALING_SECRET_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"

namespace innkeeper::storage {

// Movable, not copyable. Not thread-safe, but what is not changed may be read by many.
class Secret {
 public:
  Secret() = default;
  explicit Secret(size_t size) : bytes_(std::make_unique<uint8_t[]>(size)), size_(size) {}
  ~Secret();
  Secret(Secret&& other) noexcept;
  Secret& operator=(Secret&& other) noexcept;

  // `size` unpredictable bytes. Crashes if the system has no entropy.
  static Secret Random(size_t size);

  // Copies `bytes`; wiping those is left to the caller.
  static Secret Copy(absl::string_view bytes);

  uint8_t* data() { return bytes_.get(); }
  const uint8_t* data() const { return bytes_.get(); }
  size_t size() const { return size_; }

  // The bytes themselves, for what computes with them. Valid as long as this.
  absl::string_view Expose() const { return {reinterpret_cast<const char*>(bytes_.get()), size_}; }

 private:
  std::unique_ptr<uint8_t[]> bytes_;
  size_t size_ = 0;
};

// Wipes the bytes of `text`, and empties it.
void Wipe(std::string& text);

}  // namespace innkeeper::storage

#endif  // INNKEEPER_STORAGE_SEALING_SECRET_H_
