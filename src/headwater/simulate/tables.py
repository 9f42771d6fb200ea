"""Columns become Arrow tables: exchanges and accounts as a provider would log them, and the truth beside.

Account names and conversation numbers are shuffled, so that no name says whose it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from headwater.exchange import ACCOUNT_SCHEMA, EXCHANGE_SCHEMA
from headwater.simulate.asked import FORMATS, asked
from headwater.simulate.cast import CLIENT_COLUMNS, AccountRows, ClientRows
from headwater.simulate.chance import Ints
from headwater.simulate.forms import CRITERIA, Given
from headwater.simulate.library import Library
from headwater.simulate.naming import holds, patterns
from headwater.simulate.requests import Requests
from headwater.simulate.setting import Setting
from headwater.simulate.software import AGENTS, ENDPOINTS, MODELS, SYSTEMS, TLS
from headwater.simulate.spoken import FINISHES, answers, carried, finishes, left
from headwater.simulate.voices import speak
from headwater.simulate.wire import FAMILIES


@dataclass(frozen=True)
class Truth:
    """What was constructed.

    `accounts`: account, role (innocent, ring, reseller), ring, organisation, shape, population, group (number
    of the independent organisation or event within its shape), harvest_exchanges. `exchanges`: id, harvest,
    ring, corpus.
    """

    accounts: pa.Table
    exchanges: pa.Table


#: Texts (n) for the contents of n requests, instead of those that the library has.
Retell = Callable[[Library, Ints], Sequence[str]]


def prompts(world: Setting, made: Requests, retell: Retell | None = None) -> list[str]:
    """The prompt of every request: a content, in its voice, in its form."""
    library, voices = world.library, world.cast.voices
    answers = library.answers
    texts = retell(library, made.content) if retell else [library.texts[i] for i in made.content.tolist()]
    languages = [world.library.languages[i] for i in world.library.language.tolist()]
    out = []
    columns = (made.content, made.form, made.voice, made.bits, made.account)
    told = (column.tolist() for column in columns)
    for text, content, form, voice, bits, account in zip(texts, *told, strict=True):
        if voice >= 0:
            text = speak(voices[voice], text, languages[content], bits)
        if form >= 0:
            criterion = CRITERIA[content % len(CRITERIA)]
            number = str(10_000 + account * 48_271 % 89_989)
            given = Given(text, answers[content], criterion, number, bits, languages[content])
            text = world.forms[form].write(given)
        out.append(text)
    return out


def _coded(values: Sequence[str | None], codes: Ints) -> Any:
    """Values by code as plain strings; −1 is null."""
    indices: Any = pa.array(codes.astype(np.int32), mask=codes < 0)
    return pa.array(values, pa.string()).take(indices)


def _nullable(numbers: Ints) -> Any:
    """Whole numbers; those below 0 are null."""
    return pa.array(numbers.astype(np.int32), mask=numbers < 0)


def _account_names(world: Setting) -> list[str]:
    shuffled = world.rng("names").permutation(world.cast.account_count)
    return [f"acct-{i:06d}" for i in shuffled.tolist()]


def _clients(world: Setting) -> ClientRows:
    rows = world.cast.clients
    columns: dict[str, Any] = {
        name: np.concatenate([getattr(part, name) for part in rows]) for name in CLIENT_COLUMNS
    }
    return ClientRows(ip=[ip for part in rows for ip in part.ip], **columns)


def _ids(made: Requests) -> list[str]:
    return [f"x{i:08d}" for i in range(len(made))]


def _utc(world: Setting, seconds: Any) -> Any:
    """Seconds from the world's start as times; NaN is null."""
    unknown = np.isnan(seconds)
    micros = (np.where(unknown, 0.0, seconds) * 1e6).astype(np.int64) + world.scenario.start_us
    return pa.array(micros, mask=unknown).cast(pa.timestamp("us", tz="UTC"))


def _column(world: Setting, name: str) -> list[Any]:
    return [value for rows in world.cast.accounts for value in getattr(rows, name)]


