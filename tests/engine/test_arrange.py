"""What every later pass rests on: who, which session, which half, and which of two rows with one id."""

from __future__ import annotations

import os
import random
import signal
import threading
from importlib import import_module
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.logs import SECOND, arranged, row, spooled
from headwater.engine import Index, Resources, arrange, steps
from headwater.engine.arrange import given as given_
from headwater.errors import HeadwaterError

GAP, HOUR = 1800, 3600


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("engine")


def by_content(index: Index, rows: list[dict[str, Any]]) -> dict[str, tuple[object, ...]]:
    """What the index says of each row, by what the row holds: nothing of it may depend on the row's number."""
    return {
        repr(sorted(rows[at].items(), key=lambda item: item[0])): (
            index.accounts[index.account[at]] if index.account[at] >= 0 else None,
            int(index.at_us[at]),
            int(index.session[at]),
            int(index.half[at]),
            index.models[index.model[at]] if index.model[at] >= 0 else None,
        )
        for at in range(len(rows))
    }


def same(each: dict[str, Any]) -> tuple[object, ...]:
    """What makes rows one exchange."""
    return each["id"], each["account"], each["imprint"]["exact"]


LOGS = st.lists(
    st.builds(
        lambda number, account, second, model, organisation, exact: row(
            number,
            account,
            second,
            model=model,
            organisation=organisation,
            imprint={"exact": exact},
        ),
        st.integers(0, 25),
        st.sampled_from(["a", "b", "ä", "\x00", "c" * 40]),
        st.integers(0, 40_000),
        st.sampled_from([None, "small", "large"]),
        st.sampled_from([None, "x", "y"]),
        st.one_of(st.integers(0, 1), st.integers(0, 2**64 - 1)),
    ),
    min_size=1,
    max_size=40,
    unique_by=repr,
)


@settings(max_examples=25)
@given(LOGS, st.integers(0, 1000))
def test_the_order_of_rows_decides_nothing(folder: Path, rows: list[dict[str, Any]], seed: int) -> None:
    other = rows[:]
    random.Random(seed).shuffle(other)
    first, second = arranged(rows, folder), arranged(other, folder, threads=2)
    assert by_content(first, rows) == by_content(second, other)
    assert (first.accounts, first.organisations, first.models) == (
        second.accounts,
        second.organisations,
        second.models,
    )
    assert first.duplicates == second.duplicates


@settings(max_examples=25)
@given(LOGS)
def test_what_an_index_promises(folder: Path, rows: list[dict[str, Any]]) -> None:
    index = arranged(rows, folder)
    live = index.account >= 0
    assert live.sum() == len({same(each) for each in rows})
    assert index.shared == live.sum() - len({each["id"] for each in rows})
    assert index.duplicates == len(rows) - live.sum()
    kept = [each for each, alive in zip(rows, live, strict=True) if alive]
    assert index.accounts == tuple(sorted({each["account"] for each in kept}, key=str.encode))
    assert index.models == tuple(sorted({each["model"] for each in kept if each["model"]}))
    # A session belongs to one account, and nobody's later session holds an earlier exchange.
    assert len({*zip(index.session[live], index.account[live], strict=True)}) == len(
        np.unique(index.session[live])
    )
    for code in range(len(index.accounts)):
        mine = np.flatnonzero(index.account == code)
        mine = mine[np.argsort(index.at_us[mine], kind="stable")]
        assert (np.diff(index.session[mine]) >= 0).all()
        sessions, first = np.unique(index.session[mine], return_index=True)
        assert (np.diff(sessions) == 1).all()
        if len(sessions) > 1:
            half = index.half[mine][first]
            assert (np.diff(half.astype(int)) != 0).all()
            assert (index.half[mine] == half[index.session[mine] - sessions[0]]).all()
        for number in sessions:
            at = np.sort(index.at_us[mine][index.session[mine] == number])
            assert at[-1] - at[0] < HOUR * SECOND
            assert (np.diff(at) <= GAP * SECOND).all()


@settings(max_examples=25)
@given(LOGS)
def test_of_rows_that_say_the_same_the_earliest_stays(folder: Path, rows: list[dict[str, Any]]) -> None:
    index = arranged(rows, folder)
    later = 0
    for each in {same(each) for each in rows}:
        at = [n for n, other in enumerate(rows) if same(other) == each]
        (kept,) = [n for n in at if index.account[n] >= 0]
        assert rows[kept]["at"] == min(rows[n]["at"] for n in at)
        later += sum(rows[n]["at"] > rows[kept]["at"] for n in at)
    assert index.retimed == later


