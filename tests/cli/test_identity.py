"""`headwater account|org|key|tier`: a secret is shown once, every change can be undone, errors teach."""

from __future__ import annotations

import io
import json
import re
import stat
from pathlib import Path
from typing import Any, Protocol

import pytest

from headwater.cli import app

IDENTITY = "identity"


class Call(Protocol):
    """Runs a command and gives its exit code, stdout and stderr."""

    def __call__(self, *arguments: str, given: str = "") -> tuple[int, str, str]: ...


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    monkeypatch.chdir(tmp_path)
    for name in ("account", "org", "key", "tier"):
        monkeypatch.setitem(app.COMMANDS, name, "")
    monkeypatch.delenv("HEADWATER_PERSON", raising=False)
    monkeypatch.delenv("HEADWATER_IDENTITY", raising=False)

    def call(*arguments: str, given: str = "") -> tuple[int, str, str]:
        monkeypatch.setattr("sys.stdin", io.StringIO(given))
        code = app.run(list(arguments))
        shown = capsys.readouterr()
        return code, shown.out, shown.err

    assert call("account", "init", IDENTITY)[0] == 0
    monkeypatch.setenv("HEADWATER_IDENTITY", IDENTITY)
    monkeypatch.setenv("HEADWATER_PERSON", "ann")
    assert call("account", "new", "bot")[0] == 0
    return call


def made(call: Call, *arguments: str) -> dict[str, Any]:
    code, out, _ = call("key", "new", "bot", "--json", *arguments)
    assert code == 0
    found: dict[str, Any] = json.loads(out)
    return found


def test_a_key_is_printed_once_and_alone(call: Call, tmp_path: Path) -> None:
    code, out, err = call("key", "new", "bot", "--label", "ci")
    assert code == 0
    key = out.strip()
    assert re.fullmatch(call("key", "pattern")[1].strip(), key)
    secret = key.split("_")[3]
    assert secret not in err
    for arguments in (("list",), ("show", "bot/ci"), ("history",), ("list", "--json"), ("history", "--json")):
        _, out, err = call("key", *arguments)
        assert secret not in out + err
    assert key.split("_")[2] in out
    for path in (tmp_path / IDENTITY).iterdir():
        assert secret.encode() not in path.read_bytes()


def test_the_folder_is_its_owners_alone(call: Call, tmp_path: Path) -> None:
    for name in ("identity.sqlite", "pepper.key"):
        assert stat.S_IMODE((tmp_path / IDENTITY / name).stat().st_mode) == 0o600


def test_whose_a_key_is_that_was_found(call: Call) -> None:
    key = made(call)["api_key"]
    code, out, _ = call("key", "check", given=f"{key}\n")
    assert (code, "account      bot" in out) == (0, True)
    call("key", "revoke", key.split("_")[2])
    code, out, _ = call("key", "check", given=key)
    assert (code, "revoked on" in out) == (1, True)
    other = made(call)["api_key"]
    code, out, err = call("key", "check", given=other[:-1])
    assert (code, out) == (2, "")
    assert other.split("_")[3] not in err
    code, out, err = call("key", "check", given="x" * 1_000_000)
    assert (code, out) == (2, "")


def test_a_whole_key_given_as_a_name_is_not_repeated(call: Call) -> None:
    key = made(call)["api_key"]
    code, out, err = call("key", "show", key)
    assert (code, out) == (2, "")
    assert "Never give the whole key here" in err
    assert key not in err


def test_what_json_says_of_a_key(call: Call) -> None:
    found = made(call, "--scope", "generate", "--asn", "64500", "--expires", "2d")
    assert found["scopes"] == ["generate"]
    assert found["asns"] == [64500]
    assert found["expires_us"] - found["created_us"] == 2 * 86_400_000_000
    assert "digest" not in found
    _, out, _ = call("key", "list", "--json")
    (listed,) = json.loads(out)
    assert (listed["id"], listed["good"], listed["used_us"]) == (found["id"], True, None)
    assert "api_key" not in listed


