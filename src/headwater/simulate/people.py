"""What people send, and when: the author effect of innocent accounts.

Every person has a few topics (a Dirichlet draw over the topics of their corpora), a voice, and the rhythm of
a real account. The same people serve as innocents, as end users behind a product or a reseller, and as the
cover of a ring; whose account they use is the caller's business.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from headwater.simulate.chance import Floats, Ints, pick, ragged, running_count
from headwater.simulate.library import Library, Shelf
from headwater.simulate.requests import Requests, blank
from headwater.simulate.rhythm import Rhythms, session_sizes, session_starts, volumes
from headwater.simulate.scenario import Author, Weights

#: LLM turns follow one another faster than commits do.
_PACE = 0.35
#: Share of people whose client keeps conversations (a chat window rather than single calls).
_CHAT = 0.6
#: Share of people with another language who also write English.
_ALSO_ENGLISH = 0.6


@dataclass(frozen=True)
class Crowd:
    """How many people there are, how much they send in all, from what, and when they are here.

    `first_s` and `last_s` bound each person's time in seconds from the world's start. `even` gives everybody
    about the same volume instead of the real long tail.
    """

    people: int
    exchanges: int
    corpora: Weights
    first_s: Floats
    last_s: Floats
    weekday: int
    even: bool = False


@dataclass(frozen=True)
class _Tastes:
    """Topic shares, cumulative: one row per person, one column per topic of the shelf."""

    cumulative: Floats
    shelf: Shelf
    library: Library

    def draw(self, rng: np.random.Generator, people: Ints) -> Ints:
        """One topic per row from that person's tastes."""
        out = np.empty(len(people), dtype=np.int64)
        for low in range(0, len(people), 50_000):
            rows = people[low : low + 50_000]
            u = rng.random(len(rows))
            out[low : low + len(rows)] = (self.cumulative[rows] < u[:, None]).sum(axis=1)
        return np.minimum(out, self.shelf.topics - 1)


def crowd_requests(
    rng: np.random.Generator, crowd: Crowd, author: Author, library: Library, law: Rhythms
) -> Requests:
    """All requests of a crowd. `account` and `voice` hold the person's number, `client` is undecided."""
    if crowd.even:
        wanted = np.maximum(1, rng.poisson(crowd.exchanges / crowd.people, crowd.people)).astype(np.int64)
    else:
        wanted = volumes(rng, law, crowd.people, crowd.exchanges)
    donors = rng.integers(0, law.donors, crowd.people)
    person, size = session_sizes(rng, law, donors, wanted)
    tastes = _tastes(rng, crowd, author, library)
    talks, first_content, size = _dialogues(rng, person, size, tastes)
    starts = session_starts(
        rng, law, donors[person], (crowd.first_s[person], crowd.last_s[person]), crowd.weekday
    )
    session = np.repeat(np.arange(len(size)), size)
    step = ragged(np.zeros(len(size), dtype=np.int64), size)
    at = _within(rng, law, donors[person], starts, session)
    content = np.where(talks[session], first_content[session] + step, -1)
    lone = np.flatnonzero(~talks[session])
    content[lone] = _prompts(rng, person[session[lone]], session[lone], author.stick, tastes)
    keeps = (rng.random(crowd.people) < _CHAT)[person[session]] | talks[session]
    return blank(rng, len(session)).with_columns(
        at=at,
        account=person[session],
        voice=person[session],
        content=content,
        conversation=np.where(keeps, session, -1),
        turn=np.where(keeps, step, 0),
    )


def _tastes(rng: np.random.Generator, crowd: Crowd, author: Author, library: Library) -> _Tastes:
    """Everybody's topics, weighing as their corpus does; nobody writes in more than two languages."""
    shelf = library.shelf(crowd.corpora)
    weight = np.array([crowd.corpora[library.names[c]] for c in shelf.corpus])
    base = weight / np.bincount(shelf.corpus, minlength=len(library.names))[shelf.corpus]
    base /= base.sum()
    narrow = author.narrow * np.exp(rng.normal(0.0, author.spread, crowd.people))
    # The square root keeps the number of topics that a person has from growing with the size of the shelf.
    drawn = rng.standard_gamma(np.maximum(narrow[:, None] * base * shelf.topics**0.5, 1e-3)) + 1e-9 * base
    spoken = library.language[library.unit_start[shelf.units[shelf.offsets[:-1]]]]
    shares = np.bincount(spoken, weights=base, minlength=len(library.languages))
    own = rng.choice(len(shares), size=crowd.people, p=shares / shares.sum())
    english = library.languages.index("en") if "en" in library.languages else -1
    too = (rng.random(crowd.people) < _ALSO_ENGLISH)[:, None] & (spoken == english)[None, :]
    drawn = np.where((spoken[None, :] == own[:, None]) | too, drawn, 0.0)
    cumulative = np.cumsum(drawn, axis=1)
    return _Tastes(cumulative / cumulative[:, -1:], shelf, library)


def _dialogues(
    rng: np.random.Generator, person: Ints, size: Ints, tastes: _Tastes
) -> tuple[Ints, Ints, Ints]:
    """Which sessions are dialogues, their first content, and all sizes (a dialogue is as long as it is)."""
    shelf, library = tastes.shelf, tastes.library
    topic = tastes.draw(rng, person)
    talks = library.is_dialogue[shelf.corpus[topic]]
    unit = shelf.units[pick(rng, shelf.offsets, topic)]
    length = library.unit_length[unit]
    # A session of one or two requests would still open a whole dialogue: keep the volume by dropping some,
    # but never a person's only session.
    kept = (rng.random(len(size)) < size / length) | (np.bincount(person)[person] == 1)
    return talks, library.unit_start[unit], np.where(talks, np.where(kept, length, 0), size)


def _within(rng: np.random.Generator, law: Rhythms, donors: Ints, starts: Floats, session: Ints) -> Floats:
    """Times within sessions: a donor's own gaps, quickened and blurred, added up from the start."""
    if len(session) == 0:
        return np.zeros(0)
    gap = law.gaps[pick(rng, law.gap_offsets, donors[session])] * _PACE
    gap = gap * rng.lognormal(0.0, 0.4, len(session)) + 2.0
    opens = np.r_[True, session[1:] != session[:-1]]
    first = np.flatnonzero(opens)
    total = np.cumsum(np.where(opens, 0.0, gap))
    return np.asarray(starts[session] + total - np.repeat(total[first], np.diff(np.r_[first, len(session)])))


def _prompts(rng: np.random.Generator, person: Ints, session: Ints, stick: float, tastes: _Tastes) -> Ints:
    """Contents of lone prompts: topics that stick within a session, texts that nobody repeats too soon.

    A dialogue's topic can come up here too; then its opening serves as a lone prompt.
    """
    if len(person) == 0:
        return np.zeros(0, dtype=np.int64)
    shelf = tastes.shelf
    topic = tastes.draw(rng, person)
    fresh = np.r_[True, session[1:] != session[:-1]] | (rng.random(len(session)) >= stick)
    topic = topic[np.maximum.accumulate(np.where(fresh, np.arange(len(topic)), 0))]
    key = person * shelf.topics + topic
    sizes = shelf.offsets[topic + 1] - shelf.offsets[topic]
    # A walk through the topic from a place of one's own, with a step that is prime to every size below it.
    place = (key * np.int64(2654435761) % np.int64(1 << 31) + running_count(key) * 7919) % sizes
    return np.asarray(tastes.library.unit_start[shelf.units[shelf.offsets[topic] + place]])
