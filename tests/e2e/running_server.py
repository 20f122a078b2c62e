"""An innkeeper-server for a test: the real program, on a free port."""

import contextlib
import hashlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile

TOKEN = "admin-token"
SERVER_NAME = "example.org"
ALICE = "@alice:" + SERVER_NAME
_READY = "innkeeper ready on "


def skip(reason):
    """Ends the test as skipped."""
    print("skipped: " + reason)
    sys.exit(77)


def child_peak_memory(name="innkeeper-server"):
    """How many bytes of memory the program called so that this process started took at most."""
    for child in pathlib.Path(f"/proc/self/task/{os.getpid()}/children").read_text().split():
        status = dict(line.split(":", 1) for line in
                      pathlib.Path(f"/proc/{child}/status").read_text().splitlines())
        if status["Name"].strip() == name[:15]:
            return int(status["VmHWM"].split()[0]) << 10
    raise LookupError(name)


@contextlib.contextmanager
def running_server(program, *flags):
    """Runs `program` in a directory of its own and yields its address; its principal
    `admin` has TOKEN. Checks that the program ends well."""
    with tempfile.TemporaryDirectory() as directory:
        tokens = pathlib.Path(directory, "tokens.json")
        token_hash = hashlib.sha256(TOKEN.encode()).hexdigest()
        principal = {"name": "admin", "token_sha256": [token_hash], "roles": ["admin"]}
        tokens.write_text(json.dumps({"principals": [principal]}))
        tokens.chmod(0o600)
        log_path = pathlib.Path(directory, "log")
        with open(log_path, "wb") as log:
            server = subprocess.Popen(
                [
                    program,
                    "--server_name=" + SERVER_NAME,
                    "--listen_address=127.0.0.1:0",
                    "--data_dir=" + os.path.join(directory, "data"),
                    "--tokens_file=" + str(tokens),
                    *flags,
                ],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        try:
            line = server.stdout.readline()
            assert line.startswith(_READY), log_path.read_text()
            yield line[len(_READY) :].strip()
            server.send_signal(signal.SIGTERM)
            assert server.wait() == 0, log_path.read_text()
        finally:
            if server.poll() is None:
                server.kill()
                server.wait()
            server.stdout.close()
