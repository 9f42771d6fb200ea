"""The laws that innocents follow in the simulator: topics, hours, sessions, volumes, as likelihoods of rows.

A person's tastes, hours and industry are unknown; each law here is one guess at them with its prior weight, and an
account is explained by the sum over guesses. The laws restate `headwater.simulate.people` and `.rhythm`:

- topics: Pólya's urn for a Dirichlet draw of tastes (gamma draws, narrowed by a log-normal), over the person's language
  and English where they write it, with the chance `stick` to stay at a topic within a session;
- times: an exchange goes on after the last one by a donor's gaps, or begins a session at hours that are a donor's own
  in 60% of sessions; donors are grouped into `HABITS` kinds by hours and length of sessions;
- volumes: the long tail of real accounts, scaled to the population.

Not modelled: which text of a topic comes, style, dialogues' share of sessions, accounts that begin midway, time zones
of a language. What is unlikely by such a law is rarer here than in truth, so it errs by scattering scores.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.cluster.vq import kmeans2

from headwater.simulate.chance import Floats, Ints, stream
from headwater.simulate.rhythm import Rhythms, volumes
from headwater.simulate.scenario import Weights
from headwater.simulate.setting import Setting
from suite.replay import SESSION_S, Rows, running

#: Probability of what a law rules out, so that one odd row doesn't decide alone; of a template that isn't the person's.
NEVER, STRANGE = 1e-9, 1e-6
#: Three-point Gauss–Hermite rule for the log-normal breadth of tastes: standard deviations and weights.
BREADTHS = ((-1.7320508, 1 / 6), (0.0, 2 / 3), (1.7320508, 1 / 6))
#: Kinds of habit that donors are grouped into; languages below this share of a crowd count as any language.
HABITS, LEAST_LANGUAGE, ANY_LANGUAGE = 16, 0.02, 1e-3
#: As in `headwater.simulate.people` and `.rhythm`: quicker gaps, sessions at others' hours, who also writes English.
PACE, STRAY, ALSO_ENGLISH = 0.35, 0.4, 0.6
#: A router's end users are so many that each exchange is a draw of its own: tastes as broad as the crowd's.
MIXED = 1e4
HOURS = 7 * 24

#: A guess: its log prior weight (one for all accounts, or k of them), and the log-likelihood of each row under it (n).
Law = tuple[float | Floats, Floats]


@dataclass(frozen=True)
class Explained:
    """How well laws explain accounts: in all (k), and by the best law for each: its prior weight (k) and rows (n)."""

    total: Floats
    prior: Floats
    row: Floats


def explained(rows: Rows, laws: Iterable[Law], used: Floats | None = None) -> Explained:
    """Every law tried on every account; `used` weighs rows (n), for those that may be somebody else's."""
    none = np.full(len(rows.accounts), -np.inf)
    total, best, kept, chosen = none, none, none, np.zeros(len(rows.at))
    for prior, row in laws:
        found = prior + rows.sums(row if used is None else row * used)
        total, better = np.logaddexp(total, found), found > best
        best, kept = np.where(better, found, best), np.where(better, prior, kept)
        chosen = np.where(better[rows.owner], row, chosen)
    return Explained(np.asarray(total), kept, chosen)


def base(setting: Setting, corpora: Weights) -> Floats:
    """What a crowd sends on average: the share of each topic of the shelf of all corpora."""
    names = setting.library.names
    corpus = setting.library.shelf(names).corpus
    weight = np.array([corpora.get(name, 0.0) for name in names]) / np.maximum(np.bincount(corpus), 1)
    return np.asarray(weight[corpus] / weight[corpus].sum())


def topics(
    rows: Rows, setting: Setting, corpora: Weights, used: Floats | None = None, *, mixed: bool = False
) -> Iterator[Law]:
    """Laws of a crowd's topics: languages × breadths; `mixed` for accounts that many people write through."""
    share = base(setting, corpora)
    author = setting.scenario.author
    near = ~rows.first & (rows.gap_s < SESSION_S)
    stays = near & (rows.topic == np.r_[-1, rows.topic[:-1]])
    drawn = np.where(stays, 0.0, 1.0 if used is None else used)
    order = np.lexsort((rows.topic, rows.owner))
    key = rows.owner[order] * len(share) + rows.topic[order]
    seen = np.empty(len(drawn))
    seen[order] = running(drawn[order], np.r_[True, key[1:] != key[:-1]])
    sent = rows.before(drawn)
    stick, kept = (0.0, 0.0) if mixed else (author.stick, np.where(stays, author.stick, 0.0))
    width = float((share > 0).sum()) ** 0.5
    for spoken, some in _languages(setting, share):
        for deviation, weight in BREADTHS[1:2] if mixed else BREADTHS:
            narrow = MIXED if mixed else author.narrow * np.exp(author.spread * deviation)
            taste = np.where(spoken & (share > 0), np.maximum(narrow * width * share, 1e-3), 0.0)
            fresh = (taste[rows.topic] + seen) / (taste.sum() + sent)
            chance = np.where(near, kept + (1 - stick) * fresh, fresh)
            # What was sent in a language that isn't theirs stays impossible, however often it was sent.
            chance = np.where(taste[rows.topic] > 0, chance, NEVER)
            yield float(np.log(some * (1.0 if mixed else weight))), np.log(np.maximum(chance, NEVER))


