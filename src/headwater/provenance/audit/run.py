"""The audit: chunks of a corpus handed to processes, their parts kept, added up, and told.

Memory is bounded by the chunks in hand, whatever the size of the corpus. A run that ends early, however it ends, goes
on where it was when it is started again, and ends with the same report.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from typing import Final

import msgspec

import headwater
from headwater.errors import BadRow, HeadwaterError, UnreadableInput, UsageError, Where, unreadable
from headwater.exchange import SetAside
from headwater.provenance.audit import fold
from headwater.provenance.audit.chunks import Chunk, chunks
from headwater.provenance.audit.claims import day_of
from headwater.provenance.audit.columns import Columns, Role
from headwater.provenance.audit.corpus import Corpus, corpus, printable
from headwater.provenance.audit.kept import disputed
from headwater.provenance.audit.processes import Job, Processes, died, work_on
from headwater.provenance.audit.record import SCHEMA, Card, PrevalenceTold, Report, written
from headwater.provenance.audit.sample import Sample
from headwater.provenance.audit.scan import Question
from headwater.provenance.audit.verifiers import verifier
from headwater.provenance.audit.work import Work
from headwater.provenance.manifest import read_claims
from headwater.provenance.terms import ORDER, Registry, Use, load_registry

Progress = Callable[[str, int, int | None], None]


def _silent(_stage: str, _done: int, _total: int | None) -> None:
    pass


#: Chunks that wait for a process, for each process: enough that none waits for the next.
_AHEAD: Final = 2
#: Bytes of a corpus up to which one process audits it.
_SMALL: Final = 32 << 20


@dataclass(frozen=True)
class AuditSettings:
    """How an audit is made. `sample`: rows that prevalence is estimated from (0: it isn't estimated); `processes`:
    how many work at once; `terms`: folders of further terms files; `verifiers`: NAME or NAME=ARGUMENT; `rights`: a
    folder of saved robots.txt, tdmrep.json and rsl.xml, one folder a host, for rows with a URL.
    """

    use: Use = field(default_factory=Use)
    roles: Mapping[str, Role | None] = field(default_factory=dict)
    constants: Mapping[Role, str] = field(default_factory=dict)
    text: frozenset[str] = frozenset()
    terms: tuple[Path, ...] = ()
    verifiers: tuple[str, ...] = ()
    rights: Path | None = None
    sample: int = 4000
    seed: int = 0
    processes: int = 1


def audit(
    path: Path,
    out: Path,
    settings: AuditSettings = AuditSettings(),
    *,
    asked_at: date,
    progress: Progress = _silent,
) -> Report:
    """Audit the corpus at `path`; write `audit.json`, the annotations and the rows set aside to the folder `out`.

    Raises UnreadableInput where nothing can be read, UsageError where `out` or a setting can't be used.
    """
    found = corpus(path)
    registry = load_registry(*settings.terms)
    _check(settings, registry)
    card = _card(path)
    question = Question(
        settings.use,
        card,
        dict(settings.roles),
        dict(settings.constants),
        settings.text,
        tuple(verifier(given) for given in settings.verifiers),
        settings.rights,
    )
    work = Work(out)
    job = Job(found, question, settings.terms, out, settings.seed, settings.sample)
    try:
        asked_at = _begun(work, job, settings, registry, asked_at)
        with ThreadPoolExecutor(1) as beside:
            digests = beside.submit(_digests, found)
            count = _all_chunks(work, job, found, settings.processes, progress)
            _unchanged(found)
            report = _report(work, job, registry, settings, count, digests.result(), asked_at, progress)
        work.end(written(report), count)
        return report
    except OSError as error:
        raise UnreadableInput(
            f"can't be written ({error.strerror or error})",
            where=Where(printable(str(out))),
            hint="make room there, then start the same command again: it goes on where it was",
        ) from error
    finally:
        work.release()


def _check(settings: AuditSettings, registry: Registry) -> None:
    """UsageError where a setting can't mean anything."""
    if settings.rights is not None and not settings.rights.is_dir():
        raise UsageError(
            "is no folder", where=Where(printable(str(settings.rights))), hint="one folder a host in it"
        )
    for provider in settings.use.authorised:
        if provider not in registry.providers():
            near = get_close_matches(provider, registry.providers(), n=1)
            hint = f"did you mean {near[0]}?" if near else "headwater terms list names them"
            raise UsageError(f"no terms of a provider {provider[:40]!r} are known", hint=hint)
    accounts = ("consumer", "business", "api", "any")
    for role, known in (("provider", registry.providers()), ("account-type", accounts)):
        given = settings.constants.get(role)  # type: ignore[call-overload]
        if given is not None and given not in known:
            near = get_close_matches(given, known, n=1)
            hint = f"did you mean {near[0]}?" if near else "headwater terms list names them"
            raise UsageError(f"the terms that are known name no {role} {given[:40]!r}", hint=hint)
    if "date" in settings.constants and day_of(settings.constants["date"]) is None:
        raise UsageError(f"no date: {settings.constants['date'][:40]!r}", hint="write it as 2026-01-31")


def _card(path: Path) -> Card:
    """What describes the corpus as a whole: manifests in its folder, or the Content Credentials beside a file."""
    beside = path if path.is_dir() else path.with_name(f"{path.name}.c2pa")
    if not beside.exists():
        return Card()
    try:
        claims = read_claims(beside)
    except HeadwaterError as error:
        return Card(problems=(str(error),))
    return Card(
        license=claims.licences,
        generators=claims.generators,
        synthetic=claims.synthetic,
        human=claims.human,
        source_datasets=claims.source_datasets,
        language=claims.languages,
        tags=claims.tags,
        pretty_name=claims.pretty_name,
        found_in=claims.found_in,
        problems=tuple(f"{bad.where}: {bad.what}" for bad in claims.problems),
    )


def _begun(work: Work, job: Job, settings: AuditSettings, registry: Registry, asked_at: date) -> date:
    """Lock the folder; the day on which this audit began."""
    asks = {
        "headwater": headwater.__version__,
        "files": [(f.name, f.size, f.touched_ns) for f in job.corpus.files],
        "use": msgspec.to_builtins(settings.use),
        "card": msgspec.to_builtins(job.question.card),
        "roles": sorted((k, v or "") for k, v in settings.roles.items()),
        "constants": sorted(settings.constants.items()),
        "text": sorted(settings.text),
        "terms": hashlib.sha256(msgspec.json.encode(sorted(registry.by_uid.items()))).hexdigest(),
        "rights": str(settings.rights or ""),
        "verifiers": [
            (given, str(getattr(one, "version", "")))
            for given, one in zip(settings.verifiers, job.question.verifiers, strict=True)
        ],
        "sample": [settings.sample, settings.seed],
    }
    kept = work.begin(msgspec.json.encode({"asks": asks, "asked_at": asked_at}))
    return msgspec.json.decode(kept, type=_Begun).asked_at if kept else asked_at


class _Begun(msgspec.Struct):
    asked_at: date


def _unchanged(found: Corpus) -> None:
    """UnreadableInput where a file isn't what it was when the audit began."""
    for file in found.files:
        try:
            status = file.path.stat()
        except OSError as error:
            raise unreadable(file.path, error) from error
        if (status.st_size, status.st_mtime_ns) != (file.size, file.touched_ns):
            raise UnreadableInput(
                "changed while it was read", where=Where(str(file.path)), hint="start the audit again"
            )


def _digests(found: Corpus) -> list[str]:
    """SHA-256 of each file, while the rows are looked at."""
    digests = []
    for file in found.files:
        try:
            with file.path.open("rb") as source:
                digests.append(hashlib.file_digest(source, "sha256").hexdigest())
        except OSError as error:
            raise unreadable(file.path, error) from error
    return digests


def _all_chunks(work: Work, job: Job, found: Corpus, processes: int, progress: Progress) -> int:
    """Audit every chunk that isn't done; how many there are."""
    whole = sum(file.size for file in found.files)
    reached = [0] * len(found.files)
    count = 0

    def told(chunk: Chunk) -> None:
        reached[chunk.file] = max(reached[chunk.file], min(chunk.done, found.files[chunk.file].size))
        progress("read and look", sum(reached), whole)

    with _workers(job, processes) as send:
        waiting: dict[Future[list[int]], Chunk] = {}
        ranks = Sample(job.sample)
        for chunk in chunks(found):
            count = chunk.number + 1
            if work.has(chunk.number):
                told(chunk)
                continue
            waiting[send(chunk, ranks.cutoff)] = chunk
            if len(waiting) >= _AHEAD * processes:
                _taken(waiting, ranks, told)
        while waiting:
            _taken(waiting, ranks, told)
    return count


def _taken(waiting: dict[Future[list[int]], Chunk], ranks: Sample, told: Callable[[Chunk], None]) -> None:
    """Wait until at least one chunk is done."""
    for future in wait(waiting, return_when=FIRST_COMPLETED).done:
        try:
            ranks.offer([(rank, "") for rank in future.result()])
        except BrokenProcessPool as error:
            raise died() from error
        told(waiting.pop(future))


@contextmanager
def _workers(job: Job, processes: int) -> Iterator[Callable[[Chunk, int], Future[list[int]]]]:
    """Something to send chunks to: other processes, or this one where there is to be only one."""
    # A process takes a second to begin, in which one audits some tens of megabytes.
    if processes > 1 and sum(file.size for file in job.corpus.files) > _SMALL:
        with closing(Processes(job, processes)) as pool:
            yield pool.send
        return
    here = work_on(job)

    def send(chunk: Chunk, cutoff: int) -> Future[list[int]]:
        done: Future[list[int]] = Future()
        done.set_result(here(chunk, cutoff))
        return done

    yield send


def _report(
    work: Work,
    job: Job,
    registry: Registry,
    settings: AuditSettings,
    count: int,
    digests: Sequence[str],
    asked_at: date,
    progress: Progress,
) -> Report:
    total = fold.Total()
    sample = Sample(settings.sample)
    with SetAside(sink=work.set_aside()) as aside:
        for problem in job.corpus.problems:
            aside.add(BadRow(problem.what, problem.where, problem.hint))
        for number in range(count):
            part = work.part(number)
            assert part is not None
            total.add(part, int(str(part.set_aside.get("total", 0))))
            aside.absorb(part.set_aside, work.aside(number))
            sample.offer(msgspec.msgpack.decode(work.sample(number).read_bytes(), type=list[tuple[int, str]]))
            progress("add up", number + 1, count)
    whole = total.part
    if not whole.rows:
        raise UnreadableInput(
            "no row of the corpus could be read",
            where=Where(str(job.corpus.given)),
            hint=f"the first reason: {aside.rows[0].where}: {aside.rows[0].what}" if aside.rows else None,
        )
    for name in sorted((set(settings.roles) | settings.text) - set(whole.met)):
        near = get_close_matches(name, list(whole.columns), n=1)
        hint = f"did you mean {near[0]}?" if near else f"columns: {', '.join(list(whole.columns)[:20])}"
        raise UsageError(f"no row has a column called {name[:80]!r}", hint=hint)
    for note, rows in whole.notes.items():
        aside.note(note, Where(printable(str(job.corpus.given))), rows)
    groups = fold.groups_told(total, registry, job.question)
    columns = Columns(job.question.roles, job.question.text)
    return Report(
        schema_=SCHEMA,
        name=job.corpus.name,
        headwater=headwater.__version__,
        corpus=printable(str(job.corpus.given)),
        use=settings.use,
        asked_at=asked_at,
        files=fold.files_told(total, job.corpus, digests),
        rows=whole.rows,
        characters=whole.characters,
        lengths=tuple(sorted(whole.lengths.items())),
        text_fields=tuple(sorted(whole.text_fields, key=lambda name: -whole.text_fields[name])[:50]),
        columns=fold.columns_told(total, columns),
        set_aside=fold.aside_told(aside.total, aside.by_reason(), aside.by_notice()),
        card=job.question.card,
        verdicts={name: whole.verdicts.get(name, 0) for name in ("clean", "bound", "unknown")},
        answers={name: whole.answers.get(name, 0) for name in ORDER},
        contradicted=whole.contradicted,
        groups=groups,
        other_groups=whole.other_groups
        + sum(one.rows for one in whole.groups.values())
        - sum(g.rows for g in groups),
        stages=fold.stages_told(total, job.question.verifiers),
        findings=fold.findings_told(total),
        prevalence=_prevalence(sample.texts(), settings, progress),
        disputes=disputed(work.out, zip((file.name for file in job.corpus.files), digests, strict=True)),
    )


def _prevalence(texts: Sequence[str], settings: AuditSettings, progress: Progress) -> PrevalenceTold | None:
    """How much of what names no model may yet be a model's; None where nobody asked or no such row is there."""
    if not settings.sample or not texts:
        return None
    from headwater.provenance.prevalence import Prevalence, estimate

    progress("estimate prevalence", 0, None)
    found = estimate(texts, seed=settings.seed)
    if isinstance(found, Prevalence):
        return PrevalenceTold(
            found.estimate, found.low, found.high, found.level, found.sampled, found.method, found.caution
        )
    return PrevalenceTold(None, None, None, 0.95, len(texts), "", found.reason)
