"""The main job: logs in, campaigns out. Composes the rooms below it and decides nothing itself.

read ─▶ imprint ─▶ index ─▶ detect ─▶ policy ─▶ findings ─▶ report, JSON, Parquet
"""

from __future__ import annotations

import resource
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

import headwater
from headwater import intake
from headwater.detect import (
    Campaign,
    Declaration,
    Detection,
    DetectSettings,
    Findings,
    LogSummary,
    Tables,
    alone,
    campaigns,
    coverage,
    detect,
    load_known,
    too_few,
)
from headwater.engine import Arranged, Census, Local, Resources, Spool, arrange, memory_kept
from headwater.errors import ConfigurationError, HeadwaterError, UsageError, Where
from headwater.exchange import (
    EXCHANGE_SCHEMA,
    HOLDS_ACCOUNTS,
    Log,
    SetAside,
    lacking,
    not_read,
    open_log,
    read_accounts,
    renamed,
)
from headwater.explain import load, notes, words
from headwater.kept import Kept, expected, open_kept
from headwater.keys import DEMO_KEY, ImprintKey
from headwater.outcome import SET_ASIDE, Closing, Investigation, check_output
from headwater.places import Scratch
from headwater.policy import Pack, decide, default_pack, facts_of, load_pack
from headwater.quoted import Prompts

__all__ = ["Investigation", "ReadSettings", "Settings", "investigate"]

Progress = Callable[[str, int, int | None], None]
HOUR_US = 3_600_000_000
#: Kinds of values left empty or read under an assumption that are noted, most frequent first.
NOTICES = 5
_SETTINGS_HINT = (
    "give settings=headwater.investigation.Settings(...); on the command line --settings reads a file"
)
_KEY_HINT = "give key=headwater.keys.load_imprint_key(Path(...))"


@dataclass(frozen=True)
class ReadSettings:
    """How logs are read."""

    imprints_only: bool = field(
        default=False,
        metadata={"doc": "Keep no prompt anywhere, only keyed imprints; templates can't be shown."},
    )
    keep_set_aside: int = field(
        default=1000,
        metadata={"doc": "Rows set aside that are kept in memory with their reason.", "range": "0 or more"},
    )

    def __post_init__(self) -> None:
        """Refuse what can't be meant."""
        if self.keep_set_aside < 0:
            raise ConfigurationError("must be 0 or more", where=Where(field="read.keep_set_aside"))


@dataclass(frozen=True)
class Settings:
    """All settings of an investigation, one table a room."""

    read: ReadSettings = field(default_factory=ReadSettings)
    detect: DetectSettings = field(default_factory=DetectSettings)
    engine: Resources = field(default_factory=Resources)


