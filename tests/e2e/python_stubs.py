"""Python stubs, generated from the .proto files."""

import importlib
import pathlib
import shutil
import subprocess
import sys

from running_server import skip


def generate(proto_dir, google_rpc_dir, out):
    """Writes the Python modules into `out`."""
    plugin = shutil.which("grpc_python_plugin")
    if not plugin or not shutil.which("protoc"):
        skip("there is no protoc or grpc_python_plugin; install protobuf-compiler-grpc")
    protos = sorted(str(path) for path in pathlib.Path(proto_dir).rglob("*.proto"))
    details = [google_rpc_dir + "/google/rpc/" + name
               for name in ("error_details.proto", "status.proto")]
    subprocess.run(
        ["protoc", "-I" + proto_dir, "-I" + google_rpc_dir,
         "--plugin=protoc-gen-grpc_python=" + plugin,
         "--python_out=" + out, "--grpc_python_out=" + out, *protos, *details],
        check=True)


def load(out, *names):
    """Imports modules that generate() wrote. google.rpc joins the installed package
    google."""
    import google
    google.__path__.append(out + "/google")
    sys.path.insert(0, out)
    return [importlib.import_module(name) for name in names]
