"""The audit's stage of marks: every text of a corpus against the marks of a keyring, by the detectors of `mark`.

The verifier `marks=KEYRING`, which `headwater audit --keyring` asks. An audit sees a corpus in batches and never knows
how many texts are still to come, so the error rate is one of each text, and so low that millions may be read.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Literal

from headwater.errors import UnreadableInput, UsageError, Where
from headwater.mark import (
    Detection,
    Mark,
    Reading,
    Tokenizer,
    Tokens,
    detect,
    load_keyring,
    normalised,
    plain,
    units_wanted,
)
from headwater.provenance.audit.screen import Screen
from headwater.provenance.audit.verifiers import Match

#: A text without a mark is taken for a marked one at most this often: in a corpus of a million texts, one audit of a
#: thousand names one wrongly.
ALPHA: Final = 1e-9
#: Characters that are read at once; a longer text is read in pieces.
_PIECE: Final = 1 << 20
#: The least p-value that is told; smaller ones are told as it.
_LEAST: Final = 1e-300
_SHORT: Final = "is too short for a mark of the keyring to show"
_UNREAD: Final = "can't be read by a tokenizer of the keyring"


@dataclass(frozen=True)
class _Piece:
    """Characters from `begin` of text number `at`; `of`: how many pieces that text has."""

    at: int
    begin: int
    text: str
    of: int


@dataclass
class _Looked:
    """What the quick look says of one piece: readings with evidence by mark, and marks that may be in it."""

    readable: dict[str, list[Tokens]]
    tests: Counter[int] = field(default_factory=Counter)
    likely: set[int] = field(default_factory=set)
    enough: bool = False


class Marks:
    """Reads marks. `alpha`: how often one text without any is called marked, all that was tried in it counted.

    Travels to other processes with its keys: they are never written to a file.
    """

    def __init__(self, marks: Sequence[Mark], *, alpha: float = ALPHA, version: str = "") -> None:
        self.name = "marks"
        self.stage: Literal["registries", "marks"] = "marks"
        self.marks = tuple(marks)
        self.alpha = alpha
        self.version = version
        self._notes: Counter[str] = Counter()

    @property
    def card(self) -> Mapping[str, str]:
        """What is controlled, and what isn't."""
        return {
            "errors": f"a text without a mark is taken for a marked one at most once in {1 / self.alpha:,.0f} texts, "
            "with all keys, tokenizers, readings and passages of it counted",
            "says": "a mark says that tokens of a text were picked under a key, not who used it, or with what right",
        }

    def notes(self) -> Mapping[str, int]:
        """Texts that couldn't be read, or were too short, since this was asked last."""
        found, self._notes = self._notes, Counter()
        return found

    def verify(self, texts: Sequence[str]) -> Sequence[Sequence[Match]]:
        """The marks in each text, by passages, best first."""
        pieces = [piece for at, text in enumerate(texts) for piece in _pieces(at, text)]
        looked = [_Looked(self._encoded(piece.text)) for piece in pieces]
        for number, screen in enumerate(self._screens):
            self._look(number, screen, looked)
        found: list[list[Match]] = [[] for _ in texts]
        for piece, told in zip(pieces, looked, strict=True):
            if told.likely:
                found[piece.at] += self._read(piece, told)
        self._note(pieces, looked, found)
        return found

    def _encoded(self, text: str) -> dict[str, list[Tokens]]:
        """By tokenizer, the tokens of a text as it is and, where that differs, normalised."""
        clean = normalised(text).text
        forms = [text] if clean == text else [text, clean]
        found = {}
        for name, tokenizer in self._tokenizers.items():
            try:
                found[name] = [tokenizer.encode(form).ids for form in forms]
            except UnreadableInput:
                continue
        return found

    def _look(self, number: int, screen: Screen, looked: Sequence[_Looked]) -> None:
        level = math.log(self.alpha)
        wanted = units_wanted(screen.mark.scheme.name, level)
        for tokenizer in screen.mark.tokenizers:
            owners = [(told, ids) for told in looked for ids in told.readable.get(tokenizer.name, ())]
            near, counts = screen.look([ids for _, ids in owners], level)
            for (told, _), may, count in zip(owners, near.tolist(), counts.tolist(), strict=True):
                told.tests[number] += count > 0
                told.enough = told.enough or count >= wanted
                if may:
                    told.likely.add(number)

    def _read(self, piece: _Piece, told: _Looked) -> list[Match]:
        """Exact p-values of the marks that may be in a piece. All readings count, also those that were passed over."""
        tests = told.tests.total()
        marks = [self._readable(self.marks[number], told) for number in sorted(told.likely)]
        part = sum(told.tests[number] for number in told.likely) / tests
        found = detect(piece.text, marks, alpha=self.alpha * part, texts=piece.of)
        counted = math.log(tests) + math.log(piece.of)
        return [
            match
            for each in _best(found, math.log(self.alpha) - counted)
            for match in _told(each, piece, counted)
        ]

    def _readable(self, mark: Mark, told: _Looked) -> Mark:
        return replace(mark, tokenizers=tuple(one for one in mark.tokenizers if one.name in told.readable))

    def _note(
        self, pieces: Sequence[_Piece], looked: Sequence[_Looked], found: Sequence[Sequence[Match]]
    ) -> None:
        """What couldn't be told. A text in which a mark is found wasn't too short, however few its tokens are."""
        read = {piece.at for piece, told in zip(pieces, looked, strict=True) if told.readable}
        enough = {piece.at for piece, told in zip(pieces, looked, strict=True) if told.enough}
        enough |= {at for at, matches in enumerate(found) if matches}
        self._notes[_UNREAD] += len(found) - len(read)
        self._notes[_SHORT] += len(read - enough)

    @cached_property
    def _screens(self) -> list[Screen]:
        return [Screen(mark, plain(mark.scheme)) for mark in self.marks]

    @cached_property
    def _tokenizers(self) -> dict[str, Tokenizer]:
        return {tokenizer.name: tokenizer for mark in self.marks for tokenizer in mark.tokenizers}

    def __getstate__(self) -> dict[str, Any]:
        """Without what is made anew where it's needed."""
        return {key: value for key, value in self.__dict__.items() if key not in ("_screens", "_tokenizers")}