def _languages(setting: Setting, share: Floats) -> Iterator[tuple[Ints, float]]:
    """Topics that somebody can write about, with the share of the crowd that can."""
    library = setting.library
    shelf = library.shelf(library.names)
    spoken = library.language[library.unit_start[shelf.units[shelf.offsets[:-1]]]]
    english = library.languages.index("en") if "en" in library.languages else -1
    yield np.ones(len(share), bool), ANY_LANGUAGE
    for language, some in enumerate(np.bincount(spoken, share).tolist()):
        if some < LEAST_LANGUAGE:
            continue
        if language == english:
            yield spoken == language, some
        else:
            yield spoken == language, some * (1 - ALSO_ENGLISH)
            yield (spoken == language) | (spoken == english), some * ALSO_ENGLISH


def times(rows: Rows, setting: Setting, used: Floats | None = None) -> list[Law]:
    """Laws of a person's times, one for each kind of habit, as intensities per second.

    Sessions begin at a rate that fits the account's number of rows, as far as these are `used` (n), and each exchange
    is followed by another with a chance of its own. Rates of several hands in one account add up (superposition).
    """
    own_rows = np.ones(len(rows.at)) if used is None else used
    count = rows.sums(own_rows)
    law = setting.rhythms
    hours, goes_on = _donors(law)
    kind = _kinds(hours, goes_on)
    hour = ((rows.at // 3600).astype(np.int64) + 24 * setting.weekday) % HOURS
    gap = _gaps(law, rows.gap_s) * np.r_[0.0, own_rows[:-1]]
    found: list[Law] = []
    for number in np.unique(kind).tolist():
        alike = kind == number
        own = STRAY * hours.mean(axis=0) + (1 - STRAY) * hours[alike].mean(axis=0)
        more = float(goes_on[alike].mean())
        sessions = (1 - more) * count
        begins = own[hour] * HOURS / setting.span_s * sessions[rows.owner]
        density = np.where(rows.first, begins, (1 - more) * begins + more * gap)
        found.append((float(np.log(alike.mean())) - sessions, np.log(np.maximum(density, 1e-15))))
    return found


def _donors(law: Rhythms) -> tuple[Floats, Floats]:
    """Each donor's hours of the week (donors × 168, smoothed by the blur), and the chance that an exchange follows."""
    donor = np.repeat(np.arange(law.donors), np.diff(law.moment_offsets))
    hours = np.zeros((law.donors, HOURS))
    np.add.at(hours, (donor, law.moments // 3600), 1.0)
    hours /= hours.sum(axis=1, keepdims=True)
    hours = 0.25 * np.roll(hours, 1, axis=1) + 0.5 * hours + 0.25 * np.roll(hours, -1, axis=1)
    mean = np.add.reduceat(law.sizes, law.size_offsets[:-1]) / np.diff(law.size_offsets)
    return hours, np.asarray(1 - 1 / mean)


def _kinds(hours: Floats, goes_on: Floats) -> Ints:
    """The kind of each donor: hours of working days and of weekends, and how sessions go on."""
    week = hours.reshape(len(hours), 7, 24)
    features = np.c_[week[:, :5].sum(axis=1), week[:, 5:].sum(axis=1), 0.5 * goes_on]
    count = max(1, min(HABITS, len(hours) // 4))
    _, kind = kmeans2(features, count, minit="++", rng=stream(0, "habits"), missing="warn")
    return np.asarray(kind, np.int64)


def _gaps(law: Rhythms, gap_s: Floats) -> Floats:
    """Density of a gap within sessions, per second (n → n): donors' gaps, quickened and blurred."""
    blur = stream(0, "gaps").lognormal(0.0, 0.4, len(law.gaps))
    edges = np.linspace(0.0, np.log(4 * SESSION_S), 60)
    count, _ = np.histogram(np.log(law.gaps * PACE * blur + 2.0), edges)
    density = (count + 0.1) / (count + 0.1).sum() / np.diff(edges)
    gap = np.clip(gap_s, 1.0, 4 * SESSION_S)
    place = np.clip(np.searchsorted(edges, np.log(gap), side="right") - 1, 0, len(density) - 1)
    return np.where(gap_s < 4 * SESSION_S, density[place] / gap, 0.0)


def volume(setting: Setting, crowds: Sequence[tuple[int, int]], sent: Ints) -> Floats:
    """Log-probability of the exchanges that an account sends (k); crowds are people and exchanges in all."""
    rng = stream(0, "volumes")
    people = np.array([count for count, _ in crowds], np.float64)
    drawn = [
        volumes(rng, setting.rhythms, size, round(size * total / count))
        for (count, total), size in zip(crowds, (2 + 20_000 * people / people.sum()).astype(int), strict=True)
    ]
    edges = np.unique(np.r_[np.arange(1, 8), np.geomspace(8, 1e6, 70).astype(np.int64)])
    count, _ = np.histogram(np.concatenate(drawn), np.r_[edges, edges[-1] + 1])
    density = (count + 0.3) / (count + 0.3).sum() / np.diff(np.r_[edges, edges[-1] + 1])
    return np.asarray(np.log(density[np.searchsorted(edges, sent, side="right") - 1]))


def templates(rows: Rows, setting: Setting) -> Floats:
    """Log-probability of each row's template for whoever is likeliest to use it (n); none says nothing."""
    chance = np.full(len(setting.forms) + 1, STRANGE)
    for group in setting.scenario.innocents:
        if group.templates and group.template_share:
            numbers = setting.form_numbers(group.templates)
            chance[numbers] = np.maximum(chance[numbers], group.template_share)
    chance[-1] = 1.0
    return np.asarray(np.log(chance)[rows.form])
