#include "tests/crash/room_write.h"

#include "innkeeper/v1/room_membership.pb.h"

namespace innkeeper::crash {
namespace {

// Where the mark stands in contents: members and redactions have room for a reason only.
constexpr char kMarkField[] = "mark";
constexpr char kReasonField[] = "reason";

std::string FieldOf(const v1::TimelineEvent& event, const char* name) {
  const auto field = event.content().fields().find(name);
  return field == event.content().fields().end() ? "" : field->second.string_value();
}

void SetField(v1::TimelineEvent& event, const char* name, const std::string& value) {
  (*event.mutable_content()->mutable_fields())[name].set_string_value(value);
}

WantedEvent Wanted(const char* type, const std::string& sender, const char* mark_field,
                   const std::string& mark) {
  WantedEvent wanted{.mark = mark};
  wanted.event.set_type(type);
  wanted.event.set_sender(sender);
  SetField(wanted.event, mark_field, mark);
  return wanted;
}

template <typename Request>
Request RequestFor(const WantedEvent& wanted) {
  Request request;
  request.set_room_id(wanted.room_id);
  request.set_requester(wanted.event.sender());
  return request;
}

Reply<std::string> SendMessage(const TestClient& client, const WantedEvent& wanted) {
  auto request = RequestFor<v1::SendEventRequest>(wanted);
  request.set_type(wanted.event.type());
  *request.mutable_content() = wanted.event.content();
  request.set_transaction_id(wanted.request_id);
  const auto reply = client.SendEvent(request);
  return {reply.status, reply.response.event().event_id()};
}

Reply<std::string> SetState(const TestClient& client, const WantedEvent& wanted) {
  auto request = RequestFor<v1::SetStateRequest>(wanted);
  request.set_type(wanted.event.type());
  request.set_state_key(wanted.event.state_key());
  *request.mutable_content() = wanted.event.content();
  request.set_request_id(wanted.request_id);
  const auto reply = client.SetState(request);
  return {reply.status, reply.response.event().event_id()};
}

Reply<std::string> Redact(const TestClient& client, const WantedEvent& wanted) {
  auto request = RequestFor<v1::RedactEventRequest>(wanted);
  request.set_event_id(wanted.event.redacts());
  request.set_reason(wanted.mark);
  request.set_transaction_id(wanted.request_id);
  const auto reply = client.RedactEvent(request);
  return {reply.status, reply.response.event().event_id()};
}

template <typename Request, typename Call>
Reply<std::string> ChangeMember(const TestClient& client, const WantedEvent& wanted,
                                Request request, Call call) {
  request.set_requester(wanted.event.sender());
  request.set_reason(wanted.mark);
  request.set_request_id(wanted.request_id);
  const auto reply = (client.*call)(request);
  return {reply.status, reply.response.member().event_id()};
}

Reply<std::string> ChangeMember(const TestClient& client, const WantedEvent& wanted) {
  const std::string membership = FieldOf(wanted.event, "membership");
  if (membership == "invite") {
    v1::InviteUserRequest invite;
    invite.set_room_id(wanted.room_id);
    invite.set_user_id(wanted.event.state_key());
    return ChangeMember(client, wanted, invite, &TestClient::InviteUser);
  }
  if (membership == "join") {
    v1::JoinRoomRequest join;
    join.set_room_id_or_alias(wanted.room_id);
    return ChangeMember(client, wanted, join, &TestClient::JoinRoom);
  }
  if (membership == "leave") {
    v1::LeaveRoomRequest leave;
    leave.set_room_id(wanted.room_id);
    return ChangeMember(client, wanted, leave, &TestClient::LeaveRoom);
  }
  v1::BanUserRequest ban;
  ban.set_room_id(wanted.room_id);
  ban.set_user_id(wanted.event.state_key());
  return ChangeMember(client, wanted, ban, &TestClient::BanUser);
}

Reply<std::string> Write(const TestClient& client, const WantedEvent& wanted) {
  if (wanted.event.type() == "m.room.member") return ChangeMember(client, wanted);
  if (wanted.event.type() == "m.room.redaction") return Redact(client, wanted);
  if (wanted.event.has_state_key()) return SetState(client, wanted);
  return SendMessage(client, wanted);
}

}  // namespace

WantedEvent MessageOf(const std::string& sender, const std::string& mark) {
  return Wanted("org.example.message", sender, kMarkField, mark);
}

WantedEvent StateOf(const std::string& sender, const std::string& state_key,
                    const std::string& mark) {
  WantedEvent wanted = Wanted("org.example.state", sender, kMarkField, mark);
  wanted.event.set_state_key(state_key);
  return wanted;
}

WantedEvent MembershipOf(const std::string& sender, const std::string& user,
                         const std::string& membership, const std::string& mark) {
  WantedEvent wanted = Wanted("m.room.member", sender, kReasonField, mark);
  wanted.event.set_state_key(user);
  SetField(wanted.event, "membership", membership);
  return wanted;
}

WantedEvent RedactionOf(const std::string& sender, const std::string& event_id,
                        const std::string& mark) {
  WantedEvent wanted = Wanted("m.room.redaction", sender, kReasonField, mark);
  wanted.event.set_redacts(event_id);
  return wanted;
}

std::string MarkOf(const v1::TimelineEvent& event) {
  const std::string mark = FieldOf(event, kMarkField);
  return mark.empty() ? FieldOf(event, kReasonField) : mark;
}

void Attempt(const TestClient& client, RoomWrite& write) {
  Settle(write, Write(client, write.request));
}

}  // namespace innkeeper::crash
