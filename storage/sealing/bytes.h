// File: storage/sealing/bytes.h

#ifndef INNKEEPER_STORAGE_SEALING_BYTES_H_
#define INNKEEPER_STORAGE_SEALING_BYTES_H_

#include <cstdint>

#include "absl/strings/string_view.h"

namespace innkeeper::storage {

// `text` as OpenSSL takes it.
inline const uint8_t* Bytes(absl::string_view text) {
  return reinterpret_cast<const uint8_t*>(text.data());
}

}  // namespace innkeeper::storage

#endif  // INNKEEPER_STORAGE_SEALING_BYTES_H_
