#include "client/options.h"

#include <fstream>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace innkeeper {

TokenProvider FixedToken(std::string token) {
  return [token = std::move(token)] { return token; };
}

TokenProvider TokenFile(std::string path) {
  return [path = std::move(path)]() -> absl::StatusOr<std::string> {
    std::ifstream file(path);
    std::string line;
    std::getline(file, line);
    std::string token(absl::StripAsciiWhitespace(line));
    if (token.empty()) {
      return absl::UnauthenticatedError(absl::StrCat("there is no token to be read in ", path));
    }
    return token;
  };
}

}  // namespace innkeeper
