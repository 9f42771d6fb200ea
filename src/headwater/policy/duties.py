"""What is owed to the customer whom a step meets: statement, notice, appeal, and how long records are kept.

A pack has its own duties, overlays add to them, and of two the one that protects more counts. Who does what is owed is
no business of this room.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Duties:
    """What is owed with a decision.

    `statement`: a statement of reasons. `notice_before_h`: hours between the notice and the step. A shaping that lasts
    longer than `notify_shaping_after_h` hours is told to the customer. An appeal may be filed within
    `appeal_within_days` of the notice and is answered within `answer_within_days`. Records are erased after
    `retention_days`. `overlays` are those that asked for any of it, in the pack's order.
    """

    statement: bool = True
    notice_before_h: int = 0
    notify_shaping_after_h: int = 24
    appeal_within_days: int = 30
    answer_within_days: int = 14
    retention_days: int = 180
    overlays: tuple[str, ...] = ()


@dataclass(frozen=True)
class Asked:
    """What an overlay, or a pack's `defaults`, asks for; None where it asks nothing."""

    statement: bool | None = None
    notice_before_h: int | None = None
    notify_shaping_after_h: int | None = None
    appeal_within_days: int | None = None
    answer_within_days: int | None = None
    retention_days: int | None = None


def owed(base: Duties, asked: Iterable[tuple[str, Asked]]) -> Duties:
    """`base` with what the overlays (id, asked) ask for: of each the more protective.

    Records are kept as long as an appeal may need them, whatever asks for less.
    """
    asked = tuple(asked)
    every = [each for _, each in asked]
    appeal = max(_said(base.appeal_within_days, (each.appeal_within_days for each in every)))
    answer = min(_said(base.answer_within_days, (each.answer_within_days for each in every)))
    retention = min(_said(base.retention_days, (each.retention_days for each in every)))
    return Duties(
        statement=any(_said(base.statement, (each.statement for each in every))),
        notice_before_h=max(_said(base.notice_before_h, (each.notice_before_h for each in every))),
        notify_shaping_after_h=min(
            _said(base.notify_shaping_after_h, (each.notify_shaping_after_h for each in every))
        ),
        appeal_within_days=appeal,
        answer_within_days=answer,
        retention_days=max(retention, appeal + answer),
        overlays=tuple(name for name, _ in asked),
    )


def _said(base: int, asked: Iterable[int | None]) -> list[int]:
    return [base, *(each for each in asked if each is not None)]
