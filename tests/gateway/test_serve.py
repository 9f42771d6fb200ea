"""`serve` as real processes: ready, drained, replaced, and gone with whoever watched them."""

from __future__ import annotations

import asyncio
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psutil
import pytest

from gateway.doors import CHAT, STREAM, post
from gateway.stub import STREAM_HEAD, Request, Stub, chunk, model, openai_events
from headwater.errors import UsageError
from headwater.gateway import RelaySettings
from headwater.gateway.relay.upstream import Upstream
from headwater.gateway.serve import serve

PROGRAM = """
import sys
from headwater.gateway import RelaySettings
from headwater.gateway.relay.upstream import Upstream
from headwater.gateway.serve import serve
settings = RelaySettings(port=0, workers=int(sys.argv[2]), drain_s=float(sys.argv[3]))
sys.exit(serve(settings, lambda: [], Upstream.parse(sys.argv[1]), ready=lambda _, port: print(port, flush=True)))
"""


@contextmanager
def served(
    upstream: int, workers: int = 1, drain_s: float = 5
) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A gateway in processes of its own, and its port."""
    words = [sys.executable, "-c", PROGRAM, f"http://127.0.0.1:{upstream}", str(workers), str(drain_s)]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process, int(process.stdout.readline())
    finally:
        with suppress(ProcessLookupError):
            children = psutil.Process(process.pid).children() if process.poll() is None else []
            for each in children:
                each.kill()
        process.kill()
        process.wait(5)
        assert process.stdout is not None
        process.stdout.close()


def ask(port: int, data: bytes = b"", wait_s: float = 5) -> bytes:
    """The whole answer to one request that ends its connection."""
    with socket.create_connection(("127.0.0.1", port), timeout=wait_s) as own:
        own.sendall(data or post(b"/v1/chat/completions", CHAT, b"Connection: close\r\n"))
        got = b""
        while part := own.recv(65_536):
            got += part
        return got


@contextmanager
def stubbed(script: object = model) -> Iterator[int]:
    """A stub in a loop of its own, in a thread; its port."""
    loop = asyncio.new_event_loop()
    stub = loop.run_until_complete(Stub(script).start())  # type: ignore[arg-type]
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield stub.port
    finally:
        asyncio.run_coroutine_threadsafe(stub.stop(), loop).result(5)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        loop.close()


async def slow(request: Request) -> bool:
    await request.send(STREAM_HEAD)
    for event in openai_events(20):
        await asyncio.sleep(0.05)
        await request.send(chunk(event))
    await request.send(b"0\r\n\r\n")
    return True


@pytest.mark.parametrize("workers", [1, 2])
def test_sigterm_lets_a_stream_end_and_takes_nothing_new(workers: int) -> None:
    with stubbed(slow) as upstream, served(upstream, workers) as (process, port):
        with socket.create_connection(("127.0.0.1", port), timeout=5) as own:
            own.sendall(post(b"/v1/chat/completions", STREAM))
            got = own.recv(65_536)
            process.send_signal(signal.SIGTERM)
            time.sleep(0.3)
            with pytest.raises(OSError):
                socket.create_connection(("127.0.0.1", port), timeout=1)
            while part := own.recv(65_536):
                got += part
        assert got.count(b"data: ") == len(openai_events(20))
        assert got.endswith(b"0\r\n\r\n")
        assert process.wait(5) == 0


def test_a_killed_worker_is_replaced_and_the_others_go_on() -> None:
    with stubbed() as upstream, served(upstream, 2) as (process, port):
        children = psutil.Process(process.pid).children()
        assert len(children) == 2
        children[0].kill()
        until, again = time.monotonic() + 5, False
        while time.monotonic() < until and not again:
            time.sleep(0.05)
            now = [each for each in psutil.Process(process.pid).children() if each.status() != "zombie"]
            again = len(now) == 2 and children[0].pid not in {each.pid for each in now}
        assert again
        time.sleep(0.3)
        assert all(ask(port).startswith(b"HTTP/1.1 200") for _ in range(20))
        process.send_signal(signal.SIGTERM)
        assert process.wait(5) == 0


def test_workers_dont_outlive_who_watches_them() -> None:
    with stubbed() as upstream, served(upstream, 2) as (process, port):
        children = psutil.Process(process.pid).children()
        assert ask(port).startswith(b"HTTP/1.1 200")
        process.kill()
        _, alive = psutil.wait_procs(children, timeout=5)
        assert alive == []


def test_workers_share_the_work() -> None:
    with stubbed() as upstream, served(upstream, 2) as (process, port):
        held = [socket.create_connection(("127.0.0.1", port)) for _ in range(40)]
        time.sleep(0.2)
        counts = [len(each.net_connections("tcp")) for each in psutil.Process(process.pid).children()]
        assert min(counts) > 5
        for own in held:
            own.close()


def test_a_port_that_is_taken_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as held, pytest.raises(UsageError) as caught:
        serve(RelaySettings(port=held.getsockname()[1]), lambda: [], Upstream.parse("http://127.0.0.1:1"))
    assert caught.value.where.field == "relay.port"


def test_the_memory_of_a_worker() -> None:
    with stubbed() as upstream, served(upstream) as (process, port):
        for _ in range(200):
            ask(port)
        assert psutil.Process(process.pid).memory_info().rss < 80_000_000


def test_nothing_of_the_gateways_libraries_is_loaded_with_its_names() -> None:
    program = (
        "import sys, headwater.gateway\n"
        "print([name for name in ('uvloop', 'httptools', 'asyncio', 'ssl') if name in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"


def test_a_worker_that_cant_start_ends_the_whole() -> None:
    program = PROGRAM.replace("lambda: []", "lambda: 1 / 0")
    words = [sys.executable, "-c", program, "http://127.0.0.1:1", "2", "1"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=20, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert "ZeroDivisionError" in done.stderr
