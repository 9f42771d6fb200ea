"""How exchanges end, and what a conversation carries back: finish reasons, clients that leave, answer texts.

Answers are made up and short; the only thing that they are good for is that the next turn quotes them whole.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from headwater.simulate.asked import Asked
from headwater.simulate.chance import Ints
from headwater.simulate.requests import Requests
from headwater.simulate.setting import Setting
from headwater.simulate.software import ENDPOINTS

#: How each kind of end is called, by endpoint: an end, the token limit, a tool call, a refusal.
_WORDS: Final = {
    "chat": ("stop", "length", "tool_calls", "content_filter"),
    "responses": ("completed", "max_output_tokens", "tool_calls", "content_filter"),
    "messages": ("end_turn", "max_tokens", "tool_use", "refusal"),
}
FINISHES: Final = tuple(word for name in ENDPOINTS for word in _WORDS[name])
_KINDS: Final = 4
#: Share of answers that call a tool where there are some, and of requests that the model declines anyway.
_CALLS, _DECLINES = 0.4, 0.004
_OPENINGS: Final = (
    "Sure.", "Certainly:", "Here is what I found:", "Good question.", "In short:", "Let's see.", "Of course.",
    "The key point is this:", "Yes.", "It depends.", "To begin with,", "As far as I can tell,", "Right.",
    "Happy to help.", "There are two parts.", "First,", "Briefly,", "One way to see it:", "I would say:", "Okay.",
    "Short answer:", "Let me explain.", "Thanks for asking.", "Here goes.", "Not quite.", "Indeed.", "Well,",
    "Under these assumptions,", "From what you wrote,", "Step one:", "A summary:", "Noted.",
)  # fmt: skip
_MIDDLES: Final = (
    "which leads to", "and therefore", "because of", "so that", "as in", "instead of", "together with", "unlike",
    "followed by", "just before", "given", "apart from", "more or less", "in contrast to", "similar to", "hence",
)  # fmt: skip
_CLOSINGS: Final = (
    "Does that help?", "Shall I go on?", "That should do.", "Tell me if you need more.", "Let me know.",
    "I can give an example.", "Check the last part.", "This holds in general.", "Details follow if you like.",
    "Anything else?", "I hope this is clear.", "You may want to verify it.", "That is the usual way.", "Try it.",
    "There are exceptions.", "I left out the rest.", "Ask again if not.", "This is the core of it.", "Good luck.",
    "It works as it stands.", "More can be said.", "I am fairly sure.", "Numbers may vary.", "See the second part.",
    "Shall I refine it?", "That is all.", "Would a table help?", "Which one do you prefer?", "Please confirm.",
    "I can shorten it.", "Take your time.", "Done.",
)  # fmt: skip


def finishes(
    rng: np.random.Generator, made: Requests, status: Ints, limit: Ints, endpoint: Ints, tools: Ints
) -> Ints:
    """Why each answer ended, as a number into `FINISHES`; −1 where there was none."""
    chance = rng.random(len(made))
    kind = np.where((tools > 0) & (chance < _CALLS), 2, 0)
    kind = np.where((limit > 0) & (made.output_tokens >= limit), 1, kind)
    kind = np.where(made.refused | (chance > 1 - _DECLINES), 3, kind)
    return np.where(status == 200, endpoint * _KINDS + kind, -1)


def left(
    rng: np.random.Generator, wants: Asked, who: Ints, stream: NDArray[np.bool_], status: Ints
) -> NDArray[np.bool_]:
    """Whether the client left before the end of its answer: only streamed answers can be watched."""
    return np.asarray((rng.random(len(who)) < wants.leaves[who]) & stream & (status == 200))


def answers(world: Setting, made: Requests, status: Ints) -> list[str | None]:
    """The made-up answer of every exchange in a conversation that was answered; None elsewhere."""
    texts, replies = world.library.texts, world.library.answers
    out: list[str | None] = [None] * len(made)
    for row in np.flatnonzero((made.conversation >= 0) & (status == 200)).tolist():
        bits, content = int(made.bits[row]), int(made.content[row])
        source = replies[content] or texts[content]
        words = source.split() if " " in source else [source[i : i + 3] for i in range(0, len(source), 3)]
        first, second = (bits >> 20) % len(words), (bits >> 40) % len(words)
        out[row] = " ".join(
            (
                _OPENINGS[bits % 32],
                *words[first : first + 3 + (bits >> 5) % 6],
                _MIDDLES[(bits >> 10) % 16],
                *words[second : second + 2 + (bits >> 14) % 5],
                _CLOSINGS[(bits >> 56) % 32],
            )
        )
    return out


def carried(made: Requests, said: list[str | None]) -> list[str | None]:
    """What every later turn carries back: the answer to the turn before it in its conversation, if it had one."""
    most = int(made.turn.max(initial=0)) + 2
    key = made.conversation * most + made.turn
    answered = np.array([row for row, text in enumerate(said) if text is not None], dtype=np.int64)
    order = answered[np.argsort(key[answered], kind="stable")]
    later = np.flatnonzero((made.conversation >= 0) & (made.turn > 0))
    place = np.searchsorted(key[order], key[later] - 1, side="right") - 1
    out: list[str | None] = [None] * len(made)
    for row, where in zip(later.tolist(), place.tolist(), strict=True):
        if where >= 0 and key[order[where]] == key[row] - 1:
            out[row] = said[int(order[where])]
    return out
