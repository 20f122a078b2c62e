#include "server/auth/token_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "server/base/file.h"

namespace innkeeper::auth {
namespace {

using Json = nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

std::string Hash(char digit) { return std::string(64, digit); }

// A file with two good principals, for tests to spoil.
Json GoodFile() {
  return {{"principals",
           {{{"name", "calendar"},
             {"token_sha256", {Hash('1'), Hash('2')}},
             {"roles", {"create", "upgrade"}},
             {"users", {"@calendar:example.org", "@room-*:example.org"}},
             {"audiences", {"internal", "tenant-*"}}},
            {{"name", "auditor"}, {"token_sha256", {Hash('3')}}}}}};
}

std::string Complaint(const Json& file) {
  const absl::Status status = ParseTokenFile(file.dump()).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << file;
  return std::string(status.message());
}

// The complaint when the second principal is `value`.
std::string ComplaintAbout(const Json& value) {
  Json file = GoodFile();
  file["principals"][1] = value;
  return Complaint(file);
}

// The complaint when `key` of the second principal is `value`.
std::string ComplaintAbout(const char* key, const Json& value) {
  Json principal = GoodFile()["principals"][1];
  principal[key] = value;
  return ComplaintAbout(principal);
}

TEST(TokenFileTest, ReadsPrincipals) {
  const auto entries = ParseTokenFile(GoodFile().dump());
  ASSERT_TRUE(entries.ok()) << entries.status();
  ASSERT_EQ(entries->size(), 2u);

  const Principal& calendar = entries->front().principal;
  EXPECT_EQ(calendar.name(), "calendar");
  EXPECT_TRUE(calendar.Has(Role::kCreate));
  EXPECT_TRUE(calendar.Has(Role::kUpgrade));
  EXPECT_FALSE(calendar.Has(Role::kWatch));
  EXPECT_TRUE(calendar.MayActFor("@calendar:example.org"));
  EXPECT_TRUE(calendar.MayActFor("@room-1:example.org"));
  EXPECT_FALSE(calendar.MayActFor("@alice:example.org"));
  EXPECT_TRUE(calendar.MaySeeAudience("internal"));
  EXPECT_TRUE(calendar.MaySeeAudience("tenant-7"));
  EXPECT_FALSE(calendar.MaySeeAudience("other"));
  EXPECT_FALSE(calendar.MaySeeAudience(""));
  EXPECT_THAT(entries->front().token_hashes,
              ElementsAre(*ParseTokenHash(Hash('1')), *ParseTokenHash(Hash('2'))));

  const Principal& auditor = entries->back().principal;
  EXPECT_EQ(auditor.name(), "auditor");
  EXPECT_FALSE(auditor.Has(Role::kCreate));
  EXPECT_FALSE(auditor.MayActFor("@calendar:example.org"));
  EXPECT_TRUE(auditor.audiences().IsAll());
}

TEST(TokenFileTest, NoAudienceIsLessThanNoWordOfAudiences) {
  Json file = GoodFile();
  file["principals"][1]["audiences"] = Json::array();
  const auto entries = ParseTokenFile(file.dump());
  ASSERT_TRUE(entries.ok()) << entries.status();
  const Principal& auditor = entries->back().principal;
  EXPECT_FALSE(auditor.audiences().IsAll());
  EXPECT_FALSE(auditor.MaySeeAudience("internal"));
  EXPECT_FALSE(auditor.MaySeeAudience(""));
}

TEST(TokenFileTest, MayKnowNobody) {
  const auto entries = ParseTokenFile(R"({"principals": []})");
  ASSERT_TRUE(entries.ok()) << entries.status();
  EXPECT_TRUE(entries->empty());
}

TEST(TokenFileTest, TheExampleInTheDocumentIsGood) {
  const auto document = ReadFile(INNKEEPER_SOURCE_DIR "/docs/authentication.md", 1 << 20);
  ASSERT_TRUE(document.ok()) << document.status();
  const size_t start = document->bytes.find("```json\n") + 8;
  const size_t end = document->bytes.find("```", start);
  const auto entries = ParseTokenFile(document->bytes.substr(start, end - start));
  ASSERT_TRUE(entries.ok()) << entries.status();
  EXPECT_FALSE(entries->empty());
}

TEST(TokenFileTest, RefusesWrongTypesEverywhere) {
  EXPECT_EQ(Complaint(Json::array()), "the file: must be an object");
  EXPECT_EQ(Complaint({{"principals", Json::object()}}), "principals: must be an array");
  EXPECT_EQ(ComplaintAbout("calendar"), "principals[1]: must be an object");
  EXPECT_EQ(ComplaintAbout("name", 7), "principals[1].name: must be a string");
  EXPECT_EQ(ComplaintAbout("token_sha256", Hash('4')),
            "principals[1].token_sha256: must be an array");
  EXPECT_EQ(ComplaintAbout("token_sha256", {nullptr}),
            "principals[1].token_sha256[0]: must be a string");
  EXPECT_EQ(ComplaintAbout("roles", "create"), "principals[1].roles: must be an array");
  EXPECT_EQ(ComplaintAbout("roles", {"create", 1}), "principals[1].roles[1]: must be a string");
  EXPECT_EQ(ComplaintAbout("users", nullptr), "principals[1].users: must be an array");
  EXPECT_EQ(ComplaintAbout("users", {7}), "principals[1].users[0]: must be a string");
  EXPECT_EQ(ComplaintAbout("audiences", "a"), "principals[1].audiences: must be an array");
  EXPECT_EQ(ComplaintAbout("audiences", nullptr), "principals[1].audiences: must be an array");
  EXPECT_EQ(ComplaintAbout("audiences", {7}), "principals[1].audiences[0]: must be a string");
}

TEST(TokenFileTest, RefusesUnknownAndMissingKeys) {
  Json file = GoodFile();
  file["version"] = 1;
  EXPECT_EQ(Complaint(file), "the file: has an unknown key; known are principals, groups");
  EXPECT_EQ(Complaint(Json::object()), "the file: has no \"principals\"");
  EXPECT_EQ(ComplaintAbout("role", {"admin"}),
            "principals[1]: has an unknown key; known are name, token_sha256, jwt_subjects, "
            "certificate_names, groups, roles, users, audiences");
  EXPECT_EQ(ComplaintAbout(Json::object()), "principals[1]: has no \"name\"");
}

TEST(TokenFileTest, RefusesBadNames) {
  for (const std::string& name : {std::string(), std::string("two words"), std::string("tab\t"),
                                  std::string("n\u00e4me"), std::string(129, 'x')}) {
    EXPECT_THAT(ComplaintAbout("name", name),
                StartsWith("principals[1].name: must be 1 to 128 printable ASCII characters"));
  }
}

TEST(TokenFileTest, RefusesBadHashes) {
  EXPECT_EQ(ComplaintAbout("token_sha256", Json::array()),
            "principals[1]: needs something in \"token_sha256\", \"jwt_subjects\" or "
            "\"certificate_names\"");
  for (const std::string& hash : {std::string(), Hash('g'), Hash('4').substr(1), Hash('4') + "4"}) {
    EXPECT_EQ(ComplaintAbout("token_sha256", {Hash('4'), hash}),
              "principals[1].token_sha256[1]: must be a SHA-256 hash in 64 hexadecimal digits");
  }
}

TEST(TokenFileTest, RefusesUnknownRolesAndBadUsers) {
  EXPECT_EQ(ComplaintAbout("roles", {"create", "root"}),
            "principals[1].roles[1]: is not a role; roles are create, upgrade, participate, "
            "read-all, watch, federate, approve, audit, admin");
  for (const std::string& user :
       {std::string(), std::string("alice"), "@" + Hash('a') + Hash('a') + Hash('a') + Hash('a')}) {
    EXPECT_THAT(ComplaintAbout("users", {"@*", user}),
                StartsWith("principals[1].users[1]: must be a user id or a pattern"));
  }
}

TEST(TokenFileTest, RefusesBadAudiences) {
  for (const std::string& audience : {std::string(), std::string("a b"), std::string(129, '*')}) {
    EXPECT_THAT(ComplaintAbout("audiences", {"tenant-*", audience}),
                StartsWith("principals[1].audiences[1]: must be an audience or a pattern"));
  }
}

TEST(TokenFileTest, APrincipalMayHaveSubjectsBesideTokensOrInTheirPlace) {
  Json file = GoodFile();
  file["principals"][0]["jwt_subjects"] = {"calendar", "system:serviceaccount:prod:calendar"};
  file["principals"][1] = {{"name", "auditor"}, {"jwt_subjects", {"auditor"}}};
  const auto entries = ParseTokenFile(file.dump());
  ASSERT_TRUE(entries.ok()) << entries.status();
  EXPECT_EQ(entries->front().token_hashes.size(), 2u);
  EXPECT_THAT(entries->front().jwt_subjects,
              ElementsAre("calendar", "system:serviceaccount:prod:calendar"));
  EXPECT_TRUE(entries->back().token_hashes.empty());
  EXPECT_THAT(entries->back().jwt_subjects, ElementsAre("auditor"));
}

TEST(TokenFileTest, RefusesBadSubjects) {
  for (const std::string& subject : {std::string(), std::string(256, 'x')}) {
    EXPECT_EQ(ComplaintAbout("jwt_subjects", {"auditor", subject}),
              "principals[1].jwt_subjects[1]: must be a text of 1 to 255 bytes");
  }
  EXPECT_EQ(ComplaintAbout("jwt_subjects", "auditor"),
            "principals[1].jwt_subjects: must be an array");
  Json file = GoodFile();
  file["principals"][0]["jwt_subjects"] = {"calendar"};
  file["principals"][1]["jwt_subjects"] = {"auditor", "calendar"};
  EXPECT_EQ(Complaint(file),
            "principals[1].jwt_subjects[1]: is the same as principals[0].jwt_subjects[0]");
}

TEST(TokenFileTest, APrincipalMayHaveCertificateNamesBesideTokensOrInTheirPlace) {
  Json file = GoodFile();
  file["principals"][0]["certificate_names"] = {"spiffe://example.org/ns/prod/calendar",
                                                "calendar.example.org"};
  file["principals"][1] = {{"name", "auditor"}, {"certificate_names", {"auditor"}}};
  const auto entries = ParseTokenFile(file.dump());
  ASSERT_TRUE(entries.ok()) << entries.status();
  EXPECT_EQ(entries->front().token_hashes.size(), 2u);
  EXPECT_THAT(entries->front().certificate_names.spiffe_ids,
              ElementsAre("spiffe://example.org/ns/prod/calendar"));
  EXPECT_THAT(entries->front().certificate_names.dns_names, ElementsAre("calendar.example.org"));
  EXPECT_THAT(entries->back().certificate_names.dns_names, ElementsAre("auditor"));
}

TEST(TokenFileTest, RefusesBadCertificateNames) {
  for (const std::string& name :
       {std::string(), std::string("*.example.org"), std::string("Example.org"),
        std::string("spiffe://example.org"), std::string("https://example.org/a")}) {
    EXPECT_EQ(ComplaintAbout("certificate_names", {"auditor", name}),
              "principals[1].certificate_names[1]: must be a SPIFFE id "
              "(spiffe://TRUST-DOMAIN/PATH) or a DNS name in lower case, without wildcards")
        << name;
  }
  Json file = GoodFile();
  file["principals"][0]["certificate_names"] = {"calendar"};
  file["principals"][1]["certificate_names"] = {"auditor", "calendar"};
  EXPECT_EQ(Complaint(file),
            "principals[1].certificate_names[1]: is the same as "
            "principals[0].certificate_names[0]");
}

// What the auditor of GoodFile() may do as a member of `groups`, with `own` keys beside.
Principal AuditorIn(const Json& groups, const Json& own = Json::object()) {
  Json file = GoodFile();
  file["groups"] = groups;
  file["principals"][1].update(own);
  for (const Json& group : groups) file["principals"][1]["groups"].push_back(group["name"]);
  const auto entries = ParseTokenFile(file.dump());
  EXPECT_TRUE(entries.ok()) << entries.status();
  return entries.value().back().principal;
}

TEST(TokenFileTest, AMemberHasWhatItAndItsGroupsHave) {
  const Principal auditor =
      AuditorIn({{{"name", "makers"}, {"roles", {"create"}}, {"users", {"@a:example.org"}}},
                 {{"name", "watchers"}, {"roles", {"watch"}}, {"audiences", {"tenant-*"}}}},
                {{"roles", {"upgrade"}}, {"users", {"@b:*"}}, {"audiences", {"internal"}}});
  for (const Role role : {Role::kCreate, Role::kWatch, Role::kUpgrade}) {
    EXPECT_TRUE(auditor.Has(role)) << RoleName(role);
  }
  EXPECT_FALSE(auditor.Has(Role::kReadAll));
  EXPECT_TRUE(auditor.MayActFor("@a:example.org"));
  EXPECT_TRUE(auditor.MayActFor("@b:example.org"));
  EXPECT_FALSE(auditor.MayActFor("@c:example.org"));
  EXPECT_TRUE(auditor.MaySeeAudience("tenant-7"));
  EXPECT_TRUE(auditor.MaySeeAudience("internal"));
  EXPECT_FALSE(auditor.MaySeeAudience("other"));
}

TEST(TokenFileTest, OneWordOfAudiencesKeepsAMemberToThem) {
  const Json makers = {{"name", "makers"}, {"roles", {"create"}}};
  const Json tenant = {{"name", "tenant"}, {"audiences", {"tenant-7"}}};
  EXPECT_TRUE(AuditorIn(Json::array({makers})).audiences().IsAll());
  EXPECT_FALSE(AuditorIn(Json::array({makers, tenant})).audiences().IsAll());
  EXPECT_FALSE(AuditorIn(Json::array({tenant, makers})).MaySeeAudience("internal"));
  EXPECT_TRUE(AuditorIn(Json::array({tenant, makers})).MaySeeAudience("tenant-7"));
  EXPECT_FALSE(
      AuditorIn(Json::array({makers}), {{"audiences", Json::array()}}).MaySeeAudience("internal"));
}

TEST(TokenFileTest, GroupsAreForTheirMembersAlone) {
  Json file = GoodFile();
  file["groups"] = {{{"name", "auditor"}, {"roles", {"admin"}}}};
  const auto entries = ParseTokenFile(file.dump());
  ASSERT_TRUE(entries.ok()) << entries.status();
  EXPECT_FALSE(entries->back().principal.Has(Role::kWatch)) << "a group may be called as one is";
}

TEST(TokenFileTest, RefusesBadGroups) {
  Json file = GoodFile();
  file["groups"] = {{{"name", "makers"}}, {{"name", "makers"}}};
  EXPECT_EQ(Complaint(file), "groups[1].name: is the same as groups[0].name");
  file["groups"] = {{{"roles", {"create"}}}};
  EXPECT_EQ(Complaint(file), "groups[0]: has no \"name\"");
  file["groups"] = {{{"name", "makers"}, {"groups", {"others"}}}};
  EXPECT_EQ(Complaint(file),
            "groups[0]: has an unknown key; known are name, roles, users, audiences");
  file["groups"] = {{{"name", "makers"}, {"roles", {"root"}}, {"users", {"alice"}}}};
  EXPECT_THAT(Complaint(file), testing::AllOf(HasSubstr("groups[0].roles[0]: is not a role"),
                                              HasSubstr("groups[0].users[0]: must be")));
  EXPECT_EQ(ComplaintAbout("groups", {"makers"}),
            "principals[1].groups[0]: is not the name of a group");
  EXPECT_EQ(ComplaintAbout("groups", "makers"), "principals[1].groups: must be an array");
}

TEST(TokenFileTest, RefusesTheSameNameOrHashTwice) {
  EXPECT_EQ(ComplaintAbout("name", "calendar"),
            "principals[1].name: is the same as principals[0].name");
  EXPECT_EQ(ComplaintAbout("token_sha256", {Hash('3'), Hash('2')}),
            "principals[1].token_sha256[1]: is the same as principals[0].token_sha256[1]");
  EXPECT_EQ(ComplaintAbout("token_sha256", {Hash('a'), Hash('A')}),
            "principals[1].token_sha256[1]: is the same as principals[1].token_sha256[0]");
}

TEST(TokenFileTest, RefusesAKeyTwice) {
  const std::string text = absl::StrCat(R"({"principals": [{"name": "p", "token_sha256": [")",
                                        Hash('1'), R"("], "roles": [], "roles": ["admin"]}]})");
  EXPECT_EQ(ParseTokenFile(text).status().message(), "has a key twice in one object");
}

