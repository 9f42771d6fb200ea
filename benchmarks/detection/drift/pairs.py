"""Fourteen pairs of a campaign's prompts and innocents' prompts, on either side of the frozen split.

Innocents' pools are one product (customers of a bank), one evaluation (personas), everyone together, and two that lie
near a campaign: sums against sums, instructions against instructions. Pools of one side share prompts where a corpus
also stands in `everyone`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from headwater.simulate import Corpora

Side = Literal["tune", "score"]

#: Prompts of a pool, and of one corpus in a pool of several, at most.
MOST, MOST_OF_ONE = 15_000, 3_000

CAMPAIGNS: dict[Side, tuple[str, ...]] = {
    "tune": ("codegen", "halueval", "atlas", "aqua"),
    "score": ("toolformer", "roleplay", "creak", "qasc"),
}
#: Pool → its corpora. MMLU (score side) is left out: the catalogue's reader doesn't open its archive.
POOLS: dict[Side, dict[str, tuple[str, ...]]] = {
    "tune": {
        "banking77": ("banking77",),
        "persona": ("persona",),
        "everyone": ("banking77", "persona", "gsm8k", "ifeval", "mgsm", "belle", "arena"),
        "gsm8k": ("gsm8k",),
        "assistant": ("ifeval", "arena"),
    },
    "score": {
        "awesome": ("awesome",),
        "persona": ("persona_n_z",),
        "everyone": (
            "persona_n_z", "awesome", "human_eval", "mgsm_125_249", "mt_bench_multilingual", "biggen",
            "ru_seeds", "zh_seeds", "rakuda", "arena_second",
        ),
        "mgsm": ("mgsm_125_249",),
        "biggen": ("biggen",),
    },
}  # fmt: skip
NEAR: dict[Side, tuple[tuple[str, str], ...]] = {
    "tune": (("aqua", "gsm8k"), ("halueval", "assistant")),
    "score": (("creak", "mgsm"), ("roleplay", "biggen")),
}


@dataclass(frozen=True)
class Pair:
    """A campaign against a pool of innocents, both by name."""

    campaign: str
    pool: str

    @property
    def name(self) -> str:
        """As tables print it."""
        return f"{self.campaign}-{self.pool}"


def pairs(side: Side) -> tuple[Pair, ...]:
    """All fourteen: every campaign against the first three pools, and the two that lie near."""
    wide = [Pair(campaign, pool) for pool in list(POOLS[side])[:3] for campaign in CAMPAIGNS[side]]
    return (*wide, *(Pair(*one) for one in NEAR[side]))


def prompts(corpora: Corpora, names: tuple[str, ...], seed: int) -> list[str]:
    """The prompts of the named corpora in random order, each text once."""
    rng = np.random.default_rng([seed, len(names)])
    out: list[str] = []
    for name in names:
        texts = list(dict.fromkeys(corpora.load(name).texts))
        most = MOST if len(names) == 1 else MOST_OF_ONE
        out += [texts[i] for i in rng.permutation(len(texts))[:most].tolist()]
    out = list(dict.fromkeys(out))
    return [out[i] for i in rng.permutation(len(out)).tolist()]
