#include "server/auth/jwt.h"

#include <cstdint>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "server/auth/strict_json.h"

namespace innkeeper::auth {
namespace {

using Json = nlohmann::json;

// Beyond the year 9999, or before 1970, nothing is a time.
constexpr double kMaxSeconds = 253'402'300'800;

// The object that one part of a token is; nothing if it is none.
std::optional<Json> ObjectIn(absl::string_view part) {
  const std::optional<std::string> text = DecodeBase64Url(part);
  if (!text) return std::nullopt;
  absl::StatusOr<Json> json = ParseStrictJson(*text);
  if (!json.ok() || !json->is_object()) return std::nullopt;
  return *std::move(json);
}

// The text of a member; "" if it has none.
std::string TextOf(const Json& object, const char* name) {
  const auto value = object.find(name);
  return value != object.end() && value->is_string() ? value->get<std::string>() : "";
}

// The time that a member is; nothing if it is none.
std::optional<absl::Time> TimeOf(const Json& object, const char* name) {
  const auto value = object.find(name);
  if (value == object.end() || !value->is_number()) return std::nullopt;
  const double seconds = value->get<double>();
  if (!(seconds >= 0 && seconds < kMaxSeconds)) return std::nullopt;
  return absl::FromUnixMicros(static_cast<int64_t>(seconds * 1e6));
}

// The key that the token is signed with, as its header says; nullptr if that is none.
const JwtKey* KeyOf(const Json& header, const JwtKeys& keys) {
  if (header.contains("crit")) return nullptr;
  if (header.contains("typ")) {
    const std::string type = TextOf(header, "typ");
    if (!absl::EqualsIgnoreCase(type, "JWT") && !absl::EqualsIgnoreCase(type, "at+jwt")) {
      return nullptr;
    }
  }
  const auto key = keys.find(TextOf(header, "kid"));
  if (key == keys.end()) return nullptr;
  const std::optional<JwtAlgorithm> algorithm = ParseJwtAlgorithm(TextOf(header, "alg"));
  return algorithm == key->second.algorithm() ? &key->second : nullptr;
}

bool IsFor(const Json& claims, const std::string& audience) {
  const auto value = claims.find("aud");
  if (value == claims.end()) return false;
  if (!value->is_array()) return *value == audience;
  return absl::c_any_of(*value, [&](const Json& one) { return one == audience; });
}

std::optional<JwtIdentity> IdentityIn(const Json& claims, const JwtExpectations& expectations,
                                      absl::Time now) {
  if (TextOf(claims, "iss") != expectations.issuer || !IsFor(claims, expectations.audience)) {
    return std::nullopt;
  }
  const std::optional<absl::Time> expire_time = TimeOf(claims, "exp");
  if (!expire_time || now >= *expire_time + kJwtLeeway) return std::nullopt;
  if (claims.contains("nbf")) {
    const std::optional<absl::Time> start_time = TimeOf(claims, "nbf");
    if (!start_time || now < *start_time - kJwtLeeway) return std::nullopt;
  }
  std::string subject = TextOf(claims, "sub");
  if (subject.empty()) return std::nullopt;
  return JwtIdentity{std::move(subject), *expire_time};
}

}  // namespace

bool HasJwtForm(absl::string_view text) { return absl::c_count(text, '.') == 2; }

std::optional<JwtIdentity> VerifyJwt(absl::string_view token, const JwtKeys& keys,
                                     const JwtExpectations& expectations, absl::Time now) {
  const std::vector<absl::string_view> parts = absl::StrSplit(token, '.');
  if (parts.size() != 3) return std::nullopt;
  const std::optional<Json> header = ObjectIn(parts[0]);
  if (!header) return std::nullopt;
  const JwtKey* const key = KeyOf(*header, keys);
  if (key == nullptr) return std::nullopt;
  const std::optional<std::string> signature = DecodeBase64Url(parts[2]);
  const absl::string_view signed_text = token.substr(0, parts[0].size() + 1 + parts[1].size());
  if (!signature || !key->Verifies(signed_text, *signature)) return std::nullopt;
  const std::optional<Json> claims = ObjectIn(parts[1]);
  if (!claims) return std::nullopt;
  return IdentityIn(*claims, expectations, now);
}

}  // namespace innkeeper::auth