@memory_kept()
def investigate(
    exchanges: Any,
    accounts: Any = None,
    *,
    key: ImprintKey | None = None,
    known: Path | str | Sequence[Declaration] | None = None,
    policy: Pack | Path | str | None = None,
    settings: Settings | None = None,
    previous: Findings | Path | str | None = None,
    progress: Progress | None = None,
    format: str = "auto",
    mapping: Path | str | None = None,
    defaults: Mapping[str, object] | None = None,
    labels_note: str | None = None,
    output: Path | str | None = None,
    tables: Tables | None = None,
    store: Path | str | None = None,
    engine: str | None = None,
) -> Investigation:
    """Find the campaigns in API logs.

    `exchanges`: a path, paths, or Arrow data in (part of) EXCHANGE_SCHEMA; `accounts` likewise in ACCOUNT_SCHEMA. `key`
    makes the imprints (without one, a public demonstration key: fine for one's own logs, useless for sharing). `known`
    declares partners, red teams and evaluators. `policy` is the pack that proposes measures, instead of Headwater's
    own. `previous` findings give campaigns that are found again their names. `format`, `mapping`, `defaults` as in
    `headwater.exchange.read`. `output` is the folder that `write` will be given, where that is known: one that would
    overwrite the input is refused now. `tables` names the operator's own (networks, mail domains, …). `store` is a
    folder that keeps imprints: what it holds of the log isn't read again. `engine` is the master of an Apache Spark
    cluster (`spark://host:7077`, `local[4]`) that works instead of this process; the log and `store` are then paths
    that all of its machines see, or `s3://bucket/prefix`.

    Bad rows are counted, and written with the report. Raises UnreadableInput and
    UsageError before any work is done where input can't be used at all; ConfigurationError later only where a condition
    of `policy` has no answer for a campaign that was found.
    """
    began = time.monotonic()
    settings = _kind("settings", settings, Settings, _SETTINGS_HINT) or Settings()
    _kind("key", key, ImprintKey, _KEY_HINT)
    tell: Progress = progress or (lambda *_: None)
    key = key or DEMO_KEY
    given = tables.load(key) if tables is not None else {}
    named = exchanges
    declarations = load_known(Path(known)) if isinstance(known, (str, Path)) else tuple(known or ())
    pack = _pack(policy)
    earlier = load(previous) if isinstance(previous, (str, Path)) else previous
    if settings.read.imprints_only and mapping is not None and not _named(exchanges):
        raise UsageError("Arrow data is not mapped", hint="name its columns as in the exchange schema")
    scratch = Scratch()
    folder = scratch.path
    kept: Closing | None = None
    try:
        called = {
            str(folder / f"{name}.parquet"): f"Arrow data ({name})" for name in ("exchanges", "accounts")
        }
        with (
            SetAside(keep=settings.read.keep_set_aside, sink=folder / SET_ASIDE, names=called) as aside,
            _naming(called),
        ):
            hide = key if settings.read.imprints_only else None
            held: set[str] = set()
            exchanges, far = _near_and_far(exchanges, engine)
            sources = _paths(exchanges, folder, "exchanges.parquet", hide, held, far)
            known_accounts = _paths(accounts, folder, "accounts.parquet") if accounts is not None else []
            log = open_log(sources, aside=aside, format=format, mapping=mapping, defaults=defaults)
            inputs = (*sources, *(planned.file.path for planned in log.planned), *known_accounts)
            inputs += _files((known, mapping, policy)) + (tables.paths if tables is not None else ())
            if output is not None:
                check_output(Path(output), inputs)
            table = read_accounts(known_accounts, aside) if known_accounts else None
            unread = log.passed_over(known_accounts)
            reading = {"format": format, "mapping": _content(mapping), "defaults": defaults}
            laid, kept, unseen = _laid(
                engine, far, sources, store, folder, log, key, aside, settings, reading, exchanges, tell, held
            )
        # Each thread of ours multiplies by itself: those of the library would wait for each other.
        with threadpool_limits(limits=1, user_api="blas"):
            detection = detect(laid, table, settings.detect, known=declarations, given=given, progress=tell)
            before = earlier.campaigns if earlier else ()
            names = [(c.id, frozenset(m.account for m in c.members)) for c in before]
            placed = kept.placed if isinstance(kept, Kept) else ()
            prompts = None if settings.read.imprints_only else Prompts(laid, placed, key)
            reported, considered, attributed = campaigns(detection, prompts, names)
            findings = Findings(
                log=_summary(held, laid.census, detection, aside, named),
                campaigns=tuple(replace(c, proposal=decide(facts_of(c), pack)) for c in reported),
                considered=tuple(replace(c, proposal=decide(facts_of(c), pack)) for c in considered),
                coverage=coverage(detection.evidence, detection.world.columns),
                chance_total=sum(c.chance for c in reported),
                accounts=alone(detection.traits, detection.world, settings.detect, _campaign_of(reported)),
                settings=_plain(settings, detection.proposed),
                version=headwater.__version__,
                imprint_key_id=key.id,
                seconds=time.monotonic() - began,
                peak_bytes=_peak(),
                labels_note=labels_note,
                notes=_notes(declarations, detection, (*reported, *considered), unread, aside)
                + _conflicts(laid.census)
                + _lost(prompts)
                + not_read((*log.outputs, *unseen)),
            )
    except BaseException:
        if kept is not None:
            kept.close()
        scratch.remove()
        raise
    found = Investigation(findings, detection, attributed, laid, scratch, kept)
    found.sources = inputs
    return found


def _files(given: Iterable[Any]) -> tuple[Path, ...]:
    return tuple(Path(other) for other in given if isinstance(other, (str, Path)))


def _near_and_far(exchanges: Any, engine: str | None) -> tuple[Any, tuple[str, ...]]:
    """A log's paths (or Arrow data), and the names of object stores among them, which only a cluster reads."""
    if not _named(exchanges):
        if engine is not None:
            hint = "write them to files first: headwater ingest, or pyarrow.parquet"
            raise UsageError("Arrow data is not spread over a cluster", hint=hint)
        return exchanges, ()
    every = [exchanges] if isinstance(exchanges, (str, Path)) else list(exchanges)
    far = tuple(place for place in every if isinstance(place, str) and "://" in place)
    if far and engine is None:
        where = Where(far[0].partition("?")[0])
        raise UsageError(
            "is read on a cluster only", where=where, hint="give --engine, or copy it to a folder"
        )
    return [place for place in every if place not in far] if far else exchanges, far


