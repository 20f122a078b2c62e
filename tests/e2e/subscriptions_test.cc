// Durable subscriptions are created, shown, changed and removed as their RPCs promise.

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "server/rooms/event.h"
#include "tests/e2e/e2e_test.h"
#include "tests/support/consumer_stream.h"

namespace innkeeper {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

class SubscriptionsTest : public testing::Test {
 protected:
  SubscriptionsTest()
      : server_([this](ServerConfig& config) {
          config.tokens_file = dir_.Write("tokens.json", TokenFile());
        }) {}

  // Of two watchers and an administrator.
  static std::string TokenFile() {
    nlohmann::json principals = nlohmann::json::array();
    for (const std::string name : {"anna", "bert", "root"}) {
      principals.push_back(
          {{"name", name},
           {"token_sha256", {absl::BytesToHexString(rooms::Sha256(TestToken(name)))}},
           {"roles", {name == "root" ? "admin" : "watch"}},
           {"users", nlohmann::json::array()}});
    }
    return nlohmann::json({{"principals", principals}}).dump();
  }

  static v1::CreateSubscriptionRequest CreateRequest(const std::string& name) {
    v1::CreateSubscriptionRequest request;
    request.mutable_subscription()->set_name(name);
    return request;
  }

  v1::Subscription Create(const TestClient& client, const std::string& name) {
    const auto reply = client.CreateSubscription(CreateRequest(name));
    EXPECT_TRUE(reply.ok()) << reply.status.error_message();
    return reply.response.subscription();
  }

  static Reply<v1::GetSubscriptionResponse> Get(const TestClient& client, const std::string& name) {
    v1::GetSubscriptionRequest request;
    request.set_name(name);
    return client.GetSubscription(request);
  }

  // All names, page by page.
  static std::vector<std::string> Names(const TestClient& client, int page_size) {
    std::vector<std::string> names;
    v1::ListSubscriptionsRequest request;
    request.set_page_size(page_size);
    do {
      const auto reply = client.ListSubscriptions(request);
      EXPECT_TRUE(reply.ok()) << reply.status.error_message();
      EXPECT_LE(reply.response.subscriptions_size(), page_size);
      for (const auto& subscription : reply.response.subscriptions()) {
        names.push_back(subscription.name());
      }
      request.set_page_token(reply.response.next_page_token());
    } while (!request.page_token().empty());
    return names;
  }

