// File: tests/support/raw_call.h
//
// Calls below the generated stubs: any method by its name, with any bytes.

#ifndef INNKEEPER_TESTS_SUPPORT_RAW_CALL_H_
#define INNKEEPER_TESTS_SUPPORT_RAW_CALL_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "google/protobuf/descriptor.h"
#include "grpcpp/channel.h"
#include "grpcpp/support/status.h"

namespace innkeeper {

// Calls the method with `requests`, at least one, as its serialised requests. A stream is
// cancelled once its first message is there, which counts as success. The deadline is
// one that no call should reach.
grpc::Status CallRaw(const std::shared_ptr<grpc::Channel>& channel,
                     const google::protobuf::MethodDescriptor& method,
                     const std::vector<std::string>& requests,
                     const std::multimap<std::string, std::string>& metadata);

}  // namespace innkeeper

#endif  // INNKEEPER_TESTS_SUPPORT_RAW_CALL_H_
