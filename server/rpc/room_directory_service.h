// File: server/rpc/room_directory_service.h
//
// The gRPC service innkeeper.v1.RoomDirectory.

#ifndef INNKEEPER_SERVER_RPC_ROOM_DIRECTORY_SERVICE_H_
#define INNKEEPER_SERVER_RPC_ROOM_DIRECTORY_SERVICE_H_

#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/server_callback.h"
#include "innkeeper/v1/room_directory.grpc.pb.h"
#include "server/directory/directory_editor.h"
#include "server/directory/directory_reader.h"
#include "server/rpc/admission.h"
#include "server/rpc/unary_call.h"

namespace innkeeper::rpc {

// All methods of the service, taking and giving raw bytes (see wire.h).
using RawRoomDirectory = v1::RoomDirectory::WithRawCallbackMethod_SetAlias<
    v1::RoomDirectory::WithRawCallbackMethod_DeleteAlias<
        v1::RoomDirectory::WithRawCallbackMethod_ResolveAlias<
            v1::RoomDirectory::WithRawCallbackMethod_ListAliases<
                v1::RoomDirectory::WithRawCallbackMethod_SetVisibility<
                    v1::RoomDirectory::WithRawCallbackMethod_ListPublicRooms<
                        v1::RoomDirectory::Service>>>>>>;

// Checks who calls and what they may do, and hands each call to its use case.
// Thread-safe; gRPC calls the methods on its threads.
class RoomDirectoryService final : public RawRoomDirectory {
 public:
  // The use cases must outlive the service.
  RoomDirectoryService(CallEnvironment environment, const directory::DirectoryEditor& editor,
                       const directory::DirectoryReader& reader, std::string server_name)
      : environment_(environment),
        editor_(editor),
        reader_(reader),
        server_name_(std::move(server_name)) {}

  grpc::ServerUnaryReactor* SetAlias(grpc::CallbackServerContext* context,
                                     const grpc::ByteBuffer* request,
                                     grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* DeleteAlias(grpc::CallbackServerContext* context,
                                        const grpc::ByteBuffer* request,
                                        grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* ResolveAlias(grpc::CallbackServerContext* context,
                                         const grpc::ByteBuffer* request,
                                         grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* ListAliases(grpc::CallbackServerContext* context,
                                        const grpc::ByteBuffer* request,
                                        grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* SetVisibility(grpc::CallbackServerContext* context,
                                          const grpc::ByteBuffer* request,
                                          grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* ListPublicRooms(grpc::CallbackServerContext* context,
                                            const grpc::ByteBuffer* request,
                                            grpc::ByteBuffer* response) override;

 private:
  template <typename Request, typename Response>
  grpc::ServerUnaryReactor* ServeEdit(
      const Method& method, grpc::CallbackServerContext* context, const grpc::ByteBuffer* request,
      grpc::ByteBuffer* response,
      lifecycle::Write<Response> (directory::DirectoryEditor::*edit)(Request,
                                                                     lifecycle::RequestIdentity)
          const);

  // Serves a method that any caller may read with.
  template <typename Request, typename Response>
  grpc::ServerUnaryReactor* ServePublicRead(
      const Method& method, grpc::CallbackServerContext* context, const grpc::ByteBuffer* request,
      grpc::ByteBuffer* response,
      absl::StatusOr<Response> (directory::DirectoryReader::*read)(const Request&) const);

  const CallEnvironment environment_;
  const directory::DirectoryEditor& editor_;
  const directory::DirectoryReader& reader_;
  const std::string server_name_;
};

}  // namespace innkeeper::rpc

#endif  // INNKEEPER_SERVER_RPC_ROOM_DIRECTORY_SERVICE_H_
