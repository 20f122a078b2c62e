// File: server/master_keys.h
//
// Where the master keys of a sealed store come from.

#ifndef INNKEEPER_SERVER_MASTER_KEYS_H_
#define INNKEEPER_SERVER_MASTER_KEYS_H_

#include <string>

#include "absl/status/statusor.h"
#include "server/config/config.h"
#include "storage/sealing/master_key.h"

namespace innkeeper {

// Returns the path of the file that the master keys are read from, if no command gives them.
std::string MasterKeyPath(const ServerConfig& config);

// Reads the master keys from the file that the configuration names, or from what the command
// writes that it names. If it names neither, that is the file master.key in the data directory,
// which is made if it is not there and `may_make`: the directory must be, and be used by nobody
// else. Blocks as long as the command runs. An error says what is wrong with the option, and
// never quotes a key: among others, that others than its owner may read or write the file.
absl::StatusOr<storage::MasterKeys> LoadMasterKeys(const ServerConfig& config, bool may_make);

}  // namespace innkeeper

#endif  // INNKEEPER_SERVER_MASTER_KEYS_H_
