#include "server/auth/token_file.h"

#include <algorithm>
#include <initializer_list>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "server/auth/strict_json.h"
#include "server/base/audience.h"

namespace innkeeper::auth {
namespace {

using Json = nlohmann::json;

constexpr size_t kMaxNameBytes = 128;
constexpr size_t kMaxSubjectBytes = 255;
constexpr size_t kMaxErrors = 20;

bool IsName(absl::string_view text) {
  return !text.empty() && text.size() <= kMaxNameBytes &&
         std::all_of(text.begin(), text.end(), absl::ascii_isgraph);
}

// No id starts otherwise, so that anything else is a mistake.
bool IsUserPattern(absl::string_view text) {
  return !text.empty() && text.size() <= kMaxUserIdBytes &&
         absl::string_view("@*?").find(text.front()) != absl::string_view::npos;
}

// What principals and groups alike have.
struct Grants {
  std::vector<Role> roles;
  std::vector<std::string> users;
  std::optional<std::vector<std::string>> audiences;  // not set: no word of them

  void Add(const Grants& more) {
    roles.insert(roles.end(), more.roles.begin(), more.roles.end());
    users.insert(users.end(), more.users.begin(), more.users.end());
    if (!more.audiences) return;
    if (!audiences) audiences.emplace();
    audiences->insert(audiences->end(), more.audiences->begin(), more.audiences->end());
  }
};

// Reads one file; notes everything that is wrong with it.
class TokenFileReader {
 public:
  absl::StatusOr<std::vector<TokenFileEntry>> Read(const Json& file) {
    std::vector<TokenFileEntry> entries;
    if (CheckObject("the file", file, {"principals"}, {"groups"})) {
      ForEach("groups", file.value("groups", Json::array()),
              [&](const std::string& place, const Json& value) { ReadGroup(place, value); });
      ForEach("principals", file["principals"], [&](const std::string& place, const Json& value) {
        if (auto entry = ReadEntry(place, value)) entries.push_back(*std::move(entry));
      });
    }
    if (errors_.empty()) return entries;
    return absl::InvalidArgumentError(absl::StrJoin(errors_, "; "));
  }

 private:
  void AddError(absl::string_view place, absl::string_view description) {
    if (errors_.size() < kMaxErrors) errors_.push_back(absl::StrCat(place, ": ", description));
  }

  // Checks that `value` is an object with all of the required keys, perhaps
  // optional ones, and no others.
  bool CheckObject(const std::string& place, const Json& value,
                   std::initializer_list<absl::string_view> required,
                   std::initializer_list<absl::string_view> optional) {
    if (!value.is_object()) {
      AddError(place, "must be an object");
      return false;
    }
    std::vector<absl::string_view> known(required);
    known.insert(known.end(), optional);
    bool good = true;
    for (const auto& item : value.items()) {
      if (std::find(known.begin(), known.end(), item.key()) == known.end()) {
        AddError(place, absl::StrCat("has an unknown key; known are ", absl::StrJoin(known, ", ")));
        good = false;
      }
    }
    for (const absl::string_view key : required) {
      if (!value.contains(std::string(key))) {
        AddError(place, absl::StrCat("has no \"", key, "\""));
        good = false;
      }
    }
    return good;
  }

  // Calls `function` with place and value of each element of the array `value`.
  template <typename Function>
  void ForEach(const std::string& place, const Json& value, Function function) {
    if (!value.is_array()) return AddError(place, "must be an array");
    for (size_t i = 0; i < value.size(); ++i) function(absl::StrCat(place, "[", i, "]"), value[i]);
  }

  // As ForEach, with the text of each element, which must be a string.
  template <typename Function>
  void ForEachString(const std::string& place, const Json& value, Function function) {
    ForEach(place, value, [&](const std::string& element_place, const Json& element) {
      if (!element.is_string()) return AddError(element_place, "must be a string");
      function(element_place, element.get_ref<const std::string&>());
    });
  }

  void ReadGroup(const std::string& place, const Json& value) {
    if (!CheckObject(place, value, {"name"}, {"roles", "users", "audiences"})) return;
    const std::string name = ReadName(absl::StrCat(place, ".name"), value["name"], group_names_);
    groups_.emplace(name, ReadGrants(place, value));
  }

  std::optional<TokenFileEntry> ReadEntry(const std::string& place, const Json& value) {
    if (!CheckObject(place, value, {"name"},
                     {"token_sha256", "jwt_subjects", "certificate_names", "groups", "roles",
                      "users", "audiences"})) {
      return std::nullopt;
    }
    const std::string name = ReadName(absl::StrCat(place, ".name"), value["name"], names_);
    Grants grants = ReadGrants(place, value);
    AddGroups(absl::StrCat(place, ".groups"), value.value("groups", Json::array()), grants);
    auto hashes = ReadHashes(absl::StrCat(place, ".token_sha256"),
                             value.value("token_sha256", Json::array()));
    auto subjects = ReadSubjects(absl::StrCat(place, ".jwt_subjects"),
                                 value.value("jwt_subjects", Json::array()));
    auto certificate_names = ReadCertificateNames(absl::StrCat(place, ".certificate_names"),
                                                  value.value("certificate_names", Json::array()));
    if (hashes.empty() && subjects.empty() && certificate_names.empty() && errors_.empty()) {
      AddError(place,
               "needs something in \"token_sha256\", \"jwt_subjects\" or \"certificate_names\"");
    }
    AudienceScope audiences =
        grants.audiences ? AudienceScope::Of(*grants.audiences) : AudienceScope::All();
    return TokenFileEntry{
        .principal = Principal(name, grants.roles, grants.users, std::move(audiences)),
        .token_hashes = std::move(hashes),
        .jwt_subjects = std::move(subjects),
        .certificate_names = std::move(certificate_names)};
  }

