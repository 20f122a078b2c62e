// File: server/rpc/admission.h
//
// The head of every handler: who calls, whether they may call this method at all, and
// whether they call too often. A use case needs a Call, and a Call is only had from an Admission,
// so no handler can forget it.

#ifndef INNKEEPER_SERVER_RPC_ADMISSION_H_
#define INNKEEPER_SERVER_RPC_ADMISSION_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "grpcpp/server_context.h"
#include "innkeeper/v1/audit_log.pb.h"
#include "server/audit/trail.h"
#include "server/auth/authenticator.h"
#include "server/auth/principal.h"
#include "server/limits/rate_limits.h"
#include "server/limits/stream_slots.h"
#include "server/rpc/call.h"

namespace innkeeper::rpc {

// What is known of a method.
struct Method {
  // All have to be said: a method without a rule does not compile.
  constexpr Method(absl::string_view method_name, std::optional<auth::Role> needed_role,
                   limits::Work kind_of_work)
      : name(method_name), role(needed_role), work(kind_of_work) {}

  absl::string_view name;  // without the service
  // The role that every call needs; none where it depends on the request.
  std::optional<auth::Role> role;
  // What it does, as far as limits go.
  limits::Work work;
};

// A call under way, of a caller who may call the method, as its use case sees it.
struct Call {
  std::shared_ptr<const auth::Principal> principal;
  // The room that the call is about, for the log; empty if there is none.
  std::string room_id;
  // When nobody waits for the reply any more: the caller's deadline, or the end of the time
  // that calls may take. Streams have only the former.
  absl::Time deadline = absl::InfiniteFuture();
  // What a stream's use case asks of the caller besides the method's role, to be asked again
  // when the credentials change; nothing if it is empty. Must not block.
  std::function<absl::Status(const auth::Principal& principal)> permission;

  // What the audit log says of the call: how its caller showed who it is, from where it
  // came, and of its request, which NoteRequest() notes, for whom, its id and about what.
  absl::string_view method;
  v1::AuditCredential credential = v1::AUDIT_CREDENTIAL_UNSPECIFIED;
  std::string peer;
  std::string user;
  std::string request_id;
  std::string target;

 private:
  friend class Admission;
  Call() = default;
};

// Where what the call asks for comes from, for the audit log.
audit::Origin OriginOf(const Call& call);

// What the call leaves in the audit log, if there is one, in commits that it makes.
audit::Trail TrailOf(const CallEnvironment& environment, const Call& call);

// Whether a call is admitted, and if so the call. For one thread at a time.
class Admission {
 public:
  // Nobody has been looked at yet: not admitted.
  Admission() = default;

  // Looks at who makes the call of `context`. Does no I/O.
  //
  // What counts is the token in the metadata `authorization`, and it must be good; only a
  // call without that metadata is its client certificate's, if gRPC has verified one. There
  // is no falling back from the one to the other. A call costs its principal a token of the rate
  // at which it may call, also where it lacks the role, and a stream that is admitted takes a
  // place among those that it may have, for as long as the admission lives.
  Admission(const Method& method, const CallEnvironment& environment,
            const grpc::CallbackServerContext& context);

  // OK if the call is admitted, else CREDENTIALS_INVALID, ROLE_MISSING, RATE_LIMITED,
  // LIMIT_EXCEEDED or OVERLOADED.
  const absl::Status& status() const { return status_; }

  // The call; crashes if it is not admitted.
  Call& call();

  // For the log: the name of the principal that calls, or "-" where it isn't known, and the
  // room that the call is about.
  absl::string_view caller() const {
    if (call_.principal == nullptr) return "-";
    return call_.principal->name();
  }
  const std::string& room_id() const { return call_.room_id; }

  // That of the call, once it is known who makes it.
  absl::Time deadline() const { return call_.deadline; }

  // For the audit log, whether the call is admitted or not.
  audit::Origin origin() const { return OriginOf(call_); }

 private:
  absl::StatusOr<std::shared_ptr<const auth::Principal>> Identify(
      const CallEnvironment& environment, const grpc::CallbackServerContext& context);
  absl::Status TakeStreamSlot(limits::StreamSlots& slots);

  absl::Status status_ = absl::InternalError("nobody has been looked at");
  Call call_;
  limits::StreamSlots::Slot slot_;
};

// Ends a call that began at `start` with a status of HideInternals(): counts it and logs it
// (RecordCall), and if it was refused for who made it, tells the audit log.
void EndCall(const CallEnvironment& environment, const Method& method, const Admission& admission,
             const absl::Status& status, absl::Time start, absl::string_view stream_id = "");

// OK if `principal` may call the method, else ROLE_MISSING.
absl::Status CheckRole(const Method& method, const auth::Principal& principal);

// What to keep of what the call of `context` brought, to ask again; of the same things as
// Admission.
auth::Authenticator::Credential CredentialOf(const grpc::CallbackServerContext& context);

}  // namespace innkeeper::rpc

#endif  // INNKEEPER_SERVER_RPC_ADMISSION_H_
