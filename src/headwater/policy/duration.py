"""Durations as packs write them: `24h`, `30d`, `2w`.

How long a step lasts, or a notice waits, is decided by rules, overlays and defaults.
"""

from __future__ import annotations

import re

from headwater.policy.place import Place

_HOURS = {"h": 1, "d": 24, "w": 7 * 24}
_FORM = re.compile(r"(\d{1,6})([hdw])", re.ASCII)
#: Ten years: what is meant to last longer is nothing that ends.
MOST_H = 10 * 365 * 24


def hours(text: str, place: Place, *, least: int = 1) -> int:
    """`text` in hours; `ConfigurationError` at `place` where it is none, below `least` hours, or beyond ten years."""
    found = _FORM.fullmatch(text)
    if found is None:
        raise place.fault("this is no duration", hint="hours, days or weeks: 24h, 30d, 2w")
    spent = int(found[1]) * _HOURS[found[2]]
    if not least <= spent <= MOST_H:
        raise place.fault(
            "this duration is too short or too long", hint=f"from {worded(least)} to {worded(MOST_H)}"
        )
    return spent


def days(text: str, place: Place) -> int:
    """`text` in whole days, one at least."""
    spent = hours(text, place, least=24)
    if spent % 24:
        raise place.fault("this duration is counted in days", hint="24h is 1d")
    return spent // 24


def worded(spent: int) -> str:
    """Hours as a pack writes them: `30d`, `36h`."""
    return f"{spent // 24}d" if spent and spent % 24 == 0 else f"{spent}h"
