// File: server/rpc/event_subscriptions_service.h
//
// The gRPC service innkeeper.v1.EventSubscriptions.

#ifndef INNKEEPER_SERVER_RPC_EVENT_SUBSCRIPTIONS_SERVICE_H_
#define INNKEEPER_SERVER_RPC_EVENT_SUBSCRIPTIONS_SERVICE_H_

#include "absl/status/statusor.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/server_callback.h"
#include "innkeeper/v1/event_subscriptions.grpc.pb.h"
#include "server/base/signed_token.h"
#include "server/rpc/admission.h"
#include "server/rpc/unary_call.h"
#include "server/subscriptions/dispatcher.h"
#include "server/subscriptions/subscription_manager.h"
#include "storage/engine.h"

namespace innkeeper::rpc {

// All methods of the service, taking and giving raw bytes (see wire.h).
using RawEventSubscriptions = v1::EventSubscriptions::WithRawCallbackMethod_CreateSubscription<
    v1::EventSubscriptions::WithRawCallbackMethod_GetSubscription<
        v1::EventSubscriptions::WithRawCallbackMethod_ListSubscriptions<
            v1::EventSubscriptions::WithRawCallbackMethod_UpdateSubscription<
                v1::EventSubscriptions::WithRawCallbackMethod_SeekSubscription<
                    v1::EventSubscriptions::WithRawCallbackMethod_DeleteSubscription<
                        v1::EventSubscriptions::WithRawCallbackMethod_ConsumeEvents<
                            v1::EventSubscriptions::WithRawCallbackMethod_AckEvents<
                                v1::EventSubscriptions::WithRawCallbackMethod_RejectEvent<
                                    v1::EventSubscriptions::WithRawCallbackMethod_ListParkedEvents<
                                        v1::EventSubscriptions::
                                            WithRawCallbackMethod_ReplayParkedEvents<
                                                v1::EventSubscriptions::
                                                    WithRawCallbackMethod_DropParkedEvents<
                                                        v1::EventSubscriptions::Service>>>>>>>>>>>>;

// Checks who calls and what they may do, and hands each call to its use case.
// Thread-safe; gRPC calls the methods on its threads.
class EventSubscriptionsService final : public RawEventSubscriptions {
 public:
  // Must outlive the service.
  struct UseCases {
    const storage::Engine& engine;
    const TokenSigner& signer;
    const subscriptions::SubscriptionManager& manager;
    subscriptions::Dispatcher& dispatcher;
  };

  EventSubscriptionsService(CallEnvironment environment, const UseCases& use_cases)
      : environment_(environment), use_cases_(use_cases) {}

  grpc::ServerUnaryReactor* CreateSubscription(grpc::CallbackServerContext* context,
                                               const grpc::ByteBuffer* request,
                                               grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* GetSubscription(grpc::CallbackServerContext* context,
                                            const grpc::ByteBuffer* request,
                                            grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* ListSubscriptions(grpc::CallbackServerContext* context,
                                              const grpc::ByteBuffer* request,
                                              grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* UpdateSubscription(grpc::CallbackServerContext* context,
                                               const grpc::ByteBuffer* request,
                                               grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* SeekSubscription(grpc::CallbackServerContext* context,
                                             const grpc::ByteBuffer* request,
                                             grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* DeleteSubscription(grpc::CallbackServerContext* context,
                                               const grpc::ByteBuffer* request,
                                               grpc::ByteBuffer* response) override;
  grpc::ServerWriteReactor<grpc::ByteBuffer>* ConsumeEvents(
      grpc::CallbackServerContext* context, const grpc::ByteBuffer* request) override;
  grpc::ServerUnaryReactor* AckEvents(grpc::CallbackServerContext* context,
                                      const grpc::ByteBuffer* request,
                                      grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* RejectEvent(grpc::CallbackServerContext* context,
                                        const grpc::ByteBuffer* request,
                                        grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* ListParkedEvents(grpc::CallbackServerContext* context,
                                             const grpc::ByteBuffer* request,
                                             grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* ReplayParkedEvents(grpc::CallbackServerContext* context,
                                               const grpc::ByteBuffer* request,
                                               grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* DropParkedEvents(grpc::CallbackServerContext* context,
                                             const grpc::ByteBuffer* request,
                                             grpc::ByteBuffer* response) override;

 private:
  // Serves a read: `read` is absl::StatusOr<Response>(const Request&, const Caller&).
  template <typename Request, typename Read>
  grpc::ServerUnaryReactor* ServeRead(const Method& method, grpc::CallbackServerContext* context,
                                      const grpc::ByteBuffer* request, grpc::ByteBuffer* response,
                                      Read read);

  // Serves a change to a subscription, of which its consumers are then told: `change` is
  // lifecycle::Write<Response>(Request, Caller).
  template <typename Request, typename Response, typename Change>
  grpc::ServerUnaryReactor* ServeChange(const Method& method, grpc::CallbackServerContext* context,
                                        const grpc::ByteBuffer* request, grpc::ByteBuffer* response,
                                        Change change);

  const CallEnvironment environment_;
  const UseCases use_cases_;
};

}  // namespace innkeeper::rpc

#endif  // INNKEEPER_SERVER_RPC_EVENT_SUBSCRIPTIONS_SERVICE_H_
