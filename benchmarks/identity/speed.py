"""Microseconds that it takes to say who asks, beside the HMAC alone and beside what others check a bearer with.

All in one process and one run, in turns, so that a busy machine slows all of them alike: compare ratios. The peers are
joserfc's check of a token (HS256: the cheapest signature that it has; its claims are read, not judged) and
itsdangerous' check of a signed value. `refresh` is what a relay pays to ask whether anything has changed.

    python benchmarks/identity/speed.py --date 2026-01-31 [--accounts 100000] [--out FILE]
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from itsdangerous import Signer
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OctKey

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import record
from headwater.control.identity import (
    Authenticator,
    Credential,
    Directory,
    Identity,
    IdentitySettings,
    Issuer,
    Issuers,
    Principal,
    Refused,
    Sources,
    new_identity,
    open_identity,
)

BAR_US = 3.0
ROUNDS = 9
CALLS = 20_000
ISSUER = "https://login.example.com"


def microseconds(call: Callable[[], object], calls: int) -> float:
    """Microseconds of processor time a call."""
    began = time.process_time_ns()
    for _ in range(calls):
        call()
    return (time.process_time_ns() - began) / calls / 1000


def filled(identity: Identity, accounts: int) -> list[str]:
    """Accounts with a key each; the texts of the keys."""
    texts = []
    for at in range(accounts):
        identity.new_account(f"account-{at:07}", "ann", at + 1, tier="verified-payment")
        texts.append(identity.new_key(f"account-{at:07}", "ann", at + 1).text)
    return texts


def questions(
    identity: Identity, directory: Directory, text: str
) -> dict[str, tuple[Callable[[], object], int]]:
    """What is measured: a call, and how often."""
    now_s = int(time.time())
    now = now_s * 1_000_000
    settings = identity.settings
    key, shared = ECKey.generate_key("P-256", {"kid": "e1"}), OctKey.generate_key(256)
    said = {"iss": ISSUER, "sub": "user-1", "aud": "headwater", "iat": now_s, "exp": now_s + 3600}
    token = jwt.encode({"alg": "ES256", "kid": "e1"}, said, key).encode()
    issuers = (Issuer(issuer=ISSUER, audiences=("headwater",)),)
    keys = {ISSUER: json.dumps(KeySet([key]).as_dict(private=False)).encode()}
    identity.link("account-0000000", "token", ISSUER, "user-1", "ann", now)
    identity.refresh(directory)
    door = Authenticator(directory, settings, Issuers(issuers, keys))
    bare, sources = Sources(), Sources(("10.0.0.0/8",))
    home = bare.of("203.0.113.9")
    peer_token, signer = (
        jwt.encode({"alg": "HS256"}, said, shared),
        Signer(shared.raw_value, digest_method=hashlib.sha256),
    )
    signed, pepper, secret = signer.sign(text), os.urandom(32), text.split("_")[3].encode()
    wrong = Credential(text[:-9].encode()[:-1] + b"!" + text[-9:].encode())
    shown, bearer = Credential(text.encode()), Credential(token)
    assert isinstance(door.authenticate(shown, home, now), Principal)
    assert isinstance(door.authenticate(bearer, home, now), Principal)
    assert isinstance(door.authenticate(wrong, home, now), Refused)
    return {
        "an API key": (lambda: door.authenticate(shown, home, now), CALLS),
        "an API key that is wrong": (lambda: door.authenticate(wrong, home, now), CALLS),
        "a token (ES256) seen before": (lambda: door.authenticate(bearer, home, now), CALLS),
        "a token (ES256) for the first time": (lambda: Issuers(issuers, keys).check(token, now), 100),
        "the source behind a proxy, seen before": (lambda: sources.of("10.0.0.1", "198.51.100.7"), CALLS),
        "the source behind a proxy, new": (lambda: Sources().of("198.51.100.7"), CALLS // 4),
        "refresh where nothing changed": (lambda: identity.refresh(directory), 500),
        "hmac.digest alone": (lambda: hmac.digest(pepper, secret, "sha256"), CALLS),
        "joserfc, HS256": (lambda: jwt.decode(peer_token, shared), 1000),
        "itsdangerous, a signed value": (lambda: signer.unsign(signed), CALLS // 4),
    }


def memory(folder: Path) -> dict[str, float]:
    """Seconds to load a snapshot in a process of its own, and the memory that it takes."""
    program = (
        "import resource, sys, time; from pathlib import Path\n"
        "from headwater.control.identity import IdentitySettings, open_identity\n"
        "size = lambda: int(Path('/proc/self/statm').read_text().split()[1]) * resource.getpagesize() / 1e6\n"
        "before, began = size(), time.perf_counter()\n"
        "held = open_identity(Path(sys.argv[1]), IdentitySettings()).directory()\n"
        "print(time.perf_counter() - began, size() - before)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(folder)], capture_output=True, text=True, check=True
    )
    seconds, megabytes = map(float, done.stdout.split())
    return {"seconds to load": round(seconds, 2), "MB": round(megabytes, 1)}


def main() -> int:
    """Measure and print."""
    parser = record.options(__doc__)
    parser.add_argument("--accounts", type=int, default=10_000)
    asked = parser.parse_args()
    load = os.getloadavg()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "identity"
        new_identity(folder, IdentitySettings())
        with open_identity(folder, IdentitySettings()) as identity:
            texts = filled(identity, asked.accounts)
            calls = questions(identity, identity.directory(), texts[0])
            rounds: dict[str, list[float]] = {name: [] for name in calls}
            for _ in range(ROUNDS):
                for name, (call, count) in calls.items():
                    rounds[name].append(microseconds(call, count))
        snapshot = memory(folder)
    found = {name: round(statistics.median(times), 2) for name, times in rounds.items()}
    ours = found["an API key"]
    result: dict[str, Any] = {
        "date": asked.date,
        "revision": asked.revision,
        "machine": f"{platform.system()} {platform.machine()}, one core of {os.cpu_count()}",
        "load": [round(x, 2) for x in load],
        "bar": {"an API key": BAR_US},
        "unit": "µs of processor time a call, median of rounds",
        "calls": found,
        "an API key, times": {
            "hmac.digest alone": round(ours / found["hmac.digest alone"], 2),
            "joserfc, HS256": round(ours / found["joserfc, HS256"], 3),
            "itsdangerous, a signed value": round(ours / found["itsdangerous, a signed value"], 3),
        },
        "a snapshot": {"accounts with a key": asked.accounts, **snapshot},
    }
    record.keep(result, asked)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
