// File: server/signing_key.h
//
// The file with the key that a server signs events with. It has one line, in the
// format of Synapse's key files, so that a key can come from there:
//
//   ed25519 VERSION SEED
//
// VERSION makes the key's id, ed25519:VERSION; SEED is 32 bytes in base64.

#ifndef INNKEEPER_SERVER_SIGNING_KEY_H_
#define INNKEEPER_SERVER_SIGNING_KEY_H_

#include "absl/status/statusor.h"
#include "server/base/random.h"
#include "server/config/config.h"
#include "server/rooms/signing.h"

namespace innkeeper {

// Reads the key from the file that the configuration names. If it names none, that is
// the file signing.key in the data directory, which is made if it is not there: the
// directory must be, and be used by nobody else. An error says what is wrong with the
// file, and never quotes it: among others, that others than its owner may read or
// write it.
absl::StatusOr<rooms::SigningKey> LoadSigningKey(const ServerConfig& config,
                                                 const RandomBytes& random);

}  // namespace innkeeper

#endif  // INNKEEPER_SERVER_SIGNING_KEY_H_
