// File: tests/support/http_get.h

#ifndef INNKEEPER_TESTS_SUPPORT_HTTP_GET_H_
#define INNKEEPER_TESTS_SUPPORT_HTTP_GET_H_

#include <string>

namespace innkeeper {

// Sends GET for `path` to the port of `address`, such as "127.0.0.1:9464", on the loopback;
// returns all that is answered, the status line and the headers included. Crashes if nobody
// listens there.
std::string HttpGet(const std::string& address, const std::string& path);

}  // namespace innkeeper

#endif  // INNKEEPER_TESTS_SUPPORT_HTTP_GET_H_
