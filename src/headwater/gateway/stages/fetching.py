"""Requests of the gateway's own to its model server: a batch's file, the objects of a list.

They are few, so they go through the standard library's client, in threads: small ones in some, files in others, so that
a list doesn't wait for a file. Files pass through files, not through memory.
"""

from __future__ import annotations

import asyncio
import http.client
import secrets
import ssl
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, BinaryIO, Final

from headwater.gateway.relay.upstream import Upstream
from headwater.gateway.wire.dialect import Dialect

_TIMEOUT_S: Final = 60.0
_SMALL_THREADS: Final = 6
_FILE_THREADS: Final = 2
_MOST_SMALL: Final = 16 << 20
_BLOCK: Final = 256 << 10
_NO_HEADERS: Final[Mapping[str, str]] = {}


class FetchFailed(Exception):  # noqa: N818  (reads as a sentence where it is caught)
    """The model server didn't answer with what was asked for; `status` is what it said, 0 where it said nothing."""

    def __init__(self, status: int) -> None:
        super().__init__(f"status {status}")
        self.status = status


class Fetching:
    """Asks one model server."""

    def __init__(self, upstream: Upstream, key: str, context: ssl.SSLContext | None, most_bytes: int) -> None:
        """`most_bytes`: of a file; one that is longer counts as none."""
        self._upstream, self._key, self._context, self._most = upstream, key, context, most_bytes
        self._small = ThreadPoolExecutor(_SMALL_THREADS, "fetching")
        self._files = ThreadPoolExecutor(_FILE_THREADS, "fetching-files")

    async def get(self, path: str, dialect: Dialect, headers: Mapping[str, str] = _NO_HEADERS) -> bytes:
        """The body at a path; raises `FetchFailed`."""
        body: bytes = await self._run(self._small, self._whole, "GET", path, self._headers(dialect, headers))
        return body

    async def delete(self, path: str, dialect: Dialect) -> None:
        """Remove what is at a path; raises `FetchFailed`."""
        await self._run(self._small, self._whole, "DELETE", path, self._headers(dialect, _NO_HEADERS))

    async def post(self, path: str, dialect: Dialect) -> None:
        """Ask for something without a body; raises `FetchFailed`."""
        await self._run(self._small, self._whole, "POST", path, self._headers(dialect, _NO_HEADERS), b"")

    async def download(self, path: str, into: BinaryIO) -> None:
        """The body at a path, into a file; raises `FetchFailed`."""
        await self._run(self._files, self._downloaded, path, into)

    async def upload(self, name: str, file: BinaryIO, purpose: str) -> bytes:
        """Upload a file from its beginning (OpenAI's `POST /v1/files`); what the server says of it."""
        said: bytes = await self._run(self._files, self._uploaded, name, file, purpose)
        return said

    def stop(self) -> None:
        """Ask no more."""
        for threads in (self._small, self._files):
            threads.shutdown(wait=False, cancel_futures=True)

    async def _run(self, threads: ThreadPoolExecutor, ask: Callable[..., Any], *given: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(threads, ask, *given)

    def _whole(self, method: str, path: str, headers: dict[str, str], body: bytes | None = None) -> bytes:
        held: list[bytes] = []
        self._asked(method, path, headers, body, held.append, _MOST_SMALL)
        return b"".join(held)

    def _downloaded(self, path: str, into: BinaryIO) -> None:
        self._asked("GET", path, self._headers(Dialect.OPENAI, _NO_HEADERS), None, into.write, self._most)

    def _uploaded(self, name: str, file: BinaryIO, purpose: str) -> bytes:
        boundary = secrets.token_hex(16)
        part = f'--{boundary}\r\nContent-Disposition: form-data; name="'
        head = (
            f'{part}purpose"\r\n\r\n{purpose}\r\n{part}file"; filename="{name}"\r\n'
            "Content-Type: application/jsonl\r\n\r\n"
        ).encode()
        tail = f"\r\n--{boundary}--\r\n".encode()
        size = file.seek(0, 2)
        file.seek(0)
        headers = self._headers(Dialect.OPENAI, _NO_HEADERS)
        headers["Content-Type"] = f"multipart/form-data; boundary={boundary}"
        headers["Content-Length"] = str(len(head) + size + len(tail))
        held: list[bytes] = []
        self._asked("POST", "/v1/files", headers, _around(head, file, tail), held.append, _MOST_SMALL)
        return b"".join(held)

    def _asked(
        self,
        method: str,
        path: str,
        headers: dict[str, str],
        body: bytes | Iterator[bytes] | None,
        take: Callable[[bytes], object],
        most: int,
    ) -> None:
        target = self._upstream
        connection: http.client.HTTPConnection
        if target.tls:
            connection = http.client.HTTPSConnection(
                target.host, target.port, timeout=_TIMEOUT_S, context=self._context
            )
        else:
            connection = http.client.HTTPConnection(target.host, target.port, timeout=_TIMEOUT_S)
        try:
            connection.request(method, target.base.decode() + path, body, headers)
            answer = connection.getresponse()
            if answer.status // 100 != 2:
                raise FetchFailed(answer.status)
            while block := answer.read(_BLOCK):
                most -= len(block)
                if most < 0:
                    raise FetchFailed(answer.status)
                take(block)
            if answer.length:  # it ended too early
                raise FetchFailed(0)
        except (OSError, http.client.HTTPException):
            raise FetchFailed(0) from None
        finally:
            connection.close()

    def _headers(self, dialect: Dialect, more: Mapping[str, str]) -> dict[str, str]:
        headers = {"Accept": "*/*", "Accept-Encoding": "identity"}
        if dialect is Dialect.ANTHROPIC:
            headers["anthropic-version"] = "2023-06-01"
            if self._key:
                headers["x-api-key"] = self._key
        elif self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        return {**headers, **more}


def _around(head: bytes, file: BinaryIO, tail: bytes) -> Iterator[bytes]:
    yield head
    while block := file.read(_BLOCK):
        yield block
    yield tail