TEST(TokenFileTest, NamesEverythingThatIsWrong) {
  Json file = GoodFile();
  file["principals"][0]["roles"][1] = "root";
  file["principals"][1]["name"] = "";
  EXPECT_THAT(Complaint(file), testing::AllOf(HasSubstr("principals[0].roles[1]: "),
                                              HasSubstr("; principals[1].name: ")));
}

TEST(TokenFileTest, NamesABoundedNumberOfErrors) {
  Json file = GoodFile();
  file["principals"][1]["roles"] = std::vector<std::string>(100'000, "root");
  EXPECT_LT(Complaint(file).size(), 3000u);
}

TEST(TokenFileTest, NeverQuotesTheFile) {
  const std::string token = "s3cret";
  for (const char* key : {"name", "roles", "users", "groups", "token_sha256", "s3cret"}) {
    for (const Json& value : {Json(token + " "), Json({token}), Json({{token, token}})}) {
      EXPECT_FALSE(absl::StrContains(ComplaintAbout(key, value), token)) << key << value;
    }
  }
  EXPECT_FALSE(absl::StrContains(ComplaintAbout("audiences", {token + " "}), token));
  EXPECT_FALSE(absl::StrContains(ComplaintAbout("certificate_names", {token + " "}), token));
  EXPECT_FALSE(absl::StrContains(Complaint({{token, token}}), token));
  EXPECT_FALSE(absl::StrContains(ParseTokenFile("{\"s3cret\"").status().message(), token));
}

}  // namespace
}  // namespace innkeeper::auth
