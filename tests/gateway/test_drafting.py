"""Of several drafts one is passed on: the one that the mark's key likes, in the form that was asked for."""

from __future__ import annotations

import itertools
import json
import random
from pathlib import Path
from typing import Any

import pytest

from gateway.doors import run
from gateway.gates import gate, recorded
from gateway.stub import Request
from headwater.errors import ConfigurationError
from headwater.gateway.stages.drafting import Drafting, DraftsSettings
from headwater.keys import save_mark_key
from headwater.mark import Verdict, detect, load_keyring, new_key

CHATS = "/v1/chat/completions"
CHAT: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 50}
USAGE = {"prompt_tokens": 11, "completion_tokens": 80, "total_tokens": 91}
SYLLABLES = ("sal", "ri", "sto", "lam", "win", "pa", "gre", "nor", "sma", "roa", "bre", "qui", "gla", "i")
WORDS = ["".join(each) for each in itertools.product(SYLLABLES, repeat=3)]


def keyring(folder: Path) -> Path:
    """A keyring with a mark on words, one on sentences, one of a model's tokens and one that is revoked."""
    for name, scheme in (("words", "headwater-gumbel"), ("sentences", "headwater-sentences")):
        save_mark_key(new_key(scheme), folder / f"{name}.key")
    path = folder / "keys.toml"
    entry = '[[mark]]\nname = "{}"\nscheme = "headwater-gumbel"\ntokenizer = "{}"\nwidth = 2\nkey_file = "words.key"\n'
    path.write_text(
        entry.format("by-word", "words")
        + entry.format("by-token", "bytes")
        + entry.format("old", "words")
        + "revoked = true\n"
        + '[[mark]]\nname = "by-meaning"\nscheme = "headwater-sentences"\nembedder = "hashed-words"\n'
        + 'key_file = "sentences.key"\n'
    )
    path.chmod(0o600)
    return path


def settings(folder: Path, mark: str = "by-word", drafts: int = 8) -> DraftsSettings:
    return DraftsSettings(keyring=str(keyring(folder)), mark=mark, drafts=drafts)


def sentence(source: random.Random) -> str:
    return " ".join(source.choices(WORDS, k=40)).capitalize() + "."


def answer(texts: list[str], **message: Any) -> bytes:
    choices = [
        {
            "index": at,
            "message": {"role": "assistant", "content": text, **message},
            "finish_reason": f"stop{at}",
        }
        for at, text in enumerate(texts)
    ]
    return json.dumps({"id": "c", "model": "m", "choices": choices, "usage": USAGE}).encode()


