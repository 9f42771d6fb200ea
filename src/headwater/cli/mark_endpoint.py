"""Drafts of sentences from an OpenAI-compatible completions API, for `headwater mark embed`.

The endpoint is asked for several goes-on of the same text at once; of each the first sentence is a draft. What it is
asked and what it says never stands in an error.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import Any, Final

from headwater.errors import UnreadableInput, UsageError, Where

#: Seconds for one whole answer of an API.
ANSWER_S: Final = 300.0
#: Bytes of an answer: this many, whatever was asked for; for each token; and never more than.
_ROOM, _TOKEN, _MOST = 1 << 20, 256, 64 << 20
#: Bytes of a long token; a number of tokens that no answer has.
_LONG_TOKEN, _NEVER_TOLD = 16, 1 << 40
#: Tries of one request, and the seconds before the second; each later wait is twice the one before.
_TRIES, _WAIT_S = 4, 1.0
_OK: Final = 200
_BUSY: Final = frozenset((408, 429, 500, 502, 503, 504))


class BudgetSpentError(Exception):
    """The tokens that may be drawn are drawn."""


@dataclass
class Endpoint:
    """One model behind one API. `tokens`: what may be written in all; `spent` and `read`: tokens so far."""

    url: str
    model: str
    drafts: int
    tokens: int
    sentence_tokens: int
    temperature: float
    key: str = field(default="", repr=False)
    spent: int = 0
    read: int = 0

    def __post_init__(self) -> None:
        from headwater.cli.web import bearer, checked

        try:
            checked(self.url)
        except UsageError:
            raise UsageError("--endpoint is a URL such as http://localhost:8000/v1") from None
        bearer(self.key)

    def next_drafts(self, prompt: str, text: str) -> list[tuple[str, bool]]:
        """Drafts of what comes after `text` in the answer to `prompt`, and whether each ends it.

        Raises `BudgetSpentError` before a request that might go over the budget.
        """
        if self.spent + self.drafts * self.sentence_tokens > self.tokens:
            raise BudgetSpentError
        said = self._ask(
            {
                "model": self.model,
                "prompt": f"{prompt}\n\n{text}" if text else f"{prompt}\n\n",
                "n": self.drafts,
                "max_tokens": self.sentence_tokens,
                "temperature": self.temperature,
            }
        )
        choices = said.get("choices")
        if (
            not isinstance(choices, list)
            or not choices
            or not all(isinstance(each, dict) for each in choices)
        ):
            raise self._fault("sent an answer without choices")
        if len(choices) > self.drafts:
            raise self._fault("sent more choices than it was asked for")
        if not all(isinstance(each.get("text"), str) for each in choices):
            raise self._fault("sent choices without text", "name the completions API, not that of chats")
        texts = [readable(each["text"]) for each in choices]
        told = tokens_told(said, "completion_tokens")
        most = self.drafts * self.sentence_tokens
        self.spent += max(most if told is None else told, sum(map(tokens_at_least, texts)))
        self.read += tokens_told(said, "prompt_tokens") or 0
        return [
            _first(text[: self.sentence_tokens * _TOKEN], str(each.get("finish_reason")))
            for text, each in zip(texts, choices, strict=True)
        ]

    def _ask(self, asked: dict[str, Any]) -> dict[str, Any]:
        for tried in range(1, _TRIES + 1):
            status, body = self._send(json.dumps(asked).encode())
            if status not in _BUSY or tried == _TRIES:
                break
            time.sleep(_WAIT_S * 2 ** (tried - 1))
        if status != _OK:
            hint = "is its key in --key-env?" if status in (401, 403) else None
            raise self._fault(f"answered with status {status}", hint)
        try:
            said = json.loads(body)
        except (ValueError, RecursionError):
            said = None
        if not isinstance(said, dict):
            raise self._fault(
                "sent something else than JSON", "name the API, such as http://localhost:8000/v1"
            )
        return said

    def _send(self, body: bytes) -> tuple[int, bytes]:
        from headwater.cli.web import bearer, post

        place = f"{self.url.rstrip('/')}/completions"
        most = min(_MOST, _ROOM + self.drafts * self.sentence_tokens * _TOKEN)
        return post(place, body, "application/json", most, headers=bearer(self.key), within_s=ANSWER_S)

    def _fault(self, what: str, hint: str | None = None) -> UnreadableInput:
        return UnreadableInput(f"the endpoint {what}", where=Where(self.url), hint=hint)


def _first(text: str, reason: str) -> tuple[str, bool]:
    """The first sentence of what a model wrote, with what stands before it, and whether the answer ends with it."""
    from headwater.mark import sentence_spans

    found = sentence_spans(text)
    if not found:
        return "", True
    return text[: found[0][1]], len(found) == 1 and reason == "stop"


def readable(text: str) -> str:
    """`text` as it can be written as UTF-8: half a pair of UTF-16, which JSON lets pass, becomes U+FFFD."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def tokens_told(said: dict[str, Any], name: str) -> int | None:
    """How many tokens an answer says that it used; None where it says nothing that can be meant."""
    usage = said.get("usage")
    value = usage.get(name) if isinstance(usage, dict) else None
    return value if type(value) is int and 0 <= value < _NEVER_TOLD else None


def tokens_at_least(text: str) -> int:
    """Tokens that `text` had at least, whatever its server says: the end is one, and few are longer than 16 bytes."""
    return 1 + len(text.encode()) // _LONG_TOKEN
