#include "server/auth/principal.h"

#include <gtest/gtest.h>

namespace innkeeper::auth {
namespace {

constexpr Role kAllRoles[] = {Role::kCreate,  Role::kUpgrade, Role::kParticipate,
                              Role::kReadAll, Role::kWatch,   Role::kFederate,
                              Role::kApprove, Role::kAudit,   Role::kAdmin};

TEST(RoleTest, NamesAreThoseOfTheTokenFile) {
  EXPECT_EQ(RoleName(Role::kCreate), "create");
  EXPECT_EQ(RoleName(Role::kUpgrade), "upgrade");
  EXPECT_EQ(RoleName(Role::kParticipate), "participate");
  EXPECT_EQ(RoleName(Role::kReadAll), "read-all");
  EXPECT_EQ(RoleName(Role::kWatch), "watch");
  EXPECT_EQ(RoleName(Role::kFederate), "federate");
  EXPECT_EQ(RoleName(Role::kApprove), "approve");
  EXPECT_EQ(RoleName(Role::kAudit), "audit");
  EXPECT_EQ(RoleName(Role::kAdmin), "admin");
  for (const Role role : kAllRoles) EXPECT_EQ(ParseRole(RoleName(role)), role);
  for (const char* name : {"", "Create", "read_all", "root"}) EXPECT_FALSE(ParseRole(name)) << name;
}

TEST(PrincipalTest, HasTheRolesItWasGivenAndNoOthers) {
  for (const Role given : kAllRoles) {
    if (given == Role::kAdmin) continue;
    const Principal principal("p", {given}, {});
    for (const Role role : kAllRoles) EXPECT_EQ(principal.Has(role), role == given);
  }
  for (const Role role : kAllRoles) EXPECT_FALSE(Principal("p", {}, {}).Has(role));
}

TEST(PrincipalTest, AdminHasEveryRoleAndActsForEveryone) {
  const Principal admin("p", {Role::kAdmin}, {});
  for (const Role role : kAllRoles) EXPECT_TRUE(admin.Has(role));
  EXPECT_TRUE(admin.MayActFor("@anyone:anywhere"));
}

TEST(PrincipalTest, ActsForIdsAndPatterns) {
  const Principal principal("p", {Role::kCreate, Role::kReadAll},
                            {"@alice:example.org", "@bot-*:example.org", "@?:example.org"});
  EXPECT_TRUE(principal.MayActFor("@alice:example.org"));
  EXPECT_TRUE(principal.MayActFor("@bot-7:example.org"));
  EXPECT_TRUE(principal.MayActFor("@x:example.org"));
  EXPECT_FALSE(principal.MayActFor("@bob:example.org"));
  EXPECT_FALSE(principal.MayActFor("@alice:example.com"));
  EXPECT_FALSE(principal.MayActFor("@bot-7:example.com"));
  EXPECT_FALSE(principal.MayActFor(""));
}

TEST(PrincipalTest, ActsForNobodyUnlessTold) {
  EXPECT_FALSE(Principal("p", {Role::kCreate}, {}).MayActFor("@alice:example.org"));
}

TEST(PrincipalTest, PatternsMatchOnlyWhatIsShortEnoughForAnId) {
  const Principal principal("p", {}, {"@*"});
  EXPECT_TRUE(principal.MayActFor("@" + std::string(kMaxUserIdBytes - 1, 'a')));
  EXPECT_FALSE(principal.MayActFor("@" + std::string(kMaxUserIdBytes, 'a')));
}

TEST(PrincipalTest, SeesTheAudiencesItIsKeptTo) {
  const Principal principal("p", {Role::kReadAll, Role::kWatch}, {},
                            AudienceScope::Of({"a", "b?"}));
  EXPECT_FALSE(principal.audiences().IsAll());
  EXPECT_TRUE(principal.MaySeeAudience("a"));
  EXPECT_TRUE(principal.MaySeeAudience("b1"));
  EXPECT_FALSE(principal.MaySeeAudience("c"));
  EXPECT_FALSE(principal.MaySeeAudience(""));
}

TEST(PrincipalTest, SeesEveryAudienceUnlessTold) {
  const Principal principal("p", {}, {});
  EXPECT_TRUE(principal.audiences().IsAll());
  EXPECT_TRUE(principal.MaySeeAudience("a"));
  EXPECT_TRUE(principal.MaySeeAudience(""));
}

TEST(PrincipalTest, AdminSeesEveryAudience) {
  const Principal admin("p", {Role::kAdmin}, {}, AudienceScope::Of({"a"}));
  EXPECT_TRUE(admin.audiences().IsAll());
  EXPECT_TRUE(admin.MaySeeAudience("b"));
  EXPECT_TRUE(admin.MaySeeAudience(""));
}

}  // namespace
}  // namespace innkeeper::auth