def exchanges_table(world: Setting, made: Requests, status: Ints, written: list[str]) -> pa.Table:
    """The log, in the order of time; only columns that a provider would have."""
    clients, who = _clients(world), made.client
    system, limit = clients.system[who], clients.max_tokens[who]
    # About four bytes a token; a system prompt is some two dozen.
    sent = np.array([len(text.encode()) for text in written], dtype=np.int64) // 4
    sent = np.maximum(sent + np.where(system >= 0, 24, 0), 1)
    answered = np.where(limit > 0, np.minimum(made.output_tokens, limit), made.output_tokens)
    temperature = clients.temperature[who].astype(np.float32)
    columns: dict[str, Any] = {
        "id": pa.array(_ids(made)),
        "at": _utc(world, made.at),
        "account": _coded(_account_names(world), made.account),
        "prompt": pa.array(written, pa.large_string()),
        "system": _coded(SYSTEMS, system).cast(pa.large_string()),
        "organisation": _coded(_column(world, "organisation"), made.account),
        "conversation": _conversations(world, made.conversation),
        "turn": pa.array(made.turn.astype(np.int32)),
        "model": _coded(MODELS, np.where(made.model >= 0, made.model, clients.model[who])),
        "endpoint": _coded(ENDPOINTS, clients.endpoint[who]),
        "batch": pa.array(made.batch),
        "status": pa.array(status.astype(np.int16)),
        "latency_ms": pa.array(np.round(made.latency_s * 1000.0, 1)),
        "input_tokens": pa.array(sent),
        "output_tokens": pa.array(answered),
        "temperature": pa.array(temperature, mask=np.isnan(temperature)),
        "max_tokens": pa.array(limit, mask=limit < 0),
        "stream": pa.array(clients.stream[who]),
        "ip": _coded(clients.ip, who),
        "user_agent": _coded(AGENTS, clients.agent[who]),
        "tls": _coded(TLS, clients.agent[who]),
    }
    columns |= _asked(world, made, status, clients)
    return pa.table(columns, schema=pa.schema([field for field in EXCHANGE_SCHEMA if field.name in columns]))


def _asked(world: Setting, made: Requests, status: Ints, clients: ClientRows) -> dict[str, Any]:
    """What clients asked for besides the text, how answers ended, and what conversations carry back."""
    who, wants = made.client, asked(world)
    tools, limit, rng = wants.tools[who], clients.max_tokens[who], world.rng("ends")
    said = answers(world, made, status)
    finish = finishes(rng, made, status, limit, clients.endpoint[who], tools)
    cancelled = left(rng, wants, who, clients.stream[who], status)
    wire = wants.family[who]
    return {
        "response": pa.array(said, pa.large_string()),
        "previous": pa.array(carried(made, said), pa.large_string()),
        "finish_reason": _coded(FINISHES, np.where(cancelled, -1, finish)),
        "n": _nullable(wants.n[who]),
        "seed": _nullable(wants.seed[who]).cast(pa.int64()),
        "logprobs": pa.array(wants.logprobs[who]),
        "logit_bias": pa.array(wants.logit_bias[who]),
        "cancelled": pa.array(cancelled),
        "tools": pa.array(tools.astype(np.int32)),
        "response_format": _coded(FORMATS, wants.response_format[who]),
        "ja4h": _coded([family.ja4h for family in FAMILIES], wire),
        "http2": _coded([family.http2 for family in FAMILIES], wire),
        "header_order": _coded([family.header_order for family in FAMILIES], wire),
    }


def _conversations(world: Setting, talk: Ints) -> Any:
    shuffled = world.rng("conversations").permutation(world.cast.conversation_count)
    used, place = np.unique(talk, return_inverse=True)
    names = [None if t < 0 else f"c{shuffled[t]:07d}" for t in used.tolist()]
    return _coded(names, place)


def accounts_table(world: Setting, made: Requests, present: Ints) -> pa.Table:
    """Accounts that sent anything (`present`), by name; dates to the second."""
    held = np.floor(holds(world, made))
    created = np.floor(np.concatenate([rows.created_s for rows in world.cast.accounts]))
    columns: dict[str, Any] = {
        "account": pa.array(_account_names(world)),
        "organisation": pa.array(_column(world, "organisation"), pa.string()),
        "created_at": _utc(world, created),
        "held_at": _utc(world, held),
        "name_pattern": pa.array(patterns(world), pa.string()),
    }
    for name in AccountRows.__dataclass_fields__:
        if name not in ("organisation", "created_s"):
            columns[name] = pa.array(_column(world, name), pa.string())
    table = pa.table(columns, schema=pa.schema([field for field in ACCOUNT_SCHEMA if field.name in columns]))
    return table.take(present).sort_by("account")


def truth_tables(world: Setting, made: Requests, present: Ints) -> Truth:
    """Role and ring of every account that sent anything; harvest, ring and source of every exchange."""
    rings = [ring.name for ring in world.scenario.campaigns]
    counts = [len(rows.organisation) for rows in world.cast.accounts]
    parts = [part for part, count in zip(world.cast.parts, counts, strict=True) for _ in range(count)]
    accounts = pa.table(
        {
            "account": _account_names(world),
            "role": [part.role for part in parts],
            "ring": _coded(rings, np.array([part.ring for part in parts])),
            "organisation": pa.array(_column(world, "organisation"), pa.string()),
            "shape": [part.shape for part in parts],
            "population": [part.population for part in parts],
            "group": _nullable(np.concatenate(world.cast.groups)),
            "harvest_exchanges": pa.array(np.bincount(made.account[made.harvest], minlength=len(parts))),
        }
    )
    exchanges = pa.table(
        {
            "id": _ids(made),
            "harvest": pa.array(made.harvest),
            "ring": _coded(rings, made.ring),
            "corpus": _coded(world.library.names, world.library.corpus[made.content]),
        }
    )
    return Truth(accounts.take(present).sort_by("account"), exchanges)
