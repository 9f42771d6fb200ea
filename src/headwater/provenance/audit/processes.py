"""Chunks audited by other processes: what each of them holds, how they begin and how they end.

Processes, because rows are Python values. They are started fresh, ignore Ctrl-C (whoever started them ends them) and
end by themselves when that process has gone, however it went.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing.connection import wait
from pathlib import Path

import msgspec

from headwater.errors import HeadwaterError
from headwater.exchange import SetAside
from headwater.provenance.audit.annotations import Writer
from headwater.provenance.audit.chunks import Chunk
from headwater.provenance.audit.columns import Text
from headwater.provenance.audit.corpus import Corpus
from headwater.provenance.audit.parts import add
from headwater.provenance.audit.record import Part
from headwater.provenance.audit.rows import rows
from headwater.provenance.audit.sample import CHARACTERS, Sample, ranks
from headwater.provenance.audit.scan import Question, Row, Scanner
from headwater.provenance.audit.work import Work
from headwater.provenance.terms import load_registry

#: Audits one chunk; the ranks of its texts that may be in the sample.
Worker = Callable[[Chunk, int], list[int]]


@dataclass(frozen=True)
class Job:
    """What every process of an audit is told."""

    corpus: Corpus
    question: Question
    terms: tuple[Path, ...]
    out: Path
    seed: int
    sample: int


def work_on(job: Job) -> Worker:
    """A worker for this process."""
    scanner = Scanner(job.question, load_registry(*job.terms))
    work = Work(job.out)

    def one(chunk: Chunk, cutoff: int) -> list[int]:
        file = job.corpus.files[chunk.file]
        total = Part(file=chunk.file)
        sample = Sample(job.sample)
        place = work.annotations(chunk.number)
        fresh = place.with_name(f"{place.name}.new")
        work.aside(chunk.number).unlink(missing_ok=True)
        writer = Writer(fresh)
        with SetAside(sink=work.aside(chunk.number)) as aside:
            for part, told, texts in scanner.scan(file.name, chunk.file, rows(file, chunk), aside):
                writer.write(file.name, told)
                _choose(sample, cutoff, job, file.name, part, told, texts)
                add(total, part)
            writer.close()
            total.set_aside = aside.counts()
        fresh.replace(place)
        kept = sample.ranked()
        work.sample(chunk.number).write_bytes(msgspec.msgpack.encode(kept))
        work.finish(chunk.number, total)
        return [rank for rank, _ in kept]

    return one


def _choose(
    sample: Sample, cutoff: int, job: Job, name: str, part: Part, told: list[Row], texts: list[list[Text]]
) -> None:
    """Offer the texts of rows that name no model: the longest text of each, from its beginning."""
    if not job.sample:
        return
    first, last = told[0].number, told[-1].number
    ranked = ranks(job.seed, name, first - 1, last - first + 1)
    cutoff = min(cutoff, sample.cutoff)
    offered = []
    for row, held in zip(told, texts, strict=True):
        rank = int(ranked[row.number - first])
        if rank < cutoff and held and not any(_names_a_model(part, key) for key in row.groups):
            longest = max((text for _, text in held), key=len)[:CHARACTERS]
            if longest.strip():
                offered.append((rank, longest.encode("utf-8", "replace").decode()))
    sample.offer(offered)


def _names_a_model(part: Part, key: str) -> bool:
    origin = part.groups[key].origin
    return bool(origin.model or origin.provider) or origin.human is False


class Processes:
    """Some processes that audit chunks."""

    def __init__(self, job: Job, count: int) -> None:
        context = multiprocessing.get_context("spawn")
        self._pool = ProcessPoolExecutor(count, context, _begin, (job,))

    def send(self, chunk: Chunk, cutoff: int) -> Future[list[int]]:
        """Have a chunk audited; raises HeadwaterError where a process has died."""
        # A process is begun here, and takes over that Ctrl-C is held back: it must not meet one while it imports.
        held = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            return self._pool.submit(_one, chunk, cutoff)
        except BrokenProcessPool as error:
            raise died() from error
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, held)

    def close(self) -> None:
        """End them: what they have in hand is finished or thrown away."""
        running = list((self._pool._processes or {}).values())
        self._pool.shutdown(wait=False, cancel_futures=True)
        for process in running:
            process.terminate()


def died() -> HeadwaterError:
    """What to say where the system ended a process."""
    return HeadwaterError(
        "a process of the audit was ended by the system (out of memory, most often)",
        hint="start the same command again to go on; --processes 1 takes less memory",
    )


_worker: Worker | None = None


def _begin(job: Job) -> None:
    global _worker  # noqa: PLW0603  (each process has one)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()
    _worker = work_on(job)


def _end_with(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)


def _one(chunk: Chunk, cutoff: int) -> list[int]:
    assert _worker is not None
    return _worker(chunk, cutoff)
