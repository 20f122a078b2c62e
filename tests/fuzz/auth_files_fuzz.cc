// The files that say who may call. The first line of an input names the kind, "tokens" or "keys";
// the rest is the file.

#include <glog/logging.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "server/auth/certificate_names.h"
#include "server/auth/jwt_key.h"
#include "server/auth/token_file.h"
#include "tests/fuzz/fuzz_target.h"

namespace innkeeper::fuzz {
namespace {

using Json = nlohmann::json;

// What is so long and in one piece may be a secret. No word of our messages is.
constexpr size_t kSecretBytes = 16;
constexpr size_t kMaxMessageBytes = 8192;

// Errors go into the log: nothing of the file may be in them.
void CheckError(const absl::Status& status, absl::string_view text) {
  CHECK(absl::IsInvalidArgument(status)) << status;
  CHECK_LE(status.message().size(), kMaxMessageBytes);
  CHECK(std::all_of(status.message().begin(), status.message().end(), absl::ascii_isprint))
      << status;
  const auto is_alphanumeric = [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c));
  };
  auto begin = text.begin();
  while (begin != text.end()) {
    const auto end = std::find_if_not(begin, text.end(), is_alphanumeric);
    const absl::string_view word =
        text.substr(static_cast<size_t>(begin - text.begin()), static_cast<size_t>(end - begin));
    CHECK(word.size() < kSecretBytes || !absl::StrContains(status.message(), word))
        << status << " quotes the file";
    begin = std::find_if(end, text.end(), is_alphanumeric);
  }
}

void CheckEntries(const std::vector<auth::TokenFileEntry>& entries) {
  std::set<std::string> names;
  std::set<auth::TokenHash> hashes;
  std::set<std::string> subjects;
  std::set<std::string> certificate_names;
  for (const auth::TokenFileEntry& entry : entries) {
    CHECK(!entry.principal.name().empty());
    CHECK(names.insert(entry.principal.name()).second) << entry.principal.name();
    CHECK(!entry.token_hashes.empty() || !entry.jwt_subjects.empty() ||
          !entry.certificate_names.empty())
        << entry.principal.name();
    for (const auth::TokenHash& hash : entry.token_hashes) CHECK(hashes.insert(hash).second);
    for (const std::string& subject : entry.jwt_subjects) {
      CHECK(!subject.empty() && subjects.insert(subject).second) << subject;
    }
    for (const std::string& id : entry.certificate_names.spiffe_ids) {
      CHECK(auth::IsSpiffeId(id) && certificate_names.insert(id).second) << id;
    }
    for (const std::string& name : entry.certificate_names.dns_names) {
      CHECK(auth::IsDnsName(name) && certificate_names.insert(name).second) << name;
    }
    CHECK(!entry.principal.MayActFor("") || entry.principal.Has(auth::Role::kAdmin));
  }
}

void CheckTokenFile(absl::string_view text) {
  const auto entries = auth::ParseTokenFile(text);
  if (!entries.ok()) return CheckError(entries.status(), text);
  CheckEntries(*entries);
  // Written anew it says the same; with anything more, or anybody twice, nothing.
  Json file = Json::parse(text);
  const auto again = auth::ParseTokenFile(file.dump());
  CHECK(again.ok()) << again.status();
  CHECK_EQ(again->size(), entries->size());
  Json with_more = file;
  with_more["more"] = true;
  CHECK(!auth::ParseTokenFile(with_more.dump()).ok());
  if (entries->empty()) return;
  file["principals"].push_back(Json(file["principals"][0]));
  CHECK(!auth::ParseTokenFile(file.dump()).ok());
}

void CheckKeyFile(absl::string_view text) {
  const auto keys = auth::ParseJwtKeys(text);
  if (!keys.ok()) return CheckError(keys.status(), text);
  CHECK(!keys->empty());
  for (const auto& [id, key] : *keys) {
    CHECK(!id.empty());
    for (const size_t size : {0, 1, 64, 256}) CHECK(!key.Verifies(text, std::string(size, '\1')));
  }
  const Json set = Json::parse(text);
  for (const Json& key : set.at("keys")) {
    CHECK(!key.contains("d") && key.value("kty", Json()) != "oct") << "takes secrets";
  }
}

}  // namespace

void TestOneInput(absl::string_view input) {
  const std::pair<absl::string_view, absl::string_view> parts =
      absl::StrSplit(input, absl::MaxSplits('\n', 1));
  if (parts.first == "tokens") CheckTokenFile(parts.second);
  if (parts.first == "keys") CheckKeyFile(parts.second);
}

std::vector<std::string> MadeSeeds() { return {}; }

}  // namespace innkeeper::fuzz