  const TempDir dir_;
  TestServer server_;
  const TestClient anna_{server_.address(), TestToken("anna")};
  const TestClient bert_{server_.address(), TestToken("bert")};
  const TestClient root_{server_.address(), TestToken("root")};
};

auto IsSubscriptionNotFound() {
  return IsError(grpc::StatusCode::NOT_FOUND, "SUBSCRIPTION_NOT_FOUND");
}

TEST_F(SubscriptionsTest, HaveDefaults) {
  const v1::Subscription created = Create(anna_, "orders");
  const v1::Subscription subscription = Get(anna_, "orders").response.subscription();
  EXPECT_EQ(subscription.name(), "orders");
  EXPECT_EQ(subscription.owner(), "anna");
  EXPECT_EQ(subscription.ack_deadline().seconds(), 60);
  EXPECT_EQ(subscription.max_delivery_attempts(), 5);
  EXPECT_EQ(subscription.retry_delay().seconds(), 1);
  EXPECT_GT(subscription.create_time().seconds(), 0);
  EXPECT_NE(subscription.etag(), "");
  EXPECT_EQ(subscription.etag(), created.etag());
  EXPECT_EQ(subscription.consumer_count(), 0);
}

TEST_F(SubscriptionsTest, BelongToWhoMadeThem) {
  for (const std::string name : {"a", "b", "c"}) Create(anna_, name);
  Create(bert_, "ab");
  EXPECT_THAT(Names(anna_, 2), UnorderedElementsAre("a", "b", "c"));
  EXPECT_THAT(Names(bert_, 1), ElementsAre("ab"));
  EXPECT_THAT(Names(root_, 3), UnorderedElementsAre("a", "ab", "b", "c"));
  EXPECT_TRUE(Get(root_, "ab").ok());
  const grpc::Status foreign = Get(anna_, "ab").status;
  EXPECT_THAT(foreign, IsSubscriptionNotFound());
  EXPECT_EQ(foreign.error_message(), Get(anna_, "none").status.error_message());

  v1::DeleteSubscriptionRequest remove;
  remove.set_name("ab");
  EXPECT_THAT(anna_.DeleteSubscription(remove).status, IsSubscriptionNotFound());
  v1::ConsumeEventsRequest consume;
  consume.set_name("ab");
  EXPECT_THAT(ConsumerStream(anna_, consume).Finish(), IsSubscriptionNotFound());
  v1::ListParkedEventsRequest parked;
  parked.set_name("ab");
  EXPECT_THAT(anna_.ListParkedEvents(parked).status, IsSubscriptionNotFound());

  ConsumerStream consumer(bert_, consume);
  consumer.AwaitStart();
  v1::RejectEventRequest reject;
  reject.set_name("ab");
  reject.set_consumer_id(consumer.consumer_id());
  reject.set_sequence(1);
  EXPECT_THAT(anna_.RejectEvent(reject).status, IsSubscriptionNotFound());
  EXPECT_TRUE(root_.RejectEvent(reject).ok());
  EXPECT_THAT(anna_.CreateSubscription(CreateRequest("ab")).status,
              IsError(grpc::StatusCode::ALREADY_EXISTS, "SUBSCRIPTION_EXISTS"));
}

TEST_F(SubscriptionsTest, PageTokensAreOfTheirCaller) {
  for (const std::string name : {"a", "b"}) Create(anna_, name);
  v1::ListSubscriptionsRequest request;
  request.set_page_size(1);
  request.set_page_token(anna_.ListSubscriptions(request).response.next_page_token());
  EXPECT_THAT(bert_.ListSubscriptions(request).status,
              IsError(grpc::StatusCode::INVALID_ARGUMENT, "CURSOR_INVALID"));
}

TEST_F(SubscriptionsTest, AreCreatedOnceHoweverOftenTheRequestComes) {
  auto request = CreateRequest("orders");
  request.set_request_id("1");
  const auto first = anna_.CreateSubscription(request);
  const auto second = anna_.CreateSubscription(request);
  ASSERT_TRUE(second.ok()) << second.status.error_message();
  EXPECT_EQ(first.response.SerializeAsString(), second.response.SerializeAsString());
  request.mutable_subscription()->set_name("other");
  EXPECT_THAT(anna_.CreateSubscription(request).status,
              IsError(grpc::StatusCode::INVALID_ARGUMENT, "REQUEST_ID_REUSED"));
}

TEST_F(SubscriptionsTest, ChangeOnlyIfTheEtagMatches) {
  const v1::Subscription created = Create(anna_, "orders");
  auto request = FromJson<v1::UpdateSubscriptionRequest>(
      R"({"subscription": {"name": "orders", "ackDeadline": "5s", "maxDeliveryAttempts": 9},
          "updateMask": "ackDeadline"})");
  request.mutable_subscription()->set_etag(created.etag());
  const auto changed = anna_.UpdateSubscription(request);
  ASSERT_TRUE(changed.ok()) << changed.status.error_message();
  EXPECT_EQ(changed.response.subscription().ack_deadline().seconds(), 5);
  EXPECT_EQ(changed.response.subscription().max_delivery_attempts(), 5) << "not in the mask";
  EXPECT_NE(changed.response.subscription().etag(), created.etag());
  EXPECT_THAT(anna_.UpdateSubscription(request).status,
              IsError(grpc::StatusCode::ABORTED, "ETAG_MISMATCH"));

