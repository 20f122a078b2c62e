// File: server/server.h
//
// A whole server: the parts, wired together.

#ifndef INNKEEPER_SERVER_SERVER_H_
#define INNKEEPER_SERVER_SERVER_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/base/clock.h"
#include "server/base/random.h"
#include "server/config/config.h"

namespace rocksdb {
class Env;
}  // namespace rocksdb

namespace innkeeper {

// A server from its start to its shutdown. Thread-safe.
class Server {
 public:
  // What a server takes from the machine; tests give their own.
  struct Surroundings {
    Clock clock = SystemClock();
    RandomBytes random = SecureRandom();
    // The file system that the store is on. Null for the machine's; not owned.
    rocksdb::Env* storage_env = nullptr;
    // How long after a failed write the store is opened anew for the first time.
    absl::Duration storage_retry_period = absl::Seconds(1);
  };

  // Opens the store, gives back what interrupted upgrades left locked, and starts
  // serving. An error says what is wrong and how to mend it: with the
  // configuration, the files it names, the store or the address.
  static absl::StatusOr<std::unique_ptr<Server>> Start(const ServerConfig& config);
  static absl::StatusOr<std::unique_ptr<Server>> Start(const ServerConfig& config,
                                                       Surroundings surroundings);

  // As Shutdown(), its outcome logged.
  virtual ~Server() = default;

  // HOST:PORT, with the port that was found if the configuration asks for port 0.
  virtual const std::string& address() const = 0;

  // The same of where metrics are served; empty if they are not.
  virtual const std::string& metrics_address() const = 0;

  // Drains and stops: health turns to NOT_SERVING, streams get a last progress
  // message and UNAVAILABLE, calls under way finish (those that take longer than
  // the drain timeout are cancelled), the store is closed. Blocks. Returns what
  // closing the store returned. Idempotent.
  virtual absl::Status Shutdown() = 0;
};

}  // namespace innkeeper

#endif  // INNKEEPER_SERVER_SERVER_H_