def verifier(keyring: str = "") -> Marks:
    """The verifier for the marks of the keyring in the file `keyring`, those that were revoked left out.

    Raises UsageError without a file or without a mark, and what `load_keyring` raises.
    """
    if not keyring:
        raise UsageError("the verifier marks needs a keyring", hint="--keyring FILE")
    path = Path(keyring)
    marks = load_keyring(path).current()
    if not marks:
        hint = "headwater mark trace looks for accounts" if load_keyring(path).accounts else "add a [[mark]]"
        raise UsageError("the keyring has no mark that isn't revoked", where=Where(str(path)), hint=hint)
    status = path.stat()
    return Marks(marks, version=f"{status.st_size} {status.st_mtime_ns}")


def _pieces(at: int, text: str) -> Iterator[_Piece]:
    """A text in pieces that end before a space, where there is one."""
    cuts = [0]
    while len(text) - cuts[-1] > _PIECE:
        space = text.rfind(" ", cuts[-1] + 1, cuts[-1] + _PIECE)
        cuts.append(space if space > 0 else cuts[-1] + _PIECE)
    ends = [*cuts[1:], len(text)]
    for begin, end in zip(cuts, ends, strict=True):
        yield _Piece(at, begin, text[begin:end], len(cuts))


def _best(found: Detection, level: float) -> list[Reading]:
    """Of each mark the reading with the most evidence, where it stands by itself at `level`."""
    kept: dict[str, Reading] = {}
    for each in sorted(found.found, key=lambda each: each.log_p):
        if each.log_p <= level:
            kept.setdefault(each.mark, each)
    return list(kept.values())


def _told(reading: Reading, piece: _Piece, counted: float) -> list[Match]:
    """One match for each passage; one for the whole where the evidence is spread over it."""
    places = [(each.begin, each.end, each.log_p + math.log(2)) for each in reading.passages]
    places = places or [(0, len(piece.text), reading.log_p)]
    return [
        Match(
            "mark",
            start=piece.begin + begin,
            end=piece.begin + end,
            p_value=max(_LEAST, math.exp(min(0.0, log_p + counted))),
            proof=reading.mark,
        )
        for begin, end, log_p in places
    ]
