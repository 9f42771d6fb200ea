"""One world: simulated, spooled once, looked at with more and with less of what a log holds, and scored.

What is kept of a look is evidence, not text: for each judged ring the pieces of its ledger and who is in it by role, so
that an ablation is re-scored without judging again.
"""

from __future__ import annotations

import resource
import tempfile
import time
import unicodedata
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from baselines.beside import beside, headline, truth_of
from variants import ATTRIBUTES, TEMPLATES, spooled

from headwater.detect import Detection, DetectSettings, alone, campaigns, detect, load
from headwater.detect.membership import named
from headwater.detect.pipeline import ATTRIBUTES as ATTRIBUTES_SEEN
from headwater.engine import Index, Local, Spool
from headwater.exchange import SetAside, read_accounts
from headwater.simulate import Corpora, Scenario, World, simulate
from headwater.simulate import load as scenario_of
from suite.jobs import EARLY, Job
from suite.oracle import oracle
from suite.swapping import on_tune

#: Accounts of rings are counted once more where they sent so many exchanges of the harvest at least.
HARVESTED = (1, 10)
#: Rings further down than this are only counted.
LEAST_LOG_ODDS = -12.0
#: Where baselines are measured too; they take minutes on larger worlds.
COMPARED, COMPARED_SEEDS, COMPARED_EXCHANGES = ("alarms", "dial"), 3, 200_000


@dataclass(frozen=True)
class Look:
    """What a look leaves out: account attributes, evidence by name, the customers that the operator knows."""

    attributes: bool
    without: frozenset[str]
    organisations: bool


LOOKS = {
    "everything": Look(True, frozenset(), True),
    "headline": Look(False, frozenset(), True),
    "neither": Look(False, TEMPLATES, True),
    "bare": Look(False, frozenset(), False),
}


@dataclass(frozen=True)
class Truth:
    """The truth of a world in the order of its account codes, and by exchange id."""

    world: World
    accounts: tuple[str, ...]

    @cached_property
    def _table(self) -> dict[str, npt.NDArray[Any]]:
        table = self.world.truth.accounts
        place = {name: at for at, name in enumerate(table.column("account").to_pylist())}
        order = pa.array([place[name] for name in self.accounts])
        return {
            name: table.column(name).take(order).to_numpy(zero_copy_only=False) for name in table.column_names
        }

    @cached_property
    def ring(self) -> npt.NDArray[np.bool_]:
        """Accounts of rings and of resellers who carry one."""
        return np.asarray(self._table["role"] != "innocent")

    @cached_property
    def harvested(self) -> npt.NDArray[np.int64]:
        """Exchanges of each account that are harvest."""
        truth, sent = self.world.truth.exchanges, self.world.exchanges.select(["id", "account"])
        mine = truth.filter(truth.column("harvest")).select(["id"]).join(sent, "id", join_type="inner")
        code = {name: at for at, name in enumerate(self.accounts)}
        codes = [code[name] for name in mine.column("account").to_pylist()]
        return np.bincount(np.array(codes, np.int64), minlength=len(self.accounts)).astype(np.int64)

    @cached_property
    def of(self) -> list[str]:
        """Which ring, or which shape, each account is of."""
        names = zip(self._table["ring"], self._table["shape"], self.ring, strict=True)
        return [f"ring {ring}" if hit else shape for ring, shape, hit in names]

    @cached_property
    def customer(self) -> list[str]:
        """The organisation, event or group that an account is of; itself where it is of none."""
        t = self._table
        columns = zip(t["population"], t["group"], t["organisation"], self.accounts, strict=True)
        return [
            f"{population} {int(group)}"
            if group is not None and not np.isnan(group)
            else (organisation or account)
            for population, group, organisation, account in columns
        ]

    @cached_property
    def script(self) -> list[str]:
        """The script of most of an account's prompts."""
        table = self.world.exchanges.select(["account", "prompt"])
        scripts: dict[str, Counter[str]] = {}
        for account, prompt in zip(
            table.column("account").to_pylist(), table.column("prompt").to_pylist(), strict=True
        ):
            have = scripts.setdefault(account, Counter())
            if have.total() < 5:
                have[_script(prompt)] += 1
        return [scripts[name].most_common(1)[0][0] for name in self.accounts]


