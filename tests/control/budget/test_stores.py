"""One step, four stores: whatever is asked, in whatever order, all answer the same, and survive what they say."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from control.budget.servers import Postgres, Redis
from control.budget.world import DAY_US, HOUR_US, SECOND_US, Clock, Door, budget
from headwater.control.budget import (
    Amounts,
    Answer,
    Ask,
    Budget,
    Budgets,
    Kind,
    Per,
    Refill,
    Refused,
    Reservation,
    Scope,
    Seen,
    Shape,
    SqliteStore,
    Store,
    StoreGone,
    ask_nothing,
    leaving,
)
from headwater.control.budget.calendar import begins_us, index
from headwater.control.budget.granting import Epoch, Record, look, step
from headwater.control.budget.stores import postgres_wire, redis_wire
from headwater.errors import HeadwaterError, UsageError
from ports import free_port

pytest.importorskip("redis")
pytest.importorskip("psycopg")
pytestmark = pytest.mark.xdist_group("budget-stores")

#: Far ahead, so that what ends by its time hasn't ended by the server's.
LATER_US = 3_000_000_000 * SECOND_US


@pytest.fixture(scope="module")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    server = Redis(tmp_path_factory.mktemp("redis"))
    yield server
    server.kill()


@pytest.fixture(scope="module")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    server = Postgres(tmp_path_factory.mktemp("postgres") / "cluster")
    yield server
    server.kill()


@pytest.fixture(params=["redis", "postgres", "sqlite"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Any]:
    """Makes connections to one store, fresh."""
    if request.param == "sqlite":
        return lambda: SqliteStore(tmp_path / "budgets.sqlite")
    if request.param == "redis":
        from headwater.control.budget.stores.redis import RedisStore

        server = request.getfixturevalue("redis_server")
        tree = f"t{abs(hash(request.node.name))}"
        RedisStore(server.url, tree=tree).begin(fresh=True)
        return lambda: RedisStore(server.url, tree=tree)
    from headwater.control.budget.stores.postgres import PostgresStore

    cluster = request.getfixturevalue("postgres_server")
    store = PostgresStore(cluster.conninfo)
    store.set_up()
    store._transaction([("TRUNCATE headwater_budget_cell", ())])
    store.begin(fresh=True)
    return lambda: PostgresStore(cluster.conninfo)


@given(st.integers(0, 284 * 366 * 86_400))
def test_months_are_those_of_the_calendar(second: int) -> None:
    at, now_us = datetime.fromtimestamp(second, UTC), second * SECOND_US
    number = index(Per.MONTH, now_us)
    assert number == (at.year - 1970) * 12 + at.month - 1
    begin = datetime(1970, 1, 1, tzinfo=UTC).timestamp() + begins_us(Per.MONTH, number) / SECOND_US
    assert datetime.fromtimestamp(begin, UTC) == at.replace(day=1, hour=0, minute=0, second=0, microsecond=0)


#: What is asked of one cell, whatever it makes of it: (later by, replica, seq up by, epoch and period known, amounts).
messages = st.tuples(
    st.sampled_from(
        [0, 1, 1000, SECOND_US, 20 * SECOND_US, HOUR_US, DAY_US, -SECOND_US, -HOUR_US, 31 * DAY_US]
    ),
    st.sampled_from(["r1", "r2", "r3"]),
    st.integers(-1, 2),
    st.booleans(),
    st.integers(0, 40),
    st.integers(0, 200),
    st.integers(-20, 60),
    st.sampled_from(["a", "b", "c", "d", ":1", "ä"]),
)


@settings(max_examples=60)
@given(
    st.sampled_from(list(Shape)),
    st.sampled_from([Per.HOUR, Per.DAY, Per.MONTH]),
    st.integers(1, 300),
    st.booleans(),
    st.integers(0, 3 * 365 * DAY_US),
    st.lists(messages, min_size=1, max_size=25),
)
def test_the_script_makes_the_same_step(
    redis_server: Redis, shape: Shape, per: Per, limit: int, fresh: bool, start: int, told: list[Any]
) -> None:
    import redis

    client = redis.Redis.from_url(redis_server.url)
    client.flushdb()
    head, rest = redis_wire.SCRIPT.split("local replica, durable", 1)
    script = client.register_script(
        head[: head.index("local time")]
        + "local now = tonumber(table.remove(ARGV))\nlocal replica, durable"
        + rest
    )
    now_us = LATER_US + start
    epoch = Epoch(now_us, fresh)
    client.hset(
        redis_wire.epoch_key("t"),
        mapping={"begun": now_us, "fresh": int(fresh), "run": client.info()["run_id"]},
    )
    record, known, seqs = Record(), {}, dict.fromkeys(("r1", "r2", "r3"), 1)
    for later, replica, up, knows, need, want, credit, member in told:
        now_us += later
        seqs[replica] = max(1, seqs[replica] + up)
        before = known.get(replica, (0, 0)) if knows else (0, 0)
        ask = Ask(
            "cell", shape, per, limit, max(1, limit * 3 // 4), limit, 7 * SECOND_US, 30 * SECOND_US,
            seqs[replica], *before, need, max(need, want), credit, max(0, credit), member, 0,
        )  # fmt: skip
        keys, kept = redis_wire.keys("t", [ask]), client.hgetall("{t}:cell")
        args = redis_wire.arguments(redis_wire.LOOKER, [ask], durable=False)
        said = script(keys=keys, args=[*args, now_us])
        assert redis_wire.answers(said, [ask]) == [look(record, ask, epoch, now_us)]
        assert client.hgetall("{t}:cell") == kept, "who looks changes nothing"
        expected = step(record, replica, ask, epoch, now_us)
        args = redis_wire.arguments(replica, [ask], durable=False)
        said = script(keys=keys, args=[*args, now_us])
        assert redis_wire.answers(said, [ask]) == [expected]
        known[replica] = (expected.epoch, expected.period)


@given(st.sampled_from(list(Shape)), st.lists(messages, min_size=1, max_size=20))
def test_a_record_is_written_down_whole(shape: Shape, told: list[Any]) -> None:
    """PostgreSQL keeps records as text between steps; that changes no answer."""
    now_us, epoch = LATER_US, Epoch(LATER_US, True)
    record, kept, seq = Record(), None, 0
    for later, replica, up, _, need, want, credit, member in told:
        now_us, seq = now_us + later, max(1, seq + up)
        ask = Ask(
            "cell", shape, Per.DAY, 100, 75, 100, 7 * SECOND_US, 30 * SECOND_US,
            seq, 0, 0, need, max(need, want), credit, max(0, credit), member, 0,
        )  # fmt: skip
        expected = step(record, replica, ask, epoch, now_us)
        answers, (_, (kept,), _) = postgres_wire.stepped(replica, [ask], [("cell", kept, now_us, *epoch)])
        assert answers == [expected]


def test_two_replicas_share_every_kind_of_budget(make: Callable[[], Store]) -> None:
    budgets = [
        budget(Kind.TOKEN_QUOTA, 10_000, Per.MONTH),
        budget(Kind.CONCURRENCY, 40),
        budget(Kind.ADDRESSES, 5),
        budget(Kind.TOKENS, 10**6, Per.HOUR),
    ]

    def clock() -> int:
        return time.monotonic_ns() // 1000

    doors = [Door(make(), clock, name) for name in ("r1", "r2")]
    cells = [door.budgets.cells((each, "k") for each in budgets) for door in doors]
    spent, refused_at, seen = 0, [None, None], set()
    for turn in range(400):
        door, own = doors[turn % 2], cells[turn % 2]
        address = f"10.0.{turn % 7}"
        answer = door.reserve(own, Amounts(1, 100), Seen(address))
        if isinstance(answer, Refused):
            refused_at[turn % 2] = answer.budget.kind
            assert answer.budget.kind is not Kind.ADDRESSES or address not in seen
            continue
        seen.add(address)
        spent += 60
        door.settle(answer, Amounts(1, 60))
    assert len(seen) == 5
    assert 9_000 < spent <= 10_000
    assert doors[0].budgets.without_store(clock()) is doors[1].budgets.without_store(clock()) is False


def test_concurrency_is_shared(make: Callable[[], Store]) -> None:
    clock = Clock()
    one = budget(Kind.CONCURRENCY, 7)
    doors = [Door(make(), clock, name) for name in ("r1", "r2", "r3")]
    cells = [door.budgets.cells([(one, "k")]) for door in doors]
    running = []
    for turn in range(12):
        answer = doors[turn % 3].reserve(cells[turn % 3], Amounts())
        if isinstance(answer, Reservation):
            running.append((turn % 3, answer))
    assert len(running) == 7
    for at, each in running:
        doors[at].settle(each, Amounts())
    answers = [doors[0].reserve(cells[0], Amounts()) for _ in range(7)]
    clock.now_us += 2 * SECOND_US
    answers = [each for each in answers if isinstance(each, Reservation)]
    answers += [doors[0].reserve(cells[0], Amounts()) for _ in range(7 - len(answers))]
    assert all(isinstance(each, Reservation) for each in answers)


def test_a_batch_is_one_operation_and_cells_are_apart(make: Callable[[], Store]) -> None:
    asks = [
        Ask(f"c{at % 30}:ü", Shape.QUOTA, Per.DAY, 100, 100, 1, 1, SECOND_US, at + 1, 0, 0, 1, 1, 0, 0, "", 0)
        for at in range(600)
    ]
    answers = make().exchange("r1", asks)
    assert len(answers) == 600
    assert {answer.granted for answer in answers} == {1}
    assert min(answer.balance for answer in answers) == 80


LOOKED_AT = {
    Shape.QUOTA: budget(Kind.TOKEN_QUOTA, 10_000, Per.MONTH),
    Shape.RATE: budget(Kind.TOKENS, 10**6, Per.DAY),
    Shape.SLOTS: budget(Kind.CONCURRENCY, 40),
    Shape.DISTINCT: budget(Kind.ADDRESSES, 5, Per.MONTH),
}


@pytest.mark.parametrize("shape", Shape)
def test_who_looks_sees_what_is_left_and_takes_nothing(make: Callable[[], Store], shape: Shape) -> None:
    """What is out in a lease counts as used; whoever looks, however often, is no replica that shares."""
    one = LOOKED_AT[shape]
    asks = [ask_nothing(one, "k"), ask_nothing(one, "another"), ask_nothing(one, "k")]
    store, looker = make(), make()
    whole = asks[0].capacity if shape is Shape.RATE else one.limit
    assert [answer.balance for answer in looker.look(asks)] == [whole] * 3
    asked = asks[0]._replace(need=3, want=7, member="10.0.0/24")
    (granted,) = store.exchange("r1", [asked])
    taken = 1 if shape is Shape.DISTINCT else granted.granted
    assert taken >= 1
    for _ in range(3):
        first, other, again = looker.look(asks)
        assert first.granted == 0
        assert (first.balance, other.balance, again.balance) == pytest.approx(
            (whole - taken, whole, whole - taken), abs=100 if shape is Shape.RATE else 0
        )
        assert (first.resets_us > 0) == (shape is not Shape.SLOTS)
    # A message that comes again is answered as before, and the next lease is as large as with one replica.
    (same,) = store.exchange("r1", [asked])
    assert same.granted == granted.granted
    (more,) = store.exchange("r1", [asked._replace(seq=2, need=1, want=10**6, member="b")])
    if shape is Shape.QUOTA:
        assert more.granted == (one.limit - taken) // 4
    assert looker.look([]) == []


def test_a_store_that_lost_what_it_knew_shows_nothing_left(make: Callable[[], Any]) -> None:
    store, one = make(), LOOKED_AT[Shape.QUOTA]
    store.begin(fresh=False)
    (answer,) = make().look([ask_nothing(one, "k")])
    assert answer.balance == 0


def test_where_nothing_listens_looking_is_store_gone_too() -> None:
    from headwater.control.budget.stores.postgres import PostgresStore
    from headwater.control.budget.stores.redis import RedisStore

    port = free_port()
    for store in (
        RedisStore(f"redis://127.0.0.1:{port}/0"),
        PostgresStore(f"host=127.0.0.1 port={port} user=nobody dbname=none"),
    ):
        with pytest.raises(StoreGone):
            store.look([ask_nothing(LOOKED_AT[Shape.QUOTA], "k")])


#: Asks again and again, as its own replica, and tells each answer before it asks on.
ASKER = """
import os, sys
from pathlib import Path
from headwater.control.budget import Ask, Per, Shape, SqliteStore

