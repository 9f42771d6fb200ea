"""From prior to verdict, one bar for each piece of evidence.

The bars are the verdict's own arithmetic: each starts where the one before ended, and the last ends at the
campaign's log-odds. What speaks against and what doesn't count are bars like the others.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from headwater.detect import TOGETHER, Campaign, Coverage, Piece
from headwater.explain import words
from headwater.explain.campaign import uncounted
from headwater.report import Bar, Cell, Chart, Column, Table

#: How far the bars may miss the verdict, in nats.
TOLERANCE = 1e-9
#: Titles of pieces that no coverage lists.
ELSEWHERE = {
    TOGETHER: "Taken together",
    "organisation": "One organisation",
    "declared": "Declared by the operator",
}

Role = Literal["prior", "for", "against", "not counted", "together", "verdict"]


@dataclass(frozen=True)
class Step:
    """One bar in nats: from `start` to `end`, and why."""

    label: str
    role: Role
    start: float
    end: float
    sentence: str

    @property
    def adds(self) -> float:
        """What the bar adds to the log-odds, in nats."""
        return self.end - self.start


def _why(campaign: Campaign, piece: Piece) -> str:
    """The piece's sentence, and what was taken off it."""
    told = words.minus(words.sentence(piece.sentence))
    if piece.evidence == TOGETHER:
        return told
    if not piece.counted:
        return f"{told} Not counted ({words.nats(piece.raw)} by itself): {uncounted(campaign, piece)}."
    if abs(piece.raw - piece.llr) > 0.005:
        return f"{told} Capped and weighed; {words.nats(piece.raw)} before."
    return told


def steps(campaign: Campaign, coverage: Sequence[Coverage] = ()) -> tuple[Step, ...]:
    """Prior, pieces (strongest for, then against, what they say together, those not counted), verdict.

    Pieces are called by their evidence's title in `coverage`, where it is there.
    `ValueError` where the pieces don't sum to the verdict within 1e-9 nats: a picture that doesn't add up
    must not be drawn.
    """
    total = math.fsum([campaign.prior_log_odds, *(piece.llr for piece in campaign.pieces)])
    if abs(total - campaign.log_odds) > TOLERANCE:
        raise ValueError(f"the pieces miss the verdict by {total - campaign.log_odds:.3g} nats")
    ordered = sorted(
        campaign.pieces,
        key=lambda p: (
            not p.counted,
            p.evidence == TOGETHER,
            p.against,
            -abs(p.llr),
            -abs(p.raw),
            p.evidence,
        ),
    )
    titles = ELSEWHERE | {c.evidence: c.title for c in coverage}
    made = [
        Step(
            "Before any evidence",
            "prior",
            0.0,
            campaign.prior_log_odds,
            "How rare campaigns are taken to be.",
        )
    ]
    done = [campaign.prior_log_odds]
    for piece in ordered:
        start = math.fsum(done)
        done.append(piece.llr)
        role: Role = "against" if piece.against else "for"
        if not piece.counted:
            role = "not counted"
        elif piece.evidence == TOGETHER:
            role = "together"
        made.append(
            Step(
                titles.get(piece.evidence, piece.evidence),
                role,
                start,
                math.fsum(done),
                _why(campaign, piece),
            )
        )
    made.append(
        Step(
            "Verdict",
            "verdict",
            0.0,
            campaign.log_odds,
            f"Probability {words.probability(campaign.probability)}.",
        )
    )
    return tuple(made)


def _signed(step: Step) -> str:
    if step.role == "not counted":
        return "not counted"
    return words.nats(step.adds)


def table(made: tuple[Step, ...], *, brief: bool = False) -> Table:
    """The same numbers as the chart, each row with its bar; without sentences where `brief`."""
    low = min(0.0, *(min(s.start, s.end) for s in made))
    high = max(0.0, *(max(s.start, s.end) for s in made))
    width = (high - low) or 1.0
    rows: list[list[Cell]] = []
    for step in made:
        tone = {"for": "for", "against": "against", "verdict": "strong"}.get(step.role, "quiet")
        bar = Bar(
            start=(min(step.start, step.end) - low) / width,
            end=(max(step.start, step.end) - low) / width,
            text="",
            tone=tone,  # type: ignore[arg-type]
            hollow=step.role in ("prior", "not counted"),
            zero=-low / width,
        )
        cells: list[Cell] = [step.label, _signed(step), bar]
        rows.append(cells if brief else [*cells, words.minus(f"{step.end:.2f}"), step.sentence])
    columns = [Column("Evidence"), Column("Adds, nats", "number"), Column("From prior to verdict", "bar")]
    if not brief:
        columns += [Column("Sum", "number", minor=True), Column("Why")]
    return Table("Evidence for and against, from prior to verdict", columns, rows)


def summary(campaign: Campaign, made: tuple[Step, ...]) -> str:
    """What the chart shows, in a sentence or two."""
    against = [s for s in made if s.role == "against"]
    strongest = max((s for s in made if s.role == "for"), key=lambda s: s.adds, default=None)
    told = [
        (
            f"From {words.nats(campaign.prior_log_odds)} nats before any evidence to "
            f"{words.nats(campaign.log_odds)} (probability {words.probability(campaign.probability)})."
        )
    ]
    if strongest is not None:
        told.append(f"The strongest piece is “{strongest.label}” ({words.nats(strongest.adds)}).")
    if against:
        told.append(
            f"{words.many(len(against), 'piece speaks', 'pieces speak')} against "
            f"({words.nats(math.fsum(s.adds for s in against))} together)."
        )
    else:
        told.append("Nothing that was checked speaks against.")
    return " ".join(told)


def chart(campaign: Campaign, made: tuple[Step, ...], key: str) -> Chart:
    """The waterfall as a chart with its table."""
    rows = [
        {
            "order": index,
            "label": step.label,
            "role": step.role,
            "start": step.start,
            "end": step.end,
            "signed": _signed(step),
            "why": words.short(step.sentence, 300),
        }
        for index, step in enumerate(made)
    ]
    return Chart(
        key, "waterfall", "Evidence for and against", summary(campaign, made), {"bars": rows}, table(made)
    )
