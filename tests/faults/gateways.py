"""A gateway as operators start it, `headwater serve` in processes of its own, with a model that counts and clients."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import psutil
import pyarrow.parquet as pq
import uvloop

from gateway.doors import Client
from gateway.gates import AT_US, BY
from gateway.stub import STREAM_HEAD, Request, Stub, chunk, plain
from headwater.control.identity import IdentitySettings, open_identity
from headwater.exchange.journal import Accepted, FileReader, Record, journal_files, relays
from headwater.gateway.composition import EXCHANGES, IDENTITY, JOURNAL, SETTINGS
from headwater.gateway.founding import found
from ports import free_port

CHATS = "/v1/chat/completions"
_NUMBER: Final = re.compile(rb"number (\d+) of")


class Model:
    """Answers like a model server, and counts what it did.

    `tokens`: of prompts that came and answers that went out, as it reports them, by millions of our requests' numbers.
    `words`: the longest answer; `pause_s`: before each token of a stream, and before an answer as a whole.
    """

    def __init__(self, words: int = 4, pause_s: float = 0.0) -> None:
        self.words, self.pause_s = words, pause_s
        self.tokens: Counter[int] = Counter()
        self.requests = self.running = 0
        #: What came last.
        self.asked: dict[str, Any] = {}

    async def __call__(self, request: Request) -> bool:
        """One request."""
        self.running += 1
        try:
            await self._answer(request)
        finally:
            self.running -= 1
        return True

    async def _answer(self, request: Request) -> None:
        asked = self.asked = json.loads(request.body)
        prompt, words = max(1, len(request.body) // 8), min(asked.get("max_tokens", 1 << 30), self.words)
        numbered = _NUMBER.search(request.body)
        million = int(numbered[1]) // 1_000_000 if numbered else 0
        self.requests += 1
        self.tokens[million] += prompt
        usage = {"prompt_tokens": prompt, "completion_tokens": words, "total_tokens": prompt + words}
        if asked.get("stream"):
            await request.send(STREAM_HEAD)
            for at in range(words):
                await self._pause(request)
                self.tokens[million] += 1
                await request.send(chunk(_event({"choices": [_delta(f"w{at} ")]})))
            await request.send(chunk(_event({"choices": [], "usage": usage})))
            await request.send(chunk(b"data: [DONE]\n\n") + b"0\r\n\r\n")
            return
        await self._pause(request)
        self.tokens[million] += words
        message = {"role": "assistant", "content": " ".join(["word"] * words)}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        body = {
            "id": "c",
            "object": "chat.completion",
            "created": 1,
            "model": "m",
            "choices": [choice],
            "usage": usage,
        }
        await request.send(plain(json.dumps(body).encode()))

    async def _pause(self, request: Request) -> None:
        """Wait, unless who asked goes away."""
        if self.pause_s:
            with suppress(TimeoutError):
                async with asyncio.timeout(self.pause_s):
                    assert not await request.reader.read(1), "nobody asks before the answer"
                raise ConnectionError


def _delta(text: str) -> dict[str, Any]:
    return {"index": 0, "delta": {"content": text}, "finish_reason": None}


def _event(more: Mapping[str, Any]) -> bytes:
    told = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", **more}
    return b"data: %b\n\n" % json.dumps(told).encode()


@contextmanager
def modelled(model: Any) -> Iterator[int]:
    """A model server in a thread of its own, its script being `model`; its port."""
    loop = uvloop.new_event_loop()
    stub = loop.run_until_complete(Stub(model).start())
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield stub.port
    finally:
        asyncio.run_coroutine_threadsafe(stub.stop(), loop).result(5)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        loop.close()


class Served:
    """A gateway. `keys`: account → the text of its key. Use as a context: nothing of it is left over."""

    def __init__(
        self,
        folder: Path,
        upstream: int,
        *options: str,
        toml: str = "",
        accounts: Mapping[str, str] | None = None,
        tiers: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        """`toml`: added to the settings."""
        self.folder, self.port, self.options = folder, free_port(), list(options)
        self.process: subprocess.Popen[bytes] | None = None
        self.log_path = folder.parent / f"{folder.name}.log"
        self.keys: dict[str, str] = {}
        if not folder.exists():
            found(folder, f"http://127.0.0.1:{upstream}")
            with (folder / SETTINGS).open("a") as settings:
                settings.write(f"look_s = 0.1\n{toml}\n")
        with open_identity(folder / IDENTITY, IdentitySettings()) as identity:
            for name, entries in (tiers or {}).items():
                identity.change_tier(name, BY, AT_US, entries)
            for account, tier in (accounts or {"alice": "contracted"}).items():
                identity.new_account(account, BY, AT_US, tier=tier)
                self.keys[account] = identity.new_key(account, BY, AT_US).text

    def __enter__(self) -> Served:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(psutil.NoSuchProcess):
            for each in self.all():
                each.kill()
        if self.process is not None:
            self.process.kill()
            self.process.wait(10)

    def start(self, wait_s: float = 60) -> float:
        """Start it, and wait until it serves: how many seconds that took."""
        began, before = time.monotonic(), len(self.log)
        words = [sys.executable, "-m", "headwater.cli", "serve", "--folder", str(self.folder)]
        words += ["--port", str(self.port), *self.options]
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(words, stdout=log, stderr=log)
        while "\nserving " not in f"\n{self.log[before:]}":
            assert self.process.poll() is None, self.log[before:]
            assert time.monotonic() < began + wait_s, self.log[before:]
            time.sleep(0.01)
        return time.monotonic() - began

    @property
    def log(self) -> str:
        """All that its processes have said."""
        return self.log_path.read_text() if self.log_path.exists() else ""

    @property
    def pid(self) -> int:
        """Of the process that was started."""
        assert self.process is not None
        return self.process.pid

    def all(self) -> list[psutil.Process]:
        """Its processes that live, whoever began them."""
        mine, dead = str(self.folder), psutil.STATUS_ZOMBIE
        every = psutil.process_iter(["cmdline", "status"])
        return [one for one in every if mine in (one.info["cmdline"] or []) and one.info["status"] != dead]

    def workers(self) -> list[psutil.Process]:
        """The processes that serve, beside the one that watches."""
        return [each for each in self.all() if "serve" in each.info["cmdline"] and each.pid != self.pid]

    def rotating(self) -> list[psutil.Process]:
        """The processes that make the journal Parquet."""
        return [each for each in self.all() if "rotate" in each.info["cmdline"]]

    def wait_for(self, true: Callable[[], object], wait_s: float = 60) -> None:
        """Wait until something holds."""
        until = time.monotonic() + wait_s
        while not true():
            assert time.monotonic() < until, self.log
            time.sleep(0.02)

    def stop(self, wait_s: float = 60) -> int:
        """SIGTERM; the exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(wait_s)

    def kill(self) -> None:
        """kill -9 of the process that was started."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(10)

    async def client(self) -> Client:
        """A connection."""
        return Client(*await asyncio.open_connection("127.0.0.1", self.port))

    def request(self, account: str, body: bytes, path: str = CHATS, more: str = "") -> bytes:
        """A request's bytes."""
        head = (
            f"POST {path} HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer {self.keys[account]}\r\n{more}"
        )
        return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body

    async def ask(self, account: str, body: bytes, path: str = CHATS) -> tuple[int, dict[str, str], Any]:
        """One request on a connection of its own: status, headers, and the body if it's JSON."""
        client = await self.client()
        try:
            status, fields, told = await client.ask(self.request(account, body, path))
        finally:
            client.close()
        with suppress(ValueError):
            return status, fields, json.loads(told)
        return status, fields, told

    def now(self, account: str, body: bytes, path: str = CHATS) -> tuple[int, dict[str, str], Any]:
        """As `ask`, and waits."""
        return asyncio.run(self.ask(account, body, path))


