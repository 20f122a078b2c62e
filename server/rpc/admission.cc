#include "server/rpc/admission.h"

#include <glog/logging.h>
#include <grpc/grpc_security_constants.h>

#include <iterator>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "grpcpp/security/auth_context.h"
#include "grpcpp/support/string_ref.h"
#include "server/auth/access.h"
#include "server/auth/certificate_names.h"

namespace innkeeper::rpc {
namespace {

absl::string_view View(grpc::string_ref text) { return {text.data(), text.size()}; }

// The value of the call's metadata `authorization`, valid as long as the call; nothing if
// there is none, and "", which is no token, if there is more than one.
std::optional<absl::string_view> AuthorizationOf(const grpc::CallbackServerContext& context) {
  const auto [begin, end] = context.client_metadata().equal_range("authorization");
  if (begin == end) return std::nullopt;
  return std::next(begin) == end ? View(begin->second) : "";
}

// The names of the client's certificate that callers are known by; none without one. gRPC
// has them of certificates alone that it has verified, and the SPIFFE id only of one that
// has no other URI.
auth::CertificateNames CertificateNamesOf(const grpc::CallbackServerContext& context) {
  auth::CertificateNames names;
  const auto peer = context.auth_context();
  for (const auto& id : peer->FindPropertyValues(GRPC_PEER_SPIFFE_ID_PROPERTY_NAME)) {
    names.spiffe_ids.emplace_back(View(id));
  }
  for (const auto& name : peer->FindPropertyValues(GRPC_PEER_DNS_PROPERTY_NAME)) {
    names.dns_names.push_back(absl::AsciiStrToLower(View(name)));
  }
  return names;
}

}  // namespace

Admission::Admission(const Method& method, const auth::Authenticator& authenticator,
                     const grpc::CallbackServerContext& context) {
  const std::optional<absl::string_view> authorization = AuthorizationOf(context);
  auto principal = authorization ? authenticator.Authenticate(*authorization)
                                 : authenticator.Authenticate(CertificateNamesOf(context));
  status_ = principal.status();
  if (!principal.ok()) return;
  call_.principal = *std::move(principal);
  status_ = CheckRole(method, *call_.principal);
}

Call& Admission::call() {
  CHECK(status_.ok()) << "a call that was not admitted";
  return call_;
}

absl::Status CheckRole(const Method& method, const auth::Principal& principal) {
  return method.role ? auth::RequireRole(principal, *method.role) : absl::OkStatus();
}

auth::Authenticator::Credential CredentialOf(const grpc::CallbackServerContext& context) {
  const std::optional<absl::string_view> authorization = AuthorizationOf(context);
  if (authorization) return auth::Authenticator::CredentialOf(*authorization);
  return {.certificate = CertificateNamesOf(context)};
}

}  // namespace innkeeper::rpc
