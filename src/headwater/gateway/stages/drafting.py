"""Marks where the upstream's logits can't be reached: several drafts are asked for, one is passed on.

The stage `grant` asks for `n` answers in place of one and hands the whole body to `Drafts`, which keeps the choice that
the mark's key likes. Nothing is written that the model wouldn't write; all drafts are paid for.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from headwater.errors import ConfigurationError, UsageError, Where
from headwater.exchange import Asked
from headwater.gateway.stage import Wait
from headwater.gateway.stages.following import Body
from headwater.gateway.wire.head import ResponseHead
from headwater.setting import setting

if TYPE_CHECKING:
    from headwater.mark import Mark, SentenceMark

_OK: Final = 200
#: Fields with which drafts aren't texts of which one can stand for the others, or a client counts on more than one.
_OTHER: Final = (
    "tools", "tool_choice", "functions", "function_call", "response_format", "audio", "modalities", "prediction",
    "seed", "best_of", "guided_json", "guided_regex", "guided_choice", "guided_grammar",
    "structured_outputs", "use_beam_search",
)  # fmt: skip
#: What of a message is no text.
_PARTS: Final = ("tool_calls", "function_call", "refusal", "audio")


@dataclass(frozen=True)
class DraftsSettings:
    """The settings of drafts; without a keyring one answer is asked for."""

    keyring: str = setting(
        "", "Keyring with the mark that drafts are chosen by, for upstreams whose logits can't be reached."
    )
    mark: str = setting("", "The mark's name there: of a tokenizer of words, or of sentences.")
    drafts: int = setting(
        4, "Answers that are asked for in place of one; all of them are paid for.", "from 2 to 64"
    )

    def __post_init__(self) -> None:
        if not 2 <= self.drafts <= 64:
            raise ConfigurationError("is out of range", where=Where(field="drafts.drafts"))
        if self.keyring and not self.mark:
            raise ConfigurationError("is needed: whose key chooses", where=Where(field="drafts.mark"))


class Drafting:
    """Which requests are answered by one of several drafts, and by which key it is chosen."""

    def __init__(self, settings: DraftsSettings, folder: Path) -> None:
        """`folder`: the gateway's. Raises `ConfigurationError` and what the keyring raises."""
        from headwater.mark import SentenceMark, load_keyring

        where = Where(field="drafts.mark")
        try:
            found = load_keyring(folder / settings.keyring).to_write(settings.mark)
        except UsageError as error:
            raise ConfigurationError(f"keyring: {error.what}", where=where, hint=error.hint) from None
        if isinstance(found, SentenceMark):
            found.by  # noqa: B018  (an embedder that is missing is told before anybody asks)
        elif found.tokenizers[0].name != "words":
            hint = 'tokenizer = "words": a reader has the text, not the upstream\'s tokens'
            raise ConfigurationError("isn't read by words", where=where, hint=hint)
        self._mark, self._drafts = found, settings.drafts

    def ask(self, asked: Asked) -> bool:
        """Ask for drafts where one can stand for the others; whether that was done. Called before budgets are asked."""
        fields = asked.fields
        if asked.endpoint != "chat" or asked.stream or asked.answers != 1 or asked.logprobs:
            return False
        if any(name in fields for name in _OTHER):
            return False
        fields["n"] = msgspec.Raw(b"%d" % self._drafts)
        asked.answers = self._drafts
        return True

    def answer(self, head: ResponseHead, length: int) -> Drafts | None:
        """What holds an answer until one of its drafts is chosen; None where it is no answer in JSON.

        `length`: of the body that it will be fed, in bytes; below 0 where that isn't known.
        """
        kind = (head.get(b"content-type") or b"").lower()
        packed = (head.get(b"content-encoding") or b"identity").lower() != b"identity"
        return Drafts(self._mark, length) if head.status == _OK and b"json" in kind and not packed else None


class Drafts:
    """One answer of several drafts. `waits`: whether a choice is under way, so that no more is to be fed."""

    def __init__(self, mark: Mark | SentenceMark, length: int) -> None:
        self._mark = mark
        self._body = Body(length)
        self._passes = False
        self._said: dict[str, Any] = {}
        self._choice: asyncio.Future[int] | None = None

    @property
    def waits(self) -> bool:
        """Whether it is asked again about bytes that it was fed."""
        return self._choice is not None

    def feed(self, data: bytes) -> bytes | Wait:
        """Some more of the body; what is passed on in its place, or what to wait for before asking again."""
        if self._choice is not None:
            chosen, self._choice, self._passes = self._choice.result(), None, True
            choice = {**self._said["choices"][chosen], "index": 0}
            return msgspec.json.encode({**self._said, "choices": [choice]})
        if self._passes:
            return data
        whole = self._body.feed(data)
        said = self._body.said
        if said is None and not whole and self._body.raw.lstrip()[:1] in (b"{", b""):
            return b""
        texts = _texts(said) if said is not None else None
        if texts is None:  # no drafts, or none that one can be chosen of: as it came
            self._passes = True
            return self._body.raw
        self._said = said or {}
        self._choice = asyncio.get_running_loop().run_in_executor(None, self._chosen, texts)
        return Wait(self._choice)

    def _chosen(self, texts: list[str]) -> int:
        """Outside the loop: an embedding of sixty sentences takes a while."""
        from headwater.mark import writer

        try:
            return writer(self._mark).choose(texts)
        except Exception:  # an answer without a mark is better than none
            return 0


def drafting_of(settings: DraftsSettings, folder: Path) -> Drafting | None:
    """What asks for drafts, None where no key is to choose."""
    return Drafting(settings, folder) if settings.keyring else None


def _texts(said: dict[str, Any]) -> list[str] | None:
    """The drafts' texts, where there are several and all of them are texts and nothing else."""
    choices = said.get("choices")
    if not isinstance(choices, list) or len(choices) < 2:
        return None
    found: list[str] = []
    for choice in choices:
        message = choice.get("message") if isinstance(choice, dict) else None
        if not isinstance(message, dict) or any(message.get(part) for part in _PARTS):
            return None
        text = message.get("content")
        if not isinstance(text, str):
            return None
        found.append(text)
    return found