class Writer:
    """A model server that writes as many answers as it is asked for; `chunks`: in so many pieces."""

    def __init__(self, chunks: int = 1, **message: Any) -> None:
        self.source, self.chunks, self.message = random.Random(7), chunks, message
        self.asked: list[dict[str, Any]] = []
        self.wrote: list[list[str]] = []

    async def __call__(self, request: Request) -> bool:
        self.asked.append(json.loads(request.body))
        self.wrote.append([sentence(self.source) for _ in range(self.asked[-1].get("n", 1))])
        body = answer(self.wrote[-1], **self.message)
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
        if self.chunks == 1:
            await request.send(head + b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
            return True
        step = len(body) // self.chunks + 1
        pieces = [body[at : at + step] for at in range(0, len(body), step)]
        await request.send(head + b"Transfer-Encoding: chunked\r\n\r\n")
        await request.send(*(b"%x\r\n%b\r\n" % (len(one), one) for one in pieces), b"0\r\n\r\n")
        return True


@pytest.mark.parametrize("chunks", [1, 5])
def test_one_draft_comes_back_as_if_one_had_been_asked_for(tmp_path: Path, chunks: int) -> None:
    writer = Writer(chunks)

    async def test() -> None:
        async with gate(tmp_path / "g", writer, drafts=settings(tmp_path)) as door:
            status, _, body = await door.ask("alice", CHATS, json.dumps(CHAT).encode())
            said = json.loads(body)
            assert (status, writer.asked[0]["n"], len(writer.wrote[0])) == (200, 8, 8)
            (choice,) = said["choices"]
            at = writer.wrote[0].index(choice["message"]["content"])
            assert (choice["index"], choice["finish_reason"]) == (0, f"stop{at}")
            assert said["usage"] == USAGE

    run(test)
    accepted, ended = recorded(tmp_path / "g")
    assert [json.loads(one.body or b"{}").get("n") for one in accepted] == [None]
    assert [one.output_tokens for one in ended] == [80]
    assert len(json.loads(ended[0].body or b"")["choices"]) == 1


def test_the_answers_of_an_account_carry_the_mark(tmp_path: Path) -> None:
    texts: list[str] = []

    async def test() -> None:
        async with gate(tmp_path / "g", Writer(), drafts=settings(tmp_path)) as door:
            for _ in range(40):
                _, _, body = await door.ask("alice", CHATS, json.dumps(CHAT).encode())
                texts.append(json.loads(body)["choices"][0]["message"]["content"])

    run(test)
    ring = load_keyring(tmp_path / "keys.toml")
    marks = [mark for mark in ring.marks if mark.name == "by-word"]
    found = detect("\n\n".join(texts), marks)
    assert found.verdict is Verdict.MARKED
    assert found.log_p < -13.8  # 40 choices among 8 hold 83 nats at most
    source = random.Random(7)
    other = detect("\n\n".join(sentence(source) for _ in range(40)), marks)
    assert other.verdict is not Verdict.MARKED


@pytest.mark.parametrize(
    "more",
    [
        {"stream": True},
        {"n": 2},
        {"logprobs": True},
        {"tools": [{"type": "function", "function": {"name": "f"}}]},
        {"response_format": {"type": "json_object"}},
        {"seed": 3},
    ],
)
def test_what_cannot_stand_for_others_is_asked_for_as_it_was(tmp_path: Path, more: dict[str, Any]) -> None:
    async def test() -> None:
        async with gate(tmp_path / "g", drafts=settings(tmp_path)) as door:
            await door.ask("alice", CHATS, json.dumps({**CHAT, **more}).encode())
            await door.ask("alice", "/v1/completions", b'{"model": "m", "prompt": "Hi"}')
            sent = [json.loads(one.body) for one in door.stub.requests if one.body]
            assert [one.get("n") for one in sent] == [more.get("n"), None]

    run(test)


def test_calls_of_tools_and_refusals_pass_as_they_came(tmp_path: Path) -> None:
    writer = Writer(refusal="no")

    async def test() -> None:
        async with gate(tmp_path / "g", writer, drafts=settings(tmp_path)) as door:
            _, _, body = await door.ask("alice", CHATS, json.dumps(CHAT).encode())
            assert body == answer(writer.wrote[0], refusal="no")

    run(test)


@pytest.mark.parametrize(
    ("status", "kind", "body"),
    [
        (400, b"application/json", b'{"error": {"message": "n is too large"}}'),
        (200, b"application/json", b"not JSON at all }"),
        (200, b"application/json", b'{"choices": [{"index": 0, "message": {"content": "one"}}]}'),
        (200, b"application/json", b'{"choices": 5}'),
        (200, b"text/plain", b'{"choices": [1, 2]}'),
        (200, b"application/json", b'{"choices": [{"message"'),
    ],
)
def test_what_is_no_set_of_drafts_passes_unchanged(
    tmp_path: Path, status: int, kind: bytes, body: bytes
) -> None:
    async def say(request: Request) -> bool:
        head = b"HTTP/1.1 %d X\r\nContent-Type: %b\r\nContent-Length: %d\r\n\r\n" % (status, kind, len(body))
        await request.send(head + body)
        return True

    async def test() -> None:
        async with gate(tmp_path / "g", say, drafts=settings(tmp_path)) as door:
            told, _, came = await door.ask("alice", CHATS, json.dumps(CHAT).encode())
            assert (told, came) == (status, body)

    run(test)


def test_all_drafts_are_paid_for(tmp_path: Path) -> None:
    """A budget that bears one answer and not eight refuses, before anything is asked of the model server."""

    async def test() -> None:
        async with gate(
            tmp_path / "g",
            Writer(),
            drafts=settings(tmp_path),
            tiers={"contracted": {"tokens_per_minute": 300}},
        ) as door:
            status, _, _ = await door.ask("alice", CHATS, json.dumps(CHAT).encode())
            assert (status, door.stub.requests) == (400, [])
            status, _, _ = await door.ask("alice", CHATS, json.dumps({**CHAT, "seed": 1}).encode())
            assert (status, len(door.stub.requests)) == (200, 1)

    run(test)


@pytest.mark.parametrize(
    ("mark", "said"), [("no-such", "no mark"), ("old", "revoked"), ("by-token", "read by words")]
)
def test_a_mark_that_cannot_choose_is_told_at_the_start(tmp_path: Path, mark: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        Drafting(settings(tmp_path, mark), tmp_path)


def test_a_mark_on_sentences_chooses_too(tmp_path: Path) -> None:
    writer = Writer()

    async def test() -> None:
        async with gate(tmp_path / "g", writer, drafts=settings(tmp_path, "by-meaning", 4)) as door:
            _, _, body = await door.ask("alice", CHATS, json.dumps(CHAT).encode())
            assert json.loads(body)["choices"][0]["message"]["content"] in writer.wrote[0]

    run(test)
