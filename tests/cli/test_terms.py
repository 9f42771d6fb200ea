"""Names that the registry of terms doesn't have are told, with the nearest one; silence would read as "no clause"."""

from __future__ import annotations

import pytest

from headwater.cli.app import run


@pytest.mark.parametrize(
    ("option", "given", "told", "near"),
    [
        ("--product", "chatgp", "no product 'chatgp'", "chatgpt"),
        ("--authorised", "opnai", "no provider 'opnai'", "openai"),
        ("--provider", "antropic", "no such provider", "anthropic"),
    ],
)
def test_a_name_that_is_not_known(
    option: str, given: str, told: str, near: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(["terms", "check", "--model", "gpt-4", option, given]) == 2
    said = capfd.readouterr().err
    assert told in said
    assert f"did you mean {near}" in said
