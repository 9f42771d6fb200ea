"""A time stamp authority for tests: `openssl ts` behind a loopback server that speaks RFC 3161 over HTTP."""

from __future__ import annotations

import subprocess
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

_SETTINGS = """[tsa]
default_tsa = here
[here]
serial = {folder}/serial
crypto_device = builtin
signer_cert = {folder}/{name}.pem
signer_key = {folder}/{name}.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha512
accuracy = secs:1
ess_cert_id_alg = sha256
"""
_EXTENSIONS = """basicConstraints=critical,CA:FALSE
keyUsage=critical,digitalSignature
extendedKeyUsage=critical,timeStamping
"""


def openssl(*arguments: str | Path, data: bytes = b"") -> bytes:
    """What openssl writes for these arguments."""
    run = subprocess.run(["openssl", *arguments], input=data, capture_output=True, check=False, timeout=60)
    assert run.returncode == 0, run.stderr.decode()
    return run.stdout


class Authority:
    """An authority in a folder: `name` has its certificate for time stamps, signed by the root beside it."""

    def __init__(self, folder: Path, name: str = "tsa") -> None:
        self.folder, self.name = folder, name
        new = ("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
        root, key = folder / "root.pem", folder / "root.key"
        if not root.exists():
            openssl(*new, "-x509", "-days", "2", "-subj", "/CN=Root", "-keyout", key, "-out", root)
        ours, asked, extensions = (folder / f"{name}.{end}" for end in ("pem", "csr", "cnf"))
        openssl(*new, "-subj", f"/CN={name}", "-keyout", folder / f"{name}.key", "-out", asked)
        extensions.write_text(_EXTENSIONS)
        sign = ("x509", "-req", "-days", "2", "-CAcreateserial", "-extfile", extensions)
        openssl(*sign, "-in", asked, "-CA", root, "-CAkey", key, "-out", ours)
        (folder / "serial").write_text("01\n")
        (folder / f"{name}.settings").write_text(_SETTINGS.format(folder=folder, name=name))

    @property
    def root(self) -> bytes:
        return (self.folder / "root.pem").read_bytes()

    def answer(self, query: bytes) -> bytes:
        asked = self.folder / "query"
        asked.write_bytes(query)
        return openssl("ts", "-reply", "-config", self.folder / f"{self.name}.settings", "-queryfile", asked)


@contextmanager
def served(authority: Authority) -> Iterator[str]:
    """The address of the authority while it is served."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            query = self.rfile.read(int(self.headers["Content-Length"]))
            right = self.headers["Content-Type"] == "application/timestamp-query"
            self.send_response(200 if right else 415)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.end_headers()
            self.wfile.write(authority.answer(query) if right else b"")

        def log_message(self, format: str, *arguments: object) -> None:
            """Nothing is logged."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def post(address: str, query: bytes) -> bytes:
    """The authority's reply to a query."""
    headers = {"Content-Type": "application/timestamp-query"}
    asked = urllib.request.Request(address, data=query, headers=headers)
    with urllib.request.urlopen(asked, timeout=60) as reply:
        assert reply.headers["Content-Type"] == "application/timestamp-reply"
        return bytes(reply.read())
