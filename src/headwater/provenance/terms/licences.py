"""Licences of datasets and of weights, as they are written in columns and cards, and what they say of a use.

SPDX ids, Hugging Face's ids and common spellings; one that isn't known is unknown, never the nearest. Licences with
files in the registry (Llama's, Gemma's) are asked there.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import Any

import msgspec

from headwater.errors import ConfigurationError, Where
from headwater.provenance.terms.model import Link, Use, Verdict, in_order
from headwater.toml import parsed

_SPELLING = re.compile(r"[\s_()/,:]+")
_URL = re.compile(
    r"https?://creativecommons\.org/(?:licenses/(?P<kind>by(?:-nc)?(?:-sa|-nd)?)/(?P<version>\d\.\d)"
    r"|publicdomain/zero/1\.0)",
    re.IGNORECASE,
)
#: Characters of the longest licence id that is looked at.
LONGEST = 200


class Licence(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a licence says: of training, of what is asked in return, of commercial use (None: nothing)."""

    name: str
    train: Verdict = "unknown"
    commercial: bool | None = None
    duties: tuple[str, ...] = ()
    redistribute: tuple[str, ...] = ()
    unsettled: str = ""
    note: str = ""
    terms: tuple[str, ...] = ()
    provider: str | None = None


@cache
def _table() -> tuple[dict[str, Licence], dict[str, str]]:
    text = files("headwater.provenance.terms").joinpath("licences.toml").read_text("utf-8")
    raw: dict[str, Any] = parsed(text, "licences.toml")
    try:
        return msgspec.convert(raw["licence"], dict[str, Licence]), raw["alias"]
    except msgspec.ValidationError as error:
        raise ConfigurationError(f"does not fit: {error}", where=Where("licences.toml")) from None


def licence(written: str) -> Licence | None:
    """The licence that is meant by what stands in a column or card, or None where it isn't known."""
    if len(written) > LONGEST:
        return None
    table, alias = _table()
    if found := _URL.search(written):
        kind = found["kind"]
        name = f"cc-{kind.lower()}-{found['version']}" if kind else "cc0-1.0"
    else:
        name = _SPELLING.sub("-", written.strip().lower().removeprefix("license:")).strip("-")
        name = re.sub(r"-(?:international|unported|deed)\Z", "", name)
        name = re.sub(r"\Acreative-commons-", "cc-", name)
    return table.get(alias.get(name, name))


def ask_licence(written: str, found: Licence | None, use: Use) -> Link:
    """What a licence without files in the registry says of a use, as a link of the chain."""
    if found is None:
        return Link(
            kind="licence",
            name=written[:LONGEST],
            verdict="unknown",
            sentence="This licence isn't known here; its text decides.",
            unknown=("what the licence says",),
            binds="licensee",
            possible=in_order(("allowed", "allowed-with-duties", "restricted-to", "unknown")),
        )
    verdict, duties, possible = _judge(found, use)
    conditions = (
        ("not for a commercial use",) if found.commercial is False and use.commercial is not False else ()
    )
    unknown = (
        (found.unsettled,) if found.unsettled and (use.action == "train" or found.train == "unknown") else ()
    )
    return Link(
        kind="licence",
        name=found.name,
        verdict=verdict,
        sentence=_sentence(found, verdict),
        duties=duties if verdict != "unknown" else (),
        conditions=conditions,
        unknown=unknown,
        binds="licensee",
        possible=in_order(possible),
    )


def _judge(found: Licence, use: Use) -> tuple[Verdict, tuple[str, ...], set[Verdict]]:
    """The verdict, the duties, and every verdict that may turn out."""
    duties = (*found.duties, *found.redistribute) if use.action == "redistribute" else found.duties
    free: Verdict = (
        found.train if found.train == "unknown" else "allowed-with-duties" if duties else "allowed"
    )
    if use.action == "evaluate":
        free, duties = ("unknown", ()) if found.unsettled and found.train == "unknown" else ("allowed", ())
    if found.commercial is not False or use.commercial is False:
        return free, duties, {free}
    if use.commercial is None:
        return "restricted-to", duties, {"restricted-to", free}
    return "restricted-to", duties, {"restricted-to"}


def _sentence(found: Licence, verdict: Verdict) -> str:
    """One sentence of what the licence says, and a second one where something isn't settled."""
    texts = {
        "allowed": f"The licence {found.name} allows this use.",
        "allowed-with-duties": f"The licence {found.name} allows this use and asks something in return.",
        "restricted-to": f"The licence {found.name} allows uses that aren't commercial.",
        "unknown": f"The licence {found.name} doesn't decide this use.",
    }
    notes = [found.note, f"{found.unsettled[:1].upper()}{found.unsettled[1:]}." if found.unsettled else ""]
    return " ".join(filter(None, (texts.get(verdict, texts["unknown"]), *notes)))