@pytest.mark.parametrize(
    ("make", "change", "show"),
    [
        ((), ("account", "change", "bot", "--tier", "verified-payment"), ("account", "show", "bot")),
        ((), ("account", "change", "bot", "--payment", "fp_9aQ2xLr0Vw7TnB4e"), ("account", "show", "bot")),
        ((), ("account", "link", "bot", "--certificate", "DNS:bot.example.com"), ("account", "show", "bot")),
        (
            ("account", "link", "bot", "--issuer", "https://i", "--subject", "s"),
            ("account", "unlink", "bot", "--issuer", "https://i", "--subject", "s"),
            ("account", "show", "bot"),
        ),
        (
            ("org", "new", "acme"),
            ("org", "change", "acme", "--tier", "contracted", "--label", "Acme"),
            ("org", "show", "acme"),
        ),
        (("org", "new", "acme"), ("account", "change", "bot", "--org", "acme"), ("account", "show", "bot")),
        (
            ("key", "new", "bot", "--label", "ci", "--network", "203.0.113.0/24"),
            ("key", "change", "bot/ci", "--anywhere", "--scope", "embed", "--expires", "1d"),
            ("key", "show", "bot/ci"),
        ),
        (("key", "new", "bot", "--label", "ci"), ("key", "revoke", "bot/ci"), ("key", "show", "bot/ci")),
        (("key", "new", "bot", "--label", "ci"), ("key", "rotate", "bot/ci"), ("key", "list", "--json")),
        (
            (),
            ("tier", "change", "contracted", "requests_per_day=1_000", "batch=false"),
            ("tier", "list", "--json"),
        ),
    ],
)
def test_every_change_can_be_undone(
    call: Call, make: tuple[str, ...], change: tuple[str, ...], show: tuple[str, ...]
) -> None:
    if make:
        assert call(*make)[0] == 0
    before = call(*show, *(() if "--json" in show else ("--json",)))
    assert before[0] == 0
    code, out, err = call(*change)
    assert code == 0, err
    after = call(*show, *(() if "--json" in show else ("--json",)))
    assert after != before
    number = re.search(r"\(change (\d+)\)", out + err)
    assert number
    assert call(change[0], "undo", number[1])[0] == 0
    assert call(*show, *(() if "--json" in show else ("--json",))) == before


def test_a_group_undoes_its_own_changes_only(call: Call) -> None:
    code, _, err = call("tier", "undo", "1")
    assert (code, "there is no change 1 of this kind" in err) == (2, True)


def test_who_acts_must_be_said(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HEADWATER_PERSON")
    for arguments in (
        ("account", "new", "x"),
        ("account", "undo", "1"),
        ("org", "new", "x"),
        ("key", "new", "bot"),
        ("tier", "change", "contracted", "batch=false"),
    ):
        code, out, err = call(*arguments)
        assert (code, out) == (2, "")
        assert err == "error: say who acts\nhint: --by NAME, or HEADWATER_PERSON\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("account", "change", "bot"), "say what to change"),
        (("account", "link", "bot", "--subject", "s"), "say which name"),
        (("account", "forget", "bot"), "can't be brought back"),
        (("key", "new", "bot", "--expires", "soon"), "not a span of time"),
        (("key", "new", "bot", "--env", "moon"), "there is no such environment"),
        (("key", "new", "nobody"), "there is no such account"),
        (("key", "show", "bot/none"), "no key with this label"),
        (("tier", "show", "gold"), "there is no such tier"),
        (("tier", "change", "contracted", "batch"), "not ENTRY=VALUE"),
        (("tier", "change", "contracted", "bach=true"), "did you mean batch?"),
        (("tier", "adopt", "none.toml"), "does not exist"),
        (("account", "init", IDENTITY), "exists already"),
        (("account", "list", "--identity", "elsewhere"), "is no identity store"),
    ],
)
def test_errors_teach(call: Call, arguments: tuple[str, ...], said: str) -> None:
    code, _, err = call(*arguments)
    assert code == 2
    assert said in err
    assert "hint: " in err


def test_forgetting_is_for_ever(call: Call) -> None:
    call("key", "new", "bot")
    assert call("account", "forget", "bot", "--no-undo")[0] == 0
    assert json.loads(call("account", "list", "--json")[1]) == []
    assert json.loads(call("key", "list", "--all", "--json")[1]) == []
    assert call("account", "undo", "1")[0] == 2


def test_a_setting_that_is_wrong_names_its_place(call: Call, tmp_path: Path) -> None:
    file = tmp_path / IDENTITY / "identity.toml"
    file.write_text(
        'prefix = "hw"\n[[issuers]]\nissuer = "https://i"\naudiences = ["a"]\nalgorithms = ["none"]\n'
    )
    code, _, err = call("account", "list")
    assert code == 2
    assert "identity.toml, field issuers.algorithms: no such algorithm" in err


def test_what_the_shown_tier_says_can_be_adopted(call: Call, tmp_path: Path) -> None:
    _, out, _ = call("tier", "show", "contracted")
    (tmp_path / "own.toml").write_text(out)
    assert call("tier", "adopt", "own.toml")[1] == "in force: nothing is different\n"


def test_a_new_pepper_serves_new_keys(call: Call, tmp_path: Path) -> None:
    old = made(call)
    code, out, _ = call("key", "pepper")
    assert (code, out) == (0, "made identity/pepper-2.key\n")
    new = made(call)
    assert new["pepper"] != old["pepper"]
    for key in (old, new):
        assert call("key", "check", given=key["api_key"])[0] == 0
    (tmp_path / IDENTITY / "pepper.key").unlink()
    assert call("key", "check", given=old["api_key"])[0] == 1
    assert call("key", "check", given=new["api_key"])[0] == 0
