"""The official clients and curl against a gateway in a process of its own: they can't tell that it is there."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Iterator

import pytest

from gateway.stub import STREAM_HEAD, Request, chunk, model, openai_events, plain
from gateway.test_serve import served, stubbed

openai = pytest.importorskip("openai")
anthropic = pytest.importorskip("anthropic")

SAY = [{"role": "user", "content": "Hi"}]
GONE: list[str] = []


async def behaves(request: Request) -> bool:
    """A model server that also fails, in ways that the test asks for by the model's name."""
    if b"/v1/embeddings" in request.head:
        body = {"object": "list", "model": "m", "data": [{"object": "embedding", "index": 0, "embedding": [0.5, 1.0]}],
                "usage": {"prompt_tokens": 1, "total_tokens": 1}}  # fmt: skip
        await request.send(plain(json.dumps(body).encode()))
    elif b"GET /v1/models" in request.head:
        body = {"object": "list", "data": [{"id": "m", "object": "model", "created": 1, "owned_by": "us"}]}
        await request.send(plain(json.dumps(body).encode()))
    elif b"/v1/files" in request.head:
        told = {"id": "file-1", "object": "file", "bytes": len(request.body), "created_at": 1, "filename": "a.jsonl",
                "purpose": "batch", "status": "processed"}  # fmt: skip
        await request.send(plain(json.dumps(told).encode()))
    elif b'"dies"' in request.body:
        kind = STREAM_HEAD + chunk(openai_events()[0])
        if b"/v1/messages" in request.head:
            kind = STREAM_HEAD + chunk(b'event: ping\ndata: {"type": "ping"}\n\n')
        await request.send(kind)
        return False
    elif b'"endless"' in request.body:
        await request.send(STREAM_HEAD)
        try:
            while True:
                await request.send(chunk(openai_events()[0]))
        finally:
            GONE.append("endless")
    elif b'"limited"' in request.body:
        told = {
            "error": {
                "message": "Slow down.",
                "type": "requests",
                "param": None,
                "code": "rate_limit_exceeded",
            }
        }
        await request.send(plain(json.dumps(told).encode(), b"429 Too Many", b"x-should-retry: false\r\n"))
    else:
        return await model(request)
    return True


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with stubbed(behaves) as upstream, served(upstream) as (_, at):
        yield at


def test_openais_client(port: int) -> None:
    with openai.OpenAI(api_key="k", base_url=f"http://127.0.0.1:{port}/v1", max_retries=0) as client:
        told = client.chat.completions.create(model="m", messages=SAY)
        assert (told.choices[0].message.content, told.usage.total_tokens) == ("Hello there.", 14)
        stream = client.chat.completions.create(
            model="m", messages=SAY, stream=True, stream_options={"include_usage": True}
        )
        parts = list(stream)
        assert (
            "".join(part.choices[0].delta.content or "" for part in parts if part.choices)
            == "w0 w1 w2 w3 w4 "
        )
        assert parts[-1].usage.completion_tokens == 3
        assert client.embeddings.create(model="m", input="a", encoding_format="float").data[0].embedding == [
            0.5,
            1.0,
        ]
        assert [one.id for one in client.models.list()] == ["m"]
        lines = b'{"custom_id": "1"}\n' * 200_000
        made = client.files.create(file=("a.jsonl", lines), purpose="batch")
        assert made.bytes > len(lines)
        image = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 2_000_000}}
        assert client.chat.completions.create(model="m", messages=[{"role": "user", "content": [image]}]).id


def test_openais_client_meets_errors(port: int) -> None:
    with openai.OpenAI(api_key="k", base_url=f"http://127.0.0.1:{port}/v1", max_retries=2) as client:
        with pytest.raises(openai.RateLimitError) as limited:
            client.chat.completions.create(model="limited", messages=SAY)
        assert limited.value.code == "rate_limit_exceeded"
        with pytest.raises(openai.NotFoundError) as missing:
            client.audio.speech.create(model="m", voice="alloy", input="a")
        assert missing.value.code == "unknown_url"
        with pytest.raises(openai.APIError) as dead:
            list(client.chat.completions.create(model="dies", messages=SAY, stream=True))
        assert "ended the connection" in dead.value.message


def test_openais_client_cancels_a_stream(port: int) -> None:
    GONE.clear()
    with openai.OpenAI(api_key="k", base_url=f"http://127.0.0.1:{port}/v1") as client:
        stream = client.chat.completions.create(model="endless", messages=SAY, stream=True)
        next(iter(stream))
        stream.close()
    until = time.monotonic() + 5
    while not GONE and time.monotonic() < until:
        time.sleep(0.01)
    assert GONE


def test_anthropics_client(port: int) -> None:
    with anthropic.Anthropic(api_key="k", base_url=f"http://127.0.0.1:{port}", max_retries=0) as client:
        told = client.messages.create(model="m", max_tokens=5, messages=SAY)
        assert (told.content[0].text, told.usage.output_tokens) == ("Hello there.", 15)
        with client.messages.stream(model="m", max_tokens=5, messages=SAY) as stream:
            assert "".join(stream.text_stream) == "w0 w1 w2 w3 w4 "
            assert stream.get_final_message().usage.output_tokens == 15
        with pytest.raises(anthropic.NotFoundError) as missing:
            client.get("/v1/nowhere", cast_to=object)
        assert missing.value.body["error"]["type"] == "not_found_error"
        with pytest.raises(anthropic.APIStatusError) as dead:
            list(client.messages.create(model="dies", max_tokens=5, messages=SAY, stream=True))
        assert dead.value.body["error"]["type"] == "api_error"


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
@pytest.mark.parametrize(
    "more", [[], ["--http2"], ["-H", "Expect: 100-continue"], ["-H", "Transfer-Encoding: chunked"]]
)
def test_curl(port: int, more: list[str]) -> None:
    at = f"http://127.0.0.1:{port}/v1/chat/completions"
    words = ["curl", "-sS", "-N", "--max-time", "10", *more, "-H", "Content-Type: application/json"]
    told = subprocess.run([*words, "-d", '{"model": "m"}', at, at], capture_output=True, check=True)
    assert told.stdout.count(b"Hello there.") == 2
    streamed = subprocess.run(
        [*words, "-d", '{"model": "m", "stream": true}', at], capture_output=True, check=True
    )
    assert streamed.stdout == b"".join(openai_events())


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_curl_asks_for_a_head(port: int) -> None:
    words = ["curl", "-sS", "-I", "--max-time", "10", f"http://127.0.0.1:{port}/v1/files/f-1"]
    assert subprocess.run(words, capture_output=True, check=True).stdout.startswith(b"HTTP/1.1 200")
