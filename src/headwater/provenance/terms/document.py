"""One file of the registry: its shape, and how it is read and checked.

A file is one version interval of one document in ODRL JSON-LD (`profile`). Every fault is an error that names file
and field. Which version was in force, and what its rules mean, is decided elsewhere.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from headwater.errors import ConfigurationError, Where
from headwater.provenance.terms import profile

#: Bytes of the largest file that is read.
MOST_BYTES = 256 * 1024
#: Words that a quote may have.
MOST_QUOTED = 60
_DEEPEST = 4
_SLUG = re.compile(r"[a-z0-9][a-z0-9.\-]*")
_COMMIT = re.compile(r"[0-9a-f]{40}")


def _written(name: str) -> str:
    """`valid_from` as it is written: `hw:validFrom`."""
    head, *rest = name.rstrip("_").split("_")
    return f"hw:{head}{''.join(part.capitalize() for part in rest)}"


class Evidence(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename=_written):
    """Where a clause was read, in whose words, and how sure the reading is."""

    quote: str = ""
    source: str = ""
    repository: str = ""
    commit: str = ""
    path: str = ""
    commit_date: datetime.date | None = None
    section: str = ""
    paraphrase: str = ""
    basis: str = "secondary"
    confidence: str = "low"
    reviewer: str = ""
    reviewed: datetime.date | None = None
    note: str = ""


class Constraint(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """A comparison, or some of them joined by `and` or `or`."""

    left_operand: str = ""
    operator: str = ""
    right_operand: str | bool | tuple[str, ...] = ""
    and_: tuple[Constraint, ...] = msgspec.field(default=(), name="and")
    or_: tuple[Constraint, ...] = msgspec.field(default=(), name="or")

    def values(self) -> tuple[str | bool, ...]:
        """The right side as a tuple."""
        right = self.right_operand
        return right if isinstance(right, tuple) else (right,)


class Duty(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is asked in return; `constraint` says when, or (`hw:namePrefix`) how."""

    action: str
    constraint: tuple[Constraint, ...] = ()
    text: str = msgspec.field(default="", name="hw:text")
    note: str = msgspec.field(default="", name="hw:note")


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A permission, a prohibition or an obligation: it holds where all its constraints hold."""

    uid: str
    action: str
    target: str = "hw:outputs"
    constraint: tuple[Constraint, ...] = ()
    duty: tuple[Duty, ...] = ()
    evidence: Evidence = msgspec.field(default_factory=Evidence, name="hw:evidence")
    note: str = msgspec.field(default="", name="hw:note")


class Named(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename=_written):
    """The document: its name, kind and address."""

    name: str
    kind: str
    url: str = ""


class Covers(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename=_written):
    """A product and the type of account that a document applies to; "any" for all."""

    product: str = "any"
    account_type: str = "any"


class Archive(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename=_written):
    """Where the document's past versions are kept by others."""

    repository: str = ""
    path: str = ""
    licence: str = ""
    url: str = ""