  request.clear_update_mask();
  request.mutable_subscription()->clear_etag();
  request.mutable_subscription()->clear_ack_deadline();
  const auto by_fields = anna_.UpdateSubscription(request).response.subscription();
  EXPECT_EQ(by_fields.ack_deadline().seconds(), 5);
  EXPECT_EQ(by_fields.max_delivery_attempts(), 9);
  request.mutable_update_mask()->add_paths("*");
  const auto all = anna_.UpdateSubscription(request).response.subscription();
  EXPECT_EQ(all.ack_deadline().seconds(), 60) << "named and not set: the default";
  EXPECT_EQ(anna_.UpdateSubscription(request).response.subscription().etag(), all.etag())
      << "nothing has changed";

  v1::DeleteSubscriptionRequest remove;
  remove.set_name("orders");
  remove.set_etag(created.etag());
  EXPECT_THAT(anna_.DeleteSubscription(remove).status,
              IsError(grpc::StatusCode::ABORTED, "ETAG_MISMATCH"));
  v1::SeekSubscriptionRequest seek;
  seek.set_name("orders");
  seek.set_position(v1::START_POSITION_OLDEST);
  seek.set_etag(created.etag());
  EXPECT_THAT(anna_.SeekSubscription(seek).status,
              IsError(grpc::StatusCode::ABORTED, "ETAG_MISMATCH"));
  remove.set_etag(all.etag());
  EXPECT_TRUE(anna_.DeleteSubscription(remove).ok());
  EXPECT_THAT(anna_.DeleteSubscription(remove).status, IsSubscriptionNotFound());
  EXPECT_THAT(Names(anna_, 10), IsEmpty());
}

TEST_F(SubscriptionsTest, RefuseWhatIsWrong) {
  const auto create = FromJson<v1::CreateSubscriptionRequest>(
      R"({"subscription": {"name": "a b", "ackDeadline": "0.9s", "maxDeliveryAttempts": 1001,
          "retryDelay": "601s", "filter": {"types": ["nonsense"]}},
          "position": "START_POSITION_SNAPSHOT", "requestId": "!"})");
  EXPECT_THAT(anna_.CreateSubscription(create).status,
              IsInvalid({"subscription.name", "subscription.ack_deadline",
                         "subscription.max_delivery_attempts", "subscription.retry_delay",
                         "subscription.filter.types[0]", "position", "request_id"}));
  const auto update = FromJson<v1::UpdateSubscriptionRequest>(
      R"({"subscription": {"maxDeliveryAttempts": -1}, "updateMask": "filter"})");
  EXPECT_THAT(
      anna_.UpdateSubscription(update).status,
      IsInvalid({"subscription.name", "subscription.max_delivery_attempts", "update_mask"}));
  EXPECT_THAT(anna_.SeekSubscription({}).status, IsInvalid({"name", "start"}));
  EXPECT_THAT(anna_.DeleteSubscription({}).status, IsInvalid({"name"}));
  EXPECT_THAT(anna_.GetSubscription({}).status, IsInvalid({"name"}));
  EXPECT_THAT(anna_.AckEvents({}).status, IsInvalid({"name", "consumer_id", "cursor"}));
  auto reject = FromJson<v1::RejectEventRequest>(R"({"sequence": "-1"})");
  reject.set_error(std::string(1025, 'x'));
  EXPECT_THAT(anna_.RejectEvent(reject).status,
              IsInvalid({"name", "consumer_id", "sequence", "error"}));
  EXPECT_THAT(anna_.ReplayParkedEvents({}).status, IsInvalid({"name", "sequences"}));
  EXPECT_THAT(anna_
                  .DropParkedEvents(FromJson<v1::DropParkedEventsRequest>(
                      R"({"name": "a", "all": true, "sequences": ["1"]})"))
                  .status,
              IsInvalid({"sequences"}));
  const auto consume = FromJson<v1::ConsumeEventsRequest>(
      R"({"maxUnacknowledgedEvents": 10001, "maxBatchEvents": 1001,
          "progressIntervalSeconds": -1})");
  EXPECT_THAT(ConsumerStream(anna_, consume).Finish(),
              IsInvalid({"name", "max_unacknowledged_events", "max_batch_events",
                         "progress_interval_seconds"}));
}

}  // namespace
}  // namespace innkeeper
