"""Whatever is done over the API and with commands, in whatever order: the same rows, history and refusals."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.offices import SETTINGS, office
from headwater.cli import app
from headwater.console import SCOPES, AdminKeys
from headwater.console.application import application
from headwater.control.identity import KINDS, Identity, new_identity, open_identity

BEGIN_US = 1_790_000_000_000_000
SECOND_US = 1_000_000
GROUPS = {"organisation": "org", "link": "account", "verification": "account"}
ACCOUNTS = st.sampled_from(["bot", "a@b.example", "x+y"])
ORGANISATIONS = st.sampled_from(["acme", "umbrella"])
TIERS = st.sampled_from(["anonymous", "verified-contact", "contracted", "root"])
LABELS = st.sampled_from(["", "a", "Möbel & Söhne", "--tier=contracted", "4111 1111 1111 1111"])
PAYMENTS = st.sampled_from(["fp_9aQ2xLr0Vw7TnB4e", "4111111111111111"])
SCOPE_LISTS = st.lists(st.sampled_from(["generate", "embed", "batch", "root"]), min_size=1, max_size=3)
NUMBERS = st.integers(0, 3)


@dataclass
class Store:
    """One of the two stores, and the keys that were made in it, in order."""

    folder: Path
    keys: list[str] = field(default_factory=list)

    def opened(self) -> Identity:
        """It, open."""
        return open_identity(self.folder, SETTINGS)

    def look(self) -> None:
        """Remember which keys there are."""
        with self.opened() as identity:
            made = [one.row for one in identity.history(kinds=("key",), limit=10_000)[::-1]]
        self.keys = list(dict.fromkeys(made))

    def key(self, number: int) -> str:
        """A key's id."""
        return self.keys[number % len(self.keys)] if self.keys else "A" * 14

    def group(self, change: int) -> str:
        """The command whose history a change is in."""
        with self.opened() as identity:
            batch = identity.batch(change)
        return GROUPS.get(batch[0].kind, batch[0].kind) if batch else "account"

    def whole(self) -> Any:
        """All that is in it, with numbers in place of ids that are random."""
        names = {key: f"key-{number}" for number, key in enumerate(self.keys)}
        with self.opened() as identity:
            rows = [msgspec.to_builtins(row) for kind in KINDS for row in identity.all(kind)]
            changes = [one._asdict() for one in identity.history(limit=10_000)]
            messages = [json.loads(one.payload) for one in identity.waiting(10_000)]
        for one in changes:
            for name in ("before", "after"):
                one[name] = json.loads(one[name]) if one[name] else None
        text = json.dumps([changes, [one for one in messages if one["kind"] != "admin-key"]], sort_keys=True)
        for key, name in names.items():
            text = text.replace(key, name)
        kept = json.dumps(sorted(json.dumps(row, sort_keys=True) for row in _plain(rows)))
        for key, name in names.items():
            kept = kept.replace(key, name)
        return sorted(json.loads(kept)), _plain(json.loads(text))


def _plain(value: Any) -> Any:
    """Without what is drawn at random: HMACs, and the peppers under which they are."""
    if isinstance(value, list):
        return list(map(_plain, value))
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items() if name not in ("digest", "pepper")}
    return value


@dataclass(frozen=True)
class Step:
    """One thing that is done: as a command, and as a request. Keys and changes are told by their place."""

    command: tuple[str, ...]
    request: tuple[str, str, Any]
    key: int | None = None
    undoes: int | None = None


@st.composite
def steps(draw: st.DrawFn) -> Step:
    """Any step."""
    return draw(draw(st.sampled_from([organisations(), accounts(), links(), keys(), tiers(), undos()])))


