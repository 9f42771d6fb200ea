"""From text to the token ids that a model saw, with the characters that each of them stands for.

A tokenizer of Hugging Face's format needs the extra `mark`; bytes, words, and texts that are token ids already don't.
Text tokenised again may differ from what was generated: then less of a mark is read, and nothing is read that isn't.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from headwater.errors import ConfigurationError, UnreadableInput, UsageError, Where, unreadable
from headwater.mark.text import LARGEST_TEXT

if TYPE_CHECKING:
    import tokenizers

#: The largest tokenizer.json that is read, in bytes: 128 MiB. The largest known has about 35 MB.
LARGEST_FILE = 128 << 20
#: Characters that are tokenised at once; by how many two such pieces overlap; tokens that must agree where they join.
PIECE, OVERLAP, AGREE = 1 << 18, 1 << 11, 4
#: Token ids are below this: the last number of 32 bits is what engines have for no token.
MOST_IDS = 2**32 - 1

#: Digits of the largest id, and the characters between ids: white space; in a list, a list's own too.
_DIGITS = 10
_BETWEEN = np.array([ord(char) for char in " \t\n\r\v\f"], np.uint32)
_BETWEEN_LISTED = np.append(_BETWEEN, [np.uint32(ord(char)) for char in ",[]"]).astype(np.uint32)
#: Signs of scripts without spaces between words: Chinese, Japanese; and Korean, by syllable.
_SIGN = r"\u3005\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
#: A word: one such sign, or a run of other letters and digits with the marks above them.
_WORD = re.compile(rf"[{_SIGN}]|[^\W_{_SIGN}](?:[^\W_{_SIGN}]|[\u0300-\u036f])*")


@dataclass(frozen=True)
class Encoded:
    """`ids`: (n,) token ids. `spans`: (n, 2), begin and end of each in characters of the text.

    Both columns ascend and every character is in a span: what the tokenizer drops, such as a space, goes to the token
    after it. Tokens that are bytes of one character all have that character's span.
    """

    ids: NDArray[np.int64]
    spans: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.ids)


class Tokenizer(Protocol):
    """One way to cut text into tokens, under the name that a keyring calls it by."""

    @property
    def name(self) -> str:
        """As keyrings and reports call it."""
        ...

    @property
    def vocab_size(self) -> int | None:
        """One more than the largest id; None where it isn't known."""
        ...

    def encode(self, text: str) -> Encoded:
        """The tokens of `text`, no special ones added; `UnreadableInput` where it has none that can be told."""
        ...


@dataclass(frozen=True)
class Bytes:
    """Each byte of UTF-8 is a token, as byte-level models have it."""

    name: str = "bytes"
    vocab_size: int | None = 256

    def encode(self, text: str) -> Encoded:
        """The bytes of `text`; those of one character have its span."""
        content = np.frombuffer(_utf8(text), np.uint8)
        begins = np.cumsum((content & 0xC0) != 0x80, dtype=np.int32) - np.int32(1)
        return Encoded(content.astype(np.int64), np.stack([begins, begins + np.int32(1)], axis=1))


@dataclass(frozen=True)
class Words:
    """Each word is a token, for marks that are made without a model's own: best of several drafts.

    A word is a run of letters and digits; in Chinese and Japanese each sign, in Korean each syllable. Its id is the
    first 31 bits of the SHA-256 of its UTF-8, in the form NFKC and case-folded. That stays so for ever.
    """

    name: str = "words"
    vocab_size: int | None = 1 << 31

    def encode(self, text: str) -> Encoded:
        """The words of `text`; what stands between them belongs to the word after it."""
        _utf8(text)
        ids: list[int] = []
        spans: list[tuple[int, int]] = []
        known: dict[str, int] = {}
        for match in _WORD.finditer(text):
            word = match.group()
            if word not in known:
                known[word] = _word_id(word)
            ids.append(known[word])
            spans.append(match.span())
        return Encoded(np.array(ids, np.int64), tiled(np.array(spans, np.int32).reshape(-1, 2), len(text)))


