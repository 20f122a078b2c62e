#include "server/rpc/admission.h"

#include <glog/logging.h>
#include <grpc/grpc_security_constants.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "grpcpp/security/auth_context.h"
#include "grpcpp/support/string_ref.h"
#include "server/auth/access.h"
#include "server/auth/certificate_names.h"
#include "server/limits/login_guard.h"

namespace innkeeper::rpc {
namespace {

absl::string_view View(const grpc::string_ref& text) { return {text.data(), text.size()}; }

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

limits::Login::Kind KindOf(absl::string_view authorization) {
  return absl::c_count(authorization, '.') == 2 ? limits::Login::Kind::kJwt
                                                : limits::Login::Kind::kToken;
}

v1::AuditCredential ToProto(limits::Login::Kind kind) {
  switch (kind) {
    case limits::Login::Kind::kNone:
      return v1::AUDIT_CREDENTIAL_NONE;
    case limits::Login::Kind::kToken:
      return v1::AUDIT_CREDENTIAL_TOKEN;
    case limits::Login::Kind::kJwt:
      return v1::AUDIT_CREDENTIAL_JWT;
    case limits::Login::Kind::kCertificate:
      return v1::AUDIT_CREDENTIAL_CERTIFICATE;
  }
  LOG(FATAL) << "no such kind of login";
}

bool IsStream(limits::Work work) {
  return work == limits::Work::kStream || work == limits::Work::kUpload;
}

absl::Time DeadlineOf(const grpc::CallbackServerContext& context, absl::Duration max_call_time) {
  return std::min(absl::FromChrono(context.deadline()), absl::Now() + max_call_time);
}

}  // namespace

// Who makes the call of `context`, if its address is listened to.
absl::StatusOr<std::shared_ptr<const auth::Principal>> Admission::Identify(
    const CallEnvironment& environment, const grpc::CallbackServerContext& context) {
  const std::optional<absl::string_view> authorization = AuthorizationOf(context);
  auth::CertificateNames names;
  if (!authorization) names = CertificateNamesOf(context);
  call_.peer = context.peer();
  std::string shown_names;
  limits::Login login{.peer = call_.peer};
  if (authorization) {
    login.kind = KindOf(*authorization);
    login.credential = *authorization;
  } else if (!names.spiffe_ids.empty() || !names.dns_names.empty()) {
    login.kind = limits::Login::Kind::kCertificate;
    shown_names = absl::StrCat(absl::StrJoin(names.spiffe_ids, " "), " ",
                               absl::StrJoin(names.dns_names, " "));
    login.credential = shown_names;
  }
  call_.credential = ToProto(login.kind);
  limits::LoginGuard& guard = environment.limits.logins;
  absl::Status listened_to = guard.Check(login);
  if (!listened_to.ok()) return listened_to;
  auto principal = authorization ? environment.authenticator.Authenticate(*authorization)
                                 : environment.authenticator.Authenticate(names);
  if (principal.ok()) {
    guard.NoteSuccess(login);
  } else {
    guard.NoteFailure(login);
  }
  return principal;
}

audit::Origin OriginOf(const Call& call) {
  return {.principal = call.principal == nullptr ? "" : call.principal->name(),
          .credential = call.credential,
          .user = call.user,
          .method = std::string(call.method),
          .request_id = call.request_id,
          .target = call.target,
          .peer = call.peer};
}

audit::Trail TrailOf(const CallEnvironment& environment, const Call& call) {
  return environment.audit == nullptr ? audit::Trail() : environment.audit->TrailOf(OriginOf(call));
}

Admission::Admission(const Method& method, const CallEnvironment& environment,
                     const grpc::CallbackServerContext& context) {
  call_.method = method.name;
  auto principal = Identify(environment, context);
  status_ = principal.status();
  if (!principal.ok()) return;
  call_.principal = *std::move(principal);
  const bool is_stream = IsStream(method.work);
  call_.deadline =
      DeadlineOf(context, is_stream ? absl::InfiniteDuration() : environment.limits.max_call_time);
  status_ = environment.limits.rates.TakeCall(method.work, call_.principal->name());
  if (status_.ok()) status_ = CheckRole(method, *call_.principal);
  if (status_.ok() && is_stream) status_ = TakeStreamSlot(environment.limits.streams);
}

absl::Status Admission::TakeStreamSlot(limits::StreamSlots& slots) {
  auto slot = slots.Take(call_.principal->name());
  if (!slot.ok()) return slot.status();
  slot_ = *std::move(slot);
  return absl::OkStatus();
}

Call& Admission::call() {
  CHECK(status_.ok()) << "a call that was not admitted";
  return call_;
}

void EndCall(const CallEnvironment& environment, const Method& method, const Admission& admission,
             const absl::Status& status, absl::Time start, absl::string_view stream_id) {
  RecordCall(environment.metrics, method.name, admission.caller(), admission.room_id(), status,
             {.took = absl::Now() - start, .allowed = admission.deadline() - start}, stream_id);
  if (environment.audit != nullptr && audit::IsRefusal(status)) {
    environment.audit->RecordRefusal(admission.origin(), status);
  }
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
