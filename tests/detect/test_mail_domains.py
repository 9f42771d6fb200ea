"""The operator's mail domains are read strictly; the list that comes along is what it says."""

from __future__ import annotations

from pathlib import Path

import pytest

from headwater.detect.mail_domains import bundled, kind_of, load_domains, plain
from headwater.errors import ConfigurationError, UnreadableInput


def written(folder: Path, text: str) -> Path:
    path = folder / "domains.csv"
    path.write_text(text)
    return path


def test_a_table_is_read(tmp_path: Path) -> None:
    own = load_domains(
        written(tmp_path, "domain,kind\nBurn.Example.,disposable\nburn.example,disposable\nx.org,ordinary")
    )
    assert own.kind == {"burn.example": "disposable", "x.org": "ordinary"}
    assert not load_domains(written(tmp_path, "domain,kind\n"))


@pytest.mark.parametrize(
    ("row", "field"),
    [
        ("a@b.example,disposable", "domain"),
        (",disposable", "domain"),
        ("a b,disposable", "domain"),
        ("c.example,bad", "kind"),
        ("b.example,ordinary", "domain"),
    ],
)
def test_what_is_not_understood_is_refused(tmp_path: Path, row: str, field: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_domains(written(tmp_path, f"domain,kind\nb.example,disposable\n{row}"))
    assert (caught.value.where.row, caught.value.where.field) == (3, field)
    with pytest.raises(UnreadableInput):
        load_domains(tmp_path / "no.csv")


def test_the_list_holds_domains_as_they_are_compared() -> None:
    assert len(bundled()) > 50
    assert all(plain(domain) == domain and "." in domain for domain in bundled())


@pytest.mark.parametrize(
    "forwards", ["privaterelay.appleid.com", "mozmail.com", "duck.com", "gmail.com", "qq.com"]
)
def test_it_holds_no_ordinary_provider_and_no_forwarding(forwards: str) -> None:
    assert kind_of([forwards]).tolist() == [None]
