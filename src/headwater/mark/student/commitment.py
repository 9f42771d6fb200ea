"""What a test is bound to before it is done: a salted hash over keys, schemes, texts, reference and level.

Published first (in a transparency log, through a callable of the caller's), it shows afterwards that neither the key
nor the settings were chosen by what the test gave. The salt stays with the tester until they show it.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any, Final

from headwater.errors import ConfigurationError, UnreadableInput, UsageError, Where
from headwater.mark.student.asking import Reader
from headwater.mark.student.examine import Candidate
from headwater.mark.tokenizer import tokenizer_digest
from headwater.mark.whole_file import whole_file
from headwater.proof import canonical_json

FORMAT: Final = "headwater.student-commitment"
#: What the log takes in of a report.
REPORT_FORMAT: Final = "headwater.student-report"
VERSION: Final = 1
SALT_BYTES: Final = 32
#: Version of the statistic of weights: what else than the key it depends on is settled by it.
STATISTIC: Final = 2
LARGEST: Final = 64 << 20
#: Fields of a report that are added once its digest is logged.
_LATER: Final = ("logged", "page")
#: Publishes the hash, and says where: the id of a log's entry.
Commit = Callable[[Mapping[str, Any]], str]


@dataclass(frozen=True)
class Commitment:
    """What was bound (`bound`), under which `salt`; `entry`: the log's entry that holds the hash, if one does."""

    bound: Mapping[str, Any]
    salt: bytes = field(repr=False)
    entry: str = ""

    @property
    def sha256(self) -> str:
        """The hash that is published: SHA-256 of the salt and `bound` as canonical JSON."""
        return hashlib.sha256(self.salt + canonical_json(dict(self.bound))).hexdigest()

    def published(self, commit: Commit) -> Commitment:
        """The same with the entry that `commit` made of its hash."""
        record = {"format": FORMAT, "format_version": VERSION, "sha256": self.sha256}
        return Commitment(self.bound, self.salt, commit(record))

    def check(self, bound: Mapping[str, Any]) -> None:
        """Raise `UsageError` where a test is bound to anything else; it names the first field that differs."""
        for name in sorted(set(self.bound) | set(bound)):
            if self.bound.get(name) != bound.get(name):
                hint = "test what was committed to, or commit anew and say so"
                raise UsageError(f"the test isn't the one that was committed to: {name} differs", hint=hint)

    def save(self, path: Path) -> None:
        """Write it for its owner alone; `FileExistsError` where the file is there."""
        said = {
            "format": FORMAT,
            "format_version": VERSION,
            "sha256": self.sha256,
            "entry": self.entry,
            "salt": self.salt.hex(),
            "bound": dict(self.bound),
        }
        content = json.dumps(said, indent=2, ensure_ascii=False).encode() + b"\n"
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)


