"""A crowd in a world: persons with voices and conversations of their own, on whosever account they write."""

from __future__ import annotations

import numpy as np

from headwater.simulate.chance import Floats
from headwater.simulate.people import Crowd, crowd_requests
from headwater.simulate.requests import Requests
from headwater.simulate.scenario import Weights
from headwater.simulate.setting import Setting
from headwater.simulate.voices import draw


def crowd(
    world: Setting,
    name: str,
    corpora: Weights,
    *,
    people: int,
    exchanges: int,
    first_s: Floats | None = None,
    last_s: Floats | None = None,
    even: bool = False,
) -> Requests:
    """Requests of `people` persons with voices; `account` holds the person's number, `client` nothing yet."""
    begin = np.zeros(people) if first_s is None else np.asarray(first_s, dtype=np.float64)
    end = np.full(people, world.span_s) if last_s is None else np.asarray(last_s, dtype=np.float64)
    made = crowd_requests(
        world.rng(name, "crowd"),
        Crowd(people, exchanges, corpora, begin, end, world.weekday, even),
        world.scenario.author,
        world.library,
        world.rhythms,
    )
    first = world.cast.add_voices(draw(world.rng(name, "voices"), people, world.scenario.author.style))
    talks = world.cast.add_conversations(made.conversation)
    return made.with_columns(voice=made.account + first, conversation=talks)
