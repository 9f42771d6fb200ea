"""Requests of the gateway's own to its model server: a batch's file, a list that is to be looked through.

They are few, so they go through the standard library's client, in threads.
"""

from __future__ import annotations

import asyncio
import http.client
import secrets
import ssl
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from headwater.gateway.relay.upstream import Upstream
from headwater.gateway.wire.dialect import Dialect

_TIMEOUT_S: Final = 60.0
_THREADS: Final = 4


class FetchFailed(Exception):  # noqa: N818  (reads as a sentence where it is caught)
    """The model server didn't answer with what was asked for; `status` is what it said, 0 where it said nothing."""

    def __init__(self, status: int) -> None:
        super().__init__(f"status {status}")
        self.status = status


class Fetching:
    """Asks one model server."""

    def __init__(self, upstream: Upstream, key: str, context: ssl.SSLContext | None, most_bytes: int) -> None:
        """`most_bytes`: of an answer; one that is longer counts as none."""
        self._upstream, self._key, self._context, self._most = upstream, key, context, most_bytes
        self._threads = ThreadPoolExecutor(_THREADS, "fetching")

    async def get(self, path: str, dialect: Dialect, version: str = "") -> bytes:
        """The body at a path; raises `FetchFailed`."""
        return await self._run("GET", path, self._headers(dialect, version), None)

    async def upload(self, name: str, data: bytes, purpose: str) -> bytes:
        """Upload a file (OpenAI's `POST /v1/files`); what the server says of it."""
        boundary = secrets.token_hex(16)
        part = f'--{boundary}\r\nContent-Disposition: form-data; name="'
        body = (
            (
                f'{part}purpose"\r\n\r\n{purpose}\r\n{part}file"; filename="{name}"\r\n'
                "Content-Type: application/jsonl\r\n\r\n"
            ).encode()
            + data
            + f"\r\n--{boundary}--\r\n".encode()
        )
        headers = self._headers(Dialect.OPENAI, "")
        headers["Content-Type"] = f"multipart/form-data; boundary={boundary}"
        return await self._run("POST", "/v1/files", headers, body)

    def stop(self) -> None:
        """Ask no more."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _run(self, method: str, path: str, headers: dict[str, str], body: bytes | None) -> bytes:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._asked, method, path, headers, body)

    def _asked(self, method: str, path: str, headers: dict[str, str], body: bytes | None) -> bytes:
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
            data = answer.read(self._most + 1)
        except (OSError, http.client.HTTPException):
            raise FetchFailed(0) from None
        finally:
            connection.close()
        if answer.status // 100 != 2 or len(data) > self._most:
            raise FetchFailed(answer.status)
        return data

    def _headers(self, dialect: Dialect, version: str) -> dict[str, str]:
        headers = {"Accept": "*/*", "Accept-Encoding": "identity"}
        if dialect is Dialect.ANTHROPIC:
            headers["anthropic-version"] = version or "2023-06-01"
            if self._key:
                headers["x-api-key"] = self._key
        elif self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        return headers