class Terms(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One version interval of one document."""

    uid: str
    profile: str
    provider: str = msgspec.field(name="hw:provider")
    document: Named = msgspec.field(name="hw:document")
    valid_from: datetime.date | None = msgspec.field(name="hw:validFrom")
    context: Any = msgspec.field(default=None, name="@context")
    type: str = msgspec.field(default="Offer", name="@type")
    covers: tuple[Covers, ...] = msgspec.field(default=(Covers(),), name="hw:covers")
    models: tuple[str, ...] = msgspec.field(default=(), name="hw:models")
    incorporates: tuple[str, ...] = msgspec.field(default=(), name="hw:incorporates")
    valid_from_basis: str = msgspec.field(default="unknown", name="hw:validFromBasis")
    valid_to: datetime.date | None = msgspec.field(default=None, name="hw:validTo")
    valid_to_basis: str = msgspec.field(default="unknown", name="hw:validToBasis")
    last_seen: datetime.date | None = msgspec.field(default=None, name="hw:lastSeen")
    archive: Archive | None = msgspec.field(default=None, name="hw:archive")
    silent: bool = msgspec.field(default=False, name="hw:silent")
    evidence: Evidence | None = msgspec.field(default=None, name="hw:evidence")
    note: str = msgspec.field(default="", name="hw:note")
    permission: tuple[Rule, ...] = ()
    prohibition: tuple[Rule, ...] = ()
    obligation: tuple[Rule, ...] = ()

    @property
    def slug(self) -> str:
        """Provider and document as they are named elsewhere: "openai/terms-of-use"."""
        return "/".join(self.uid.removeprefix("urn:headwater:terms:").split(":")[:2])

    @property
    def version(self) -> str:
        """What tells this version from the document's others: the last part of the uid."""
        return self.uid.rsplit(":", 1)[-1]

    def rules(self) -> Iterator[tuple[str, Rule]]:
        """Every rule with its kind."""
        for kind in ("permission", "prohibition", "obligation"):
            for rule in getattr(self, kind):
                yield kind, rule


_DECODER = msgspec.json.Decoder(Terms)


def read_terms(data: bytes, file: str) -> Terms:
    """The terms written in `data`; `file` names it in errors (`ConfigurationError`, with the field)."""
    if len(data) > MOST_BYTES:
        what = f"is larger than a file of terms may be ({MOST_BYTES // 1024} KiB)"
        raise ConfigurationError(what, where=Where(file))
    try:
        terms = _DECODER.decode(data)
    except msgspec.ValidationError as error:
        what, _, path = str(error).partition(" - at `$")
        field = path.rstrip("`").lstrip(".")
        raise ConfigurationError(
            f"does not fit the profile: {what}", where=Where(file, field=field or None)
        ) from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise ConfigurationError("is not JSON", where=Where(file)) from None
    except RecursionError:
        raise ConfigurationError("is nested too deep", where=Where(file)) from None
    if not _in_context(terms.context):
        hint = f'["{profile.ODRL_CONTEXT}", {{"hw": "{profile.NAMESPACE}"}}]'
        raise _fault("is in another context", file, "@context", hint)
    check(terms, file)
    return msgspec.structs.replace(terms, context=None)


def _in_context(context: object) -> bool:
    """Whether a file's context gives its words the meaning that the profile reads in them."""
    own = {"hw": profile.NAMESPACE}
    return isinstance(context, list) and context[:1] == [profile.ODRL_CONTEXT] and context[1:] == [own]


def check(terms: Terms, file: str) -> None:
    """Raise `ConfigurationError` at the first field that says what the profile has no word for."""
    _check_head(terms, file)
    _check_dates(terms, file)
    for kind, rule in terms.rules():
        place = f"{kind}[{rule.uid.rsplit('#', 1)[-1]}]"
        if not rule.uid.startswith(terms.uid + "#"):
            raise _fault("a rule's uid begins with its file's uid and “#”", file, f"{place}.uid")
        _known(rule.action, profile.ACTIONS, file, f"{place}.action")
        for constraint in rule.constraint:
            _check_constraint(constraint, file, f"{place}.constraint")
            if kind == "prohibition" and _names(constraint, "hw:priorAuthorization", True):
                hint = "on a prohibition, write eq false: it holds where there is no authorization"
                raise _fault("prohibits what was authorised", file, f"{place}.constraint", hint)
        for duty in rule.duty:
            _known(duty.action, profile.DUTIES, file, f"{place}.duty.action")
            for constraint in duty.constraint:
                _check_constraint(constraint, file, f"{place}.duty.constraint")
        _check_evidence(rule.evidence, file, f"{place}.hw:evidence")
    if terms.evidence is not None:
        _check_evidence(terms.evidence, file, "hw:evidence")


def _check_head(terms: Terms, file: str) -> None:
    if terms.profile != profile.PROFILE:
        raise _fault("is written in another profile", file, "profile", f"this one reads {profile.PROFILE}")
    parts = terms.uid.split(":")
    if terms.uid[:20] != "urn:headwater:terms:" or len(parts) != 6 or not all(map(_SLUG.fullmatch, parts)):
        hint = "urn:headwater:terms:<provider>:<document>:<version>"
        raise _fault("names a file in a way of its own", file, "uid", hint)
    if parts[3] != terms.provider:
        raise _fault("the provider is not the one that the uid names", file, "hw:provider")
    _known(terms.document.kind, profile.KINDS, file, "hw:document.hw:kind")
    for covers in terms.covers:
        _known(covers.account_type, profile.ACCOUNT_TYPES, file, "hw:covers.hw:accountType")
    if not terms.covers:
        raise _fault("covers nothing", file, "hw:covers", "write any and any for everything")
    if terms.silent and any(True for _ in terms.rules()):
        raise _fault("says that it is silent, and has rules", file, "hw:silent")
    if not terms.silent and not any(True for _ in terms.rules()):
        raise _fault("has no rule", file, "permission", 'a document that says nothing has "hw:silent": true')


def _check_dates(terms: Terms, file: str) -> None:
    _known(terms.valid_from_basis, profile.FROM_BASES, file, "hw:validFromBasis")
    _known(terms.valid_to_basis, profile.TO_BASES, file, "hw:validToBasis")
    if terms.valid_from and terms.valid_to and terms.valid_to < terms.valid_from:
        raise _fault("ends before it begins", file, "hw:validTo")
    if terms.valid_from is None and terms.valid_from_basis != "unknown":
        raise _fault("a date that isn't known has the basis “unknown”", file, "hw:validFromBasis")


def _check_constraint(constraint: Constraint, file: str, place: str, depth: int = 0) -> None:
    if depth > _DEEPEST:
        raise _fault("is nested too deep", file, place)
    joined = constraint.and_ or constraint.or_
    if joined:
        if constraint.left_operand or (constraint.and_ and constraint.or_):
            raise _fault("is more than one of: a comparison, and, or", file, place)
        for inner in joined:
            _check_constraint(inner, file, place, depth + 1)
        return
    operand = profile.OPERANDS[
        _known(constraint.left_operand, profile.OPERANDS, file, f"{place}.leftOperand")
    ]
    _known(constraint.operator, profile.OPERATORS, file, f"{place}.operator")
    for value in constraint.values():
        if isinstance(value, bool) != operand.truth:
            hint = "true or false" if operand.truth else "a text or a list of texts"
            raise _fault(f"{constraint.left_operand} compares with another kind of value", file, place, hint)
        if operand.values:
            _known(str(value), operand.values, file, f"{place}.rightOperand")


def _check_evidence(evidence: Evidence, file: str, place: str) -> None:
    _known(evidence.basis, profile.EVIDENCE_BASES, file, f"{place}.hw:basis")
    _known(evidence.confidence, profile.CONFIDENCES, file, f"{place}.hw:confidence")
    if evidence.commit and not _COMMIT.fullmatch(evidence.commit):
        raise _fault("a commit has 40 hex digits", file, f"{place}.hw:commit")
    if len(evidence.quote.split()) > MOST_QUOTED:
        raise _fault(f"a quote has at most {MOST_QUOTED} words", file, f"{place}.hw:quote")


def _names(constraint: Constraint, operand: str, value: object) -> bool:
    inner = (*constraint.and_, *constraint.or_)
    here = constraint.left_operand == operand and constraint.right_operand is value
    return (here and constraint.operator == "eq") or any(_names(each, operand, value) for each in inner)


def _known(name: str, names: Mapping[str, Any] | tuple[str, ...], file: str, field: str) -> str:
    if name not in names:
        from difflib import get_close_matches

        near = get_close_matches(name, list(names), n=1)
        hint = f"did you mean {near[0]}?" if near else f"one of {', '.join(names)}"
        raise _fault("the profile has no such word", file, field, hint)
    return name


def _fault(what: str, file: str, field: str, hint: str | None = None) -> ConfigurationError:
    return ConfigurationError(what, where=Where(file, field=field), hint=hint)
