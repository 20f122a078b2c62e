// File: tests/client/tcp_proxy.h
//
// A bad network between a client and a server.

#ifndef INNKEEPER_TESTS_CLIENT_TCP_PROXY_H_
#define INNKEEPER_TESTS_CLIENT_TCP_PROXY_H_

#include <poll.h>

#include <cstddef>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace innkeeper {

// Passes TCP connections to 127.0.0.1 on to a server there, and breaks them when told
// to. Thread-safe.
class TcpProxy {
 public:
  // The address of a server, as "127.0.0.1:PORT", or "" for none: connections are then
  // reset as they come.
  explicit TcpProxy(const std::string& server);

  // Resets all connections.
  ~TcpProxy();

  TcpProxy(const TcpProxy&) = delete;
  TcpProxy& operator=(const TcpProxy&) = delete;

  const std::string& address() const { return address_; }

  // Where connections made from now on go.
  void SetServer(const std::string& server);

  // Resets all connections.
  void Cut();

  // Resets each connection made from now on once `bytes()` bytes have gone through it
  // to the client.
  void CutEachAfter(std::function<size_t()> bytes);

  // Nothing goes to clients any more, until Release(); what comes for them waits.
  void Hold();
  void Release();

  // How many connections there were.
  int connections() const;

  // Waits until there were `count` connections.
  void AwaitConnections(int count) const;

 private:
  // A client's connection and ours to the server for it.
  struct Link {
    int client;
    int server;
    size_t bytes_left;      // that may still go to the client
    std::string to_client;  // read and not yet written
    std::string to_server;
    bool broken = false;
  };

  // The thread's.
  void Run();
  bool Step();
  std::vector<pollfd> Interests() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Accept() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Move(Link& link) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void DropBroken() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  void Wake() const;

  int listener_ = -1;
  int wake_ = -1;
  std::string address_;

  mutable absl::Mutex mutex_;
  std::string server_ ABSL_GUARDED_BY(mutex_);
  std::function<size_t()> bytes_ ABSL_GUARDED_BY(mutex_);
  bool held_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
  int connections_ ABSL_GUARDED_BY(mutex_) = 0;
  std::vector<Link> links_ ABSL_GUARDED_BY(mutex_);

  std::thread thread_;
};

}  // namespace innkeeper

#endif  // INNKEEPER_TESTS_CLIENT_TCP_PROXY_H_
