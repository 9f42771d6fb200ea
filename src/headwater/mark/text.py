"""Text as a detector reads it: from a file, and once more with what was put in to hide a mark taken out.

Nothing is lost by it: a detector reads the text as it is first, and this reading counts as a second test. Every
character of the normalised text knows where it stands in the original. Takes linear time, in pieces.
"""

from __future__ import annotations

import os
import re
import stat
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from headwater.errors import UnreadableInput, Where, unreadable
from headwater.mark.letters import (
    ALPHABETS,
    DROP,
    EAST_ASIAN,
    LATIN,
    LINE,
    LOOK,
    LOOK_PHONETIC,
    LOOK_ROMAN,
    LOOK_TURKISH,
    SPACE,
    USED,
    USED_PHONETIC,
    USED_TURKISH,
    WIDE,
    WIDE_SIGN,
    WORD,
    Form,
    bits,
    composing,
    latin,
)

#: Characters of one piece, cut before a space; a piece without any is cut where it ends.
PIECE = 1 << 20
#: The largest text that is read, in bytes: 128 MiB.
LARGEST_TEXT = 128 << 20
#: Longer runs of combining marks are left as they are: putting them in order takes quadratic time.
LONGEST_MARKS = 30

_BORING = re.compile(r"[\t\n\x20-\x7e]*")
_RUN = re.compile(r"[^\n\t ](?: [ \t]+|\t[ \t]*)[^\n\t ]")


_OTHER_FORMS = (
    (b"\xff\xfe", "UTF-16"),
    (b"\xfe\xff", "UTF-16"),
    (b"%PDF-", "PDF"),
    (b"PK\x03\x04", "a ZIP archive or an office document"),
    (b"\x1f\x8b", "compressed (gzip)"),
    (b"\x28\xb5\x2f\xfd", "compressed (zstd)"),
)


def read_text(path: Path, *, largest: int = LARGEST_TEXT) -> str:
    """The text in the file at `path`, UTF-8, of at most `largest` bytes.

    Raises `UnreadableInput` where it isn't there, isn't a regular file, is too large or isn't text, and says which.
    """
    where = Where(str(path))
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise UnreadableInput("is not a regular file", where=where, hint="name a file with text")
            content = file.read(largest + 1)
    except OSError as error:
        raise unreadable(path, error) from None
    return decoded(content, where=where, largest=largest)


def decoded(content: bytes, *, where: Where | None = None, largest: int = LARGEST_TEXT) -> str:
    """`content` as text; `UnreadableInput` where it is larger than `largest` bytes, not UTF-8, or binary."""
    if len(content) > largest:
        raise UnreadableInput(
            f"is larger than {largest:,} bytes", where=where, hint="split it: each part is a text of its own"
        )
    hint = "only text in UTF-8 can be read: save it as that"
    for begin, form in _OTHER_FORMS:
        if content.startswith(begin):
            raise UnreadableInput(f"is not text in UTF-8 but {form}", where=where, hint=hint)
    nul = content.find(b"\x00")
    if nul >= 0:
        raise UnreadableInput(f"is binary: a zero byte at byte {nul:,}", where=where, hint=hint)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        what = f"is not valid UTF-8 at byte {error.start:,}"
        raise UnreadableInput(what, where=where, hint=hint) from None


@dataclass(frozen=True)
class Normalised:
    """`text` normalised, and `changed`: how many characters of each kind were, kinds without any left out.

    Kinds: `invisible` (controls, zero width, bidi: removed), `spaces` (others, tabs, and those of a run), `line ends`,
    `wide letters` (full width and mathematical ones), `wide signs` (full width), `composed` (sequences brought to the
    form), `look-alikes` (to Latin).
    """

    text: str
    changed: Mapping[str, int] = field(default_factory=dict)
    _at: NDArray[np.int64] = field(default_factory=lambda: np.zeros(1, np.int64), repr=False)
    _shift: NDArray[np.int64] = field(default_factory=lambda: np.zeros(1, np.int64), repr=False)
    _length: int = field(default=0, repr=False)

    @cached_property
    def offsets(self) -> NDArray[np.int32]:
        """Where each character begins in the original: (characters + 1,), ascending; the last is the original's length.

        What was removed belongs to the character before it.
        """
        size = len(self.text)
        shift = np.repeat(self._shift, np.diff(self._at, append=size)).astype(np.int32)
        return np.append(np.arange(size, dtype=np.int32) + shift, np.int32(self._length))

    def original(self, spans: NDArray[np.integer]) -> NDArray[np.int64]:
        """Where `spans` (n, 2), begin and end in characters of `text`, stand in the original."""
        begin, end = spans[:, 0], spans[:, 1]
        last = self.offsets[np.maximum(end - 1, 0)].astype(np.int64) + 1
        ends = np.where(end > begin, np.maximum(self.offsets[end], last), self.offsets[begin])
        return np.stack([self.offsets[begin], ends], axis=1).astype(np.int64)


