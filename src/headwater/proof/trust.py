"""Whose checkpoints are believed (c2sp.org/tlog-policy): logs, witnesses, and how many of which must have cosigned.

    log <vkey> [<url>]
    witness <name> <vkey> [<url>]
    group <name> <number>|any|all <name>...
    quorum <name>|none

Reads such a policy and checks checkpoints by it. The policy itself is believed: it comes from whoever verifies.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from headwater.proof.checkpoint import Checkpoint
from headwater.proof.cosignature import cosignatures
from headwater.proof.lines import decimal
from headwater.proof.note import opened
from headwater.proof.rejected import Rejected
from headwater.proof.verifier_key import COSIGNATURE, ED25519, VerifierKey

#: The quorum that asks for no witness.
NONE = "none"
#: Bytes of a policy, and lines that say something in it.
MOST_POLICY, MOST_LINES = 1_000_000, 1_000
_SPACE = re.compile(r"[ \t]+")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


@dataclass(frozen=True)
class Witness:
    """A witness: its name within the policy, its key, and where it takes checkpoints, if that is said."""

    name: str
    key: VerifierKey
    url: str = ""


@dataclass(frozen=True)
class Group:
    """Witnesses and earlier groups, by name, of which at least `least` must have witnessed a checkpoint."""

    name: str
    least: int
    members: tuple[str, ...]


@dataclass(frozen=True)
class Witnessed:
    """A checkpoint that is believed: whose log signed it, and which witnesses cosigned when (seconds since 1970)."""

    checkpoint: Checkpoint
    log: VerifierKey
    cosigned: tuple[tuple[Witness, int], ...]


@dataclass(frozen=True)
class Trust:
    """A policy: keys of logs, each named as its log's origin, witnesses, their groups, and the quorum's name."""

    logs: tuple[VerifierKey, ...]
    witnesses: tuple[Witness, ...] = ()
    groups: tuple[Group, ...] = ()
    quorum: str = NONE

    def __post_init__(self) -> None:
        if any(key.algorithm != ED25519 for key in self.logs):
            raise Rejected("the policy has a log with a key that isn't a log's")
        if any(one.key.algorithm != COSIGNATURE for one in self.witnesses):
            raise Rejected("the policy has a witness with a key that isn't a witness's")
        for keys in (self.logs, [one.key for one in self.witnesses]):
            if len({key.key for key in keys}) < len(keys):
                raise Rejected("the policy has the same key twice")
        defined = {NONE}
        for name in [one.name for one in self.witnesses]:
            _define(name, defined)
        members: set[str] = set()
        for group in self.groups:
            if NONE in group.members or not defined.issuperset(group.members):
                raise Rejected("the policy has a group with a member that isn't defined above it")
            if not 1 <= group.least <= len(group.members):
                raise Rejected("the policy has a group that asks for none or more than it has")
            if len(set(group.members)) < len(group.members) or not members.isdisjoint(group.members):
                raise Rejected("the policy has a witness or group that is a member twice")
            members.update(group.members)
            _define(group.name, defined)
        if self.quorum not in defined:
            raise Rejected("the policy has a quorum that isn't defined above it")

    @classmethod
    def parse(cls, text: str | bytes) -> Trust:
        """The policy that `text` is; `Rejected` with the line where it is none.

        Names may be any bytes: those that aren't UTF-8 are kept as half characters (Python's `surrogateescape`).
        """
        data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
        if len(data) > MOST_POLICY:
            raise Rejected(f"the policy has more than {MOST_POLICY:,} bytes")
        reading = _Reading()
        for number, words in _lines(data):
            if reading.count > MOST_LINES:
                raise Rejected(f"the policy has more than {MOST_LINES:,} lines")
            try:
                reading.take(words)
            except Rejected as reason:
                raise Rejected(f"line {number} of the policy: {reason}") from None
        if reading.quorum is None:
            raise Rejected("the policy has no quorum")
        return cls(tuple(reading.logs), tuple(reading.witnesses), tuple(reading.groups), reading.quorum)

    def check(self, note: bytes) -> Checkpoint:
        """The checkpoint in `note`; `Rejected` where its log's signature or the quorum is missing."""
        return self.witnessed(note).checkpoint

    def witnessed(self, note: bytes) -> Witnessed:
        """As `check`, with who signed and cosigned it, and when.

        A false signature in the name of a trusted key is refused too, even where the others would do.
        """
        found = opened(note, self.logs)
        checkpoint = Checkpoint.parse(found.note.text)
        log = next((key for key in found.by if key.name == checkpoint.origin), None)
        if log is None:
            raise Rejected("the checkpoint is signed by another log than it names")
        by_key = {one.key: one for one in self.witnesses}
        cosigned = tuple((by_key[key], at_s) for key, at_s in cosignatures(note, by_key))
        if not self._is_quorum({one.name for one, _ in cosigned}):
            raise Rejected("too few of the trusted witnesses cosigned the checkpoint")
        return Witnessed(checkpoint, log, cosigned)

    def _is_quorum(self, witnessed: set[str]) -> bool:
        for group in self.groups:
            if len(witnessed.intersection(group.members)) >= group.least:
                witnessed.add(group.name)
        return self.quorum == NONE or self.quorum in witnessed


class _Reading:
    """A policy of which some lines are read."""

    def __init__(self) -> None:
        self.logs: list[VerifierKey] = []
        self.witnesses: list[Witness] = []
        self.groups: list[Group] = []
        self.quorum: str | None = None
        self._defined = {NONE}

    @property
    def count(self) -> int:
        return len(self.logs) + len(self.witnesses) + len(self.groups)

    def take(self, words: list[str]) -> None:
        """One more line; what spans several lines is left to `Trust`."""
        match words:
            case ["log", vkey] | ["log", vkey, _]:
                self.logs.append(VerifierKey.parse(vkey))
            case ["witness", name, vkey] | ["witness", name, vkey, _]:
                _define(name, self._defined)
                self.witnesses.append(Witness(name, VerifierKey.parse(vkey), "".join(words[3:])))
            case ["group", name, least, *members] if members:
                if not self._defined.issuperset(members):
                    raise Rejected("a member isn't defined above it")
                _define(name, self._defined)
                self.groups.append(Group(name, _least(least, len(members)), tuple(members)))
            case ["quorum", name] if self.quorum is None:
                if name not in self._defined:
                    raise Rejected("the quorum isn't defined above it")
                self.quorum = name
            case _:
                raise Rejected("is no log, witness, group or quorum line, or a second quorum")


def _lines(data: bytes) -> Iterator[tuple[int, list[str]]]:
    """The lines that say something: number from 1 and words. Bytes that aren't ASCII stay what they are."""
    whole = data.decode("utf-8", "surrogateescape")
    if _CONTROL.search(whole):
        raise Rejected("the policy has a control character in it")
    if whole and not whole.endswith("\n"):
        raise Rejected("the policy doesn't end with a line")
    for number, line in enumerate(whole.split("\n"), start=1):
        said = line.strip(" \t")
        if said and not said.startswith("#"):
            yield number, _SPACE.split(said)


def _define(name: str, defined: set[str]) -> None:
    if name in defined:
        raise Rejected("the policy has a name twice, or the name none")
    defined.add(name)


def _least(said: str, count: int) -> int:
    return {"any": 1, "all": count}.get(said) or decimal(said, "the number that a group asks for")
