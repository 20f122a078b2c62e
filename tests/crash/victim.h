// File: tests/crash/victim.h
//
// A server that dies at random moments.

#ifndef INNKEEPER_TESTS_CRASH_VICTIM_H_
#define INNKEEPER_TESTS_CRASH_VICTIM_H_

#include <memory>
#include <random>
#include <string>

#include "absl/time/time.h"
#include "tests/crash/violations.h"
#include "tests/support/child_process.h"
#include "tests/support/temp_dir.h"

namespace innkeeper::crash {

// An innkeeper-server that is killed, and started again on the same store. Its principals
// are those of tests/support/test_server.h. One thread uses it.
class Victim {
 public:
  // How often it died.
  struct Deaths {
    int kills = 0;
    int while_starting = 0;  // of them
    int terminations = 0;    // it was told to end, and did
  };

  // `random` and `violations` must outlive it.
  Victim(std::string program, std::mt19937_64& random, Violations& violations);

  // Starts it, now and then after starts that a kill cuts off. It is at another address
  // after each start.
  void Start();

  // Waits a random while and kills it, or now and then tells it to end. True if it drained.
  bool End();

  // Puts a new master key before those so far, so that the store is sealed anew: the
  // server may have seen any of them.
  void ChangeMasterKey();

  // Leaves the store and the server's log where they are, and returns where that is.
  std::string Keep();

  const std::string& address() const { return address_; }
  const Deaths& deaths() const { return deaths_; }
  absl::Duration longest_start() const { return longest_start_; }

 private:
  void Spawn();
  void Kill();
  void Terminate();
  bool OneIn(int n);
  absl::Duration AnyDelay();

  const std::string program_;
  std::mt19937_64& random_;
  Violations& violations_;
  TempDir dir_;
  std::string master_keys_;
  std::unique_ptr<ChildProcess> process_;
  std::string address_;
  Deaths deaths_;
  absl::Duration start_duration_ = absl::Milliseconds(50);
  absl::Duration longest_start_;
};

}  // namespace innkeeper::crash

#endif  // INNKEEPER_TESTS_CRASH_VICTIM_H_
