"""What the operator declares: read strictly, held until its date, and shown instead of hidden."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from detect.worlds import DAY, dealt_log
from headwater.detect import declarations
from headwater.detect.known import KINDS, load_known
from headwater.errors import ConfigurationError, UnreadableInput


def written(folder: Path, text: str | bytes) -> Path:
    path = folder / "known.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_a_declaration_is_read(tmp_path: Path) -> None:
    (party,) = load_known(
        written(
            tmp_path,
            '[[known]]\nname = "Ada"\nkind = "red team"\naccounts = ["a00001"]\norganisations = ["lab"]\n'
            'until = 2027-01-31\nnote = "quarterly"',
        )
    )
    assert (party.name, party.kind, party.until, party.note) == (
        "Ada",
        "red team",
        date(2027, 1, 31),
        "quarterly",
    )
    assert party.accounts == {"a00001"}
    assert party.organisations == {"lab"}
    assert load_known(written(tmp_path, "")) == ()


@pytest.mark.parametrize(
    "text",
    [
        "[[known]",
        b"\xff\xfe",
        pytest.param("known = " + "[" * 5000, id="deep"),
        pytest.param("known = " + "9" * 5000, id="long"),
        "other = 1",
        "known = 3",
        "known = [3]",
        '[[known]]\nkind = "friend"\naccounts = ["a"]',
        '[[known]]\nkind = "fleet"',
        '[[known]]\nkind = "fleet"\naccounts = "a"',
        '[[known]]\nkind = "fleet"\naccounts = [1]',
        '[[known]]\nkind = "fleet"\naccounts = ["a"]\nuntil = "soon"',
        '[[known]]\nkind = "fleet"\naccounts = ["a"]\nacounts = ["b"]',
    ],
)
def test_what_is_not_understood_is_refused(tmp_path: Path, text: str | bytes) -> None:
    with pytest.raises(ConfigurationError):
        load_known(written(tmp_path, text))


def test_a_missing_file_is_said_to_be_missing(tmp_path: Path) -> None:
    written(tmp_path, "")
    with pytest.raises(UnreadableInput, match=r"knwn\.toml: does not exist") as caught:
        load_known(tmp_path / "knwn.toml")
    assert caught.value.hint == f"did you mean {tmp_path / 'known.toml'}?"
    with pytest.raises(UnreadableInput, match="Is a directory"):
        load_known(tmp_path)


def test_it_holds_through_its_last_day(tmp_path: Path) -> None:
    (party,) = load_known(
        written(tmp_path, '[[known]]\nkind = "fleet"\naccounts = ["a"]\nuntil = 1970-01-03T12:00:00')
    )
    assert party.holds(3 * DAY - 1)
    assert not party.holds(3 * DAY)


@pytest.mark.parametrize("kind", KINDS)
def test_a_declared_ring_has_evidence_against(tmp_path: Path, kind: str) -> None:
    names = ", ".join(f'"a{i:05d}"' for i in range(11))
    known = load_known(written(tmp_path, f'[[known]]\nkind = "{kind}"\naccounts = [{names}]'))
    world = dealt_log(1).world(range(12), range(8, 20))
    party = declarations.declared(world.rings[0], world, known)
    assert party == known[0]  # eleven of twelve are most
    assert declarations.declared(world.rings[1], world, known) is None
    found = declarations.finding(party)
    assert found.raw == -declarations.AGAINST
    assert kind in found.sentence


def test_an_expired_declaration_says_nothing(tmp_path: Path) -> None:
    known = load_known(
        written(tmp_path, '[[known]]\nkind = "fleet"\norganisations = ["org"]\nuntil = 1970-01-02')
    )
    world = dealt_log(1, known={"organisation": ["org"] * 60}).world(range(12))
    assert declarations.declared(world.rings[0], world, known) is None


@pytest.mark.parametrize(
    ("organisations", "against"),
    [(1, True), (2, True), (3, True), (6, False), (12, False)],
)
def test_few_customers_with_many_keys_are_no_hidden_ring(organisations: int, against: bool) -> None:
    known = {"organisation": [f"org {i % organisations}" for i in range(60)]}
    world = dealt_log(1, known=known).world(range(12))
    found = declarations.one_organisation(world.rings[0], world)
    assert (found is not None) == against
    if found is not None:
        assert found.figures["customers"] == pytest.approx(organisations)


def test_unknown_organisations_are_customers_of_their_own() -> None:
    known = {"organisation": ["org" if i < 3 else None for i in range(60)]}
    world = dealt_log(1, known=known).world(range(12))
    assert declarations.one_organisation(world.rings[0], world) is None
    assert len(np.unique(world.customer[:12])) == 10
