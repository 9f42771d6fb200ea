"""The policy in force changes whole or not at all, and a fault leaves the last good one."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from headwater.errors import ConfigurationError, UnreadableInput
from headwater.policy import PolicyInForce, Rung, install
from policy.making import STRONG

ONE = b'name: one\nrules: [{id: a, rung: notice, when: "true", reason: r}]\n'
TWO = b'name: two\nrules: [{id: b, rung: ban, when: "true", reason: r}]\n'


def test_another_pack_takes_its_place(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    install(ONE, path)
    policy = PolicyInForce(path)
    assert policy.decide(STRONG).rung is Rung.NOTICE
    decider = policy.decider
    assert policy.reload() is None
    assert policy.decider is decider, "the same bytes keep what was remembered"
    install(TWO, path)
    assert policy.decide(STRONG).rung is Rung.NOTICE, "until it is told"
    assert policy.reload() is None
    assert (policy.decide(STRONG).rung, policy.pack.name) == (Rung.BAN, "two")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"name: [",
        TWO.replace(b"ban", b"baan"),
        b"#" * 70_000,
        b"\xff\xfe",
        TWO.replace(b'"true"', b"probability"),
    ],
    ids=["empty", "torn", "misspelt", "large", "no text", "no answer"],
)
def test_a_pack_with_a_fault_never_loads_and_the_old_one_stays(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_bytes(ONE)
    policy = PolicyInForce(path)
    path.write_bytes(data)
    error = policy.reload()
    assert isinstance(error, ConfigurationError)
    assert error.where.file == str(path)
    assert policy.pack.name == "one"
    assert policy.decide(STRONG).rung is Rung.NOTICE
    with pytest.raises(ConfigurationError):
        install(data, path)
    path.write_bytes(TWO)
    assert policy.reload() is None
    assert policy.pack.name == "two"


def test_a_file_that_has_gone_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_bytes(ONE)
    policy = PolicyInForce(path)
    path.unlink()
    assert isinstance(policy.reload(), UnreadableInput)
    assert policy.decide(STRONG).pack == "one"
    with pytest.raises(UnreadableInput):
        PolicyInForce(path)


def test_installing_leaves_what_is_there_where_the_new_one_has_a_fault(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    install(ONE, path)
    with pytest.raises(ConfigurationError, match="there is no such rung") as caught:
        install(TWO.replace(b"ban", b"baan"), path)
    assert caught.value.where.file == str(path)
    assert path.read_bytes() == ONE
    assert [each.name for each in tmp_path.iterdir()] == ["policy.yaml"]


def test_a_decision_is_made_by_one_pack_while_they_change(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    install(ONE, path)
    policy = PolicyInForce(path)
    strange: list[object] = []
    done = threading.Event()

    def decide() -> None:
        while not done.is_set():
            decision = policy.decide(STRONG)
            if (decision.pack, decision.rung) not in {("one", Rung.NOTICE), ("two", Rung.BAN)}:
                strange.append(decision)

    threads = [threading.Thread(target=decide) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for at in range(40):
            install(TWO if at % 2 else ONE, path)
            assert policy.reload() is None
    finally:
        done.set()
        for thread in threads:
            thread.join()
    assert strange == []


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UnreadableInput, match="cannot be written") as caught:
        install(ONE, tmp_path / "file" / "policy.yaml")
    assert caught.value.hint
