#include "server/lifecycle/membership.h"

namespace innkeeper::lifecycle {
namespace {

struct NamedMembership {
  absl::string_view name;
  v1::Membership membership;
};

constexpr NamedMembership kMemberships[] = {{"join", v1::MEMBERSHIP_JOIN},
                                            {"invite", v1::MEMBERSHIP_INVITE},
                                            {"knock", v1::MEMBERSHIP_KNOCK},
                                            {"leave", v1::MEMBERSHIP_LEAVE},
                                            {"ban", v1::MEMBERSHIP_BAN}};

}  // namespace

v1::Membership ParseMembership(absl::string_view name) {
  for (const NamedMembership& named : kMemberships) {
    if (named.name == name) return named.membership;
  }
  return v1::MEMBERSHIP_UNSPECIFIED;
}

absl::string_view MembershipName(v1::Membership membership) {
  for (const NamedMembership& named : kMemberships) {
    if (named.membership == membership) return named.name;
  }
  return "";
}

}  // namespace innkeeper::lifecycle
