"""Calls to a running server, with the generated stubs."""

import grpc
from google.protobuf import json_format
from python_stubs import generate, load
from running_server import TOKEN

DEADLINE = 60  # seconds; no call should take so long
METADATA = [("authorization", "Bearer " + TOKEN)]
SERVICES = {"RoomLifecycle": "room_lifecycle", "RoomMembership": "room_membership",
            "RoomState": "room_state"}


class Client:
    """Calls methods by their names."""

    def __init__(self, address, protos, google_rpc_protos, out):
        """Writes the stubs into the directory `out`."""
        generate(protos, google_rpc_protos, out)
        self._channel = grpc.insecure_channel(address)
        self._methods = {}  # by name: what calls it, and the class of its requests
        for service, file in SERVICES.items():
            messages, stubs = load(out, f"innkeeper.v1.{file}_pb2", f"innkeeper.v1.{file}_pb2_grpc")
            stub = getattr(stubs, service + "Stub")(self._channel)
            for name in messages.DESCRIPTOR.services_by_name[service].methods_by_name:
                self._methods[name] = getattr(stub, name), getattr(messages, name + "Request")

    def call(self, method, request):
        """Returns the response, or the stream of them, to a request written as JSON."""
        function, request_class = self._methods[method]
        message = json_format.ParseDict(request, request_class())
        return function(message, metadata=METADATA, timeout=DEADLINE)

    def send(self, method, requests):
        """As call(), with a stream of requests."""
        function, request_class = self._methods[method]
        messages = (json_format.ParseDict(request, request_class()) for request in requests)
        return function(messages, metadata=METADATA, timeout=DEADLINE)

    def close(self):
        self._channel.close()
