"""Identity and budgets inside vLLM's server: `vllm serve MODEL --middleware headwater.integrations.vllm.Headwater`.

A pure ASGI middleware that asks the decision service about each request, passes streams on as they come, and tells how
they ended. Only paths that the service knows pass: vLLM's own --api-key leaves others open. Set by environment
variables: those of the service (`decision_client`), HEADWATER_OPEN_PATHS and HEADWATER_ANSWERS.
"""

from __future__ import annotations

import os
from typing import Final

from headwater.errors import ConfigurationError, Where
from headwater.integrations.decision_client import DecisionClient, ServiceSettings, native_error
from headwater.integrations.vllm_request import App, Message, Receive, Request, Send, answer

OPEN_PATHS: Final = "HEADWATER_OPEN_PATHS"
ANSWERS: Final = "HEADWATER_ANSWERS"
_OPEN: Final = "/health"
_MOST_BODY: Final = 32 << 20


class Headwater:
    """The middleware. Raises `ConfigurationError` when it is made from an environment that can't be used."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._settings = ServiceSettings.of()
        self._made: DecisionClient | None = None
        self._open = frozenset((os.environ.get(OPEN_PATHS) or _OPEN).split())
        answers = os.environ.get(ANSWERS) or "send"
        if answers not in ("send", "keep"):
            raise ConfigurationError("is send or keep", where=Where(field=ANSWERS))
        self._sends = answers == "send"

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """One connection, as ASGI has it."""
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        else:  # a websocket: nothing of it could be counted
            await send({"type": "websocket.close", "code": 1008})

    @property
    def _client(self) -> DecisionClient:
        if self._made is None:  # made in the loop that serves
            self._made = DecisionClient(self._settings)
        return self._made

    async def _http(self, scope: Message, receive: Receive, send: Send) -> None:
        path, method = _path(scope), scope["method"]
        if path in self._open and method in ("GET", "HEAD"):
            await self._app(scope, receive, send)
            return
        body = b"" if method in ("GET", "HEAD", "DELETE") else await _body(receive)
        if body is None:
            return  # the client has gone
        if len(body) > _MOST_BODY:
            await answer(send, 413, native_error(413, "The body is too large.", path), [])
            return
        request = Request(self._app, self._client, scope, receive, send, path, body, records=self._sends)
        await request.serve()


def _path(scope: Message) -> str:
    """The path as the application's routes are asked for it."""
    path, root = str(scope["path"]), str(scope.get("root_path") or "")
    if root and path.startswith(root) and path[len(root) : len(root) + 1] in ("", "/"):
        return path[len(root) :]
    return path


async def _body(receive: Receive) -> bytes | None:
    """The whole body, or a little more than is taken; None where the client has gone."""
    pieces, size = [], 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        data = message.get("body", b"")
        pieces.append(data)
        size += len(data)
        if not message.get("more_body", False) or size > _MOST_BODY:
            return b"".join(pieces)