@dataclass(frozen=True)
class Ids:
    """The text is token ids: integers between spaces or line ends, or one JSON list of integers."""

    name: str = "ids"
    vocab_size: int | None = None

    def encode(self, text: str) -> Encoded:
        """The ids in `text`. Raises `UnreadableInput` where it is anything else, with the number of the wrong one."""
        _checked_length(text)
        listed = text.lstrip().startswith("[")
        if listed:
            _checked_list(text)
        codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
        within = np.concatenate([[False], ~np.isin(codes, _BETWEEN_LISTED if listed else _BETWEEN), [False]])
        spans = np.flatnonzero(within[1:] != within[:-1]).reshape(-1, 2)
        ids, good = _integers(codes, spans)
        good &= ids < (MOST_IDS if self.vocab_size is None else self.vocab_size)
        if not good.all():
            most = (MOST_IDS if self.vocab_size is None else self.vocab_size) - 1
            wrong = int(np.argmin(good)) + 1
            raise UnreadableInput(
                f"number {wrong:,} of the text is not a token id",
                hint=f"write integers from 0 to {most} between spaces, or as a JSON list",
            )
        return Encoded(ids, tiled(spans.astype(np.int32), len(text)))


@dataclass(frozen=True)
class HuggingFace:
    """A tokenizer.json, read by the library `tokenizers`."""

    name: str
    _inner: tokenizers.Tokenizer = field(repr=False)
    #: Of its file, where it was read from one.
    sha256: str = ""

    @cached_property
    def vocab_size(self) -> int | None:
        """One more than the largest id in its vocabulary, added tokens among them."""
        return max(self._inner.get_vocab(with_added_tokens=True).values(), default=-1) + 1

    def encode(self, text: str) -> Encoded:
        """The tokens of `text`, in pieces that overlap and are joined where both say the same; in linear time.

        A text without such a place (a megabyte without a space, say) may have a few other tokens at a joint.
        """
        _utf8(text)
        ids, spans = _in_pieces(self._piece, text)
        return Encoded(ids, tiled(spans, len(text)))

    def decode(self, tokens: NDArray[np.int64]) -> str:
        """The text of `tokens`; special ones and ids that it doesn't know are left out."""
        return str(self._inner.decode(tokens.tolist(), skip_special_tokens=True))

    def _piece(self, text: str) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        encoding = self._inner.encode(text, add_special_tokens=False)
        spans = np.array(encoding.offsets, np.int32).reshape(-1, 2)
        return np.array(encoding.ids, np.int64), tiled(spans, len(text))


def load_tokenizer(name: str, path: Path) -> HuggingFace:
    """The tokenizer of Hugging Face's format in the file at `path`, under the name `name`.

    Truncation and padding that the file asks for are left out. Raises `UsageError` without the library,
    `UnreadableInput` where the file can't be read, `ConfigurationError` where it is too large or holds something else.
    """
    try:
        from tokenizers import Tokenizer as Inner
    except ImportError:
        raise UsageError("a tokenizer.json needs tokenizers", hint="pip install 'headwater[mark]'") from None
    where = Where(str(path))
    content = _content(path, where)
    try:
        inner = Inner.from_buffer(content)
    except BaseException as error:
        # The library's own panics aren't `Exception`s. What they say may quote the file, which may be another's key.
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        hint = "name the model's tokenizer.json, as the library tokenizers writes it"
        if _is_json(content):
            raise ConfigurationError("is JSON, but not a tokenizer", where=where, hint=hint) from None
        raise ConfigurationError("is not JSON", where=where, hint=hint) from None
    inner.no_truncation()
    inner.no_padding()
    return HuggingFace(name, inner, hashlib.sha256(content).hexdigest())


def tokenizer_digest(tokenizer: Tokenizer) -> str:
    """SHA-256 that tells one tokenizer from another: of its file, or of what a built-in one is called and set to."""
    of_file = getattr(tokenizer, "sha256", "")
    return of_file or hashlib.sha256(repr(tokenizer).encode()).hexdigest()