def test_an_id_that_is_reused_merges_no_exchanges(tmp_path: Path) -> None:
    rows = [
        row(0, "one", 0, imprint={"exact": 7}),
        row(0, "two", 5, imprint={"exact": 7}),
        row(0, "one", 9, imprint={"exact": 8}),
        row(0, "one", 3, imprint={"exact": 7}),
        row(0, "one", 0, imprint={"exact": 7}, model="other"),
        row(1, "one", 0),
    ]
    for turned in (rows, rows[::-1]):
        index = arranged(turned, tmp_path)
        kept = [each for each, code in zip(turned, index.account, strict=True) if code >= 0]
        assert sorted((each["id"], each["account"], each["at"]) for each in kept) == [
            ("r0", "one", 0),
            ("r0", "one", 9 * SECOND),
            ("r0", "two", 5 * SECOND),
            ("r1", "one", 0),
        ]
        assert (index.duplicates, index.shared, index.retimed) == (2, 2, 1)


def test_a_pause_ends_a_session_and_so_does_an_hour(tmp_path: Path) -> None:
    pause = [row(0, "p", 0), row(1, "p", GAP), row(2, "p", GAP + GAP + 1)]
    busy = [row(100 + at, "q", at * 600) for at in range(13)]  # two hours without a pause
    index = arranged([*pause, *busy], tmp_path)
    first = index.session - index.session[0]
    assert first[:3].tolist() == [0, 0, 1]
    assert (index.session[3:] - index.session[3]).tolist() == [0] * 6 + [1] * 6 + [2]


def test_a_single_session_is_cut_in_the_middle_of_its_time(tmp_path: Path) -> None:
    index = arranged(
        [row(at, "only", second) for at, second in enumerate((0, 10, 49, 51, 90, 100))], tmp_path
    )
    half = index.half.tolist()
    assert half[:3] == [half[0]] * 3
    assert half[3:] == [1 - half[0]] * 3


def test_which_half_comes_first_differs_between_accounts(tmp_path: Path) -> None:
    rows = [row(at, f"account-{at // 2}", (at % 2) * 10_000) for at in range(200)]
    index = arranged(rows, tmp_path)
    first = index.half[::2]
    assert 25 < first.sum() < 75
    assert (index.half[1::2] == 1 - first).all()


def test_what_is_known_only_from_duplicates_is_not_known(tmp_path: Path) -> None:
    rows = [row(0, "first", 0, model="m"), row(0, "first", 5, model="only here", organisation="o")]
    index = arranged(rows, tmp_path)
    assert index.accounts == ("first",)
    assert index.models == ("m",)
    assert index.organisations == (None,)
    assert index.account.tolist() == [0, -1]


def test_the_steps_can_be_run_by_hand(tmp_path: Path) -> None:
    rows = [row(at, "ab"[at % 2], at * 700.0) for at in range(20)]
    spool = spooled(rows, tmp_path)
    index = arrange(spool, Resources(threads=1), tmp_path)
    with duckdb.connect() as db:
        *tables, (name, last) = steps()
        for _, sql in tables:
            db.execute(sql, given_(spool, sql))
        found = db.sql(last).fetchall()
    assert name == "index"
    assert [each[1] for each in sorted(found)] == index.account.tolist()
    assert [each[2] for each in sorted(found)] == index.at_us.tolist()


#: MiB that do not hold the tables of 300,000 rows; the engine needs temporary files.
LITTLE = 16


def many(count: int) -> list[dict[str, Any]]:
    rng = random.Random(5)
    return [row(at, f"account-{rng.randrange(5000)}", rng.randrange(900_000)) for at in range(count)]


def test_little_memory_spills_and_gives_the_same(tmp_path: Path) -> None:
    spool = spooled(many(300_000), tmp_path)
    plenty = arrange(spool, Resources(threads=2), tmp_path)
    little = arrange(spool, Resources(threads=1, memory_mb=LITTLE), tmp_path)
    for name in ("account", "at_us", "session", "half", "model"):
        assert np.array_equal(getattr(plenty, name), getattr(little, name)), name


def test_no_memory_and_no_room_is_said_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = spooled(many(300_000), tmp_path)
    (tmp_path / "no-folder").write_text("a file stands where temporary files should go")
    with pytest.raises(HeadwaterError) as caught:
        arrange(spool, Resources(threads=1, memory_mb=LITTLE), tmp_path / "no-folder")
    assert "memory" in caught.value.what
    assert "--memory" in (caught.value.hint or "")
    assert "account-" not in str(caught.value)


def test_ctrl_c_in_the_middle_of_a_query(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """DuckDB calls it a RuntimeError; whoever pressed the keys expects KeyboardInterrupt."""
    endless = (
        "CREATE TEMP TABLE t AS SELECT count(*) FROM range(1000000000000) AS r WHERE hash(r.range) % 7 = 3"
    )
    module = import_module("headwater.engine.arrange")
    monkeypatch.setattr(module, "steps", lambda: (("endless", endless), ("index", "FROM t")))
    spool = spooled([row(0, "a", 0)], tmp_path)
    timer = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        arrange(spool, Resources(threads=1), tmp_path)
    timer.join()
