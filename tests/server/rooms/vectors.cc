#include "tests/server/rooms/vectors.h"

#include <glog/logging.h>

#include <fstream>
#include <sstream>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace innkeeper::rooms {

const Json& Vectors() {
  static const Json& vectors = *new Json([] {
    std::ifstream file(absl::StrCat(INNKEEPER_TESTDATA, "/vectors.json"));
    std::stringstream text;
    text << file.rdbuf();
    return ParseJson(text.str()).value();
  }());
  return vectors;
}

std::string FromBase64(absl::string_view text) {
  std::string bytes;
  CHECK(absl::Base64Unescape(text, &bytes)) << "no base64: " << text;
  return bytes;
}

}  // namespace innkeeper::rooms
