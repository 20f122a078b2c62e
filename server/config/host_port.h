// File: server/config/host_port.h
//
// Addresses to listen on. Pure functions.

#ifndef INNKEEPER_SERVER_CONFIG_HOST_PORT_H_
#define INNKEEPER_SERVER_CONFIG_HOST_PORT_H_

#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace innkeeper {

struct HostPort {
  std::string host;  // an IPv6 address stands here without its brackets
  int port = 0;      // 0 to 65,535
};

// Reads "HOST:PORT". HOST is a DNS name, an IPv4 address or an IPv6 address in
// brackets. Returns nothing if `text` is something else.
std::optional<HostPort> ParseHostPort(absl::string_view text);

// True if only this machine can reach `host`: 127.0.0.0/8, ::1, the same as an
// IPv4-mapped address, or the name "localhost". Other names are not looked up.
bool IsLoopback(absl::string_view host);

}  // namespace innkeeper

#endif  // INNKEEPER_SERVER_CONFIG_HOST_PORT_H_