def _script(text: str) -> str:
    text = text[:200]
    if text.isascii():  # what the names of letters would say
        return "Latin" if text.upper() != text.lower() else "None"
    letters = [c for c in text if c.isalpha()]
    found = Counter(unicodedata.name(c, "OTHER").split()[0] for c in letters[-60:])
    return found.most_common(1)[0][0].title() if found else "None"


def planned(job: Job, corpora: Corpora) -> Scenario:
    """The job's scenario before its overrides; on the tune side a score scenario has stand-in corpora."""
    return on_tune(job.scenario) if corpora.side == "tune" else scenario_of(job.scenario)


def made(job: Job, corpora: Corpora) -> World:
    """The job's world."""
    scenario = planned(job, corpora)
    return simulate(scenario, corpora, job.seed, job.scale, camouflage=job.camouflage, override=job.override)


def compares(job: Job, exchanges: int) -> bool:
    """Whether the baselines are run on a job's world: some seeds of the parts whose figures stand beside theirs."""
    return job.part in COMPARED and job.seed <= COMPARED_SEEDS and exchanges < COMPARED_EXCHANGES


@contextmanager
def _laid_out(world: World) -> Iterator[tuple[Spool, Index, pa.Table | None]]:
    """The world as files, so that it goes the way that a user's log goes."""
    with tempfile.TemporaryDirectory(prefix="headwater-suite-") as name:
        log, accounts = (Path(name) / f"{part}.parquet" for part in ("exchanges", "accounts"))
        pq.write_table(world.exchanges, log, compression="lz4")
        pq.write_table(world.accounts, accounts)
        with SetAside() as aside:
            table = read_accounts([accounts], aside)
        with spooled(log, threads=1) as (spool, index):
            yield spool, index, table


def _judged(spool: Spool, index: Index, accounts: pa.Table | None, look: Look) -> Detection:
    hidden = frozenset() if look.attributes else ATTRIBUTES
    if not look.organisations:
        hidden |= {"organisation"}
        index = replace(index, organisations=(None,) * len(index.organisations))
    log = Local(spool, index, 1)
    log.filled -= hidden
    evidence = [e for e in load() if e.card.name not in look.without]
    return detect(log, accounts if look.attributes else None, DetectSettings(), evidence=evidence)