store = SqliteStore(Path(sys.argv[1]), clock=lambda: 1_790_000_000_000_000)
replica, limit, seq, last = sys.argv[2], int(sys.argv[3]), 0, 1
while last:
    seq += 1
    asks = [
        Ask(cell, Shape.QUOTA, Per.MONTH, limit, limit, 1, 1, 1_000_000, seq, 0, 0, 1, 7, 0, 0, "", 0)
        for cell in ("one", "two")
    ]
    last, other = (answer.granted for answer in store.exchange(replica, asks))
    os.write(1, b"%d %d\\n" % (last, other))
    if seq == 1:
        sys.stdin.readline()
"""


def askers(path: Path, replicas: list[str], limit: int) -> list[subprocess.Popen[str]]:
    """Processes that go on once each was answered once: one may take longer to start than another to take all."""
    command = [sys.executable, "-c", ASKER, str(path)]
    processes = [
        subprocess.Popen(
            [*command, name, str(limit)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for name in replicas
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "7 7\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    return processes


def told_by(process: subprocess.Popen[str]) -> list[list[int]]:
    """What a process was answered and nobody has read yet; its last line may be torn."""
    assert process.stdout is not None
    lines = process.stdout.read().split("\n")[
        :-1
    ]  # not communicate(), which loses what readline() took ahead
    process.wait()
    return [[int(number) for number in line.split()] for line in lines]


def given_out(path: Path) -> list[int]:
    """What a file says was given out of each cell."""
    with SqliteStore(path)._store.read() as tx:
        rows = tx.rows("SELECT record FROM budget_cells ORDER BY cell")
    return [msgspec.json.decode(row[0], type=Record).amount for row in rows]


def test_a_file_forgets_nothing_that_it_answered_before_a_kill(tmp_path: Path) -> None:
    """A batch is there as a whole or not at all: of its two cells both were given out, or neither."""
    path, told = tmp_path / "budgets.sqlite", 0
    for life in range(3):
        processes = askers(path, [f"r{life}-{at}" for at in range(2)], 10**9)
        told += 7 * len(processes)  # their first answers
        time.sleep(0.05 + 0.07 * life)
        for process in processes:
            process.kill()
        told += sum(first for process in processes for first, _ in told_by(process))
        one, two = given_out(path)
        assert one == two
        # A process may have been answered once more than it lived to tell.
        assert told <= one <= told + 7 * 2 * (life + 1)


def test_processes_share_a_file_exactly(tmp_path: Path) -> None:
    path = tmp_path / "budgets.sqlite"
    told = [told_by(process) for process in askers(path, [f"r{at}" for at in range(4)], 1_000)]
    # What each was answered first is 7 of both.
    assert [
        4 * 7 + sum(first for each in told for first, _ in each),
        4 * 7 + sum(second for each in told for _, second in each),
    ] == [
        1_000,
        1_000,
    ]
    assert given_out(path) == [1_000, 1_000]


def test_processes_may_make_a_file_at_once(tmp_path: Path) -> None:
    """As the workers of a gateway do; many times, for the moments at which that could go wrong are short."""
    program = (
        "import multiprocessing, sys; from pathlib import Path; from headwater.control.budget import SqliteStore\n"
        "def make(path, begin): begin.wait(); SqliteStore(path).close()\n"
        "fork, codes = multiprocessing.get_context('fork'), []\n"
        "for at in range(60):\n"
        "    begin, path = fork.Barrier(4), Path(sys.argv[1]) / f'{at}.sqlite'\n"
        "    made = [fork.Process(target=make, args=(path, begin)) for _ in range(4)]\n"
        "    [each.start() for each in made]\n"
        "    [each.join() for each in made]\n"
        "    codes += [each.exitcode for each in made]\n"
        "sys.exit(any(codes))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("name", ["folder", "text", "other"])
def test_a_file_that_is_no_store_is_told_by_name(tmp_path: Path, name: str) -> None:
    import sqlite3

    (tmp_path / "folder").mkdir()
    (tmp_path / "text").write_text("This is no database, and was never meant to be one.")
    sqlite3.connect(tmp_path / "other").execute("CREATE TABLE theirs (a)")
    for each in tmp_path.iterdir():
        each.chmod(0o600)
    with pytest.raises(HeadwaterError) as told:
        SqliteStore(tmp_path / name)
    assert told.value.where.file == str(tmp_path / name)


def test_a_file_that_is_locked_is_store_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sqlite3

    from headwater.store import store as room

    monkeypatch.setattr(room, "_BUSY_S", 0.05)
    path = tmp_path / "budgets.sqlite"
    ask = Ask("c", Shape.QUOTA, Per.DAY, 100, 100, 1, 1, SECOND_US, 1, 0, 0, 30, 30, 0, 0, "", 0)
    store = SqliteStore(path)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreGone):
        store.exchange("r1", [ask])
    other.execute("ROLLBACK")
    assert store.exchange("r1", [ask])[0].granted == 30


def test_a_restart_without_persistence_closes_and_one_with_it_does_not(tmp_path: Path) -> None:
    from headwater.control.budget.stores.redis import RedisStore

    for durable in (False, True):
        server = Redis(tmp_path / str(durable), durable=durable)
        try:
            store = RedisStore(server.url, durable=durable)
            store.begin(fresh=True)
            ask = Ask("c", Shape.QUOTA, Per.MONTH, 100, 100, 1, 1, SECOND_US, 1, 0, 0, 30, 30, 0, 0, "", 0)
            (first,) = store.exchange("r1", [ask])
            assert (first.granted, first.balance) == (30, 70)
            server.kill()
            with pytest.raises(StoreGone):
                store.exchange("r1", [ask])
            server.start()
            (same,) = store.exchange("r1", [ask])
            (other,) = store.exchange("r2", [ask])
            if durable:
                assert (same, other.granted) == (
                    first._replace(lives_us=same.lives_us, resets_us=same.resets_us),
                    30,
                )
            else:
                assert (same.granted, other.granted, other.balance) == (0, 0, 0)
                assert same.epoch > first.epoch
        finally:
            server.kill()


def test_a_crash_of_postgres_forgets_nothing(postgres_server: Postgres) -> None:
    from headwater.control.budget.stores.postgres import PostgresStore

    store = PostgresStore(postgres_server.conninfo)
    store.set_up()
    store.begin(fresh=True)
    ask = Ask("crash", Shape.QUOTA, Per.MONTH, 100, 100, 1, 1, SECOND_US, 1, 0, 0, 30, 30, 0, 0, "", 0)
    (first,) = store.exchange("r1", [ask])
    postgres_server.kill()
    with pytest.raises(StoreGone):
        store.exchange("r1", [ask])
    postgres_server.start()
    (same,) = store.exchange("r1", [ask])
    assert (same.granted, same.balance) == (first.granted, 70)


def test_the_asyncio_drivers_say_the_same(redis_server: Redis, postgres_server: Postgres) -> None:
    from headwater.control.budget.stores.postgres import PostgresStore
    from headwater.control.budget.stores.postgres_async import AsyncPostgresStore
    from headwater.control.budget.stores.redis_async import AsyncRedisStore

    waiting = PostgresStore(postgres_server.conninfo)
    waiting.set_up()
    waiting.begin(fresh=True)
    asks = [Ask("async", Shape.QUOTA, Per.DAY, 100, 100, 1, 1, SECOND_US, 1, 0, 0, 30, 30, 0, 0, "", 0)]

    async def told() -> list[list[Answer]]:
        redis = AsyncRedisStore(redis_server.url, tree="async")
        await redis.begin(fresh=True)
        postgres = AsyncPostgresStore(postgres_server.conninfo)
        found = [await each.exchange("r1", asks) for each in (redis, postgres) for _ in range(2)]
        await redis.close()
        await postgres.close()
        for gone in (AsyncRedisStore("redis://127.0.0.1:1/0"), AsyncPostgresStore("host=127.0.0.1 port=1")):
            with pytest.raises(StoreGone):
                await gone.exchange("r1", asks)
        return found

    assert [each[0].granted for each in asyncio.run(told())] == [30] * 4


@pytest.mark.parametrize("waits", [True, False])
def test_cells_of_postgres_that_nobody_asks_for_are_swept_out(
    postgres_server: Postgres, monkeypatch: pytest.MonkeyPatch, waits: bool
) -> None:
    from headwater.control.budget.stores.postgres import PostgresStore
    from headwater.control.budget.stores.postgres_async import AsyncPostgresStore

    store = PostgresStore(postgres_server.conninfo)
    store.set_up()
    store._transaction([("TRUNCATE headwater_budget_cell", ())])
    store.begin(fresh=True)
    monkeypatch.setattr(postgres_wire, "_SWEEP_EVERY_US", 0)
    many = "SELECT 'old' || n, now() FROM generate_series(1, 4500) AS n"
    seen = "(extract(epoch FROM now() - interval '{} days') * 1000000)::bigint"
    into = "INSERT INTO headwater_budget_cell (cell, seen_us) "
    rows = many.replace("now()", seen.format(63)), f"SELECT 'young', {seen.format(61)}"
    store._transaction([(into + each, ()) for each in rows])
    asks = [Ask("mine", Shape.QUOTA, Per.DAY, 100, 100, 1, 1, SECOND_US, 1, 0, 0, 30, 30, 0, 0, "", 0)]

    async def told() -> None:
        own = AsyncPostgresStore(postgres_server.conninfo)
        for _ in range(4):
            assert (await own.exchange("r1", asks))[0].granted == 30
        await own.close()

    if waits:
        for _ in range(4):
            assert store.exchange("r1", asks)[0].granted == 30
    else:
        asyncio.run(told())
    left = store._connected().execute("SELECT cell FROM headwater_budget_cell ORDER BY cell").fetchall()
    assert [cell for (cell,) in left] == ["mine", "young"]
    store.close()


def test_what_was_charged_by_one_process_comes_back_through_another(tmp_path: Path) -> None:
    """Where it still is the same day in a store that remembers it; else it stays spent."""
    store = SqliteStore(tmp_path / "budgets.sqlite")
    daily = Budget("tokens", Kind.TOKEN_QUOTA, Scope.ACCOUNT, 1000, Per.DAY)

    def balance() -> int:
        return store.look([ask_nothing(daily, "a")])[0].balance

    def done(budgets: Budgets, step: Callable[[], Any]) -> Any:
        while isinstance(found := step(), Refill):
            budgets.hear(found.asks, store.exchange(budgets.replica, found.asks), 0)
        return found

    def left(budgets: Budgets) -> None:
        asks = leaving(budgets, 0)
        budgets.hear(asks, store.exchange(budgets.replica, asks), 0)

    first, second = Budgets("first"), Budgets("second")
    cells = first.cells([(daily, "a")])
    held = done(first, lambda: first.reserve(cells, (1, 600, 0, 1), 0))
    since = first.since(held.cells)
    first.settle(held, (1, 600, 0, 1), 0)
    left(first)
    assert balance() == 400
    own = second.cells([(daily, "a")])
    for known, wanted in (({}, 400), (dict.fromkeys(since, (7, 7)), 400), (since, 900)):
        assert done(second, lambda known=known: second.credit(own, known, (0, 500, 0, 0), 0)) is None
        left(second)
        assert balance() == wanted
    store.close()


def test_nobody_at_home_is_store_gone() -> None:
    ask = Ask("c", Shape.QUOTA, Per.DAY, 100, 100, 1, 1, SECOND_US, 1, 0, 0, 1, 1, 0, 0, "", 0)
    from headwater.control.budget.stores.postgres import PostgresStore
    from headwater.control.budget.stores.redis import RedisStore

    for store in (
        RedisStore("redis://127.0.0.1:1/0"),
        PostgresStore("host=127.0.0.1 port=1 password=hunter2"),
    ):
        with pytest.raises(StoreGone) as told:
            store.exchange("r1", [ask])
        assert "hunter2" not in str(told.value)


@pytest.mark.parametrize("said", [None, [], [[1]], [["1"] * 7], [[1, 2, 3, 4, 5, 6, None]], "OK"])
def test_an_answer_that_is_none_is_store_gone(said: object) -> None:
    with pytest.raises(StoreGone):
        redis_wire.answers(said, [None])  # type: ignore[list-item]


@pytest.mark.parametrize("tree", ["", "a}b", "a b", "x" * 65])
def test_a_tree_has_a_plain_name(tree: str) -> None:
    with pytest.raises(UsageError):
        redis_wire.checked_tree(tree)
