"""What a customer is told of a step, in plain words: the texts, checked, and a notice made from one.

A notice is made from `Told` and nothing else: rung, reason class, clause, times and the way to appeal. Neither rule nor
fact nor threshold can get into one, because none is handed over. Sending it is the operator's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Final

from headwater.errors import ConfigurationError, Where, unreadable
from headwater.policy import REASON_CLASSES, Rung
from headwater.report import clean

#: Every notice with the placeholders that its text has to hold.
_STEP: Final = ("reference", "reason", "clause", "until", "appeals", "appeal_by")
NEEDED: Final[Mapping[str, tuple[str, ...]]] = {
    **{rung.word: _STEP for rung in Rung if rung > Rung.OBSERVE},
    "ended": ("reference", "at"),
    "appeal-received": ("reference", "answer_by"),
    "appeal-upheld": ("reference", "answer", "until"),
    "appeal-reversed": ("reference", "answer"),
    "appeal-lowered": ("reference", "answer", "until"),
    "appeal-unanswered": ("reference",),
}
PLACEHOLDERS: Final = (
    "operator",
    "reference",
    "reason",
    "clause",
    "decided",
    "at",
    "begins",
    "until",
    "appeals",
    "appeal_by",
    "answer_days",
    "answer_by",
    "answer",
)
MOST_BYTES: Final = 65_536
_PLACEHOLDER: Final = re.compile(r"\{([^{}]*)\}")
_SUBJECT: Final = "Subject: "
_DECIDED: Final = (
    "A program decided this; no person has looked at it yet.",
    "A program proposed this, and a person decided it.",
    "A program proposed this, and two persons decided it.",
)


@dataclass(frozen=True)
class Told:
    """All that a customer may learn of a step. Times are microseconds since 1970 UTC; `persons` decided it."""

    operator: str
    appeals: str
    reference: str
    rung: Rung
    reason_class: str
    clause: str
    persons: int
    begins_us: int
    until_us: int
    appeal_by_us: int
    answer_days: int


@dataclass(frozen=True)
class Notice:
    """A letter: its kind (a rung's word, or what happened), one line of subject, and the text."""

    kind: str
    subject: str
    text: str


@dataclass(frozen=True)
class Texts:
    """Texts with placeholders, by kind of notice; every kind has one."""

    of: Mapping[str, str]

    def notice(self, kind: str, told: Told, at_us: int, *, answer: str = "", answer_by_us: int = 0) -> Notice:
        """The notice of `kind` as of `at_us`; `answer` is a reviewer's, and goes in as it is."""
        values = {
            "operator": told.operator,
            "reference": told.reference,
            "reason": REASON_CLASSES.get(told.reason_class, told.reason_class),
            "clause": told.clause or "the terms that you agreed to",
            "decided": _DECIDED[min(told.persons, 2)],
            "at": moment(at_us),
            "begins": moment(told.begins_us),
            "until": moment(told.until_us),
            "appeals": told.appeals,
            "appeal_by": moment(told.appeal_by_us),
            "answer_days": str(told.answer_days),
            "answer_by": moment(answer_by_us),
            "answer": answer,
        }
        filled = _PLACEHOLDER.sub(lambda found: values[found[1]], self.of[kind])
        subject, _, text = filled.partition("\n")
        return Notice(
            kind,
            clean(subject.removeprefix(_SUBJECT)),
            clean(text, lines=True).strip("\n") + "\n",
        )


def moment(at_us: int) -> str:
    """A time as customers read it: to the minute, in UTC; one that no calendar has, in microseconds."""
    try:
        return datetime.fromtimestamp(at_us // 1_000_000, UTC).strftime("%Y-%m-%d %H:%M UTC")
    except (ValueError, OverflowError, OSError):
        return f"{at_us} µs after 1970"


@cache
def our_texts() -> Texts:
    """The texts that come with Headwater."""
    folder = files("headwater.casework").joinpath("texts")
    return Texts({kind: folder.joinpath(f"{kind}.txt").read_text("utf-8") for kind in NEEDED})


def load_texts(folder: Path) -> Texts:
    """Our texts, with those that lie in `folder` (`suspend.txt`, …) in their place.

    Raises `UnreadableInput` where the folder or a file can't be read, `ConfigurationError` with file and row where a
    text has no subject, an unknown placeholder, or lacks one that its customers need.
    """
    try:
        found = sorted(path for path in folder.iterdir() if path.suffix == ".txt")
    except OSError as error:
        raise unreadable(folder, error) from None
    own: dict[str, str] = {}
    for path in found:
        if path.stem not in NEEDED:
            near = get_close_matches(path.stem, NEEDED, n=1)
            hint = f"did you mean {near[0]}.txt?" if near else f"notices are {', '.join(NEEDED)}"
            raise ConfigurationError("there is no such notice", where=Where(str(path)), hint=hint)
        own[path.stem] = _checked(path)
    return Texts({**our_texts().of, **own})


def _checked(path: Path) -> str:
    where = Where(str(path))
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
        text = data.decode("utf-8").replace("\r\n", "\n")
    except OSError as error:
        raise unreadable(path, error) from None
    except UnicodeDecodeError:
        raise ConfigurationError("is not valid UTF-8", where=where) from None
    if len(data) > MOST_BYTES:
        raise ConfigurationError(f"is longer than {MOST_BYTES // 1024} KiB", where=where)
    if not text.startswith(_SUBJECT):
        hint = "for example: Subject: Your account is suspended (reference {reference})"
        raise ConfigurationError("a notice begins with its subject", where=Where(str(path), 1), hint=hint)
    for row, line in enumerate(text.splitlines(), 1):
        for name in _PLACEHOLDER.findall(line):
            if name not in PLACEHOLDERS:
                near = get_close_matches(name, PLACEHOLDERS, n=1)
                hint = f"did you mean {{{near[0]}}}?" if near else f"there are {', '.join(PLACEHOLDERS)}"
                what = "there is no such placeholder"
                raise ConfigurationError(what, where=Where(str(path), row), hint=hint)
        if "{" in (rest := _PLACEHOLDER.sub("", line)) or "}" in rest:
            what = "a brace stands alone"
            raise ConfigurationError(what, where=Where(str(path), row), hint="write {reference}, both braces")
    missing = [name for name in NEEDED[path.stem] if f"{{{name}}}" not in text]
    if missing:
        raise ConfigurationError(
            f"the placeholder {{{missing[0]}}} is missing", where=where, hint="the customer needs to know it"
        )
    return text
