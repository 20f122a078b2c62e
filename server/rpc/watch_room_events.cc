#include "server/rpc/watch_room_events.h"

#include <memory>
#include <utility>

#include "server/feed/subscription.h"
#include "server/rpc/stream_writer.h"

namespace innkeeper::rpc {

grpc::ServerWriteReactor<grpc::ByteBuffer>* WatchRoomEvents(feed::EventFeed& feed,
                                                            grpc::CallbackServerContext& context,
                                                            absl::StatusOr<WatchCall> call,
                                                            WatchDone done) {
  return StreamWriter<feed::Subscription, feed::SubscriptionSink>::Serve(
      context,
      [&](feed::SubscriptionSink& sink) -> absl::StatusOr<std::shared_ptr<feed::Subscription>> {
        if (!call.ok()) return call.status();
        auto subscription = feed.Subscribe(call->request, sink, std::move(call->access));
        if (subscription.ok()) (*subscription)->Start();
        return subscription;
      },
      [done = std::move(done)](const feed::Subscription* subscription,
                               const absl::Status& status) mutable {
        done(subscription == nullptr ? "" : subscription->stream_id(), status);
      });
}

}  // namespace innkeeper::rpc
