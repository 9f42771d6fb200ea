"""Questions to servers that mean harm: sent on with a key, answers that never end or are no answers, addresses."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import pytest

from headwater.cli import web
from headwater.errors import ConfigurationError, UnreadableInput, UsageError

KEY = "sk-never-to-be-shown"


class Server(BaseHTTPRequestHandler):
    """Sends on to `to`, or writes its answer piece by piece: each of them well within the time limit of a read."""

    seen: ClassVar[list[str | None]]
    to: ClassVar[str] = ""

    def do_POST(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        type(self).seen.append(self.headers["Authorization"])
        what = self.path.rsplit("/", 1)[-1]
        with suppress(OSError):
            if what == "body":
                self.wfile.write(b"HTTP/1.0 200 OK\r\n\r\n")
                self.slowly([b"x"] * 40)
            elif what == "head":
                self.slowly([b"HTTP/1.0 200 OK\r\n", *[b"A: b\r\n"] * 40, b"\r\nxx"])
            elif what == "continue":
                self.slowly([*[b"HTTP/1.1 100 Continue\r\n\r\n"] * 40, b"HTTP/1.0 200 OK\r\n\r\nxx"])
            else:
                self.send_response(int(what) if what.isdigit() else 200, KEY)
                if self.to:
                    self.send_header("Location", f"{self.to}/{KEY}")
                self.end_headers()
                self.wfile.write(b"xx")

    def slowly(self, pieces: list[bytes]) -> None:
        for each in pieces:
            self.wfile.write(each)
            self.wfile.flush()
            time.sleep(0.05)

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def serving(to: str = "") -> Iterator[tuple[str, list[str | None]]]:
    kind = type("Once", (Server,), {"seen": [], "to": to})
    server = ThreadingHTTPServer(("127.0.0.1", 0), kind)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", kind.seen  # type: ignore[attr-defined]
    server.shutdown()
    server.server_close()


def asked(url: str, within_s: float = 30.0) -> bytes:
    return web.ask(url, b"{}", "application/json", 100, headers=web.bearer(KEY), within_s=within_s)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_key_is_not_sent_on(status: int) -> None:
    with (
        serving() as (other, theirs),
        serving(other.replace("127.0.0.1", "localhost")) as (url, ours),
        pytest.raises(UnreadableInput, match=f"answers {status} and names another address") as raised,
    ):
        asked(f"{url}/{status}")
    assert (ours, theirs) == ([f"Bearer {KEY}"], [])
    assert raised.value.hint == "give the address at which the API itself answers"
    assert KEY not in str(raised.value)


def test_where_https_is_wanted_it_is_told() -> None:
    with serving("https://127.0.0.1/v1") as (url, _), pytest.raises(UnreadableInput) as raised:
        asked(f"{url}/301")
    assert raised.value.hint == "give it as https://"


@pytest.mark.parametrize("what", ["body", "head", "continue"])
def test_an_answer_that_comes_byte_by_byte_has_one_time_limit(
    what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web, "FILE_S", 0.3)
    with serving() as (url, _):
        with pytest.raises(UnreadableInput, match=r"no whole answer came in 0\.3 s"):
            asked(f"{url}/{what}", 0.3)
        with pytest.raises(UnreadableInput, match=r"no whole answer came in 0\.3 s"):
            web.from_url(url)(what, 100)
        assert asked(f"{url}/whole") == b"xx"


@pytest.mark.parametrize(("status", "hint"), [(401, "key"), (500, "address")])
def test_a_refusal_is_told_by_its_number(status: int, hint: str) -> None:
    with serving() as (url, _), pytest.raises(UnreadableInput, match=f"server answers {status}") as raised:
        asked(f"{url}/{status}")
    assert hint in str(raised.value.hint)
    assert KEY not in str(raised.value)


@pytest.mark.parametrize(
    "url", ["http://x:99999/", "http://x:y/", "http://[x/", "http://x:0/", f"https://{KEY}@x/"]
)
def test_what_is_no_address(url: str) -> None:
    with pytest.raises(UsageError) as raised:
        asked(url)
    assert KEY not in str(raised.value)


@pytest.mark.parametrize("key", [f"{KEY}\n", f"{KEY}\r\nX: y", f"ключ{KEY}"])
def test_what_is_no_key(key: str) -> None:
    with pytest.raises(ConfigurationError, match="characters that no key has") as raised:
        web.bearer(key)
    assert KEY not in f"{raised.value}{raised.value.hint}"
