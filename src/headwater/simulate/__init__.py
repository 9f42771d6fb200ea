"""Labelled worlds: real prompts and rhythms joined to constructed accounts, from a small declarative file.

This room makes logs to measure the detector on. It knows what an exchange is and nothing of how one is
judged. Only the command line uses it.
"""

from __future__ import annotations

from headwater.simulate.corpora import Corpora
from headwater.simulate.loading import load, names
from headwater.simulate.override import settings
from headwater.simulate.scenario import Scenario
from headwater.simulate.tables import Truth
from headwater.simulate.world import World, simulate
from headwater.simulate.writing import write

__all__ = ["Corpora", "Scenario", "Truth", "World", "load", "names", "settings", "simulate", "write"]
