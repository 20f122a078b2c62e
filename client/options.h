// File: client/options.h
//
// How a client reaches a server and how patient it is.

#ifndef INNKEEPER_CLIENT_OPTIONS_H_
#define INNKEEPER_CLIENT_OPTIONS_H_

#include <functional>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace innkeeper {

// Returns the bearer token for the next attempt at a call. Called on the thread that
// makes the call; must be thread-safe. Its error is the outcome of the attempt.
using TokenProvider = std::function<absl::StatusOr<std::string>()>;

// Always the same token.
TokenProvider FixedToken(std::string token);

// The first line of a file, without white space around it. The file is read for every
// attempt, so that a token can be replaced while the application runs. Error:
// UNAUTHENTICATED if there is no token to be read.
TokenProvider TokenFile(std::string path);

// Transport security. All fields are PEM texts.
struct TlsOptions {
  // The authorities that the server's certificate is checked against. Default: the
  // machine's.
  std::string root_certificates;
  // The client's own certificate chain and its key, if the server asks for one.
  std::string certificate_chain;
  std::string private_key;
};

// How long to wait before something is tried again: a time drawn evenly from 0 to a
// ceiling, which is `initial` at first and grows by `multiplier` each time, up to
// `maximum`.
struct BackoffOptions {
  absl::Duration initial = absl::Milliseconds(100);
  absl::Duration maximum = absl::Seconds(10);
  double multiplier = 2;
};

struct ClientOptions {
  // The server, as HOST:PORT or another gRPC target. Required.
  std::string endpoint;
  // Without it the connection is plain text, which shows the token to everybody on
  // the way: only for a server on the same machine, or behind a proxy there.
  std::optional<TlsOptions> tls = TlsOptions();
  // Who calls. Without it no token is sent, and every call is refused, unless the client's
  // certificate in `tls` says who calls.
  TokenProvider token;
  // How long a unary call may take, all attempts together.
  absl::Duration timeout = absl::Seconds(60);
  // A connection on which a call waits and nothing comes for this long is checked, and
  // given up if half of that later there is no answer. Innkeeper allows 10 s and more.
  absl::Duration keepalive_time = absl::Seconds(20);
  // Between two attempts at a call, and before a broken watch is taken up again.
  BackoffOptions backoff;
};

}  // namespace innkeeper

#endif  // INNKEEPER_CLIENT_OPTIONS_H_
