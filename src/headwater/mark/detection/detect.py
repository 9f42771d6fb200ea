"""One text against every mark of a keyring: each key under each of its tokenizers, the text as it is and normalised.

All that was tried is counted: keys, tokenizers, readings, and windows inside the text. A key is named where its
p-value stands with all of it counted (Holm), and where decoy keys agree.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product

import numpy as np
from numpy.typing import NDArray

from headwater.errors import UnreadableInput
from headwater.mark.choosing.mark import SENTENCES, SentenceMark
from headwater.mark.detection import sentences as on_sentences
from headwater.mark.detection.decoys import Decoys, decoys
from headwater.mark.detection.reading import Passage, Reading
from headwater.mark.detection.regions import Region, best, regions, windows_of
from headwater.mark.detection.scored import Scored, score
from headwater.mark.detection.verdict import ALPHA, Verdict, units_wanted
from headwater.mark.evidence import Evidence, standard
from headwater.mark.marks import Mark
from headwater.mark.scheme import MarkKey, Scheme, Tokens, Units
from headwater.mark.text import Normalised, normalised
from headwater.mark.tokenizer import Tokenizer


@dataclass(frozen=True)
class Detection:
    """What was found in one text. `tests`: readings that had any evidence, all counted in `log_p`."""

    verdict: Verdict
    log_p: float
    tests: int
    alpha: float
    readings: tuple[Reading, ...]
    found: tuple[Reading, ...] = ()
    why: str = ""
    changed: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class _Read:
    """A mark in one reading. `spans`: (n, 2) characters of the text as given, of the tokens after the prompt's."""

    mark: Mark
    tokenizer: str
    normalised: bool
    scored: Scored
    spans: NDArray[np.int64]
    prompt: int


#: The detector for a scheme.
EvidenceOf = Callable[[Scheme], Evidence]


def plain(scheme: Scheme) -> Evidence:
    """The engine's own statistic, with its exact law."""
    return Evidence(scheme.name, standard(scheme))


def detect(
    text: str,
    marks: Sequence[Mark],
    *,
    sentences: Sequence[SentenceMark] = (),
    evidence_of: EvidenceOf = plain,
    prompt: str = "",
    alpha: float = ALPHA,
    texts: int = 1,
) -> Detection:
    """Which of `marks`, and of those on `sentences`, the text carries.

    `prompt`: what the model was asked, which is read as context and never scored (it is left out where the text
    begins with it, and what repeats it isn't scored either). `evidence_of`: the detector for each scheme, chosen before
    the text was seen. `texts`: how many texts are looked at together; `alpha` is for all of them.
    """
    begin = _after(text, prompt)
    clean = normalised(text[begin:])
    reads = list(_reads(text[begin:], begin, clean, prompt, marks, evidence_of))
    heard = on_sentences.heard(clean, normalised(prompt).text, sentences)
    changed = clean.changed
    level = math.log(alpha) - math.log(max(1, texts))
    tests = sum(len(each.scored.units) > 0 for each in reads)
    tests += sum(each.embedder in heard for each in sentences)
    each_level = level - math.log(max(1, tests))
    counted = math.log(max(1, tests)) + math.log(max(1, texts))
    readings = [_reading(each, each_level, counted) for each in reads]
    readings += [
        on_sentences.reading(each, heard[each.embedder], clean, begin, each_level, counted)
        for each in sentences
        if each.embedder in heard
    ]
    found = [each for each in _holm(readings, level, tests) if not each.refused]
    refused = [each for each in readings if each.refused]
    log_p = min((each.log_p for each in readings), default=0.0)
    log_p = min(0.0, log_p + counted)
    if found:
        verdict, why = Verdict.MARKED, ""
    elif refused:
        verdict, why = Verdict.NOT_ENOUGH, f"the p-value isn't believed: {refused[0].refused}"
    else:
        verdict, why = _without(readings)
    return Detection(verdict, log_p, tests, alpha, tuple(readings), tuple(found), why, changed)


def _reads(
    body: str, begin: int, clean: Normalised, prompt: str, marks: Sequence[Mark], evidence_of: EvidenceOf
) -> Iterator[_Read]:
    """The readings of `body`, which begins at character `begin` of the text as given.

    Raises `UnreadableInput` where no tokenizer can read it; one that can't is left out.
    """
    texts = [(False, body)] + ([(True, clean.text)] if clean.text != body else [])
    encoded: dict[tuple[str, bool], tuple[Tokens, NDArray[np.int64], int] | UnreadableInput] = {}
    # Marks of one scheme differ by their keys alone: their units are the same.
    seen: dict[tuple[int, str, bool], tuple[Units, NDArray[np.intp] | None]] = {}
    for mark in marks:
        evidence = evidence_of(mark.scheme)
        for tokenizer, (cleaned, content) in product(mark.tokenizers, texts):
            at = (tokenizer.name, cleaned)
            if at not in encoded:
                encoded[at] = _read(tokenizer, prompt, content, clean if cleaned else None, begin)
            found = encoded[at]
            if isinstance(found, UnreadableInput):
                continue
            tokens, spans, before = found
            if (id(mark.scheme), *at) not in seen:
                units = evidence.unlearned(_answers(mark.scheme, tokens, before))
                seen[(id(mark.scheme), *at)] = units, evidence.classes(tokens, units)
            units, classes = seen[(id(mark.scheme), *at)]
            scored = score(mark.scheme, mark.key, units, evidence.scorer, classes)
            yield _Read(mark, tokenizer.name, cleaned, scored, spans, before)
    faults = [each for each in encoded.values() if isinstance(each, UnreadableInput)]
    if faults and len(faults) == len(encoded):
        raise faults[0]