def chat(number: int, max_tokens: int = 4, *, stream: bool = False) -> bytes:
    """A chat's body that can be told from all others."""
    message = {"role": "user", "content": f"number {number} of many"}
    more = {"stream": True} if stream else {}
    return json.dumps({"model": "m", "max_tokens": max_tokens, "messages": [message], **more}).encode()


class Load:
    """Clients that ask one request after the other until told to stop. `answered`: number → (status, when)."""

    def __init__(
        self, gateway: Served, account: str, clients: int, first: int = 0, *, pause_s: float = 0.0
    ) -> None:
        self._gateway, self._account, self._pause_s = gateway, account, pause_s
        self._next = first
        self._stopping = False
        self._tasks = [asyncio.ensure_future(self._ask_on()) for _ in range(clients)]
        self.answered: dict[int, tuple[int, float]] = {}
        self.last: Any = None
        self.broken = 0

    async def stop(self) -> None:
        """Ask no more, and wait for what was asked."""
        self._stopping = True
        async with asyncio.timeout(60):
            await asyncio.gather(*self._tasks)

    def with_status(self, status: int) -> list[int]:
        """Which requests were answered so."""
        return [number for number, (said, _) in self.answered.items() if said == status]

    async def _ask_on(self) -> None:
        while not self._stopping:
            client = None
            try:
                client = await self._gateway.client()
                for _ in range(8):
                    if self._stopping:
                        return
                    await self._one(client)
                    if self._pause_s:
                        await asyncio.sleep(self._pause_s)
            except (OSError, asyncio.IncompleteReadError):
                self.broken += 1
                await asyncio.sleep(0.02)
            finally:
                if client is not None:
                    client.close()

    async def _one(self, client: Client) -> None:
        number, self._next = self._next, self._next + 1
        async with asyncio.timeout(60):
            status, fields, body = await client.ask(self._gateway.request(self._account, chat(number)))
        self.answered[number] = status, time.monotonic()
        if status != 200:
            self.last = status, fields, json.loads(body)
            await asyncio.sleep(0.01)


