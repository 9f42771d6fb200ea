"""A log on which every kind of evidence has something to say: twelve accounts of a ring among fifty."""

from __future__ import annotations

from datetime import date
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa

from detect.worlds import DAY, HOUR, Made, folded, log
from headwater.detect.allies import ALLIED
from headwater.detect.beats import A_DAY, BEATS, Beats
from headwater.detect.evidence.between import nearness
from headwater.detect.evidence.content import prefix
from headwater.detect.fold import World
from headwater.detect.indicators import Benchmarks, Indicator, Sighting
from headwater.detect.networks import Networks, load_networks

SIZE, EACH, RING = 50, 60, 12
#: The first of thirty strangers who work through one list, behind one campus's address.
CLASS = 20
#: Members whose client names another program, whose key changes hands, whose addresses change, and who slept.
CONTRADICTS, TAKEN, CHURNS, WOKEN = (0, 1), 3, 4, 11


@cache
def busy() -> tuple[Made, World]:
    """The log, and a world with the ring and twelve others under test."""
    rng = np.random.default_rng(5)
    account = np.repeat(np.arange(SIZE), EACH)
    at_us = rng.integers(0, 14 * DAY, len(account))
    member = account < RING
    at_us = np.where(member & (at_us // DAY == 4), at_us + 5 * DAY, at_us)
    at_us = _driven(at_us, account)
    at_us = np.where(account == WOKEN, 8 * DAY + at_us % (6 * DAY), at_us)
    later = at_us > 8 * DAY + rng.integers(0, HOUR, SIZE)[account]
    topic = rng.normal(size=(SIZE, 128)) * 0.5
    topic[:RING] = topic[0]
    made = log(
        account,
        at_us,
        vector=rng.normal(size=(len(account), 128)) * np.where(account == 1, 0.1, 0.8)[:, None]
        + topic[account],
        form=np.where(member, 5, np.where((account >= CLASS) & (np.arange(len(account)) % 2 == 0), 9, 0)),
        filling=np.where(account >= CLASS, np.arange(len(account)) % EACH, np.arange(len(account))),
        intents=np.where(member, 1, 0),
        model=np.where(member & later, 1, 0),
        ip=_addresses(account, at_us),
        more=_asked(rng, member, account) | _clients(account, at_us),
        known=_known(),
    )
    world = made.world(range(RING), range(CLASS, 32))
    world.context.update(_given(made, world))
    world.context.update({BEATS: _beats(), ALLIED: frozenset({0})})
    for earlier in (nearness.propose, prefix.links):
        folded(earlier, world, [made.batch(world)])
    return made, world


def _given(made: Made, world: World) -> dict[str, Any]:
    """The operator's tables: networks, reports of others, and benchmarks that the first member replays."""
    batch = made.batch(world)
    replayed = np.unique(batch.column("imprint.exact")[batch.account == 0])
    until = date(2027, 1, 31)
    return {
        "networks": _networks(),
        "benchmarks": Benchmarks(replayed),
        "indicators": (Indicator("tls", "t13d1516h2_go", "a peer", until, 0.9),),
        "sightings": tuple(Sighting(f"a{a:05d}", None, "a data set", until, "a canary") for a in range(5)),
    }


def _beats() -> Beats:
    """Half hours in which accounts sent something: the ring's in joint runs, everybody else's at any time."""
    rng = np.random.default_rng(9)
    runs = rng.integers(0, A_DAY, 14)
    account = np.repeat(np.arange(SIZE, dtype=np.int32), 14 * 3)
    day = np.tile(np.repeat(np.arange(14), 3), SIZE)
    window = np.where(account < RING, runs[day], rng.integers(0, A_DAY, len(day))) + day * A_DAY
    return Beats(account, window, np.ones(len(day), np.int64))


def _driven(at_us: np.ndarray, account: np.ndarray) -> np.ndarray:
    """Times of the ring's machines: the first account at even gaps, three more in full minutes of twelve requests."""
    turn = np.arange(len(account)) % EACH
    even = turn * (14 * DAY // EACH)
    full = (
        np.array([1, 6, 9, 11, 12])[turn // 12] * DAY
        + 10 * HOUR
        + account * HOUR // 4
        + turn % 12 * 4_000_000
    )
    return np.where(account == 0, even, np.where((account >= 1) & (account <= 3), full, at_us))


def _asked(rng: np.random.Generator, member: np.ndarray, account: np.ndarray) -> dict[str, pa.Array]:
    """Columns of exchanges: the ring asks for what training needs, others talk."""
    n = len(account)
    turn = np.where(member, 0, np.arange(n) % 3)
    answer = rng.integers(1, 2**62, n).astype(np.uint64)
    before = np.roll(answer, 1)
    # Some members go on where the member before them left off.
    over = (account >= 5) & (account < 10) & (np.arange(n) % EACH < 10)
    before[over] = answer[np.flatnonzero(over) - EACH]

    def text(ours: str, theirs: str) -> pa.Array:
        return pa.array([ours if m else theirs for m in member])

    return {
        "system": pa.array(np.where(member, 77, account + 1000).astype(np.uint64)),
        "response": pa.array(answer),
        "previous": pa.array(before, mask=(turn == 0) & ~over),
        "conversation": pa.array([None if m else f"c{i // 3}" for i, m in enumerate(member)]),
        "turn": pa.array(turn.astype(np.int32)),
        "endpoint": text("completions", "chat"),
        "batch": pa.array(member),
        "status": pa.array(np.where(rng.random(n) < 0.05, 429, 200).astype(np.int16)),
        "finish_reason": pa.array(
            [
                "content_filter" if a == 1 else None if m else "stop"
                for a, m in zip(account, member, strict=True)
            ]
        ),
        "input_tokens": pa.array(np.full(n, 40)),
        "output_tokens": pa.array(np.where(member, 4000, 200)),
        "temperature": pa.array(np.where(member, rng.choice([0.1, 0.5, 1.0], n), 0.7).astype(np.float32)),
        # Behind each of the thirty strangers stand twenty clients, as if they were a router.
        "max_tokens": pa.array(
            np.where(member, 4096, np.where(account >= CLASS, 500 + np.arange(n) % 20, 512))
        ),
        "n": pa.array(np.where(member, 4, 1).astype(np.int32)),
        "seed": pa.array(np.full(n, 7), mask=~member),
        "logprobs": pa.array(member),
        "logit_bias": pa.array(member),
        "cancelled": pa.array(~member & (rng.random(n) < 0.2)),
        "tools": pa.array(np.where(member, 3, 0).astype(np.int32)),
        "response_format": pa.array(["json_schema" if m else None for m in member]),
        "header_order": text("host,accept", "host,user-agent,accept"),
    }


def _taken(account: np.ndarray, at_us: np.ndarray) -> np.ndarray:
    return (account == TAKEN) & (at_us > 7 * DAY)


def _addresses(account: np.ndarray, at_us: np.ndarray) -> list[str | None]:
    """Two members at each address; one has left it, one comes from another network each time."""
    campus = np.where(account >= CLASS, "203.0.113.9", None)
    usual = [f"10.0.0.{a // 2}" if a < RING else campus[i] for i, a in enumerate(account.tolist())]
    usual = ["198.51.100.7" if t else ip for ip, t in zip(usual, _taken(account, at_us), strict=True)]
    return [
        f"192.0.{i % 8}.{i % 250}" if a == CHURNS else ip
        for i, (ip, a) in enumerate(zip(usual, account, strict=True))
    ]


def _networks() -> Networks:
    """Eight networks of residential proxies, and a campus."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "networks.csv"
        rows = [f"192.0.{i}.0/24,residential-proxy,{64500 + i}" for i in range(8)]
        rows.append("203.0.113.0/24,campus,64999")
        path.write_text("\n".join(["cidr,kind,asn", *rows]))
        return load_networks(path)


def _clients(account: np.ndarray, at_us: np.ndarray) -> dict[str, pa.Array]:
    """What the connections of three programs look like: the ring's all like Go's, whatever two of them say."""
    go, python, firefox = "Go-http-client/2.0", "openai-python/1.40", "Mozilla/5.0"
    marks = {
        "tls": {go: "t13d1516h2_go", python: "t13d1516h2_python", firefox: "t13d1516h2_firefox"},
        "ja4h": {go: "po11nn_go", python: "po11nn_python", firefox: "ge20nr_firefox"},
        "http2": {go: "1:65536;4:4194304", python: "1:65536;4:65536", firefox: "1:65536;4:131072"},
    }
    true = [go if a < RING else python if a < 38 else firefox for a in account.tolist()]
    said = [python if a in CONTRADICTS else t for a, t in zip(account.tolist(), true, strict=True)]
    out = {name: [of[t] for t in true] for name, of in marks.items()} | {"user_agent": said}
    for row in np.flatnonzero(_taken(account, at_us)).tolist():
        out["user_agent"][row], out["tls"][row] = "curl/8.4", "t13d1516h2_curl"
    return {name: pa.array(values) for name, values in out.items()}


def _known() -> dict[str, list[Any]]:
    """The table of accounts: the ring signed up in one burst, by one means."""
    from datetime import UTC, datetime, timedelta

    base = datetime(1970, 1, 1, tzinfo=UTC)
    held = {9: 5, 10: 9}
    return {
        "held_at": [base + timedelta(days=held[a]) if a in held else None for a in range(SIZE)],
        "payment": [f"card {a // 4}" if a < RING else None for a in range(SIZE)],
        "created_at": [
            base + timedelta(minutes=a) if a < WOKEN else base - timedelta(days=30 * a) for a in range(SIZE)
        ],
        "email_domain": ["mailinator.com" if a < RING else "gmail.com" for a in range(SIZE)],
        "name_pattern": ["aaaaa0000" if a < RING else f"{'a' * (a % 7 + 3)}.aaa" for a in range(SIZE)],
        "programme": ["education" if a < RING or a >= 38 else None for a in range(SIZE)],
    }
