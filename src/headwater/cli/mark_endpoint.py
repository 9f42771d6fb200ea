"""Drafts of sentences from an OpenAI-compatible completions API, for `headwater mark embed`.

The endpoint is asked for several goes-on of the same text at once; of each the first sentence is a draft. What it is
asked and what it says never stands in an error.
"""

from __future__ import annotations

import http.client
import json
import time
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from headwater.errors import ConfigurationError, UnreadableInput, UsageError, Where

_TIMEOUT_S: Final = 300.0
_MOST: Final = 64 << 20
#: Tries of one request, and the seconds before the second; each later wait is twice the one before.
_TRIES, _WAIT_S = 4, 1.0
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
        found = urlsplit(self.url)
        if found.scheme not in ("http", "https") or not found.hostname or found.username or found.query:
            raise UsageError("--endpoint is a URL such as http://localhost:8000/v1")
        if not self.key.isascii() or not (self.key.isprintable() or not self.key):
            raise ConfigurationError("the API's key has characters that no key has")

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
        usage = said.get("usage")
        if (
            not isinstance(choices, list)
            or not choices
            or not all(isinstance(each, dict) for each in choices)
        ):
            raise self._fault("sent an answer without choices")
        texts = [each.get("text") for each in choices]
        if not all(isinstance(each, str) for each in texts):
            raise self._fault("sent choices without text", "name the completions API, not that of chats")
        told = usage if isinstance(usage, dict) else {}
        self.spent += _count(told.get("completion_tokens"), self.drafts * self.sentence_tokens)
        self.read += _count(told.get("prompt_tokens"), 0)
        return [
            _first(str(text), str(each.get("finish_reason")))
            for text, each in zip(texts, choices, strict=True)
        ]

    def _ask(self, asked: dict[str, Any]) -> dict[str, Any]:
        for tried in range(1, _TRIES + 1):
            status, body = self._send(json.dumps(asked).encode())
            if status not in _BUSY or tried == _TRIES:
                break
            time.sleep(_WAIT_S * 2 ** (tried - 1))
        if status != http.HTTPStatus.OK:
            hint = "is its key in --key-env?" if status in (401, 403) else None
            raise self._fault(f"answered with status {status}", hint)
        try:
            said = json.loads(body)
        except (ValueError, RecursionError):
            said = None
        if not isinstance(said, dict):
            raise self._fault("sent something else than JSON")
        return said

    def _send(self, body: bytes) -> tuple[int, bytes]:
        found = urlsplit(self.url)
        kind = http.client.HTTPSConnection if found.scheme == "https" else http.client.HTTPConnection
        headers = {"Content-Type": "application/json"}
        if self.key:
            headers["Authorization"] = f"Bearer {self.key}"
        connection = None
        try:
            connection = kind(found.hostname or "", found.port, timeout=_TIMEOUT_S)
            connection.request("POST", f"{found.path.rstrip('/')}/completions", body, headers)
            answer = connection.getresponse()
            content = answer.read(_MOST + 1)
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise self._fault(f"can't be asked ({type(error).__name__})") from None
        finally:
            if connection is not None:
                connection.close()
        if len(content) > _MOST:
            raise self._fault(f"sent more than {_MOST:,} bytes")
        return answer.status, content

    def _fault(self, what: str, hint: str | None = None) -> UnreadableInput:
        return UnreadableInput(f"the endpoint {what}", where=Where(self.url), hint=hint)


def _first(text: str, reason: str) -> tuple[str, bool]:
    """The first sentence of what a model wrote, with what stands before it, and whether the answer ends with it."""
    from headwater.mark import sentence_spans

    found = sentence_spans(text)
    if not found:
        return "", True
    return text[: found[0][1]], len(found) == 1 and reason == "stop"


def _count(value: object, otherwise: int) -> int:
    return value if type(value) is int and 0 <= value < 1 << 40 else otherwise