@st.composite
def organisations(draw: st.DrawFn) -> Step:
    """An organisation is made, or changed."""
    name, tier, label = draw(ORGANISATIONS), draw(TIERS), draw(LABELS)
    if draw(st.booleans()):
        command = ("org", "new", name, f"--tier={tier}", f"--label={label}")
        return Step(command, ("POST", "/v1/organisations", {"id": name, "tier": tier, "label": label}))
    state = draw(st.sampled_from(["active", "suspended", "closed"]))
    command = ("org", "change", name, f"--state={state}", f"--tier={tier}")
    return Step(command, ("PATCH", f"/v1/organisations/{name}", {"state": state, "tier": tier}))


@st.composite
def accounts(draw: st.DrawFn) -> Step:
    """An account is made, or changed."""
    name, tier, organisation = draw(ACCOUNTS), draw(TIERS), draw(ORGANISATIONS)
    match draw(st.integers(0, 4)):
        case 0:
            command = ("account", "new", name, f"--tier={tier}")
            return Step(command, ("POST", "/v1/accounts", {"id": name, "tier": tier}))
        case 1:
            command = ("account", "new", name, f"--org={organisation}")
            return Step(command, ("POST", "/v1/accounts", {"id": name, "organisation": organisation}))
        case 2:
            payment = draw(PAYMENTS)
            command = ("account", "change", name, f"--payment={payment}", f"--org={organisation}")
            body: dict[str, Any] = {"payment": payment, "organisation": organisation}
        case 3:
            command = ("account", "change", name, "--no-payment", "--no-org")
            body = {"payment": None, "organisation": None}
        case _:
            label = draw(LABELS)
            command = ("account", "change", name, f"--label={label}", f"--tier={tier}")
            body = {"label": label, "tier": tier}
    return Step(command, ("PATCH", f"/v1/accounts/{name}", body))


@st.composite
def links(draw: st.DrawFn) -> Step:
    """A name elsewhere is linked."""
    account, outside = draw(ACCOUNTS), draw(st.sampled_from(["s-1", "s 2", "\u202e"]))
    if draw(st.booleans()):
        command = ("account", "link", account, "--issuer=https://i", f"--subject={outside}")
        body = {"kind": "token", "issuer": "https://i", "name": outside}
    else:
        command = ("account", "link", account, f"--certificate={outside}")
        body = {"kind": "certificate", "name": outside}
    return Step(command, ("POST", f"/v1/accounts/{account}/links", body))


@st.composite
def keys(draw: st.DrawFn) -> Step:
    """A key is made, changed, rotated or revoked."""
    number, label = draw(NUMBERS), draw(st.sampled_from(["ci", "x y", "prod"]))
    match draw(st.integers(0, 4)):
        case 0 | 1:
            account, scopes = draw(ACCOUNTS), draw(SCOPE_LISTS)
            command = ("key", "new", account, f"--label={label}", *(f"--scope={one}" for one in scopes))
            return Step(command, ("POST", f"/v1/accounts/{account}/keys", {"label": label, "scopes": scopes}))
        case 2:
            network = draw(st.sampled_from(["203.0.113.0/24", "10.0.0.1/8"]))
            command = ("key", "change", "KEY", f"--network={network}", "--asn=64500", "--expires=never")
            body: dict[str, Any] = {"networks": [network], "asns": [64500], "expires_us": None}
            return Step(command, ("PATCH", "/v1/keys/KEY", body), key=number)
        case 3:
            hours = draw(st.integers(1, 3))
            command = ("key", "rotate", "KEY", f"--overlap={hours}h")
            return Step(command, ("POST", "/v1/keys/KEY/rotate", {"overlap_s": 3600 * hours}), key=number)
    return Step(("key", "revoke", "KEY"), ("POST", "/v1/keys/KEY/revoke", {}), key=number)


@st.composite
def tiers(draw: st.DrawFn) -> Step:
    """A tier is changed."""
    name = draw(TIERS)
    entry, shown, value = draw(
        st.sampled_from(
            [
                ("requests_per_day", "7", 7),
                ("tokens_per_day", "unlimited", None),
                ("batch", "true", True),
                ("logprobs", "7", 7),
                ("nothing", "7", 7),
            ]
        )
    )
    return Step(("tier", "change", name, f"{entry}={shown}"), ("PATCH", f"/v1/tiers/{name}", {entry: value}))


