// File: tests/support/health_client.h
//
// A client of grpc.health.v1, without a token.

#ifndef INNKEEPER_TESTS_SUPPORT_HEALTH_CLIENT_H_
#define INNKEEPER_TESTS_SUPPORT_HEALTH_CLIENT_H_

#include <memory>
#include <string>

#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"
#include "grpcpp/completion_queue.h"
#include "grpcpp/generic/generic_stub.h"

namespace innkeeper {

// The health of a service, or of the whole server if `service` is empty:
// "SERVING", "NOT_SERVING", "NOT_FOUND" if there is no such service, or "FAILED".
std::string HealthOf(const std::string& address, const std::string& service);

// A stream of the health of a service.
class HealthWatch {
 public:
  HealthWatch(const std::string& address, const std::string& service);
  ~HealthWatch();

  // Waits for the next change; as HealthOf(), and "ENDED" at the stream's end.
  std::string Next();

 private:
  const std::shared_ptr<grpc::Channel> channel_;
  grpc::ClientContext context_;
  grpc::CompletionQueue queue_;
  grpc::GenericStub stub_;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> call_;
};

}  // namespace innkeeper

#endif  // INNKEEPER_TESTS_SUPPORT_HEALTH_CLIENT_H_
