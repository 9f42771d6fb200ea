"""Detectors: the engines' own statistics, likelihood ratios learned from own traffic, and races run again.

Each is a table, or a small law for each unit, whose total has an exact law without the key; see `law`. How much of the
information limit each reaches is measured in `benchmarks/marks/efficiency.py`.
"""

from headwater.mark.evidence.classes import Grid, grid
from headwater.mark.evidence.evidence import Evidence, load, save, scheme_of
from headwater.mark.evidence.fingerprints import fingerprints
from headwater.mark.evidence.learned import by_class, by_class_of_chances, mixture, mixture_of_chances
from headwater.mark.evidence.plain import GRAIN, engine_mean, engine_sum, falling_weights, standard
from headwater.mark.evidence.provider import Kinds, Provider, changed, learn, oddness
from headwater.mark.evidence.race import Laws, first_of_context, lags, laws

__all__ = [
    "GRAIN",
    "Evidence",
    "Grid",
    "Kinds",
    "Laws",
    "Provider",
    "by_class",
    "by_class_of_chances",
    "changed",
    "engine_mean",
    "engine_sum",
    "falling_weights",
    "fingerprints",
    "first_of_context",
    "grid",
    "lags",
    "laws",
    "learn",
    "load",
    "mixture",
    "mixture_of_chances",
    "oddness",
    "save",
    "scheme_of",
    "standard",
]