def _laid(
    engine: str | None,
    far: tuple[str, ...],
    sources: Sequence[Path],
    store: Path | str | None,
    folder: Path,
    log: Log,
    key: ImprintKey,
    aside: SetAside,
    settings: Settings,
    reading: Mapping[str, object],
    exchanges: Any,
    tell: Progress,
    held: set[str],
) -> tuple[Arranged, Closing, tuple[str, ...]]:
    """A log read and laid out, here or on a cluster; what is to be closed; reports of our own in object stores."""
    if engine is not None:
        from headwater.distributed import laid_out, store_of

        schema = intake.schema(keep_prompts=not settings.read.imprints_only)
        place = store_of(store, engine, folder, sources, far)
        keep = settings.read.keep_set_aside
        work = laid_out(
            engine, place, log, far, key, schema, aside, held, reading=reading, keep=keep, tell=tell
        )
        return work.laid, work, work.outputs
    kept = _kept(store, folder, key, settings, reading, exchanges)
    try:
        spool = _spooled(kept, log, key, aside, settings, tell, held)
        index = kept.indexed(spool, lambda: arrange(spool, settings.engine, folder))
        return Local(spool, index, settings.engine), kept, ()
    except BaseException:
        kept.close()
        raise


def _campaign_of(reported: Iterable[Campaign]) -> dict[str, str]:
    return {member.account: ring.id for ring in reported for member in ring.members}


def _kind(name: str, given: Any, kind: type[Any], hint: str) -> Any:
    """An argument as it is; `UsageError` where it is of another type, which would end in an error of ours."""
    if given is not None and not isinstance(given, kind):
        raise UsageError(f"{name} is a {type(given).__name__}, not {kind.__name__}", hint=hint)
    return given


@contextmanager
def _naming(names: Mapping[str, str]) -> Iterator[None]:
    """Errors in what was given as Arrow data say so, instead of naming the file that it was written to."""
    try:
        yield
    except HeadwaterError as error:
        error.where = renamed(error.where, names)
        raise


def _pack(policy: Pack | Path | str | None) -> Pack:
    if policy is None:
        return default_pack()
    return load_pack(policy) if isinstance(policy, (str, Path)) else policy


def _kept(
    store: Path | str | None,
    folder: Path,
    key: ImprintKey,
    settings: Settings,
    reading: Mapping[str, object],
    exchanges: Any,
) -> Kept:
    """Where imprints go: into the folder that keeps them, or one that goes with the investigation."""
    if store is not None and not _named(exchanges):
        raise UsageError(
            "imprints are kept of files only", hint="name the log by its path, or leave out the store"
        )
    if store is not None:
        place = Path(store).resolve()
        for source in map(Path, [exchanges] if isinstance(exchanges, (str, Path)) else exchanges):
            if source.resolve().is_relative_to(place):
                where = Where(str(source))
                hint = "choose another folder for imprints: what lies in it is theirs"
                raise UsageError("lies in the folder of imprints", where=where, hint=hint)
            if source.is_dir() and place.is_relative_to(source.resolve()):
                where = Where(str(store))
                raise UsageError(
                    "lies in the log", where=where, hint="choose a folder for imprints beside it"
                )
    schema = intake.schema(keep_prompts=not settings.read.imprints_only)
    if store is None:
        return open_kept(folder / "spool", key, schema, reading, lasting=False)
    return open_kept(Path(store), key, schema, reading)


def _content(mapping: Path | str | None) -> str | None:
    return None if mapping is None else Path(mapping).read_text(encoding="utf-8")


def _spooled(
    kept: Kept,
    log: Log,
    key: ImprintKey,
    aside: SetAside,
    settings: Settings,
    tell: Progress,
    held: set[str],
) -> Spool:
    rows, every = 0, expected(log.planned)

    def count(more: int) -> None:
        nonlocal rows
        rows += more
        tell("read and imprint", rows, every)

    filled: set[str] = set()
    spool = kept.filled(
        log,
        key,
        aside,
        filled,
        keep=settings.read.keep_set_aside,
        workers=settings.engine.workers,
        progress=count,
    )
    if "prompt" in held:
        filled.discard("imprint")  # made on the way, unless `held` has it too
    held |= filled
    if not spool.rows:
        raise intake.no_rows()
    return spool


def _named(data: Any) -> bool:
    """Whether data is named by paths."""
    if isinstance(data, (str, Path)):
        return True
    return isinstance(data, Sequence) and all(isinstance(item, (str, Path)) for item in data)


def _paths(
    data: Any,
    folder: Path,
    name: str,
    hide: ImprintKey | None = None,
    held: set[str] | None = None,
    far: Sequence[str] = (),
) -> list[Path]:
    if isinstance(data, (str, Path)):
        return [Path(data)]
    if isinstance(data, Sequence) and not data and not far:
        raise UsageError("no input was given", hint="name at least one file or folder of logs")
    if _named(data):
        return [Path(item) for item in data]
    return [intake.as_file(data, folder, name, hide=hide, held=held)]


