#include "server/auth/certificate_names.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"

namespace innkeeper::auth {
namespace {

TEST(CertificateNamesTest, KnowsSpiffeIds) {
  for (const std::string& id :
       {std::string("spiffe://example.org/calendar"), std::string("spiffe://a/b/c"),
        std::string("spiffe://1.2_3-4/ns/Prod/sa/x.y_z-1"), std::string("spiffe://a/..."),
        absl::StrCat("spiffe://", std::string(255, 'a'), "/", std::string(1783, 'b'))}) {
    EXPECT_TRUE(IsSpiffeId(id)) << id;
  }
}

TEST(CertificateNamesTest, KnowsWhatIsNoSpiffeId) {
  for (const std::string& id :
       {std::string(),
        std::string("spiffe://"),
        std::string("spiffe://example.org"),
        std::string("spiffe://example.org/"),
        std::string("spiffe:///calendar"),
        std::string("spiffe://example.org/a/"),
        std::string("spiffe://example.org//a"),
        std::string("spiffe://example.org/./a"),
        std::string("spiffe://example.org/a/.."),
        std::string("spiffe://Example.org/a"),
        std::string("SPIFFE://example.org/a"),
        std::string("spiffe://example.org:8443/a"),
        std::string("spiffe://u@example.org/a"),
        std::string("spiffe://example.org/a?b"),
        std::string("spiffe://example.org/a#b"),
        std::string("spiffe://example.org/%61"),
        std::string("spiffe://example.org/*"),
        std::string("spiffe://example.org/a b"),
        std::string("spiffe://example.org/a\0b", 24),
        std::string("https://example.org/a"),
        std::string("example.org"),
        absl::StrCat("spiffe://", std::string(256, 'a'), "/b"),
        absl::StrCat("spiffe://", std::string(255, 'a'), "/", std::string(1784, 'b'))}) {
    EXPECT_FALSE(IsSpiffeId(id)) << id;
  }
}

TEST(CertificateNamesTest, KnowsDnsNames) {
  const std::string label(63, 'a');
  for (const std::string& name :
       {std::string("a"), std::string("calendar.example.org"), std::string("_a.x--1.example"),
        absl::StrCat(label, ".", label, ".", label, ".", std::string(61, 'a'))}) {
    EXPECT_TRUE(IsDnsName(name)) << name;
  }
}

TEST(CertificateNamesTest, KnowsWhatIsNoDnsName) {
  const std::string label(63, 'a');
  for (const std::string& name :
       {std::string(), std::string("."), std::string("a."), std::string(".a"), std::string("a..b"),
        std::string("A.example"), std::string("*.example"), std::string("-a"), std::string("a-"),
        std::string("a b"), std::string("a:1"), std::string("a/b"), std::string("a\0", 2),
        std::string("\u00e4.example"), std::string(64, 'a'),
        absl::StrCat(label, ".", label, ".", label, ".", std::string(62, 'a'))}) {
    EXPECT_FALSE(IsDnsName(name)) << name;
  }
}

}  // namespace
}  // namespace innkeeper::auth