def measured(job: Job, corpora: Corpora) -> dict[str, Any]:
    """Everything that is kept of one job."""
    began = time.monotonic()
    world = made(job, corpora)
    record: dict[str, Any] = {
        "job": asdict(job),
        "side": corpora.side,
        "exchanges": world.exchanges.num_rows,
        "accounts": world.accounts.num_rows,
        "looks": {},
        "baselines": None,
        "oracle": None,
    }
    with _laid_out(world) as (spool, index, accounts):
        truth = Truth(world, index.accounts)
        ids = np.concatenate(
            [b.column("id").to_numpy(zero_copy_only=False) for b in spool.batches(["id"])]
        ).astype(str)
        record |= _population(truth)
        for name in job.looks:
            start = time.monotonic()
            detection = _judged(spool, index, accounts, LOOKS[name])
            record["looks"][name] = _scored(detection, truth, ids) | {
                "seconds": round(time.monotonic() - start, 2)
            }
        record["peak_mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        if truth.ring.any() and compares(job, world.exchanges.num_rows):
            allowed = record["looks"]["headline"]["innocent_flagged"]
            record["baselines"] = beside(headline(spool), truth_of(world), allowed)
    if job.seed <= EARLY:
        record["oracle"] = oracle(world, planned(job, corpora), job, corpora)
    record["seconds"] = round(time.monotonic() - began, 2)
    return record


def _population(truth: Truth) -> dict[str, Any]:
    """Accounts and independent customers by shape or ring, and innocent accounts by script."""
    customers: dict[str, set[str]] = {}
    for of, customer in zip(truth.of, truth.customer, strict=True):
        customers.setdefault(of, set()).add(customer)
    scripts = [s for s, hit in zip(truth.script, truth.ring, strict=True) if not hit]
    return {
        "of": dict(Counter(truth.of)),
        "customers": {of: len(names) for of, names in customers.items()},
        "scripts": dict(Counter(scripts)),
    }


def _scored(detection: Detection, truth: Truth, ids: npt.NDArray[Any]) -> dict[str, Any]:
    """One look: every ring that came near, who was flagged, which exchanges were attributed."""
    code = {name: at for at, name in enumerate(truth.accounts)}
    reported, considered, attributed = campaigns(detection, None)
    flagged = np.zeros(len(truth.accounts), bool)
    for ring in reported:
        flagged[[code[m.account] for m in ring.members]] = True
    kinds = {
        tuple(sorted(code[m.account] for m in ring.members)): ring.kind for ring in (*reported, *considered)
    }
    rings = []
    for judged, _ in named(detection):
        verdict = judged.verdict
        if verdict.log_odds >= LEAST_LOG_ODDS:
            members = judged.ring.members.tolist()
            rings.append(
                {
                    "word": verdict.word,
                    "kind": kinds.get(tuple(members)),
                    "log_odds": round(verdict.log_odds, 3),
                    "chance": verdict.chance,
                    "of": dict(Counter(truth.of[m] for m in members)),
                    "judged_with": len(detection.world.rings[judged.at].members),
                    "pieces": [[p.evidence, round(p.raw, 3), round(p.llr, 3)] for p in verdict.pieces],
                }
            )
    wronged = np.flatnonzero(flagged & ~truth.ring)
    possible = [code[v.account] for v in alone(detection.traits, detection.world, DetectSettings(), {})]
    return {
        "rings": rings,
        "attributes": detection.world.context[ATTRIBUTES_SEEN],
        "proposed": detection.proposed,
        "judged": len(detection.judged),
        "ring_accounts": int(truth.ring.sum()),
        "ring_flagged": int((flagged & truth.ring).sum()),
        "by_harvest": {
            str(least): [int((flagged & part).sum()), int(part.sum())]
            for least in HARVESTED
            for part in [truth.ring & (truth.harvested >= least)]
        },
        "innocent_accounts": int((~truth.ring).sum()),
        "innocent_flagged": len(wronged),
        "flagged_of": dict(Counter(truth.of[i] for i in np.flatnonzero(flagged).tolist())),
        "customers_flagged": _customers(truth, wronged),
        "scripts_flagged": dict(Counter(truth.script[i] for i in wronged.tolist())),
        "possible_ring": int(truth.ring[possible].sum()),
        "possible_innocent": int((~truth.ring[possible]).sum()),
        **_exchanges(detection, truth, ids, attributed),
    }


def _customers(truth: Truth, wronged: npt.NDArray[np.int64]) -> dict[str, int]:
    """Innocent customers with a flagged account, by shape."""
    return dict(Counter(of for of, _ in {(truth.of[i], truth.customer[i]) for i in wronged.tolist()}))


def _exchanges(
    detection: Detection, truth: Truth, ids: npt.NDArray[Any], attributed: npt.NDArray[np.bool_]
) -> dict[str, int]:
    """Exchanges attributed against those harvested; of what isn't harvest on ring accounts, how much is."""
    table = truth.world.truth.exchanges
    names = table.column("id").to_numpy(zero_copy_only=False).astype(str)
    order = np.argsort(names)
    present = table.column("harvest").to_numpy(zero_copy_only=False)[
        order[np.searchsorted(names[order], ids)]
    ]
    hit = present[detection.harvest.row[attributed]]
    by_ring = truth.ring[detection.harvest.account[attributed]]
    sent = int(detection.world.volume[truth.ring].sum())
    return {
        "harvest": int(present.sum()),
        "attributed": len(hit),
        "both": int(hit.sum()),
        "others_of_ring": sent - int(present.sum()),
        "others_attributed": int((~hit & by_ring).sum()),
    }
