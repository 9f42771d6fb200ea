"""A model platform for tests, as the public references of OpenAI and Anthropic describe them: what it makes, it keeps.

Files, batches, stored responses, message batches and their lists; one key for everybody, as a platform has it for one
client. What a request asks for is answered by its model's name: `m` says hello, `thinks` reasons first, `calls` calls a
tool, `endless` never stops, `limited`, `broken` and `overloaded` fail, `dies` ends its stream in the middle.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import re
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote

from gateway.answers import (
    chat,
    chat_events,
    completion,
    completion_events,
    embeddings,
    message,
    message_events,
    response,
    response_events,
)
from gateway.stub import STREAM_HEAD, Request, chunk, plain

Json = dict[str, Any]
_FAILS = {
    "limited": (429, "rate_limit_error", "rate_limit_exceeded"),
    "broken": (500, "api_error", "server_error"),
    "overloaded": (529, "overloaded_error", "overloaded"),
    "unknown": (404, "not_found_error", "model_not_found"),
}


@dataclass
class Platform:
    """The server's memory. `requests`: (method, path with query, body) of each; `gone`: streams that were left."""

    files: dict[str, tuple[Json, bytes]] = field(default_factory=dict)
    batches: dict[str, Json] = field(default_factory=dict)
    message_batches: dict[str, tuple[Json, list[Json]]] = field(default_factory=dict)
    responses: dict[str, tuple[Json, list[Any]]] = field(default_factory=dict)
    requests: list[tuple[str, str, bytes]] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    #: Whether batches end at once, or have to be ended by `finish`.
    quick: bool = True
    #: The largest page of a list.
    page: int = 100
    count: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    async def __call__(self, request: Request) -> bool:
        method, target = request.head.decode("latin-1").split(" ")[:2]
        self.requests.append((method, target, request.body))
        path, _, query = target.partition("?")
        asked = {name: values[-1] for name, values in parse_qs(query).items()}
        anthropic = b"\r\nanthropic-version:" in request.head.lower()
        parts = [unquote(part) for part in path.split("/")[2:]]
        try:
            return await self._answered(request, method, parts, asked, anthropic)
        except _NoError as error:
            await request.send(_failure(error, anthropic))
            return True

    def bodies(self, path: str) -> list[Json]:
        """What was posted to a path."""
        return [
            json.loads(body)
            for method, at, body in self.requests
            if method == "POST" and at.split("?")[0] == path
        ]

    async def _answered(
        self, request: Request, method: str, parts: list[str], asked: dict[str, str], anthropic: bool
    ) -> bool:
        match method, parts:
            case "POST", ["files"]:
                await _json(request, self._upload(request, anthropic))
            case "GET", ["files"]:
                held = [
                    one
                    for one, _ in self.files.values()
                    if asked.get("purpose") in (None, one.get("purpose"))
                ]
                await _json(request, self._page(held, asked, anthropic))
            case "GET", ["files", name]:
                await _json(request, self._file(name)[0])
            case "GET", ["files", name, "content"]:
                await request.send(_raw(self._file(name)[1], request.head))
            case "DELETE", ["files", name]:
                self._file(name)
                del self.files[name]
                done = (
                    {"id": name, "type": "file_deleted"}
                    if anthropic
                    else {"id": name, "object": "file", "deleted": True}
                )
                await _json(request, done)
            case "POST", ["batches"]:
                await _json(request, self._batch(json.loads(request.body)))
            case "GET", ["batches"]:
                await _json(request, self._page(list(self.batches.values()), asked, anthropic))
            case "GET", ["batches", name]:
                await _json(request, _got(self.batches, name))
            case "POST", ["batches", name, "cancel"]:
                held = _got(self.batches, name)
                held["status"] = "cancelled"
                await _json(request, held)
            case "POST", ["responses"]:
                return await self._respond(request, json.loads(request.body))
            case "GET", ["responses", name]:
                await self._stored(request, name, asked)
            case "DELETE", ["responses", name]:
                _got(self.responses, name)
                del self.responses[name]
                await _json(request, {"id": name, "object": "response", "deleted": True})
            case "POST", ["responses", name, "cancel"]:
                held = _got(self.responses, name)[0]
                held["status"] = "cancelled"
                await _json(request, held)
            case "GET", ["responses", name, "input_items"]:
                items = _got(self.responses, name)[1]
                await _json(request, {**self._page(items, asked, False), "object": "list"})
            case "POST", ["messages", "batches"]:
                await _json(request, self._message_batch(json.loads(request.body)))
            case "GET", ["messages", "batches"]:
                await _json(
                    request, self._page([one for one, _ in self.message_batches.values()], asked, True)
                )
            case "GET", ["messages", "batches", name]:
                await _json(request, _got(self.message_batches, name)[0])
            case "POST", ["messages", "batches", name, "cancel"]:
                held = _got(self.message_batches, name)[0]
                held["processing_status"] = "canceling"
                await _json(request, held)
            case "DELETE", ["messages", "batches", name]:
                _got(self.message_batches, name)
                del self.message_batches[name]
                await _json(request, {"id": name, "type": "message_batch_deleted"})
            case "GET", ["messages", "batches", name, "results"]:
                await request.send(_raw(self._results(name), request.head))
            case "POST", ["messages", "count_tokens"]:
                body = json.loads(request.body)
                if extra := body.keys() - {"model", "messages", "system", "tools", "tool_choice", "thinking"}:
                    raise _NoError(
                        400, "invalid_request_error", f"{extra.pop()}: Extra inputs are not permitted"
                    )
                await _json(request, {"input_tokens": 14})
            case "GET", ["models"]:
                models = [_model(name, anthropic) for name in ("m", "thinks")]
                await _json(
                    request,
                    {"data": models, "has_more": False, "first_id": "m", "last_id": "thinks"}
                    if anthropic
                    else {"object": "list", "data": models},
                )
            case "GET", ["models", name]:
                await _json(request, _model(name, anthropic))
            case "POST", ["embeddings"]:
                await _json(request, embeddings(json.loads(request.body)))
            case "POST", ["chat", "completions"] | ["completions"] | ["messages"]:
                return await self._generate(request, parts, json.loads(request.body))
            case _:
                raise _NoError(404, "not_found_error", "no such path")
        return True

    # What is generated.

    async def _generate(self, request: Request, parts: list[str], body: Json) -> bool:
        _fail(body)
        for name in _files_in(body):
            self._file(name)
        say, events = {
            "chat": (chat, chat_events),
            "completions": (completion, completion_events),
            "messages": (message, message_events),
        }[parts[0]]
        if not body.get("stream"):
            await _json(request, say(body))
            return True
        return await self._stream(request, body["model"], events(body))

    async def _stream(self, request: Request, model: str, events: list[bytes]) -> bool:
        await request.send(STREAM_HEAD)
        if model == "dies":
            await request.send(chunk(events[0]))
            return False
        if model == "endless":
            with suppress(ConnectionError, RuntimeError):  # the connection is gone, or closed already
                await request.send(chunk(events[0]))
                while True:
                    await request.send(chunk(events[1]))
                    await asyncio.sleep(0.001)
            self.gone.append(model)
            return False
        await request.send(*(chunk(event) for event in events), b"0\r\n\r\n")
        return True

    async def _respond(self, request: Request, body: Json) -> bool:
        _fail(body)
        for name in _files_in(body):
            self._file(name)
        before = body.get("previous_response_id")
        earlier = _got(self.responses, before)[1] if before else []
        asked = body.get("input", [])
        items = [{"type": "message", "role": "user", "content": asked}] if isinstance(asked, str) else asked
        for one in items:
            if one.get("type") == "item_reference" and not any(
                one["id"] == held["id"] for whole, _ in self.responses.values() for held in whole["output"]
            ):
                raise _NoError(404, "not_found_error", "Item not found")
        carried = len(json.dumps(earlier)) // 4
        whole = response(body, self._id("resp"), carried)
        if body.get("store", True):
            kept = [*earlier, *({"id": self._id("msg"), **one} for one in items)]
            self.responses[whole["id"]] = (whole, kept)
        queued = {**whole, "status": "queued", "output": [], "usage": None}
        if not body.get("stream"):
            await _json(request, queued if body.get("background") else whole)
            return True
        return await self._stream(request, body["model"], response_events(whole, queued))

    async def _stored(self, request: Request, name: str, asked: dict[str, str]) -> None:
        whole = _got(self.responses, name)[0]
        if asked.get("stream") == "true":
            queued = {**whole, "status": "queued", "output": [], "usage": None}
            await self._stream(request, whole["model"], response_events(whole, queued))
            return
        if "message.output_text.logprobs" in json.dumps(asked):
            whole = json.loads(
                json.dumps(whole).replace(
                    '"annotations": []', '"annotations": [], "logprobs": [{"token": "Hello"}]'
                )
            )
        await _json(request, whole)

    # Files and batches.

    def _upload(self, request: Request, anthropic: bool) -> Json:
        boundary = re.search(rb'boundary="?([^"\r\n;]+)', request.head)
        assert boundary is not None
        given: dict[bytes, tuple[bytes, bytes]] = {}
        for part in request.body.split(b"--" + boundary[1])[1:-1]:
            head, _, data = part.partition(b"\r\n\r\n")
            name = re.search(rb'[; ]name="([^"]*)"', head)
            filename = re.search(rb'filename="([^"]*)"', head)
            assert name is not None
            given[name[1]] = (filename[1] if filename else b"", data.removesuffix(b"\r\n"))
        filename, data = given[b"file"]
        if anthropic:
            made: Json = {
                "type": "file",
                "filename": filename.decode(),
                "mime_type": "text/plain",
                "size_bytes": len(data),
                "created_at": "2026-01-31T00:00:00Z",
                "downloadable": False,
            }
        else:
            made = {
                "object": "file",
                "bytes": len(data),
                "filename": filename.decode(),
                "status": "processed",
                "created_at": next(self.count),
                "purpose": given[b"purpose"][1].decode(),
            }
        return self._keep(made, data)

    def _keep(self, made: Json, data: bytes) -> Json:
        name = self._id("file")
        self.files[name] = ({"id": name, **made}, data)
        return self.files[name][0]

    def _file(self, name: str) -> tuple[Json, bytes]:
        return _got(self.files, name)

    def _batch(self, body: Json) -> Json:
        if body.get("completion_window") != "24h":
            raise _NoError(400, "invalid_request_error", "Invalid completion_window")
        self._file(body["input_file_id"])
        held = {
            "id": self._id("batch"),
            "object": "batch",
            "endpoint": body["endpoint"],
            "errors": None,
            "input_file_id": body["input_file_id"],
            "completion_window": "24h",
            "status": "validating",
            "output_file_id": None,
            "error_file_id": None,
            "created_at": next(self.count),
            "metadata": body.get("metadata"),
        }
        self.batches[held["id"]] = held
        if self.quick:
            self.finish(held["id"])
            return {**held, "status": "validating", "output_file_id": None}
        return held

    def finish(self, name: str) -> None:
        """Do a batch's work."""
        held = self.batches[name]
        lines = [
            json.loads(line) for line in self._file(held["input_file_id"])[1].splitlines() if line.strip()
        ]
        told, failed = [], []
        for line in lines:
            answer = {"id": self._id("batch_req"), "custom_id": line["custom_id"], "error": None}
            try:
                body = line["body"]
                _fail(body)
                say = {
                    "/v1/chat/completions": chat,
                    "/v1/completions": completion,
                    "/v1/embeddings": embeddings,
                }
                whole = (
                    response(body, self._id("resp"), 0)
                    if held["endpoint"] == "/v1/responses"
                    else say[held["endpoint"]](body)
                )
                told.append({**answer, "response": {"status_code": 200, "request_id": "r", "body": whole}})
            except _NoError as error:
                told_of = {"error": {"message": str(error), "type": error.kind}}
                failed.append(
                    {**answer, "response": {"status_code": error.status, "request_id": "r", "body": told_of}}
                )
        made = {
            "object": "file",
            "status": "processed",
            "created_at": next(self.count),
            "purpose": "batch_output",
        }
        for field_name, lines_of in (("output_file_id", told), ("error_file_id", failed)):
            if lines_of:
                data = b"".join(json.dumps(one).encode() + b"\n" for one in lines_of)
                kept = self._keep(
                    {**made, "bytes": len(data), "filename": f"{name}_{field_name}.jsonl"}, data
                )
                held[field_name] = kept["id"]
        held["status"] = "completed"
        held["request_counts"] = {"total": len(lines), "completed": len(told), "failed": len(failed)}

    def _message_batch(self, body: Json) -> Json:
        name = self._id("msgbatch")
        held = {
            "id": name,
            "type": "message_batch",
            "processing_status": "in_progress",
            "created_at": "2026-01-31T00:00:00Z",
            "expires_at": "2026-02-01T00:00:00Z",
            "ended_at": None,
            "archived_at": None,
            "cancel_initiated_at": None,
            "results_url": None,
            "request_counts": {
                "processing": len(body["requests"]),
                "succeeded": 0,
                "errored": 0,
                "canceled": 0,
                "expired": 0,
            },
        }
        self.message_batches[name] = (held, body["requests"])
        begun = dict(held)
        if self.quick:
            self.finish_messages(name)
        return begun

    def finish_messages(self, name: str) -> None:
        """Do the work of an Anthropic batch."""
        held = self.message_batches[name][0]
        held.update(
            processing_status="ended",
            ended_at="2026-01-31T00:01:00Z",
            results_url=f"https://platform.invalid/v1/messages/batches/{name}/results",
        )

    def _results(self, name: str) -> bytes:
        told = []
        for one in _got(self.message_batches, name)[1]:
            try:
                _fail(one["params"])
                result: Json = {"type": "succeeded", "message": message(one["params"])}
            except _NoError as error:
                result = {
                    "type": "errored",
                    "error": {"type": "error", "error": {"type": error.kind, "message": str(error)}},
                }
            told.append({"custom_id": one["custom_id"], "result": result})
        return b"".join(json.dumps(one).encode() + b"\n" for one in told)

    # Lists.

    def _page(self, held: list[Json], asked: dict[str, str], anthropic: bool) -> Json:
        newest = held[::-1] if asked.get("order") != "asc" else held
        names = [one["id"] for one in newest]
        limit = min(self.page, int(asked.get("limit", "20")))
        after = asked.get("after_id" if anthropic else "after")
        at = names.index(after) + 1 if after else 0
        page = newest[at : at + limit]
        told = {
            "data": page,
            "has_more": at + limit < len(newest),
            "first_id": page[0]["id"] if page else None,
            "last_id": page[-1]["id"] if page else None,
        }
        return told if anthropic else {"object": "list", **told}

    def _id(self, kind: str) -> str:
        number = next(self.count) * 0x9E3779B97F4A7C15 % (1 << 64)
        return f"{kind}{'-' if kind == 'file' else '_'}{number:016x}"