def _integers(
    codes: NDArray[np.uint32], spans: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The decimal integers (n,) in `spans` (n, 2), and which of them are such, of at most ten digits."""
    length = np.diff(spans, axis=1)[:, 0]
    good = length <= _DIGITS
    ids = np.zeros(len(spans), np.int64)
    for back in range(1, _DIGITS + 1):
        some = length >= back
        digit = codes[spans[some, 1] - back].astype(np.int64) - ord("0")
        good[some] &= (digit >= 0) & (digit <= 9)
        ids[some] += digit * 10 ** (back - 1)
    return ids, good


def tiled(spans: NDArray[np.int32], size: int) -> NDArray[np.int32]:
    """`spans` (n, 2) so that they ascend and leave no character of `size` out."""
    if not len(spans):
        return spans
    ends = np.maximum.accumulate(spans[:, 1])
    ends[-1] = size
    before = np.concatenate([np.zeros(1, np.int32), ends[:-1]])
    begins = np.maximum.accumulate(np.minimum(spans[:, 0], before))
    return np.stack([begins, ends], axis=1)


def _word_id(word: str) -> int:
    plain = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", word).casefold())
    return int.from_bytes(hashlib.sha256(plain.encode()).digest()[:4], "big") >> 1


_Piece = Callable[[str], tuple[NDArray[np.int64], NDArray[np.int32]]]


def _in_pieces(encode: _Piece, text: str) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """`encode(text)`, never with more than a piece at once. Spans are of the whole text."""
    all_ids, all_spans = [], []
    ids, spans = encode(text[:PIECE])
    end = min(PIECE, len(text))
    while end < len(text):
        again = _begin_again(spans, end)
        begin = int(spans[again, 0]) if again < len(spans) else end
        end = min(begin + PIECE, len(text))
        more_ids, more_spans = encode(text[begin:end])
        more_spans = more_spans + np.int32(begin)
        last, first = _joint(ids[again:], spans[again:], more_ids, more_spans)
        all_ids.append(ids[: again + last])
        all_spans.append(spans[: again + last])
        ids, spans = more_ids[first:], more_spans[first:]
    return np.concatenate([*all_ids, ids]), np.concatenate([*all_spans, spans])


def _begin_again(spans: NDArray[np.int32], end: int) -> int:
    """The token with which the next piece begins, a little before `end`.

    The number of tokens where there is none, as in a token that is as long as a piece: the next begins at `end`.
    """
    earliest, latest = np.searchsorted(spans[:, 0], (end - 2 * OVERLAP, end - OVERLAP + 1)).tolist()
    return int(latest) - 1 if latest > earliest else len(spans)


def _joint(
    ids: NDArray[np.int64],
    spans: NDArray[np.int32],
    more_ids: NDArray[np.int64],
    more_spans: NDArray[np.int32],
) -> tuple[int, int]:
    """Where both first agree: up to which of `ids`, and from which of `more_ids`; (0, 0) where they nowhere do."""
    places: dict[tuple[int, int], int] = {}
    for at, (number, begin) in enumerate(zip(ids.tolist(), spans[:, 0].tolist(), strict=True)):
        places.setdefault((number, begin), at)
    for first in range(min(len(more_ids) - AGREE + 1, len(ids))):
        last = places.get((int(more_ids[first]), int(more_spans[first, 0])))
        if last is None or last + AGREE > len(ids):
            continue
        same = ids[last : last + AGREE] == more_ids[first : first + AGREE]
        if same.all() and (spans[last : last + AGREE] == more_spans[first : first + AGREE]).all():
            return last, first
    return 0, 0


def _content(path: Path, where: Where) -> bytes:
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise ConfigurationError("is not a regular file", where=where)
            content = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise unreadable(path, error) from None
    if len(content) > LARGEST_FILE:
        raise ConfigurationError(
            f"is too large for a tokenizer: more than {LARGEST_FILE:,} bytes", where=where
        )
    return content


def _is_json(content: bytes) -> bool:
    try:
        json.loads(content)
    except (ValueError, RecursionError):
        return False
    return True


def _utf8(text: str) -> bytes:
    _checked_length(text)
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        what = f"character {error.start + 1:,} of the text is half a character (a surrogate)"
        raise UnreadableInput(what, hint="write the text anew in UTF-8") from None


def _checked_length(text: str) -> None:
    if len(text) > LARGEST_TEXT:
        raise UnreadableInput(
            f"the text has more than {LARGEST_TEXT:,} characters",
            hint="split it: each part is a text of its own",
        )


def _checked_list(text: str) -> None:
    """Whether `text` is one flat JSON list of integers."""
    try:
        numbers = json.loads(text)
    except (ValueError, RecursionError):
        numbers = None
    if not isinstance(numbers, list) or not all(type(number) is int for number in numbers):
        raise UnreadableInput("the text is not a JSON list of token ids", hint="write it as [1, 2, 3]")