def bound(
    mode: str,
    candidates: Sequence[Candidate],
    *,
    alpha: float,
    reference_digest: str,
    texts_digest: str,
    salt: bytes,
    more: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """What a test is bound to, as plain values.

    `mode`: probe, served, ask or lineage; `reference_digest`: empty where there is no reference. Keys stand in it as
    HMACs under the salt: who has key and salt can check them, and who has neither learns nothing.
    """
    return {
        "mode": mode,
        "alpha": repr(float(alpha)),
        "reference_digest": reference_digest,
        "texts_digest": texts_digest,
        "keys": [
            {**said, "hmac_sha256": key_digest(each, salt)}
            for each, said in zip(candidates, described(candidates), strict=True)
        ],
        **(more or {}),
    }


def described(candidates: Sequence[Candidate]) -> list[dict[str, Any]]:
    """The keys by all that isn't secret: name, account, scheme and its settings. Reports say it, too."""
    return [
        {
            "name": each.name,
            "account": each.account,
            "scheme": each.scheme.name,
            "settings": settings(each.scheme),
        }
        for each in candidates
    ]


def of_weights(kept: int, window: int, scored: str, differences_sha256: str = "") -> dict[str, Any]:
    """What a test of weights is bound to besides: how differences are made, and which statistic they are read by.

    `scored`: the digest of the tokens that are scored, which can be computed again; `differences_sha256`: of their
    file, where it was there already.
    """
    said = {"kept": kept, "window": window, "statistic": STATISTIC, "scored_sha256": scored}
    return {**said, "differences_sha256": differences_sha256} if differences_sha256 else said


def of_answers(readers: Sequence[Reader], max_tokens: int) -> dict[str, Any]:
    """What a test by answers is bound to besides: how long an answer may be, and each key's tokenizers."""
    return {
        "max_tokens": max_tokens,
        "tokenizers": [
            {
                "key": each.name,
                "tokenizer": each.tokenizer.name,
                "sha256": tokenizer_digest(each.tokenizer),
            }
            for each in readers
        ],
    }


def report_digest(report: Mapping[str, Any]) -> str:
    """SHA-256 of a report as canonical JSON (RFC 8785), without `logged` and `page`.

    Raises `ValueError` for what has no such form.
    """
    return hashlib.sha256(
        canonical_json({name: each for name, each in report.items() if name not in _LATER})
    ).hexdigest()


def commitment(
    mode: str,
    candidates: Sequence[Candidate],
    *,
    alpha: float,
    reference_digest: str,
    texts_digest: str,
    salt: bytes | None = None,
    more: Mapping[str, Any] | None = None,
) -> Commitment:
    """A new commitment, under the system's randomness unless a `salt` is given."""
    salt = os.urandom(SALT_BYTES) if salt is None else salt
    said = bound(
        mode,
        candidates,
        alpha=alpha,
        reference_digest=reference_digest,
        texts_digest=texts_digest,
        salt=salt,
        more=more,
    )
    return Commitment(said, salt)


def key_digest(candidate: Candidate, salt: bytes) -> str:
    """HMAC-SHA256 under the salt of a key, and of what the scheme itself keeps secret."""
    said = [candidate.scheme.name, list(map(str, candidate.key.numbers)), _hidden(candidate.scheme)]
    return hmac.new(salt, json.dumps(said).encode(), hashlib.sha256).hexdigest()


def settings(scheme: object) -> dict[str, str]:
    """The settings of a scheme that aren't secret, as text."""
    if not is_dataclass(scheme):
        return {}
    return {each.name: repr(getattr(scheme, each.name)) for each in fields(scheme) if each.init and each.repr}


def _hidden(scheme: object) -> list[str]:
    if not is_dataclass(scheme):
        return []
    return [
        f"{each.name}={getattr(scheme, each.name)!r}"
        for each in fields(scheme)
        if each.init and not each.repr
    ]


def load_commitment(path: Path) -> Commitment:
    """What `Commitment.save` wrote.

    Raises `UnreadableInput` where the file can't be read, `ConfigurationError` where it is none, or its hash isn't that
    of what it says.
    """
    where = Where(str(path))
    try:
        said = json.loads(whole_file(path, largest=LARGEST))
    except (ValueError, RecursionError):
        raise UnreadableInput("is not JSON", where=where) from None
    if not isinstance(said, dict) or said.get("format") != FORMAT or said.get("format_version") != VERSION:
        raise ConfigurationError("is no commitment to a test", where=where)
    try:
        salt, held = bytes.fromhex(said["salt"]), dict(said["bound"])
        found = Commitment(held, salt, str(said["entry"]))
        same = len(salt) == SALT_BYTES and hmac.compare_digest(found.sha256, said["sha256"])
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError):
        raise ConfigurationError("is no commitment to a test", where=where) from None
    if not same:
        what = "what it says isn't what its hash was made of"
        raise ConfigurationError(what, where=where, hint="take the file as it was written")
    return found