def run(test: Callable[[], Coroutine[Any, Any, None]], wait_s: float = 240) -> None:
    """Run a test in uvloop, with an end to waiting."""

    async def bounded() -> None:
        async with asyncio.timeout(wait_s):
            await test()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(bounded())


def journalled(folder: Path) -> list[Record]:
    """What the journal of a gateway holds; nothing in it is damaged, and nothing missing."""
    found: list[Record] = []
    for relay in relays(folder / JOURNAL):
        last: dict[str, int] = {}
        for file in journal_files(relay):
            reader = FileReader(file, last=last.get(file.incarnation))
            found += [entry.record for entry in reader]
            assert reader.account.whole, reader.account
            last[file.incarnation] = reader.sequence
    return found


def numbers(records: list[Record]) -> list[int]:
    """Which of our requests are among accepted ones."""
    bodies = [one.body or b"" for one in records if isinstance(one, Accepted)]
    return [int(found[1]) for body in bodies if (found := _NUMBER.search(body))]


def in_parquet(folder: Path) -> list[int]:
    """Which of our requests are in the Parquet that an investigation reads."""
    found: list[int] = []
    for path in sorted((folder / EXCHANGES).rglob("*.parquet")):
        if not any(part.startswith(("_", ".")) for part in path.relative_to(folder).parts):
            prompts = pq.read_table(path, columns=["prompt"], partitioning=None)["prompt"].to_pylist()
            found += [int(one[1]) for text in prompts if (one := _NUMBER.search((text or "").encode()))]
    return found


def headwater(*words: str | os.PathLike[str], wait_s: float = 180) -> subprocess.CompletedProcess[str]:
    """One of our commands."""
    command = [sys.executable, "-m", "headwater.cli", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=wait_s)
