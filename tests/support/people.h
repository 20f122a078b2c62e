// File: tests/support/people.h
//
// Users of tests' servers that are called example.org.

#ifndef INNKEEPER_TESTS_SUPPORT_PEOPLE_H_
#define INNKEEPER_TESTS_SUPPORT_PEOPLE_H_

namespace innkeeper {

inline constexpr char kAlice[] = "@alice:example.org";
inline constexpr char kBob[] = "@bob:example.org";

}  // namespace innkeeper

#endif  // INNKEEPER_TESTS_SUPPORT_PEOPLE_H_
