"""A test of a student as plain values, for JSON and for whatever is shown of it.

It can show that a model was trained on text that carries a mark. Not by whom, and not whether they were free to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from headwater.explain.marked import log10_p
from headwater.mark import Verdict
from headwater.mark.student import About, Answered, Candidate, Examined, Lineage, described

FORMAT: Final = "headwater.student"
VERSION: Final = 1
_SAYS: Final = (
    "Marked means: the model was trained on text that was written under this key, or on text that carries such text. "
    "It doesn't say who trained it, where they had the text from, or with what right."
)
_ABSENT: Final = (
    "That no mark is shown means: this test, of these texts and with these keys, didn't reach its level. It doesn't "
    "say that the model learned nothing from text that carries a mark."
)
_COPIED: Final = (
    "The model repeats what it reads, and marked text stood there in another form: what may be copied token by token "
    "is left out, but not what is the same in other tokens."
)
_INNOCENT: Final = (
    "The text was published, and the model was trained on what is public.",
    "The model descends from one that was trained on such text, and whoever trained it further didn't know.",
    "The key is known to others, who wrote text under it.",
    _COPIED,
)
_REFERENCE: Final = (
    "The reference model was itself trained on marked text: this makes a mark harder to show, and never shows one that "
    "isn't there, unless the reference was chosen by what the test gave."
)
_LINEAGE: Final = (
    "Closer means: the suspect gives this model's rare answers more often than every control does. Models that learned "
    "from the same sources, or from each other, are close for that reason alone; the controls are all that this is "
    "measured against. It claims less than a mark does."
)


def student_record(
    examined: Examined,
    about: About,
    differences_sha256: str,
    committed: Mapping[str, Any] | None,
    revoked: Sequence[str] = (),
    *,
    candidates: Sequence[Candidate] = (),
    scored: str = "",
    left_out: int = 0,
) -> dict[str, Any]:
    """A test of weights as plain values, for JSON; `docs/reference/student-json.md` says what each field is.

    `left_out`: how many keys of the keyring weren't tested, by choice.
    """
    return {
        **_head("served" if examined.served else "probe", examined.verdict.value, examined.alpha, committed),
        "student": {"name": about.student, "sha256": about.student_digest},
        "reference": {"name": about.reference, "sha256": about.reference_digest},
        "texts_sha256": about.texts_digest,
        "differences_sha256": differences_sha256,
        "scored_sha256": scored,
        "kept": about.kept,
        "window": about.window_asked,
        "candidates": described(candidates),
        "keys_left_out": left_out,
        "keys": [
            {
                "name": each.name,
                "scheme": each.scheme,
                "account": each.account,
                "verdict": each.verdict.value,
                "places": each.places,
                "contexts": each.contexts,
                "units": each.units,
                "log10_p": round(log10_p(each.log_p), 4),
                "log10_p_adjusted": round(log10_p(each.log_adjusted), 4),
                "log10_p_texts_fixed": round(log10_p(each.log_p_fixed), 4),
                "z": round(each.z, 3),
                "strength": each.strength,
                "strength_error": each.error,
                "decoys": each.decoys
                and {
                    "keys": each.decoys.keys,
                    "above": each.decoys.above,
                    "p_value": each.decoys.p_value,
                    "agrees": each.decoys.agrees,
                },
                "refused": each.refused,
            }
            for each in examined.tested
        ],
        "shares": [
            {"account": each.account, "share": each.share, "low": each.low, "high": each.high}
            for each in examined.shares
        ],
        "not_tested": [{"name": name, "why": why} for name, why in examined.skipped],
        "revoked": list(revoked),
        "says": _says(examined.verdict),
        "innocent_causes": [*_INNOCENT, _REFERENCE],
    }


def answers_record(
    found: Answered,
    model: str,
    prompts_sha256: str,
    committed: Mapping[str, Any] | None,
    *,
    candidates: Sequence[Candidate] = (),
    answers_sha256: str = "",
    bound: Mapping[str, Any] | None = None,
    left_out: int = 0,
) -> dict[str, Any]:
    """A test by answers as plain values; `bound`: how long answers may be, and the tokenizers (`of_answers`);
    `left_out`: how many keys of the keyring weren't tested, by choice."""
    return {
        **_head("answers", found.verdict.value, found.alpha, committed),
        "student": {"name": model, "sha256": ""},
        "prompts_sha256": prompts_sha256,
        "answers_sha256": answers_sha256,
        **(bound or {}),
        "candidates": described(candidates),
        "keys_left_out": left_out,
        "queries": found.queries,
        "tokens": found.tokens,
        "stopped": found.stopped,
        "unread": found.unread,
        "keys": [
            {
                "name": each.name,
                "scheme": each.scheme,
                "tokenizer": each.tokenizer,
                "account": each.account,
                "verdict": each.verdict.value,
                "units": each.wealth.units,
                "log10_p": round(log10_p(each.wealth.log_p), 4),
                "log10_p_adjusted": round(log10_p(each.log_adjusted), 4),
                "log10_e": round(log10_p(each.wealth.log_e), 4),
                "log10_e_most": round(log10_p(each.wealth.log_most), 4),
                "log10_p_fixed_number": round(log10_p(each.wealth.log_p_exact), 4),
            }
            for each in found.heard
        ],
        "says": _says(found.verdict),
        "innocent_causes": list(_INNOCENT),
    }


def lineage_record(
    found: Lineage, model: str, suspect: str, committed: Mapping[str, Any] | None
) -> dict[str, Any]:
    """A test of lineage as plain values."""
    verdict = "closer" if found.closer else "not-shown"
    return {
        **_head("lineage", verdict, found.alpha, committed),
        "student": {"name": suspect, "sha256": ""},
        "model": model,
        "prompts": found.prompts,
        "rare": found.rare,
        "agreement": found.agreement,
        "controls": [
            {
                "name": each.control,
                "suspect_only": each.suspect_only,
                "control_only": each.control_only,
                "log10_p": round(log10_p(each.log_p), 4),
                "log10_p_adjusted": round(log10_p(each.log_adjusted), 4),
            }
            for each in found.compared
        ],
        "says": [_LINEAGE],
        "innocent_causes": [_LINEAGE],
    }


def _says(verdict: Verdict) -> list[str]:
    """What the verdict means, and what it doesn't say."""
    return [_SAYS if verdict is Verdict.MARKED else _ABSENT]


def _head(mode: str, verdict: str, alpha: float, committed: Mapping[str, Any] | None) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "format_version": VERSION,
        "mode": mode,
        "verdict": verdict,
        "alpha": alpha,
        "commitment": dict(committed) if committed else None,
    }