@st.composite
def undos(draw: st.DrawFn) -> Step:
    """A change is undone, maybe one that was undone before."""
    change = draw(st.integers(1, 12))
    return Step(("GROUP", "undo", str(change)), ("POST", f"/v1/changes/{change}/undo", {}), undoes=change)


def commanded(store: Store, step: Step) -> bool:
    """Do a step as a command; whether it was done."""
    group = store.group(step.undoes) if step.undoes else step.command[0]
    key = store.key(step.key) if step.key is not None else ""
    arguments = [key if one == "KEY" else one for one in (group, *step.command[1:])]
    arguments += ["--identity", str(store.folder), "--by", "ann", "--reason", "because"]
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        return app.run(arguments) == 0


def requested(store: Store, step: Step, framework: Any, token: str) -> bool:
    """Do a step as a request; whether it was done."""
    method, path, body = step.request
    if step.key is not None:
        path = path.replace("KEY", store.key(step.key))
    status, answer = asyncio.run(_asked(framework, method, path, {**body, "reason": "because"}, token))
    assert status < 500, answer
    return status < 400


async def _asked(framework: Any, method: str, path: str, body: Any, token: str) -> tuple[int, bytes]:
    scope = {
        "type": "http", "method": method, "path": path, "raw_path": path.encode(), "query_string": b"",
        "root_path": "", "scheme": "http", "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 2),
        "headers": [
            (b"host", b"localhost"), (b"authorization", f"Bearer {token}".encode()),
            (b"content-type", b"application/json"),
        ],
    }  # fmt: skip
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": json.dumps(body).encode(), "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    await framework(scope, receive, send)
    return sent[0]["status"], sent[1]["body"]


@pytest.mark.slow
@settings(max_examples=40)
@given(st.lists(steps(), min_size=1, max_size=14))
def test_the_api_and_the_commands_make_the_same_store(sequence: list[Step]) -> None:
    with tempfile.TemporaryDirectory() as scratch, patch("time.time_ns") as clock:
        clock.return_value = BEGIN_US * 1000
        by_command, by_request = (Store(Path(scratch) / name) for name in ("commands", "requests"))
        for one in (by_command, by_request):
            new_identity(one.folder, SETTINGS)
        shared = office(by_request.folder)
        with shared.store() as opened:
            _, token = AdminKeys(opened, shared.peppers).new("ann", SCOPES, "t", BEGIN_US)
        for number, step in enumerate(sequence):
            clock.return_value = (BEGIN_US + (number + 1) * SECOND_US) * 1000
            framework = application(shared, lambda _: None)
            done = commanded(by_command, step), requested(by_request, step, framework, token)
            assert done[0] == done[1], step
            by_command.look()
            by_request.look()
        a, b = by_command.whole(), by_request.whole()
        assert a == b, f"{a}\n{b}"


def test_the_sequences_do_something() -> None:
    """What is compared isn't two empty stores: of a fixed sequence every step is done."""
    sequence = [
        Step(("org", "new", "acme"), ("POST", "/v1/organisations", {"id": "acme"})),
        Step(
            ("account", "new", "bot", "--org=acme"),
            ("POST", "/v1/accounts", {"id": "bot", "organisation": "acme"}),
        ),
        Step(("key", "new", "bot", "--label=ci"), ("POST", "/v1/accounts/bot/keys", {"label": "ci"})),
        Step(("key", "rotate", "KEY"), ("POST", "/v1/keys/KEY/rotate", {}), key=0),
        Step(("GROUP", "undo", "4"), ("POST", "/v1/changes/4/undo", {}), undoes=4),
    ]
    test_the_api_and_the_commands_make_the_same_store.hypothesis.inner_test(sequence)
    assert time.time_ns() // 1000 > BEGIN_US
