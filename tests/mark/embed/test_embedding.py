"""The keyring's table [embed]: who gets which mark, and what is refused."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from headwater.errors import ConfigurationError, UsageError
from headwater.mark.embed import Embedding, Rule, embedding, load_embedding, rule_of
from headwater.mark.keyring import load_keyring
from headwater.mark.own import LayeredTilt, account_key, coin_of
from headwater.mark.scheme import MarkKey

MASTER = random.Random(3).getrandbits(128) | 1 << 127
PAIR = (MASTER >> 64, MASTER & (2**64 - 1))
RING = f"""
[[tokenizer]]
name = "model"
file = "not-on-this-machine.json"

[[mark]]
name = "plain"
scheme = "headwater-gumbel"
tokenizer = "model"
keys = [1234567, 7654321]
from = 2026-01-01

[[mark]]
name = "old"
scheme = "headwater-gumbel"
tokenizer = "model"
keys = [3, 4]
until = 2026-03-01
revoked = true

[[mark]]
name = "master"
scheme = "headwater-layered-tilt"
layer = "master"
tokenizer = "model"
key = {MASTER:#x}

[[mark]]
name = "engine"
scheme = "vllm-gumbel"
tokenizer = "model"
key = 5

[[accounts]]
name = "flagged"
scheme = "headwater-layered-tilt"
tokenizer = "model"
epoch = ["2026-q3", "2026-q4"]
file = "accounts-not-here.txt"
key = {MASTER:#x}
"""
EMBED = '[embed]\ndefault = "plain"\nflagged = "flagged"\n'


@dataclass
class Asked:
    """What a ticket says."""

    account: str = "acct-7"
    layer: str = "flagged"
    epoch: str = ""


def ring(path: Path, embed: str, text: str = RING) -> Path:
    file = path / "keys.toml"
    file.write_text(f"{text}\n{embed}")
    file.chmod(0o600)
    return file


def loaded(path: Path, embed: str = EMBED, text: str = RING, day: date = date(2026, 10, 1)) -> Embedding:
    return load_embedding(ring(path, embed, text), {}, day=day)


def test_who_gets_which_rule(tmp_path: Path) -> None:
    found = loaded(tmp_path)
    plain = Rule("gumbel", 4, (1234567, 7654321))
    assert found.rule() == plain
    assert found.rule(Asked(layer="default")) == plain
    assert found.rule(Asked(layer="none")) is None
    scheme = LayeredTilt(coin=coin_of(MarkKey("m", PAIR)))
    key = account_key(MarkKey("m", PAIR), "acct-7", "2026-q4", scheme=scheme.name)
    flagged = found.rule(Asked())
    assert flagged == rule_of(scheme, key, MarkKey("m", PAIR))
    assert found.rule(Asked(epoch="2026-q3")) != flagged
    assert found.rule(Asked(account="nobody has listed this one")) != flagged
    assert found.ticket_file is None


def test_an_account_is_read_by_the_key_it_was_written_with(tmp_path: Path) -> None:
    (tmp_path / "accounts-not-here.txt").write_text("acct-7\n")
    text = RING.replace('file = "not-on-this-machine.json"', 'kind = "ids"')
    accounts = load_keyring(ring(tmp_path, EMBED, text), {}).accounts[0]
    rule = loaded(tmp_path, text=text).rule(Asked())
    assert rule is not None
    assert rule == rule_of(accounts.scheme, accounts.keys("2026-q4")[0], MarkKey("m", PAIR))


def test_settings_of_the_table(tmp_path: Path) -> None:
    found = loaded(tmp_path, f'{EMBED}epoch = "2026-q3"\nunsigned = "refuse"\nticket_file = "tickets.key"\n')
    assert found.ticket_file == tmp_path / "tickets.key"
    assert found.rule(Asked()) == found.rule(Asked(epoch="2026-q3"))
    with pytest.raises(UsageError, match="no ticket"):
        found.rule()
    flagged_only = loaded(tmp_path, '[embed]\nflagged = "flagged"\n')
    assert flagged_only.rule() is None
    assert flagged_only.rule(Asked()) is not None
    default_only = loaded(tmp_path, '[embed]\ndefault = "plain"\n')
    with pytest.raises(UsageError, match="no accounts"):
        default_only.rule(Asked())
    with pytest.raises(UsageError, match="epoch"):
        found.rule(Asked(epoch="1999"))
    with pytest.raises(UsageError, match="layer"):
        found.rule(Asked(layer="other"))


def test_without_the_masters_mark_its_contexts_stay_unmarked(tmp_path: Path) -> None:
    rule = loaded(tmp_path, text=RING.replace('layer = "master"', 'layer = "master"\nrevoked = true')).rule(
        Asked()
    )
    assert rule is not None
    assert rule.master is None
    assert rule.coin == coin_of(MarkKey("m", PAIR))


@pytest.mark.parametrize(
    ("embed", "named"),
    [
        ("", None),
        ("[embed]\n", "embed.default"),
        ('[embed]\ndefault = "nobody"\n', "embed.default"),
        ('[embed]\ndefault = "old"\n', "embed.default"),
        ('[embed]\ndefault = "engine"\n', "embed.default"),
        ('[embed]\ndefault = "plain"\nflagged = "plain"\n', "embed.flagged"),
        (f'{EMBED}epoch = "2020"\n', "embed.epoch"),
        ('[embed]\ndefault = "plain"\nepoch = "2026-q4"\n', "embed.epoch"),
        (f'{EMBED}unsigned = "maybe"\n', "embed.unsigned"),
        (f'{EMBED}unsigned = "refuse"\n', "embed.ticket_file"),
        (f"{EMBED}share = 1\n", "embed.share"),
        ('[[embed]]\ndefault = "plain"\n', "embed"),
    ],
)
def test_what_cannot_be_written_is_said_by_its_place(tmp_path: Path, embed: str, named: str | None) -> None:
    with pytest.raises(ConfigurationError) as refused:
        loaded(tmp_path, embed)
    assert refused.value.where.field == named
    assert refused.value.where.file == str(tmp_path / "keys.toml")
    assert "1234567" not in str(refused.value) + str(refused.value.hint)


def test_what_is_revoked_or_not_in_use_is_never_written(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="isn't used on 2025-12-31"):
        loaded(tmp_path, day=date(2025, 12, 31))
    revoked = RING.replace("epoch = [", "revoked = true\nepoch = [")
    with pytest.raises(ConfigurationError, match="revoked") as refused:
        loaded(tmp_path, text=revoked)
    assert refused.value.where.field == "embed.flagged"
    (tmp_path / "accounts-not-here.txt").write_text("acct-7\n")
    readable = revoked.replace('file = "not-on-this-machine.json"', 'kind = "ids"')
    keyring = load_keyring(ring(tmp_path, EMBED, readable), {})  # reading goes on
    with pytest.raises(ConfigurationError, match="revoked"):
        embedding(keyring)


def test_keys_of_many_accounts_are_derived_when_they_are_asked_for(tmp_path: Path) -> None:
    found = loaded(tmp_path)
    first = found.rule(Asked())
    assert found.rule(Asked()) is first
    assert len({found.rule(Asked(account=f"a{number}")) for number in range(5000)}) == 5000
    assert found.rule(Asked()) == first


def test_nothing_shows_a_key(tmp_path: Path) -> None:
    found = loaded(tmp_path)
    shown = f"{found!r} {found.rule()!r} {found.rule(Asked())!r} {vars(found)!r}"
    assert "1234567" not in shown
    assert not any(str(number) in shown for number in (*PAIR, MASTER, *coin_of(MarkKey("m", PAIR))))