def normalised(text: str, *, form: Form = "NFC") -> Normalised:
    """`text` without invisible characters, with plain spaces and line ends, composed, look-alikes as Latin letters.

    A Cyrillic, Greek, Armenian or phonetic letter or a dotless i becomes the Latin letter that it looks like where its
    word is otherwise Latin; where the word has look-alikes only, where the text has Latin words and nothing else in
    that alphabet. Turkish keeps its dotless i. Spaces and tabs between two words of a line become one space. Full-width
    signs become plain ones in a text with Latin and no Chinese, Japanese or Korean letters. `NFKC` replaces also what
    Unicode calls compatible: ligatures, fractions, all full-width signs.
    """
    if _BORING.fullmatch(text) and not _RUN.search(text):
        return Normalised(text, _length=len(text))
    changed: Counter[str] = Counter()
    pieces = _single_spaces([_plain(piece, form, changed) for piece in _pieces(text)], changed)
    seen = int(np.bitwise_or.reduce([each.bits for each in pieces]))
    if seen & (LOOK | WIDE_SIGN):
        pieces = [_as_latin(each, seen, form, changed) for each in pieces]
    starts = np.cumsum([0] + [len(each.text) for each in pieces[:-1]])
    bases = np.cumsum([0] + [each.length for each in pieces[:-1]])
    at = np.concatenate([each.at + start for each, start in zip(pieces, starts, strict=True)])
    shift = np.concatenate(
        [each.shift + base - start for each, start, base in zip(pieces, starts, bases, strict=True)]
    )
    kinds = {kind: count for kind, count in sorted(changed.items()) if count}
    return Normalised("".join(each.text for each in pieces), kinds, at, shift, len(text))


@dataclass
class _Piece:
    """A piece normalised: from its character `at`[i] on, the original's place is its own plus `shift`[i]."""

    text: str
    length: int
    bits: int
    at: NDArray[np.int64]
    shift: NDArray[np.int64]

    @classmethod
    def of(cls, text: str, length: int, seen: int, source: NDArray[np.int32]) -> _Piece:
        """`source`: where each character of `text` stands in the original piece."""
        shift = source.astype(np.int64) - np.arange(len(source))
        at = np.flatnonzero(np.diff(shift, prepend=np.int64(-1)))
        return cls(text, length, seen, at, shift[at])

    @property
    def source(self) -> NDArray[np.int32]:
        """Where each character stands in the original piece."""
        size = len(self.text)
        return (np.arange(size) + np.repeat(self.shift, np.diff(self.at, append=size))).astype(np.int32)


def _pieces(text: str) -> Iterator[str]:
    begin = 0
    while len(text) - begin > PIECE:
        cut = text.rfind(" ", begin + 1, begin + PIECE)
        cut = begin + PIECE if cut < 0 else cut
        yield text[begin:cut]
        begin = cut
    yield text[begin:]


def _codes(text: str) -> NDArray[np.uint32]:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)


def _text(codes: NDArray[np.uint32]) -> str:
    return codes.tobytes().decode("utf-32-le", "surrogatepass")


def _plain(piece: str, form: Form, changed: Counter[str]) -> _Piece:
    """All steps that look at no more than neighbours."""
    codes = _codes(piece).copy()
    source = np.arange(len(codes), dtype=np.int32)
    drop = (bits()[codes] & DROP) != 0
    changed["invisible"] += int(drop.sum())
    codes, source = codes[~drop], source[~drop]
    pair = np.zeros(len(codes), bool)
    pair[1:] = (codes[:-1] == 0x0D) & (codes[1:] == 0x0A)
    kinds = bits()[codes]
    for kind, bit, plain in (("line ends", LINE, 0x0A), ("spaces", SPACE, 0x20)):
        here = (kinds & bit) != 0
        changed[kind] += int(here.sum())
        codes[here] = plain
    wide = (kinds & WIDE) != 0
    changed["wide letters"] += int(wide.sum())
    codes[wide] = latin()[codes[wide]]
    text, source = _composed(codes[~pair], source[~pair], form, changed)
    return _Piece.of(text, len(piece), _seen(text), source)


def _seen(text: str) -> int:
    return int(np.bitwise_or.reduce(bits()[_codes(text)], initial=np.uint32(0)))


