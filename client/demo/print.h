// File: client/demo/print.h

#ifndef INNKEEPER_CLIENT_DEMO_PRINT_H_
#define INNKEEPER_CLIENT_DEMO_PRINT_H_

#include <cstdio>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace innkeeper {

// Prints a line at once.
inline void Print(absl::string_view line) {
  std::fputs(absl::StrCat(line, "\n").c_str(), stdout);
  std::fflush(stdout);
}

}  // namespace innkeeper

#endif  // INNKEEPER_CLIENT_DEMO_PRINT_H_
