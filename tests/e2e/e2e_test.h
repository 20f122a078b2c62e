// File: tests/e2e/e2e_test.h
//
// What the end-to-end tests share: a server for all tests of a suite, and users
// of each test's own.

#ifndef INNKEEPER_TESTS_E2E_E2E_TEST_H_
#define INNKEEPER_TESTS_E2E_E2E_TEST_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "grpcpp/support/status.h"
#include "tests/e2e/at_once.h"
#include "tests/support/test_client.h"
#include "tests/support/test_server.h"

namespace innkeeper {

// A suite whose tests share one server, and so one event log. Tests must not
// expect that they are alone in it: each has users, and so rooms, of its own.
class E2eTest : public testing::Test {
 protected:
  static void SetUpTestSuite();
  static void TearDownTestSuite();

  static TestServer& server() { return *server_; }

  // Clients with the token of the principal of that name.
  static const TestClient& admin();
  static const TestClient& backend();
  static const TestClient& reader();
  static const TestClient& watcher();

  // A user of example.org that no other test has: "@name.test:example.org".
  static std::string User(absl::string_view name);
  // An alias that no other test has: "#name.test:example.org".
  static std::string Alias(absl::string_view name);

  // The sequence of the newest event in the log.
  static int64_t LogHead();

 private:
  static TestServer* server_;
};

// Matches a grpc::Status with that code and reason.
MATCHER_P2(IsError, code, reason, "") {
  *result_listener << "code " << arg.error_code() << ", reason " << ReasonOf(arg) << ", message \""
                   << arg.error_message() << "\"";
  return arg.error_code() == code && ReasonOf(arg) == reason;
}

// Matches INVALID_ARGUMENT with reason INVALID_REQUEST about exactly these fields,
// in any order.
MATCHER_P(IsInvalidRequest, fields, "") {
  *result_listener << "code " << arg.error_code() << ", reason " << ReasonOf(arg) << ", fields "
                   << testing::PrintToString(FieldsOf(arg)) << ", message \"" << arg.error_message()
                   << "\"";
  return arg.error_code() == grpc::StatusCode::INVALID_ARGUMENT &&
         ReasonOf(arg) == "INVALID_REQUEST" &&
         testing::Matches(testing::UnorderedElementsAreArray(fields))(FieldsOf(arg));
}

inline auto IsInvalid(std::vector<std::string> fields) {
  return IsInvalidRequest(std::move(fields));
}

// Requests.
v1::GetRoomRequest GetRequest(const std::string& room_id, const std::string& requester = "");
v1::GetRoomStateRequest StateRequest(const std::string& room_id, const std::string& requester = "");
v1::ExportRoomRequest ExportRequest(const std::string& room_id, const std::string& requester = "");
v1::UpgradeRoomRequest UpgradeRequest(const std::string& room_id, const std::string& requester,
                                      const std::string& new_version);

v1::InviteUserRequest InviteRequest(const std::string& room_id, const std::string& requester,
                                    const std::string& user_id);
v1::JoinRoomRequest JoinRequest(const std::string& room_id_or_alias, const std::string& requester);
v1::LeaveRoomRequest LeaveRequest(const std::string& room_id, const std::string& requester);
v1::KickUserRequest KickRequest(const std::string& room_id, const std::string& requester,
                                const std::string& user_id);
v1::BanUserRequest BanRequest(const std::string& room_id, const std::string& requester,
                              const std::string& user_id);
v1::UnbanUserRequest UnbanRequest(const std::string& room_id, const std::string& requester,
                                  const std::string& user_id);
v1::KnockOnRoomRequest KnockRequest(const std::string& room_id_or_alias,
                                    const std::string& requester);
v1::SetAliasRequest SetAliasRequest(const std::string& alias, const std::string& room_id,
                                    const std::string& requester);

v1::SetStateRequest SetStateRequest(const std::string& room_id, const std::string& requester,
                                    const std::string& type, absl::string_view content_json);
v1::SendEventRequest SendRequest(const std::string& room_id, const std::string& requester,
                                 const std::string& text);
v1::RedactEventRequest RedactRequest(const std::string& room_id, const std::string& requester,
                                     const std::string& event_id);
v1::GetEventRequest EventRequest(const std::string& room_id, const std::string& event_id,
                                 const std::string& requester = "");
v1::ListEventsRequest ListRequest(const std::string& room_id, const std::string& requester = "");

// The content of an event as JSON text with sorted keys.
std::string ContentOf(const v1::StateEvent& event);
std::string ContentOf(const v1::TimelineEvent& event);

// What an upgrade could not move, each as "KIND name|state_key REASON".
std::vector<std::string> UnmovedIn(const v1::UpgradeRoomResponse& response);

// The users whose membership in a room is this one, such as "join". `client` has the
// role read-all.
std::vector<std::string> MembersOf(const TestClient& client, const std::string& room_id,
                                   absl::string_view membership);

// The rooms that a user is joined to; at most 100.
std::vector<std::string> RoomsOf(const TestClient& client, const std::string& user);

// The room that an alias points at; "" if there is no such alias.
std::string RoomAt(const TestClient& client, const std::string& alias);

// A connection that takes no more of a stream than a window ahead of its reader. gRPC would
// widen that where it finds the connection fast.
std::unique_ptr<v1::RoomLifecycle::Stub> ConnectNarrowly(const std::string& address);

// What a server with a `metrics_address` says of its metrics.
std::string MetricsOf(const TestServer& server);

// The events of the log about this room, oldest first.
std::vector<v1::RoomEvent> EventsOf(const TestClient& client, const std::string& room_id);

}  // namespace innkeeper

#endif  // INNKEEPER_TESTS_E2E_E2E_TEST_H_