  Grants ReadGrants(const std::string& place, const Json& value) {
    Grants grants;
    grants.roles = ReadRoles(absl::StrCat(place, ".roles"), value.value("roles", Json::array()));
    grants.users = ReadUsers(absl::StrCat(place, ".users"), value.value("users", Json::array()));
    if (value.contains("audiences")) {
      grants.audiences = ReadAudiences(absl::StrCat(place, ".audiences"), value["audiences"]);
    }
    return grants;
  }

  void AddGroups(const std::string& place, const Json& value, Grants& grants) {
    ForEachString(place, value, [&](const std::string& element, const std::string& name) {
      const auto group = groups_.find(name);
      if (group == groups_.end()) return AddError(element, "is not the name of a group");
      grants.Add(group->second);
    });
  }

  // Notes that `value` stands at `place`; false, and an error, if it is elsewhere already.
  template <typename Value>
  bool IsNew(std::map<Value, std::string>& seen, const Value& value, const std::string& place) {
    const auto [first, is_new] = seen.emplace(value, place);
    if (!is_new) AddError(place, absl::StrCat("is the same as ", first->second));
    return is_new;
  }

  std::string ReadName(const std::string& place, const Json& value,
                       std::map<std::string, std::string>& seen) {
    if (!value.is_string()) {
      AddError(place, "must be a string");
      return "";
    }
    const std::string& name = value.get_ref<const std::string&>();
    if (!IsName(name)) {
      AddError(place, absl::StrCat("must be 1 to ", kMaxNameBytes,
                                   " printable ASCII characters without white space"));
    }
    IsNew(seen, name, place);
    return name;
  }

  std::vector<TokenHash> ReadHashes(const std::string& place, const Json& value) {
    std::vector<TokenHash> hashes;
    ForEachString(place, value, [&](const std::string& element, const std::string& text) {
      const auto hash = ParseTokenHash(text);
      if (!hash) return AddError(element, "must be a SHA-256 hash in 64 hexadecimal digits");
      if (IsNew(hashes_, *hash, element)) hashes.push_back(*hash);
    });
    return hashes;
  }

  std::vector<std::string> ReadSubjects(const std::string& place, const Json& value) {
    std::vector<std::string> subjects;
    ForEachString(place, value, [&](const std::string& element, const std::string& text) {
      if (text.empty() || text.size() > kMaxSubjectBytes) {
        return AddError(element,
                        absl::StrCat("must be a text of 1 to ", kMaxSubjectBytes, " bytes"));
      }
      if (IsNew(subjects_, text, element)) subjects.push_back(text);
    });
    return subjects;
  }

  CertificateNames ReadCertificateNames(const std::string& place, const Json& value) {
    CertificateNames names;
    ForEachString(place, value, [&](const std::string& element, const std::string& text) {
      const bool is_spiffe_id = IsSpiffeId(text);
      if (!is_spiffe_id && !IsDnsName(text)) {
        return AddError(element,
                        "must be a SPIFFE id (spiffe://TRUST-DOMAIN/PATH) or a DNS name in lower "
                        "case, without wildcards");
      }
      if (!IsNew(certificate_names_, text, element)) return;
      (is_spiffe_id ? names.spiffe_ids : names.dns_names).push_back(text);
    });
    return names;
  }

  std::vector<Role> ReadRoles(const std::string& place, const Json& value) {
    std::vector<Role> roles;
    ForEachString(place, value, [&](const std::string& element, const std::string& text) {
      if (const auto role = ParseRole(text)) return roles.push_back(*role);
      AddError(element,
               absl::StrCat("is not a role; roles are ", absl::StrJoin(RoleNames(), ", ")));
    });
    return roles;
  }

  std::vector<std::string> ReadUsers(const std::string& place, const Json& value) {
    std::vector<std::string> users;
    ForEachString(place, value, [&](const std::string& element, const std::string& text) {
      if (!IsUserPattern(text)) {
        return AddError(element,
                        absl::StrCat("must be a user id or a pattern of at most ", kMaxUserIdBytes,
                                     " bytes that starts with @, * or ?"));
      }
      users.push_back(text);
    });
    return users;
  }

  std::vector<std::string> ReadAudiences(const std::string& place, const Json& value) {
    std::vector<std::string> audiences;
    ForEachString(place, value, [&](const std::string& element, const std::string& text) {
      const absl::Status valid = CheckAudiencePattern(text);
      if (!valid.ok()) return AddError(element, valid.message());
      audiences.push_back(text);
    });
    return audiences;
  }

  std::vector<std::string> errors_;
  std::map<std::string, Grants> groups_;  // by name
  // What must not be there twice, and where it stands.
  std::map<std::string, std::string> group_names_;
  std::map<std::string, std::string> names_;
  std::map<TokenHash, std::string> hashes_;
  std::map<std::string, std::string> subjects_;
  std::map<std::string, std::string> certificate_names_;
};

}  // namespace

absl::StatusOr<std::vector<TokenFileEntry>> ParseTokenFile(absl::string_view text) {
  const auto json = ParseStrictJson(text);
  if (!json.ok()) return json.status();
  return TokenFileReader().Read(*json);
}

}  // namespace innkeeper::auth
