"""Detectors learned from own traffic: log likelihood ratios of a value, for all units alike or by class.

`mixture` and `mixture_of_chances` know nothing of a unit; `by_class` and `by_class_of_chances` take the class of each.
A table is a detector like any other, and its law without the key is exact for units that it wasn't learned from. One
that was fitted to values under a key knows that key at the units that they came from: those must not be scored with it
(`Evidence.unlearned`). Tables made from chances saw no values.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from headwater.errors import UsageError
from headwater.mark.evidence import density
from headwater.mark.evidence.plain import SMALL
from headwater.mark.scheme import Null, Values
from headwater.mark.score import Scorer, Table

Classes = NDArray[np.intp]


def mixture(null: Null, values: Values, *, doubt: float = 0.01) -> Scorer:
    """From the values (n, streams) of marked units under their key."""
    found = by_class(null, values, np.zeros(len(values), np.intp), 1, doubt=doubt)
    return Scorer("mixture", found.tables)


def mixture_of_chances(null: Null, chances: NDArray[np.float64], *, doubt: float = 0.01) -> Scorer:
    """For Gumbel marks, from the chances (n,) that the model gave the tokens it served, marked or not."""
    found = by_class_of_chances(null, chances, np.zeros(len(chances), np.intp), 1, doubt=doubt)
    return Scorer("mixture", found.tables)


def by_class(
    null: Null,
    values: Values,
    classes: Classes,
    count: int,
    *,
    doubt: float = 0.01,
    strength: float = density.STRENGTH,
) -> Scorer:
    """From the values (n, streams) of marked units and their classes (n,) among `count`.

    Streams are taken by themselves: where they depend on each other (a tournament's layers) the sum of their log odds
    is no longer the likelihood ratio, but it is as exact a detector. A class with few units leans on all of them.
    """
    if len(values) == 0 or len(values) != len(classes):
        raise UsageError("a detector is learned from one or more units, each with its class")
    rises = null.ones is None and null.size > SMALL
    bins = density.edges(null)
    wide = density.widths(null, bins)
    kinds: list[list[Table]] = [[] for _ in range(count)]
    for column in density.streams_of(values):
        counted = density.of_values(bins, column)
        everyone = density.common(counted, len(column), wide, rises=rises)
        for kind in range(count):
            here = column[classes == kind]
            masses = density.shrunk(density.of_values(bins, here), len(here), everyone, strength)
            masses = density.rising(masses, wide) if rises else masses
            kinds[kind].append(density.table(bins, masses, wide, doubt=doubt))
    return Scorer("by-class", tuple(tuple(each) for each in kinds))


def by_class_of_chances(
    null: Null,
    chances: NDArray[np.float64],
    classes: Classes,
    count: int,
    *,
    doubt: float = 0.01,
    strength: float = density.STRENGTH,
) -> Scorer:
    """For Gumbel marks, from the chances (n,) of served tokens and their classes (n,) among `count`.

    Conditions on the token that was served, so a class that knows the token's chance well says more than one that
    knows the whole law's entropy.
    """
    if null.ones is not None or null.size <= SMALL:
        raise UsageError("chances tell how values fall for Gumbel marks alone")
    if len(chances) == 0 or len(chances) != len(classes):
        raise UsageError("a detector is learned from one or more units, each with its class")
    bins = density.edges(null)
    wide = density.widths(null, bins)
    everyone = density.common(density.of_chances(null, bins, chances), len(chances), wide, rises=False)
    tables = []
    for kind in range(count):
        here = chances[classes == kind]
        own = density.of_chances(null, bins, here) if len(here) else everyone
        masses = density.shrunk(own, len(here), everyone, strength)
        tables.append((density.table(bins, masses, wide, doubt=doubt),))
    return Scorer("by-class", tuple(tables))
