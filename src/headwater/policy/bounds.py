"""How large a pack may be: what it costs to check one grows with its lines times the length of all its conditions.

Counted before anything is compiled or tried.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from headwater.policy.place import Place
from headwater.policy.tokens import words_in

#: Rules, limits and overlays together; the packs that come with Headwater have 17 at most.
MOST_LINES: Final = 200
#: Words and signs in all conditions together; the packs that come with Headwater have 263 at most.
MOST_WORDS: Final = 3000


def check_bounds(conditions: Iterable[object], place: Place) -> None:
    """Refuse a pack of too many lines, or whose conditions are too long together; `ConfigurationError` says how many.

    `conditions`: what each line says under `when`.
    """
    texts = list(conditions)
    if len(texts) > MOST_LINES:
        raise place.fault(
            f"{len(texts):,} rules, limits and overlays are too many for one pack",
            hint=f"at most {MOST_LINES}: two rules for one rung may be one, with ||",
        )
    words = sum(words_in(text) for text in texts if isinstance(text, str))
    if words > MOST_WORDS:
        raise place.fault(
            f"the conditions of this pack have {words:,} words and signs together, which is too many",
            hint=f"at most {MOST_WORDS:,}: name a list of regions once, and ask each question in one line",
        )