def _summary(
    held: set[str], census: Census, detection: Detection, aside: SetAside, exchanges: Any
) -> LogSummary:
    minute, count = census.minutes
    hour, first = np.unique(minute // 60, return_index=True)
    sent = np.add.reduceat(count, first) if len(first) else count
    models = list(zip(census.models, census.model_first_us.tolist(), strict=True))
    named = [exchanges] if isinstance(exchanges, (str, Path)) else exchanges
    return LogSummary(
        exchanges=census.rows - census.duplicates,
        accounts=len(census.accounts),
        organisations=len({o for o in detection.world.organisations if o}),
        first_at_us=census.first_us,
        last_at_us=census.last_us,
        set_aside=aside.total,
        duplicates=census.duplicates,
        set_aside_reasons=aside.by_reason(),
        sources=tuple(sorted(map(_called, named))) if _named(exchanges) else ("Arrow data",),
        columns=tuple(name for name in EXCHANGE_SCHEMA.names if name in held),
        missing=lacking(held),
        timeline=tuple((int(h) * HOUR_US, int(c)) for h, c in zip(hour, sent, strict=True)),
        models=tuple(sorted(models, key=lambda m: (m[1], m[0]))),
    )


def _called(source: Path | str) -> str:
    """The last part of a path, or of a URI without its options."""
    text = str(source)
    return Path(text.partition("?")[0] if "://" in text else text).name


def _notes(
    declarations: Iterable[Declaration],
    detection: Detection,
    rings: Iterable[Campaign],
    unread: Iterable[Path],
    aside: SetAside,
) -> tuple[str, ...]:
    """What a reader should know of how the log was read, and would not see."""
    world = detection.world
    idle = [p for p in declarations if not any(map(p.covers, world.accounts, world.organisations))]
    count = np.unique(world.customer, return_counts=True)[1]
    few = too_few(len(world.accounts), len(count), int(count.max()), detection.fewest)
    told = [few] if few else []
    told += [
        f"the declaration “{party.name}” ({party.kind}) matches no account and no organisation of this log"
        for party in idle
    ]
    told += notes(rings)
    if detection.untested:
        told.append(
            f"{words.count(detection.untested)} of {words.count(detection.proposed)} proposed groups went without a "
            "test: a first look says less of them than of those that were tested (detect.most_rings, "
            "detect.most_exchanges). All of them count as tried"
        )
    told += _left_out(detection)
    told += [f"{path} {HOLDS_ACCOUNTS}: give it with --accounts" for path in unread]
    told += [f"{words.count(n)} × {what}" for what, n in aside.by_notice()[:NOTICES]]
    return tuple(told)


def _left_out(detection: Detection) -> list[str]:
    """Organisations whose keys were left out of a group's test: what they do must not be told by silence."""
    keys = Counter(detection.world.organisations[code] for code in detection.left_out.tolist())
    return [
        f"{words.many(n, 'account')} of the organisation “{name}” would have dominated a group that was tested, and "
        "were left out of its test: what they do is a matter between it and you"
        for name, n in sorted(keys.items(), key=lambda pair: (-pair[1], str(pair[0])))[:NOTICES]
    ]


def _conflicts(census: Census) -> tuple[str, ...]:
    """Rows that have an id in common and don't say the same: nobody should have to find them."""
    told: list[str] = []
    if census.shared:
        rows = words.many(census.shared, "exchange")
        told.append(f"{rows} reuse the id of another with another account or prompt, and count by themselves")
    if census.retimed:
        rows = words.many(census.retimed, "duplicate")
        told.append(
            f"{rows} name a later time than the row with the same id, account and prompt that was kept"
        )
    return tuple(told)


def _lost(prompts: Prompts | None) -> tuple[str, ...]:
    """What is said where the log is no longer what was read."""
    if prompts is None or not prompts.lost:
        return ()
    texts = words.many(prompts.lost, "prompt")
    return (
        f"{texts} that templates would show couldn't be read again: the log has changed since it was read",
    )


def _plain(settings: Settings, proposed: int) -> dict[str, object]:
    """Settings that shape a verdict, as the report states them (threads and memory don't)."""
    detect = settings.detect
    return {
        "threshold": detect.threshold,
        "prior": detect.prior,
        "account_prior": detect.account_prior,
        "seed": detect.seed,
        "fewest_accounts": detect.fewest_accounts,
        "most_rings": detect.most_rings,
        "most_exchanges": detect.most_exchanges,
        "imprints_only": settings.read.imprints_only,
        "rings_proposed": proposed,
    }


def _peak() -> int:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
