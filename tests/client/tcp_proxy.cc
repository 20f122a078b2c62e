#include "tests/client/tcp_proxy.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <glog/logging.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <limits>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace innkeeper {
namespace {

sockaddr_in Loopback(int port) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  return address;
}

int PortOf(absl::string_view address) {
  int port = 0;
  CHECK(absl::SimpleAtoi(address.substr(address.rfind(':') + 1), &port)) << address;
  return port;
}

// Returns a socket that does not block, or -1.
int Connect(const std::string& server) {
  if (server.empty()) return -1;
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  PCHECK(socket >= 0);
  const sockaddr_in address = Loopback(PortOf(server));
  if (connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    close(socket);
    return -1;
  }
  PCHECK(fcntl(socket, F_SETFL, O_NONBLOCK) == 0);
  return socket;
}

void CloseWithReset(int socket) {
  if (socket < 0) return;
  const linger reset = {1, 0};
  setsockopt(socket, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
  close(socket);
}

// Reads what is there. Returns false at the end of the connection.
bool Read(int socket, std::string& bytes) {
  char buffer[16 << 10];
  const ssize_t count = read(socket, buffer, sizeof(buffer));
  if (count > 0) bytes.append(buffer, static_cast<size_t>(count));
  return count > 0 || (count < 0 && errno == EAGAIN);
}

// Writes up to `limit` of the bytes, as far as the connection takes them, and removes
// them. Returns how many, or -1 at the end of the connection.
ssize_t Write(int socket, size_t limit, std::string& bytes) {
  const ssize_t count = send(socket, bytes.data(), std::min(limit, bytes.size()), MSG_NOSIGNAL);
  if (count < 0) return errno == EAGAIN ? 0 : -1;
  bytes.erase(0, static_cast<size_t>(count));
  return count;
}

}  // namespace

TcpProxy::TcpProxy(const std::string& server)
    : server_(server), bytes_([] { return std::numeric_limits<size_t>::max(); }) {
  wake_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  PCHECK(wake_ >= 0 && listener_ >= 0);
  sockaddr_in address = Loopback(0);
  socklen_t size = sizeof(address);
  PCHECK(bind(listener_, reinterpret_cast<const sockaddr*>(&address), size) == 0);
  PCHECK(listen(listener_, SOMAXCONN) == 0);
  PCHECK(getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  address_ = absl::StrCat("127.0.0.1:", ntohs(address.sin_port));
  thread_ = std::thread([this] { Run(); });
}

TcpProxy::~TcpProxy() {
  {
    absl::MutexLock lock(&mutex_);
    stopped_ = true;
  }
  Wake();
  thread_.join();
  Cut();
  close(listener_);
  close(wake_);
}

void TcpProxy::SetServer(const std::string& server) {
  absl::MutexLock lock(&mutex_);
  server_ = server;
}

void TcpProxy::Cut() {
  {
    absl::MutexLock lock(&mutex_);
    for (Link& link : links_) link.broken = true;
    DropBroken();
  }
  Wake();
}

void TcpProxy::CutEachAfter(std::function<size_t()> bytes) {
  absl::MutexLock lock(&mutex_);
  bytes_ = std::move(bytes);
}

void TcpProxy::Hold() {
  absl::MutexLock lock(&mutex_);
  held_ = true;
}

void TcpProxy::Release() {
  {
    absl::MutexLock lock(&mutex_);
    held_ = false;
  }
  Wake();
}

int TcpProxy::connections() const {
  absl::MutexLock lock(&mutex_);
  return connections_;
}

void TcpProxy::AwaitConnections(int count) const {
  absl::MutexLock lock(&mutex_);
  const auto there_were = [&]()
                              ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return connections_ >= count; };
  mutex_.Await(absl::Condition(&there_were));
}

void TcpProxy::Wake() const { PCHECK(eventfd_write(wake_, 1) == 0); }

void TcpProxy::Run() {
  std::vector<pollfd> sockets;
  do {
    {
      absl::MutexLock lock(&mutex_);
      sockets = Interests();
    }
    PCHECK(poll(sockets.data(), sockets.size(), -1) >= 0 || errno == EINTR);
  } while (Step());
}

// What there is to wait for.
std::vector<pollfd> TcpProxy::Interests() const {
  std::vector<pollfd> sockets = {{wake_, POLLIN, 0}, {listener_, POLLIN, 0}};
  const auto add = [&](int socket, bool may_read, bool may_write) {
    const int events = (may_read ? POLLIN : 0) | (may_write ? POLLOUT : 0);
    sockets.push_back({socket, static_cast<int16_t>(events), 0});
  };
  for (const Link& link : links_) {
    add(link.client, link.to_server.empty(), !held_ && !link.to_client.empty());
    add(link.server, link.to_client.empty(), !link.to_server.empty());
  }
  return sockets;
}

// Returns false when the proxy is stopped.
bool TcpProxy::Step() {
  eventfd_t ignored;
  eventfd_read(wake_, &ignored);
  absl::MutexLock lock(&mutex_);
  if (stopped_) return false;
  Accept();
  for (Link& link : links_) Move(link);
  DropBroken();
  return true;
}

void TcpProxy::Accept() {
  const int client = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (client < 0) return;
  ++connections_;
  const int one = 1;
  setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
  const int server = Connect(server_);
  links_.push_back({client, server, bytes_()});
  links_.back().broken = server < 0;
}

void TcpProxy::Move(Link& link) {
  if (link.broken) return;
  bool alive = !link.to_server.empty() || Read(link.client, link.to_server);
  alive = alive && (!link.to_client.empty() || Read(link.server, link.to_client));
  if (!link.to_server.empty()) {
    alive = alive && Write(link.server, link.to_server.size(), link.to_server) >= 0;
  }
  if (!held_ && !link.to_client.empty()) {
    const ssize_t count = Write(link.client, link.bytes_left, link.to_client);
    alive = alive && count >= 0;
    link.bytes_left -= static_cast<size_t>(std::max<ssize_t>(count, 0));
  }
  link.broken = !alive || link.bytes_left == 0;
}

void TcpProxy::DropBroken() {
  for (const Link& link : links_) {
    if (!link.broken) continue;
    CloseWithReset(link.client);
    CloseWithReset(link.server);
  }
  links_.erase(
      std::remove_if(links_.begin(), links_.end(), [](const Link& link) { return link.broken; }),
      links_.end());
}

}  // namespace innkeeper
