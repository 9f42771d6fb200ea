"""An ASGI application that behaves like vLLM's OpenAI server, as far as a middleware can tell.

Served by uvicorn in a process of its own. What it was asked, and what became of it, goes to the file in SEEN, a line
of JSON each. The first message says how many words it answers: `words 500`, with `slow` for a pause between them.
"""

import asyncio
import json
import os
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

from headwater.integrations.vllm import Headwater

_PLAIN = ("/health", "/metrics", "/version", "/v1/models", "/v1/load_lora_adapter")


def seen(**what: Any) -> None:
    with Path(os.environ["SEEN"]).open("a", encoding="utf-8") as file:
        file.write(json.dumps(what) + "\n")


def chunk(delta: dict[str, Any] | None, usage: dict[str, int] | None = None) -> bytes:
    choices = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": None}]
    told = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": choices}
    return b"data: %b\n\n" % json.dumps(told | ({"usage": usage} if usage else {})).encode()


class App:
    """The server. Watches for the client's end while it works, as vLLM does."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            while (message := await receive())["type"] != "lifespan.shutdown":
                await send({"type": f"{message['type']}.complete"})
            await send({"type": "lifespan.shutdown.complete"})
            return
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        body = (await receive())["body"]
        seen(path=scope["path"], headers=headers, body=body.decode())
        if scope["path"] == "/v1/chat/completions" and b"crash" in body:
            raise RuntimeError("the model has crashed")
        if scope["path"] == "/v1/chat/completions":
            await self._chat(json.loads(body), receive, send)
        elif scope["path"] in (*_PLAIN, "/invocations"):
            await self._plain(send, {"object": "list", "data": []})
        else:
            await self._plain(send, {"error": "no such path"}, 404)

    async def _chat(self, asked: dict[str, Any], receive: Any, send: Any) -> None:
        said = asked["messages"][0]["content"]
        words = int(found[1]) if (found := re.search(r"words (\d+)", said)) else 3
        usage = {"prompt_tokens": 11, "completion_tokens": words, "total_tokens": 11 + words}
        if not asked.get("stream"):
            message = {"role": "assistant", "content": "w " * words, "reasoning_content": "hm"}
            choice = {"index": 0, "message": message, "finish_reason": "stop"}
            answer = {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}
            await self._plain(send, answer | {"usage": usage})
            return
        await send({"type": "http.response.start", "status": 200,
                    "headers": [(b"content-type", b"text/event-stream; charset=utf-8")]})  # fmt: skip
        writing = asyncio.ensure_future(self._write(send, words, "slow" in said, asked, usage))
        listening = asyncio.ensure_future(self._until_gone(receive))
        await asyncio.wait((writing, listening), return_when=asyncio.FIRST_COMPLETED)
        if listening.done():
            seen(gone=True)
        for task in (writing, listening):
            task.cancel()
        if writing.done() and not writing.cancelled() and writing.exception():
            raise writing.exception() or AssertionError

    async def _write(
        self, send: Any, words: int, slow: bool, asked: dict[str, Any], usage: dict[str, int]
    ) -> None:
        async def event(data: bytes) -> None:
            await send({"type": "http.response.body", "body": data, "more_body": True})

        await event(chunk({"role": "assistant", "content": ""}))
        await event(chunk({"reasoning_content": "hm"}))
        for _ in range(words):
            await event(chunk({"content": "w "}))
            if slow:
                await asyncio.sleep(0.02)
        if (asked.get("stream_options") or {}).get("include_usage"):
            await event(chunk(None, usage))
        await event(b"data: [DONE]\n\n")
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _until_gone(self, receive: Any) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    async def _plain(self, send: Callable[[Any], Awaitable[None]], told: Any, status: int = 200) -> None:
        body = json.dumps(told).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body)),
                   (b"x-ratelimit-limit-requests", b"7")]  # fmt: skip
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body, "more_body": False})


def made() -> Headwater:
    """The application as `vllm serve --middleware headwater.integrations.vllm.Headwater` has it."""
    return Headwater(App())


def starlette() -> Any:
    """The same in vLLM's own way: FastAPI, a streaming response, and the middleware added as vLLM adds it."""
    from fastapi import FastAPI, Request
    from fastapi.responses import StreamingResponse

    app = FastAPI()

    @app.post("/v1/chat/completions")
    async def chat(request: Request) -> StreamingResponse:
        asked = await request.json()
        seen(path=request.url.path, headers=dict(request.headers), body=(await request.body()).decode())
        found = re.search(r"words (\d+)", asked["messages"][0]["content"])
        words = int(found[1]) if found else 3

        async def events() -> AsyncIterator[bytes]:
            done = False
            try:
                for _ in range(words):
                    yield chunk({"content": "w "})
                    await asyncio.sleep(0.02 if "slow" in str(asked) else 0)
                yield chunk(
                    None, {"prompt_tokens": 11, "completion_tokens": words, "total_tokens": 11 + words}
                )
                done = True  # clients go when they have read the end
                yield b"data: [DONE]\n\n"
            finally:
                seen(gone=not done)

        return StreamingResponse(events(), media_type="text/event-stream")

    app.add_middleware(Headwater)
    return app
