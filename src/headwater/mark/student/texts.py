"""Texts that a student is tested on, as token ids: from JSON lines or plain files, cut into what a model sees at once.

A row has `tokens` (ids), or `text` for the tokenizer; `prompt` (text, ids, or of `tokens` how many the first) was asked
and is read only; `account` says whose answer it was. What a provider stored of its own answers has this form.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from headwater.errors import UnreadableInput, UsageError, Where, unreadable
from headwater.mark.engines.windows import checked
from headwater.mark.scheme import Tokens
from headwater.mark.tokenizer import Tokenizer

#: Bytes of one row, and of all.
LARGEST_ROW: Final = 16 << 20
LARGEST: Final = 4 << 30
#: Rows that are read; a test needs far fewer.
MOST_ROWS: Final = 5_000_000


@dataclass(frozen=True)
class Text:
    """Token ids, of which the first `prompt` were asked; `account`: whose answer, an opaque id, or empty."""

    tokens: Tokens
    prompt: int = 0
    account: str = ""


def read_texts(path: Path, tokenizer: Tokenizer | None, *, most: int = MOST_ROWS) -> list[Text]:
    """The rows of a file of JSON lines, at most `most`.

    Raises `UnreadableInput` where a row isn't one (it is named, and nothing of it is told), or there is none;
    `UsageError` where a row holds text and there is no tokenizer.
    """
    found: list[Text] = []
    for row, said in lines_of(path):
        found.append(_text(said, tokenizer, Where(str(path), row)))
        if len(found) >= most:
            break
    if not found:
        raise UnreadableInput("holds no text", where=Where(str(path)), hint="write one JSON object a line")
    return found


def lines_of(path: Path) -> Iterator[tuple[int, Any]]:
    """Each line of a file with its number, read as JSON; empty ones are left out.

    Raises `UnreadableInput` where the file can't be read, or a line isn't JSON, or longer than 16 MiB.
    """
    try:
        with path.open("rb") as file:
            for row, line in enumerate(_lines(file, path), 1):
                if not line.strip():
                    continue
                try:
                    said = json.loads(line)
                except (ValueError, RecursionError):
                    raise UnreadableInput("is not JSON", where=Where(str(path), row)) from None
                yield row, said
    except OSError as error:
        raise unreadable(path, error) from None


def texts_digest(texts: Sequence[Text]) -> str:
    """SHA-256 of all texts, in order: tokens, prompts, accounts."""
    digest = hashlib.sha256()
    for text in texts:
        head = json.dumps([len(text.tokens), text.prompt, text.account]).encode()
        digest.update(len(head).to_bytes(8, "big") + head + text.tokens.astype("<i8").tobytes())
    return digest.hexdigest()


def windows(text: Text, size: int) -> Iterator[tuple[Tokens, int]]:
    """The parts of a text that a model sees at once, of `size` tokens at most, and how many of each are read only.

    Every token but the first is scored in one of them, after half a window where the text has so much before it.
    """
    if size < 2:
        raise UsageError("a window needs at least 2 tokens")
    at, half = max(text.prompt, 1), size // 2
    while at < len(text.tokens):
        begin = max(0, at - half)
        end = min(begin + size, len(text.tokens))
        yield text.tokens[begin:end], at - begin
        at = end


def _lines(file: Any, path: Path) -> Iterable[bytes]:
    total = 0
    while line := file.readline(LARGEST_ROW + 1):
        total += len(line)
        if len(line) > LARGEST_ROW or total > LARGEST:
            what = f"a row of more than {LARGEST_ROW:,} bytes, or more than {LARGEST:,} in all"
            raise UnreadableInput(what, where=Where(str(path)))
        yield line


def _text(row: Any, tokenizer: Tokenizer | None, where: Where) -> Text:
    if not isinstance(row, dict):
        raise UnreadableInput("is not a JSON object", where=where)
    account = row.get("account", "")
    if not isinstance(account, str) or not account.isprintable() or len(account) > 200:
        raise UnreadableInput("is not an id", where=Where(where.file, where.row, "account"))
    if "tokens" in row:
        tokens = _ids(row["tokens"], where, "tokens")
        prompt = row.get("prompt", 0)
        if isinstance(prompt, list):
            before = _ids(prompt, where, "prompt")
            return Text(np.concatenate([before, tokens]), len(before), account)
        if type(prompt) is not int or not 0 <= prompt <= len(tokens):
            what = "must say how many of the tokens were asked, or list those before them"
            raise UnreadableInput(what, where=Where(where.file, where.row, "prompt"))
        return Text(tokens, prompt, account)
    text, asked = row.get("text"), row.get("prompt", "")
    if not isinstance(text, str) or not isinstance(asked, str):
        what = "has neither token ids nor text"
        raise UnreadableInput(what, where=where, hint="write `tokens`, or `text` and, as text, `prompt`")
    if tokenizer is None:
        raise UsageError("holds text, and no tokenizer was given", where=where)
    before = tokenizer.encode(asked).ids
    return Text(np.concatenate([before, tokenizer.encode(text).ids]), len(before), account)


def _ids(value: Any, where: Where, field: str) -> Tokens:
    if not isinstance(value, list) or not all(type(each) is int for each in value):
        raise UnreadableInput("is not a list of token ids", where=Where(where.file, where.row, field))
    try:
        return checked(value)
    except UsageError as error:
        raise UnreadableInput(error.what, where=Where(where.file, where.row, field)) from None
