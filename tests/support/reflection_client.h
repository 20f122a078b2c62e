// File: tests/support/reflection_client.h
//
// Asks a server what it serves.

#ifndef INNKEEPER_TESTS_SUPPORT_REFLECTION_CLIENT_H_
#define INNKEEPER_TESTS_SUPPORT_REFLECTION_CLIENT_H_

#include <string>
#include <vector>

namespace innkeeper {

// The full names of the services that the server at `address` has, by server reflection,
// which has to be on. Crashes if it isn't.
std::vector<std::string> ReflectedServices(const std::string& address);

}  // namespace innkeeper

#endif  // INNKEEPER_TESTS_SUPPORT_REFLECTION_CLIENT_H_
