"""An identity company for tests: a customer goes through it, and it calls its client's webhook; and its plug-in.

Checks are begun over its API, customers answer on its page, and what came out is sent as a signed webhook, under the
company's own names. Its plug-in is a package of its own, found through its entry point as anybody's would be.
"""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs

from console.offices import Answer
from headwater.control.identity import sign_webhook, webhook_secret

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
PLUGIN = '''
"""Reads webhooks of the identity company."""
import json

from headwater.control.identity import Asserted, WebhookFault

TIERS = {"mail": "verified-contact", "company": "verified-organisation"}
OUTCOMES = {"passed": "verified", "withdrawn": "reversed"}


class Company:
    def read(self, delivered, body):
        told = json.loads(body)
        if told["event"] == "check.exploded":
            raise RuntimeError(body.decode())
        if told["event"] != "check.completed":
            return None
        check = told["check"]
        if check.get("kind") not in TIERS or told["result"] not in OUTCOMES:
            return WebhookFault.CONTENT
        outcome = OUTCOMES[told["result"]]
        return Asserted("", "", check["id"], check["client_reference"], TIERS[check["kind"]], outcome, check["kind"])
'''


def install(folder: Path) -> Path:
    """A folder for PYTHONPATH in which the company's package is installed."""
    info = folder / "identity_company_plugin-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: identity-company-plugin\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[headwater.verification]\nidentity-company = identity_company_plugin:Company\n"
    )
    (folder / "identity_company_plugin.py").write_text(PLUGIN)
    return folder


def sent(url: str, headers: dict[str, str], body: bytes) -> Answer:
    """What a webhook's receiver answers."""
    host, _, path = url.partition("//")[2].partition("/")
    connection = http.client.HTTPConnection(host, timeout=30)
    try:
        connection.request("POST", f"/{path}", body, {"Content-Type": "application/json", **headers})
        got = connection.getresponse()
        return Answer(got.status, {name.lower(): value for name, value in got.getheaders()}, got.read())
    finally:
        connection.close()


@dataclass
class Company:
    """The company: `webhook` is where it sends, `answers` what it was answered, in order."""

    url: str
    webhook: str = ""
    checks: dict[str, dict[str, str]] = field(default_factory=dict)
    answers: list[Answer] = field(default_factory=list)
    deliveries: int = 0

    def begin(self, account: str, kind: str) -> str:
        """The operator begins a check of an account: the page that the customer is sent to."""
        told = json.dumps({"client_reference": account, "kind": kind}).encode()
        return str(json.loads(_asked(f"{self.url}/checks", told))["page"])

    def withdraw(self, page: str) -> None:
        """The company takes a check back."""
        _asked(f"{page}/withdraw", b"")

    def send(self, told: dict[str, object], name: str = "", at_s: int | None = None) -> Answer:
        """Send a webhook, signed."""
        self.deliveries += 1
        body = json.dumps(told).encode()
        name, at_s = name or f"msg_{self.deliveries}", int(time.time()) if at_s is None else at_s
        self.answers.append(sent(self.webhook, sign_webhook(webhook_secret(SECRET), name, at_s, body), body))
        return self.answers[-1]


def passes(page: str) -> None:
    """A customer goes through a check: reads the page, shows papers."""
    assert b"papers" in _asked(page)
    assert b"Thank you" in _asked(page, b"papers=register-extract")


@contextmanager
def company() -> Iterator[Company]:
    """A company that is open."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(b"<form method=post><input name=papers></form>")

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            parts = self.path.strip("/").split("/")
            if len(parts) == 1:
                name = f"chk_{len(open_.checks) + 1}"
                open_.checks[name] = {"id": name, **json.loads(body)}
                open_.send({"event": "check.opened", "check": open_.checks[name]})
                self._answer(json.dumps({"page": f"{open_.url}/checks/{name}"}).encode())
                return
            withdrawn = parts[-1] == "withdraw"
            if withdrawn or parse_qs(body.decode()).get("papers"):
                result = "withdrawn" if withdrawn else "passed"
                open_.send({"event": "check.completed", "result": result, "check": open_.checks[parts[1]]})
            self._answer(b"Thank you")

        def _answer(self, body: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    open_ = Company(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield open_
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()


def _asked(url: str, body: bytes | None = None) -> bytes:
    host, _, path = url.partition("//")[2].partition("/")
    connection = http.client.HTTPConnection(host, timeout=30)
    try:
        connection.request("GET" if body is None else "POST", f"/{path}", body)
        got = connection.getresponse()
        assert got.status == 200
        return got.read()
    finally:
        connection.close()