class _NoError(Exception):
    """What the server refuses with."""

    def __init__(self, status: int, kind: str, message: str, code: str | None = None) -> None:
        super().__init__(message)
        self.status, self.kind, self.code = status, kind, code


def _fail(body: Json) -> None:
    if body.get("model") in _FAILS:
        status, kind, code = _FAILS[body["model"]]
        raise _NoError(status, kind, f"The model {body['model']} fails.", code)


def _failure(error: _NoError, anthropic: bool) -> bytes:
    told: Json = {"message": str(error), "type": error.kind}
    body = (
        {"type": "error", "error": told}
        if anthropic
        else {"error": {**told, "param": None, "code": error.code}}
    )
    more = b"retry-after-ms: 1\r\n" if error.status == 429 else b""
    return plain(json.dumps(body).encode(), b"%d Failed" % error.status, more)


def _got(held: dict[str, Any], name: str) -> Any:
    if name not in held:
        raise _NoError(404, "invalid_request_error", f"No such object: {name}")
    return held[name]


def _files_in(value: Any) -> list[str]:
    found = [value["file_id"]] if isinstance(value, dict) and isinstance(value.get("file_id"), str) else []
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return found + [name for one in inner for name in _files_in(one)]


async def _json(request: Request, body: Json) -> None:
    with suppress(ConnectionError):
        await request.send(plain(json.dumps(body).encode(), more=b"x-request-id: theirs\r\n"))


def _raw(data: bytes, head: bytes) -> bytes:
    """A file, or what is asked for of it."""
    asked = re.search(rb"(?i)\r\nrange: bytes=(\d+)-\r\n", head)
    data, status = (data[int(asked[1]) :], b"206 Partial Content") if asked else (data, b"200 OK")
    fields = b"Content-Type: application/octet-stream\r\nContent-Length: %d\r\n\r\n" % len(data)
    return b"HTTP/1.1 %b\r\n%b%b" % (status, fields, data)


def _model(name: str, anthropic: bool) -> Json:
    if anthropic:
        return {"type": "model", "id": name, "display_name": name, "created_at": "2026-01-31T00:00:00Z"}
    return {"id": name, "object": "model", "created": 1, "owned_by": "us"}
