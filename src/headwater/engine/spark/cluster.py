"""A Spark cluster by the one verb that it is used by: a function over items, on the executors.

What comes back is what the function returns, so it returns little. Errors that are raised on purpose over there arrive
here as they were; any other is named by its kind alone, as its text may quote a log.
"""

from __future__ import annotations

import pickle
import platform
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, TypeVar

from headwater.errors import HeadwaterError, UsageError, Where

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

Item = TypeVar("Item")
Result = TypeVar("Result")

#: Seconds for a cluster to run its first task.
GRANTED_S = 120.0
_THERE = "install the same version there, and name that Python in PYSPARK_PYTHON"
_LOGS = "the executors' logs say more, and so does HEADWATER_DEBUG=1; both may quote the log"


class Cluster:
    """A Spark session; `ours` says whether it ends with us."""

    def __init__(self, spark: SparkSession, ours: bool, master: str) -> None:
        self.spark = spark
        self.master = master
        self._ours = ours
        #: Bytes of results, by what was asked for, that came to this process.
        self.received: list[tuple[str, int]] = []

    @property
    def slots(self) -> int:
        """Tasks that can run at once, as far as is known."""
        return max(2, int(self.spark.sparkContext.defaultParallelism))

    def each(
        self,
        function: Callable[[Item], Result],
        items: Sequence[Item],
        what: str,
    ) -> list[Result]:
        """`function` of every item, one task each; `what` names the job where Spark shows it."""
        if not items:
            return []
        context = self.spark.sparkContext
        context.setJobDescription(what)
        given = _Guarded(function)
        with worded():
            found = context.parallelize(list(items), len(items)).map(given).collect()
        self.received.append((what, sum(map(len, found))))
        return [unpacked(result) for result in found]

    def check(self) -> None:
        """That executors run what runs here."""
        done = threading.Event()
        found: list[Any] = []

        def ask() -> None:
            try:
                found.extend(self.each(_version, [0, 1], "look for Headwater on the executors"))
            except Exception as error:
                found.append(error)
            done.set()

        threading.Thread(target=ask, daemon=True).start()
        if not done.wait(GRANTED_S):
            with suppress(Exception):
                self.spark.sparkContext.cancelAllJobs()
            raise UsageError(
                f"the cluster ran no task within {GRANTED_S:.0f} seconds",
                where=Where(self.master),
                hint="its workers may be busy, or smaller than spark.executor.memory and .cores ask for",
            )
        for each in found:
            if isinstance(each, Exception):
                raise each
            if each != _version(0):
                raise UsageError(
                    "executors run another Headwater, Python or PyArrow than the driver",
                    where=Where(self.master),
                    hint=_THERE,
                )

    def close(self) -> None:
        """End the session, if it was begun here."""
        if self._ours:
            self.spark.stop()


class _Guarded:
    """A function whose deliberate errors are results, so that Spark doesn't try again what can't be otherwise."""

    def __init__(self, function: Callable[[Any], Any]) -> None:
        self._function = function

    def __call__(self, item: Any) -> bytes:
        try:
            return pickle.dumps(self._function(item), protocol=5)
        except HeadwaterError as error:
            return pickle.dumps(error)


def unpacked(result: bytes) -> Any:
    """What a task returned, or the error that it ended with, raised."""
    found = pickle.loads(result)
    if isinstance(found, HeadwaterError):
        raise found
    return found


@contextmanager
def worded(what: str = "a job on the cluster failed", hint: str = _LOGS) -> Iterator[None]:
    """Spark's errors without their text, which holds the traceback of whatever met the log's content."""
    try:
        yield
    except Exception as error:
        if not type(error).__module__.startswith(("py4j", "pyspark")):
            raise
        text = str(error)
        if lacking := re.search(r"No module named '([\w.]+)'", text):
            raise UsageError(f"the executors' Python has no {lacking[1]}", hint=_THERE) from error
        # Of errors that are raised on purpose within a query only the text comes.
        if meant := re.search(r"headwater\.errors\.\w+: (.+)", text):
            raise HeadwaterError(meant[1].strip()) from error
        raise HeadwaterError(f"{what} ({_cause(text)})", hint=hint) from error


def _cause(text: str) -> str:
    """What Spark's long text says went wrong, by class: the first Python error that it quotes, or the last Java one."""
    if "ExecutorLostFailure" in text:
        return "executors were lost again and again"
    python = re.search(r"^(?:\w+\.)*(\w+(?:Error|Exception))(?::|$)", text, re.MULTILINE)
    java = re.findall(r"\b[a-z]+(?:\.\w+)+\.(\w+(?:Error|Exception))\b", text)
    return python[1] if python else java[-1] if java else "of Spark's own"


def _version(_: int) -> tuple[str, ...]:
    import pyarrow

    import headwater

    return headwater.__version__, ".".join(platform.python_version_tuple()[:2]), pyarrow.__version__
