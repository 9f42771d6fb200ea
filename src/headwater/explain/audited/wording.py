"""How an audit's words are said: whose rows, which verdict, which kind of finding."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from headwater.errors import BadRow
from headwater.exchange import SetAside, reason_of
from headwater.explain import words
from headwater.provenance.audit import INVISIBLE, Finding, Group, PrevalenceTold, Report, artefact_kinds
from headwater.provenance.terms import ORDER as ANSWER_ORDER
from headwater.provenance.terms import THE_PROVIDER

#: What becomes of a row under each verdict, in a few words.
VERDICTS = {
    "clean": "origin claimed, and nothing that is known of restricts the use asked",
    "bound": "terms that are known restrict or prohibit the use asked, or lay duties on it",
    "unknown": "nobody says who wrote it, or the terms on it aren't known",
}
STAGES = {
    "claims": "what rows and card claim",
    "artefacts": "phrases that models leave",
    "registries": "registries of outputs",
    "marks": "detectors of marks",
}
#: What each answer of the registry says.
ANSWERS = {
    "allowed": "allowed",
    "allowed-with-duties": "allowed with duties",
    "restricted-to": "restricted",
    "prohibited-by-contract": "prohibited by contract",
    "unknown": "unknown",
}
GLYPHS = {"clean": "○", "bound": "●", "unknown": "◌"}
TONES = {"clean": "for", "bound": "against", "unknown": "quiet"}
NO_ADVICE = (
    "This page says what was observed in the data and what texts of terms say. It is no legal advice, and it "
    "accuses nobody: whoever holds a copy of a text need not be bound by the terms under which it was made."
)


def writer(group: Group) -> str:
    """Who is claimed to have written a group of rows."""
    origin = group.origin
    if origin.model:
        by = origin.model
    elif origin.human:
        by = "people"
    elif origin.provider:
        by = f"a model of {origin.provider}"
    elif origin.human is False:
        by = "a model, not named"
    else:
        by = "nobody named"
    told = [by]
    told += [f"through {origin.router}"] if origin.router else []
    told += [origin.account_type + " account"] if origin.account_type else []
    told += [words.joined(origin.licences, limit=3)] if origin.licences else []
    return " · ".join(told)


def use_in_words(report: Report) -> str:
    """The use that was asked about."""
    use = report.use
    if use.action != "train":
        return {"evaluate": "evaluation", "redistribute": "redistribution"}[use.action]
    told = f"training {_a(use.model_class)} model" if use.model_class else "training a model"
    limits = []
    if use.competing is not None:
        limits.append("competes with the provider" if use.competing else "doesn't compete with the provider")
    if use.distributed is not None:
        limits.append("is distributed" if use.distributed else "stays internal")
    if limits:
        told += f" that {words.joined(limits)}"
    if use.on_service:
        told += (
            ", on the provider's own service"
            if use.on_service == THE_PROVIDER
            else f", on {use.on_service}'s service"
        )
    if use.commercial is not None:
        told += ", commercially" if use.commercial else ", not commercially"
    return told


def _a(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


@dataclass(frozen=True)
class Writer:
    """All groups of one writer under one licence: rows by verdict and by what the terms say, and when."""

    label: str
    rows: int
    verdicts: Mapping[str, int]
    answers: Mapping[str, int]
    period: str
    basis: tuple[str, ...]
    groups: tuple[Group, ...]

    @property
    def verdict(self) -> str:
        """The verdict that wins among its rows."""
        return max(self.verdicts, key=("clean", "unknown", "bound").index)


def writers(report: Report) -> list[Writer]:
    """Groups put together by writer and licence, most rows first: eras of terms part what a reader takes for one."""
    parted: dict[str, list[Group]] = {}
    for group in report.groups:
        parted.setdefault(writer(group), []).append(group)
    told = []
    for label, groups in parted.items():
        verdicts: Counter[str] = Counter()
        answers: Counter[str] = Counter()
        for group in groups:
            verdicts[group.verdict] += group.rows
            answers[group.answer.verdict] += group.rows
        basis = tuple(dict.fromkeys(each for group in groups for each in group.basis))
        rows = sum(verdicts.values())
        told.append(Writer(label, rows, verdicts, answers, days(groups), basis, tuple(groups)))
    return sorted(told, key=lambda one: (-one.rows, one.label))


def answers_in_words(answers: Mapping[str, int]) -> str:
    """What the terms say on some rows: one word where it is one, else each with its rows."""
    if len(answers) == 1:
        return ANSWERS[next(iter(answers))]
    return ", ".join(
        f"{ANSWERS[name]} {answers[name]:,}" for name in reversed(ANSWER_ORDER) if answers.get(name)
    )


def days(groups: Sequence[Group]) -> str:
    """From when to when, as the rows say."""
    dated = [day for group in groups for day in (group.first_at, group.last_at) if day is not None]
    if not dated:
        return "no date"
    first, last = min(dated).isoformat(), max(dated).isoformat()
    return first if first == last else f"{first} to {last}"


def finding_title(finding: Finding) -> str:
    """What one kind of finding is called."""
    kinds = artefact_kinds()
    if finding.kind in kinds:
        return kinds[finding.kind].title
    return INVISIBLE.get(finding.kind, finding.kind)  # type: ignore[call-overload, no-any-return]


def prevalence_sentence(told: PrevalenceTold | None) -> str:
    """How much of what names no model may be a model's."""
    if told is None:
        return "No row was left to estimate from: all of them name a model, or nobody asked."
    if told.estimate is None or told.low is None or told.high is None:
        return f"How much of the rest a model wrote was not estimated: {told.caution}"
    return (
        f"Of the rows that name no model, {words.share(told.estimate)} may have been written by one; with "
        f"{words.share(told.level)} confidence between {words.share(told.low)} and {words.share(told.high)} "
        f"({words.many(told.sampled, 'row')} sampled). This is said of all of them together, of none by itself."
    )


def told_by_verifiers(report: Report) -> list[str]:
    """What registries and detectors say of their errors."""
    return [told for stage in report.stages for told in stage.told]


def fault(reason: str) -> str:
    """Why rows were set aside, in general: without the byte, which differs from row to row."""
    return reason.replace(" at byte N", "")


def set_aside_lines(aside: SetAside, *, most: int = 5) -> list[str]:
    """How many rows were set aside, and for each of the commonest faults the first row that has it."""
    if not aside.total:
        return []
    # By reason: what its rows say, figures and all, each with the first row that says it.
    met: dict[str, dict[str, BadRow]] = {}
    for row in aside.rows:
        told = f"{row.where.field}: {row.what}" if row.where.field else row.what
        met.setdefault(reason_of(row.what, row.where), {}).setdefault(told, row)
    lines = [f"{words.many(aside.total, 'row')} set aside:"]
    for reason, count in aside.by_reason()[:most]:
        said = met.get(reason, {})
        where = next(iter(said.values())).where if said else None
        place = f", first {where.file}:{where.row}" if where and where.row else ""
        text = next(iter(said)) if len(said) == 1 else fault(reason)
        lines.append(f"  {count:,} × {text}{place}")
    if len(aside.reasons) > most:
        lines.append(f"  … and {words.many(len(aside.reasons) - most, 'more reason')}")
    return lines


def not_run(report: Report) -> list[str]:
    """Which stages didn't run, and why."""
    return [f"{STAGES.get(stage.name, stage.name)}: {stage.why}" for stage in report.stages if not stage.ran]
