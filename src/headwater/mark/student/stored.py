"""Differences in a file: made where the models are, tested where the keys are. An `.npz` of plain arrays.

What it says of itself (models, texts, how it was made) stands in it as JSON; a commitment names its digests.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Final, cast

import numpy as np

from headwater.errors import UnreadableInput, Where
from headwater.mark.proxy.arrays import read_arrays
from headwater.mark.student.differences import Differences, Rows
from headwater.mark.whole_file import whole_file

FORMAT: Final = "headwater.differences"
VERSION: Final = 1
#: Bytes of a file.
LARGEST: Final = 1 << 30
_NAMES: Final = (
    "about",
    "tokens",
    "starts",
    "prompts",
    "position",
    "begin",
    "token",
    "difference",
    "chance",
    "account",
)
_BROKEN: Final = "the file was changed or cut short"


@dataclass(frozen=True)
class About:
    """How differences were made: digests of both models and of the texts, and what was kept.

    `served`: whether the texts are answers that may carry the mark. `window`: tokens that the models saw at once, of
    `window_asked` that were to be at most.
    """

    student: str
    student_digest: str
    reference: str
    reference_digest: str
    texts_digest: str
    vocabulary: int
    window: int
    window_asked: int
    kept: int
    served: bool


def save(differences: Differences, about: About, path: Path) -> None:
    """Write both to `path`, which mustn't be there yet (`FileExistsError`)."""
    said = {"format": FORMAT, "format_version": VERSION, **asdict(about), "accounts": differences.accounts}
    rows = differences.rows
    content = io.BytesIO()
    np.savez_compressed(
        content,
        about=np.frombuffer(json.dumps(said, ensure_ascii=False).encode(), np.uint8),
        tokens=differences.tokens.astype(np.uint32),
        starts=differences.starts.astype(np.int64),
        prompts=differences.prompts.astype(np.int64),
        position=differences.position.astype(np.int64),
        begin=rows.begin.astype(np.int64),
        token=rows.token.astype(np.uint32),
        difference=rows.difference.astype(np.float32),
        chance=rows.chance.astype(np.float32),
        account=differences.account.astype(np.int64),
    )
    with path.open("xb") as file:
        file.write(content.getvalue())


def parts_of(path: Path) -> Path:
    """The folder of what a run has done that isn't finished."""
    return path.with_name(f"{path.name}.parts")


def load(path: Path) -> tuple[Differences, About, str]:
    """What `save` wrote, and the SHA-256 of the file.

    Raises `UnreadableInput` for a file that isn't there, is cut short, or holds what can't be differences of laws.
    """
    where = Where(str(path))
    if parts_of(path).is_dir() and not path.exists():
        hint = "start that run again: it goes on where it stopped"
        raise UnreadableInput(
            "is not there yet: the run that compares models was ended", where=where, hint=hint
        )
    content = whole_file(path, largest=LARGEST)
    arrays = read_arrays(content, re.compile("|".join(_NAMES)), where)
    if set(arrays) != set(_NAMES):
        raise UnreadableInput("holds no differences of models", where=where)
    said = _said(arrays.pop("about").tobytes(), where)
    about, accounts = _about(said, where)
    wrong = _wrong(arrays, about, len(accounts))
    if wrong:
        raise UnreadableInput(
            "can't be differences of models", where=Where(str(path), field=wrong), hint=_BROKEN
        )
    whole = {name: array.astype(np.int64) for name, array in arrays.items() if array.dtype.kind in "iu"}
    rows = Rows(
        whole["begin"],
        whole["token"],
        arrays["difference"].astype(np.float32),
        arrays["chance"].astype(np.float32),
    )
    found = Differences(
        whole["tokens"],
        whole["starts"],
        whole["prompts"],
        whole["position"],
        rows,
        whole["account"],
        accounts,
    )
    return found, about, hashlib.sha256(content).hexdigest()


def _said(content: bytes, where: Where) -> Mapping[str, Any]:
    try:
        said = json.loads(content)
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict) or said.get("format") != FORMAT:
        raise UnreadableInput("holds no differences of models", where=where)
    if said.get("format_version") != VERSION:
        raise UnreadableInput("is of another version", where=where, hint="make the differences again")
    return said


def _about(said: Mapping[str, Any], where: Where) -> tuple[About, tuple[str, ...]]:
    """What a file says of itself, with the types that `About` has, and its accounts."""
    kinds: dict[Any, type] = {"str": str, "int": int, "bool": bool}
    values, accounts = {each.name: said.get(each.name) for each in fields(About)}, said.get("accounts")
    for each in fields(About):
        value = values[each.name]
        if type(value) is not kinds[each.type] or (type(value) is int and value < 1):
            raise UnreadableInput("doesn't say how it was made", where=where, hint=_BROKEN)
    if type(accounts) is not list or not all(type(each) is str for each in accounts):
        raise UnreadableInput("doesn't say whose its texts are", where=where, hint=_BROKEN)
    return About(**cast("dict[str, Any]", values)), tuple(accounts)


def _wrong(arrays: Mapping[str, Any], about: About, accounts: int) -> str:
    """The first array that can't be what it should be; empty where all can."""
    kinds = {"difference": "f", "chance": "f"}
    for name, array in arrays.items():
        if array.ndim != 1 or array.dtype.kind not in kinds.get(name, "iu"):
            return name
    tokens, starts, prompts = arrays["tokens"], arrays["starts"].astype(np.int64), arrays["prompts"]
    position, begin = arrays["position"].astype(np.int64), arrays["begin"].astype(np.int64)
    if not _steps(starts, len(tokens)) or len(starts) < 2:
        return "starts"
    if len(prompts) != len(starts) - 1 or (prompts < 1).any() or (prompts > np.diff(starts)).any():
        return "prompts"
    if (np.diff(position) <= 0).any() or (
        len(position) and not 0 <= position[0] <= position[-1] < len(tokens)
    ):
        return "position"
    if len(begin) != len(position) + 1 or not _steps(begin, len(arrays["token"])):
        return "begin"
    size = about.vocabulary
    for name in ("tokens", "token"):
        if len(arrays[name]) and not 0 <= int(arrays[name].min()) <= int(arrays[name].max()) < size:
            return name
    for name, least in (("difference", -1.01), ("chance", 0.0)):
        array = arrays[name]
        if len(array) != len(arrays["token"]) or not np.isfinite(array).all():
            return name
        if len(array) and not least <= float(array.min()) <= float(array.max()) <= 1.01:
            return name
    account = arrays["account"].astype(np.int64)
    if len(account) != len(prompts) or (account < -1).any() or (account >= accounts).any():
        return "account"
    return ""


def _steps(bounds: Any, last: int) -> bool:
    """Whether `bounds` ascend from 0 to `last`."""
    return len(bounds) > 0 and bounds[0] == 0 and bounds[-1] == last and not (np.diff(bounds) < 0).any()