def _after(text: str, prompt: str) -> int:
    """Where the answer begins in a text that begins with the prompt, however its spaces and line ends were changed."""
    if not prompt.strip():
        return 0
    if text.startswith(prompt):
        return len(prompt)
    given, asked = normalised(text), normalised(prompt).text.rstrip()
    return int(given.offsets[len(asked)]) if given.text.startswith(asked) else 0


def _answers(scheme: Scheme, tokens: Tokens, prompt: int) -> Units:
    """The answer's units, without those that the prompt shows too: a quotation of the prompt is no evidence."""
    units = scheme.units(tokens, prompt=prompt)
    if not prompt or not len(units):
        return units
    asked = scheme.units(tokens[:prompt])
    return units.part(~np.isin(_rows(units), _rows(asked))) if len(asked) else units


def _rows(units: Units) -> NDArray[np.void]:
    """Context and token of each unit as one value (n,)."""
    whole = np.ascontiguousarray(np.column_stack([units.context, units.token]))
    return whole.view(np.dtype((np.void, whole.dtype.itemsize * whole.shape[1]))).ravel()


def _read(
    tokenizer: Tokenizer, prompt: str, text: str, clean: Normalised | None, begin: int
) -> tuple[Tokens, NDArray[np.int64], int] | UnreadableInput:
    """Tokens, the characters of the text as given that each stands for, and how many tokens the prompt has."""
    try:
        tokens, spans, before = _encoded(tokenizer, prompt, text)
    except UnreadableInput as error:
        return error
    return tokens, (spans.astype(np.int64) if clean is None else clean.original(spans)) + begin, before


def _encoded(tokenizer: Tokenizer, prompt: str, text: str) -> tuple[Tokens, NDArray[np.int32], int]:
    here = tokenizer.encode(text)
    if not prompt:
        return here.ids, here.spans, 0
    before = tokenizer.encode(prompt).ids
    return np.concatenate([before, here.ids]), here.spans, len(before)


def _reading(read: _Read, level: float, counted: float) -> Reading:
    """`level`: ln of what p-values of this reading are held against; `counted`: ln of how many readings there are."""
    scored = read.scored
    whole = scored.log_p
    windows = windows_of(scored)
    window, count = best(scored, windows)
    both = math.log(2) if count > 1 else 0.0
    log_p = min(0.0, min(whole, window + math.log(count)) + both)
    passages: tuple[Passage, ...] = ()
    held = None
    if log_p <= level:
        found = regions(scored, level - both, windows)
        passages = tuple(_passage(read, each, counted + both) for each in found)
        log_p, held = _believed(scored, whole, found, both, level, read.mark.key)
    return Reading(
        mark=read.mark.name,
        scheme=read.mark.scheme.name,
        tokenizer=read.tokenizer,
        normalised=read.normalised,
        tokens=scored.units.tokens,
        units=len(scored.units),
        wanted=units_wanted(read.mark.scheme.name, level),
        log_p=log_p,
        whole=whole,
        passages=passages,
        decoys=held,
    )


def _believed(
    scored: Scored, whole: float, found: Sequence[Region], both: float, level: float, key: MarkKey
) -> tuple[float, Decoys | None]:
    """ln p of the whole text or of its best passage, the better one that decoys agree with; else the better one."""
    claims = [(whole + both, scored)] if whole + both <= level else []
    claims += [(each.adjusted + both, scored.within(each.begin, each.end)) for each in found[:1]]
    claims.sort(key=lambda each: each[0])
    first: tuple[float, Decoys] | None = None
    for log_p, claim in claims:
        held = decoys(claim, key)
        if held.agrees:
            return min(0.0, log_p), held
        first = first or (min(0.0, log_p), held)
    return first or (min(0.0, whole + both), None)


def _passage(read: _Read, region: Region, counted: float) -> Passage:
    first, last = region.begin - read.prompt, region.end - 1 - read.prompt
    return Passage(int(read.spans[first, 0]), int(read.spans[last, 1]), min(0.0, region.adjusted + counted))


def _holm(readings: Sequence[Reading], level: float, tests: int) -> list[Reading]:
    """Those that stand when the least is tested at 1/tests of the level, the next at 1/(tests-1), … ."""
    found = []
    for number, each in enumerate(sorted(readings, key=lambda each: each.log_p)):
        if each.log_p > level - math.log(max(1, tests - number)):
            break
        found.append(each)
    return found


def _without(readings: Sequence[Reading]) -> tuple[Verdict, str]:
    """A mark isn't shown where one of its readings had as much evidence as it takes."""
    if all(each.units == 0 for each in readings):
        return Verdict.NOT_ENOUGH, "no token or sentence of the text can be scored"
    most: dict[str, Reading] = {}
    for each in readings:
        if each.mark not in most or each.units > most[each.mark].units:
            most[each.mark] = each
    for each in most.values():
        if each.units < each.wanted:
            return Verdict.NOT_ENOUGH, f"{each.mark}: {_lacks(each)}"
    return Verdict.NOT_SHOWN, ""


def _lacks(reading: Reading) -> str:
    if reading.scheme == SENTENCES:
        return f"{reading.units} distinct sentences, of about {reading.wanted} that it takes"
    return f"{reading.units} distinct tokens, of about {reading.wanted} that a text of a chat's entropy needs"