def _composed(
    codes: NDArray[np.uint32], source: NDArray[np.int32], form: Form, changed: Counter[str]
) -> tuple[str, NDArray[np.int32]]:
    """The text of `codes` in the form, one sequence after another, and where its characters come from."""
    text = _text(codes)
    if text.isascii():
        return text, source
    find = composing(form, LONGEST_MARKS)
    parts: list[str] = []
    found: list[tuple[int, int, int]] = []
    last = 0
    for begin, end in find.sequences(codes).tolist():
        sequence = text[begin:end]
        if len(sequence) > LONGEST_MARKS and find.marks.search(sequence):
            continue
        composed = unicodedata.normalize(form, sequence)
        if composed != sequence:
            parts += (text[last:begin], composed)
            found.append((begin, end, len(composed)))
            last = end
    if not found:
        return text, source
    changed["composed"] += len(found)
    parts.append(text[last:])
    begins, ends, sizes = np.array(found, np.int64).T
    # Of a sequence its first character stays, and as many of its last ones as are needed; the last as often as needed.
    less = np.maximum(ends - begins - sizes, 0)
    gone = np.zeros(len(text) + 1, np.int64)
    np.add.at(gone, begins + 1, 1)
    np.add.at(gone, begins + 1 + less, -1)
    times = 1 - np.cumsum(gone)[: len(text)]
    times[ends - 1] += np.maximum(sizes - (ends - begins), 0)
    return "".join(parts), np.repeat(source, times)


def _as_latin(piece: _Piece, seen: int, form: Form, changed: Counter[str]) -> _Piece:
    """Look-alikes in words that are otherwise Latin, and full-width signs; `seen`: the bits of the whole text."""
    signs = seen & LATIN and not seen & EAST_ASIAN
    if not piece.bits & (LOOK | WIDE_SIGN if signs else LOOK):
        return piece
    codes = _codes(piece.text).copy()
    kinds = bits()[codes]
    here = _looking_latin(kinds, seen)
    changed["look-alikes"] += int(here.sum())
    if signs:
        sign = (kinds & WIDE_SIGN) != 0
        changed["wide signs"] += int(sign.sum())
        here |= sign
    if not here.any():
        return piece
    codes[here] = latin()[codes[here]]
    text, source = _composed(codes, piece.source, form, changed)
    return _Piece.of(text, piece.length, piece.bits, source)


def _looking_latin(kinds: NDArray[np.uint32], seen: int) -> NDArray[np.bool_]:
    """Which characters, with bits `kinds` (n,), are look-alikes in a word that is otherwise Latin: (n,)."""
    within = (kinds & WORD) != 0
    starts = np.flatnonzero(np.diff(within, prepend=~within[:1]))
    words = np.bitwise_or.reduceat(kinds, starts)
    look = np.full(len(words), LOOK & ~LOOK_TURKISH if seen & USED_TURKISH else LOOK, np.uint32)
    look[(words & USED_PHONETIC) != 0] &= ~np.uint32(LOOK_PHONETIC)
    found = words & look
    own = np.zeros(len(words), bool)  # words of look-alikes of an alphabet that the text has no other word in
    if seen & LATIN:
        foreign = sum(look for look, used in ALPHABETS if seen & used)
        own = ((words & foreign) == 0) & ((found & ~np.uint32(LOOK_ROMAN)) != 0)
    chosen = (found != 0) & ((words & USED) == 0) & (((words & LATIN) != 0) | own)
    found[~chosen] = 0
    looking: NDArray[np.bool_] = (kinds & np.repeat(found, np.diff(starts, append=len(kinds)))) != 0
    return looking


def _single_spaces(pieces: list[_Piece], changed: Counter[str]) -> list[_Piece]:
    """Spaces and tabs between two characters of one line made one space; indentation and ends of lines stay."""
    after, following = "\n", []
    for piece in reversed(pieces):
        following.append(after)
        after = (piece.text.lstrip(" \t") or after)[0]
    before, open_, found = "\n", False, []
    for piece, after in zip(pieces, reversed(following), strict=True):
        found.append(_with_single_spaces(piece, before, after, open_, changed))
        open_ = piece.text.endswith((" ", "\t")) if piece.text else open_
        before = (before + piece.text).rstrip(" \t")[-1:] or before
    return found


def _with_single_spaces(piece: _Piece, before: str, after: str, open_: bool, changed: Counter[str]) -> _Piece:
    """`before`, `after`: what stands around the piece, without spaces; `open_`: whether a space stands before it."""
    if not (open_ or "\t" in piece.text or "  " in piece.text):
        return piece
    codes = _codes(before + piece.text + after)
    blank = (codes == 0x20) | (codes == 0x09)
    edges = np.flatnonzero(np.diff(blank)).reshape(-1, 2)  # the last before a run, and the last of it
    runs = edges[(codes[edges[:, 0]] != 0x0A) & (codes[edges[:, 1] + 1] != 0x0A)]
    drop = np.zeros(len(codes) + 1, np.int64)
    np.add.at(drop, runs[:, 0] + 2, 1)
    np.add.at(drop, runs[:, 1] + 1, -1)
    if open_ and len(runs) and runs[0, 0] == 0:
        drop[1] += 1
        drop[2] -= 1
    gone = np.cumsum(drop)[1:-2] != 0
    first = runs[:, 0]
    inner = codes[1:-1].copy()
    tabs = (inner[first] == 0x09) & ~gone[first]
    if not gone.any() and not tabs.any():
        return piece
    changed["spaces"] += int(gone.sum() + tabs.sum())
    inner[first] = 0x20
    return _Piece.of(_text(inner[~gone]), piece.length, piece.bits, piece.source[~gone])
