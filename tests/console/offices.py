"""Admin APIs for tests: real processes on free ports, over new stores, asked by a client that hides nothing."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from headwater.console import SCOPES, AdminKeys, ConsoleSettings, Office
from headwater.control.identity import Identity, IdentitySettings, new_identity, open_identity

SETTINGS = IdentitySettings()
NOW_US = 1_790_000_000_000_000


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def told(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    @property
    def problem(self) -> str:
        """The kind of problem."""
        assert self.headers["content-type"] == "application/problem+json", self.body
        assert self.told["status"] == self.status
        assert self.told["instance"].startswith("urn:uuid:")
        kind: str = self.told["type"].removeprefix("/problems/")
        return kind


@dataclass
class Client:
    """Asks one server with one admin key; a connection for each request."""

    host: str
    port: int
    key: str = ""
    tls: ssl.SSLContext | None = None

    def ask(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str | bytes] | None = None
    ) -> Answer:
        """One request; `body` is sent as JSON, bytes as they are."""
        sent = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        if data is not None:
            sent["Content-Type"] = "application/json"
        connection: http.client.HTTPConnection = (
            http.client.HTTPSConnection(self.host, self.port, timeout=30, context=self.tls)
            if self.tls
            else http.client.HTTPConnection(self.host, self.port, timeout=30)
        )
        try:
            connection.request(method, path, data, {**sent, **(headers or {})})
            got = connection.getresponse()
            return Answer(got.status, {name.lower(): value for name, value in got.getheaders()}, got.read())
        finally:
            connection.close()

    def get(self, path: str, **headers: str) -> Any:
        """What a path says; it must be there."""
        answer = self.ask("GET", path, headers={name.replace("_", "-"): one for name, one in headers.items()})
        assert answer.status == 200, answer.body
        return answer.told

    def made(self, path: str, body: Any, **headers: str) -> Any:
        """What POST made; it must have."""
        sent = {name.replace("_", "-"): one for name, one in headers.items()}
        answer = self.ask("POST", path, body, sent)
        assert answer.status == 201, answer.body
        return answer.told


@dataclass
class Served:
    """A server that runs, and what belongs to it."""

    process: subprocess.Popen[str]
    folder: Path
    url: str
    lines: list[str] = field(default_factory=list)
    tls: ssl.SSLContext | None = None

    def client(self, *scopes: str, name: str = "") -> Client:
        """A client with a new key of these scopes, or all."""
        host, _, port = self.url.partition("//")[2].rpartition(":")
        with office(self.folder).store() as store:
            keys = AdminKeys(store, office(self.folder).peppers)
            names = {one.name for one in keys.all()}
            name = name or next(f"client-{n}" for n in range(10_000) if f"client-{n}" not in names)
            _, text = keys.new(name, scopes or tuple(SCOPES), "tester", NOW_US, expires_us=None)
        return Client(host, int(port), text, self.tls)

    @contextmanager
    def identity(self) -> Iterator[Identity]:
        """The store, as a command opens it."""
        with open_identity(self.folder, SETTINGS) as identity:
            yield identity

    def stop(self, number: int = signal.SIGTERM) -> int:
        """End it; the exit code."""
        self.process.send_signal(number)
        return self.process.wait(30)

    @property
    def said(self) -> str:
        """All that it wrote."""
        return "\n".join(self.lines)


def office(folder: Path) -> Office:
    """What the server has, opened here."""
    return Office.of(ConsoleSettings(), folder, SETTINGS)


@contextmanager
def served(
    folder: Path, *options: str, settings: str = "", tls: ssl.SSLContext | None = None, **environment: str
) -> Iterator[Served]:
    """`headwater admin serve` over a store in `folder`, made where there is none; ended at the end."""
    if not folder.exists():
        new_identity(folder, SETTINGS)
    file = folder.parent / f"{folder.name}.toml"
    file.write_text(f"[admin]\n{settings}\n")
    command = [sys.executable, "-m", "headwater.cli", "admin", "serve", "--identity", str(folder)]
    process = subprocess.Popen(
        [*command, "--config", str(file), "--port", "0", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )
    assert process.stdout is not None
    assert process.stderr is not None
    lines: list[str] = []

    def read() -> None:
        assert process.stderr is not None
        lines.extend(line.rstrip("\n") for line in process.stderr)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        url = process.stdout.readline().strip()
        assert url.startswith("http"), lines
        yield Served(process, folder, url, lines, tls)
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(30)
        reader.join(10)
        process.stdout.close()
        process.stderr.close()


def raw(client: Client, data: bytes, *, more: bytes = b"", timeout: float = 15.0) -> bytes:
    """What comes back for bytes, until the server closes."""
    with socket.create_connection((client.host, client.port), timeout=timeout) as connection:
        connection.sendall(data)
        if more:
            connection.sendall(more)
        got = b""
        try:
            while chunk := connection.recv(65_536):
                got += chunk
        except ConnectionResetError:
            pass
        return got
