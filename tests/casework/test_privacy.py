"""Erasure leaves nothing but commitments and counts, an export holds everything, and time erases by class."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from casework.books import BEGIN, DAY, HOUR, made, pack, proposed
from headwater.casework import AppealState, Casebook
from headwater.casework.log import check_disclosed, verify_log
from headwater.casework.settings import Retention
from headwater.errors import ConflictError, UsageError
from headwater.policy import Rung
from headwater.proof import Trust, VerifierKey


def trust(book: Casebook) -> Trust:
    return Trust((VerifierKey.parse((book.folder / "log.vkey").read_text().strip()),))


def busy(book: Casebook) -> tuple[str, str]:
    """Step and pseudonym of an account on which everything is held: a step, letters, an appeal, entries."""
    proposed(book)
    book.confirm("birch-harvest", "bob", BEGIN + HOUR)
    kept = book.step("birch-00001")
    book.file(kept.id, "We are the class of 1848, Rue Cujas.", "support", BEGIN + 2 * HOUR)
    book.take(kept.id, "carol", BEGIN + 3 * HOUR)
    book.decide(kept.id, AppealState.REVERSED, "carol", "The class was known.", BEGIN + 4 * HOUR)
    return kept.id, kept.step.account


def content(folder: Path) -> bytes:
    """All bytes of the casebook's files."""
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def test_what_is_erased_is_in_no_file_and_the_log_still_verifies(tmp_path: Path) -> None:
    with made(tmp_path / "desk") as book:
        step, pseudonym = busy(book)
        secrets_ = [b"birch-00001", pseudonym.encode(), step.encode(), b"Rue Cujas", b"The class was known."]
        before = content(book.folder)
        assert all(secret in before for secret in secrets_)
        size = book.log.head().size
        erased = book.erase("birch-00001", "dora", "asked for on 3 May", BEGIN + DAY)
        assert erased.counts["steps"] == erased.counts["accounts"] == erased.counts["appeals"] == 1
        after = content(book.folder)
        assert [secret for secret in secrets_ if secret in after] == []
        assert b"birch-00002" in after
        assert book.log.head().size == size + 1
        assert verify_log(book.folder / "log", trust(book)).holds
        # It still counts, and nobody can say for whom.
        assert [(r.ended, r.false) for r in book.outcomes() if r.by == "rule"] == [(1, 1)]
        assert any("commitments" in line for line in erased.stays)
        with pytest.raises(UsageError, match="nothing is held"):
            book.erase("birch-00001", "dora", "again", BEGIN + DAY)


def test_what_is_in_force_or_appealed_holds_an_erasure_back(tmp_path: Path) -> None:
    with made(tmp_path / "desk") as book:
        proposed(book)
        with pytest.raises(ConflictError, match="is proposed"):
            book.erase("birch-00000", "dora", "asked for", BEGIN)
        book.confirm("birch-harvest", "bob", BEGIN + HOUR)
        with pytest.raises(ConflictError, match="is standing"):
            book.erase("birch-00000", "dora", "asked for", BEGIN + HOUR)
        kept = book.step("birch-00000")
        book.file(kept.id, "text", "support", BEGIN + HOUR)
        book.reverse(kept.id, "bob", BEGIN + HOUR, "why")
        with pytest.raises(ConflictError, match="waits"):
            book.erase("birch-00000", "dora", "asked for", BEGIN + HOUR)
        book.erase("birch-00000", "dora", "asked for", BEGIN + HOUR, even_so=True)
        book.erase("birch-00001", "dora", "asked for", BEGIN + HOUR, even_so=True)
        assert book.restrictions("birch-00001", BEGIN + HOUR).rung is Rung.OBSERVE
        assert len(book.steps()) == 1


def test_a_reason_that_names_the_account_is_refused(tmp_path: Path) -> None:
    with made(tmp_path / "desk") as book:
        _, pseudonym = busy(book)
        for reason in ("", "birch-00001 asked for it", f"{pseudonym} asked"):
            with pytest.raises(UsageError) as caught:
                book.erase("birch-00001", "dora", reason, BEGIN + DAY)
            assert "birch-00001" not in str(caught.value)


def test_an_erased_account_that_comes_back_begins_anew(tmp_path: Path) -> None:
    with made(tmp_path / "desk") as book:
        busy(book)
        book.erase("birch-00001", "dora", "asked for", BEGIN + DAY)
        batch = proposed(book, at_us=BEGIN + 2 * DAY)
        (kept,) = batch.steps
        assert kept.basis.facts is not None
        assert (kept.basis.facts.notices, kept.basis.facts.reversals) == (0, 0)


def test_an_export_holds_everything_with_proofs_that_a_stranger_checks(tmp_path: Path) -> None:
    with made(tmp_path / "desk") as book:
        step, pseudonym = busy(book)
        out = tmp_path / "out"
        written, missing = book.export("birch-00001", out, "dora", BEGIN + DAY)
        assert missing == []
        told = json.loads((out / "account.json").read_text())
        assert (told["account"], told["pseudonym"]) == ("birch-00001", pseudonym)
        (one,) = told["steps"]
        assert one["basis"]["decision"]["rule"] == "rule-seventeen"
        assert one["appeals"][0]["text"] == "We are the class of 1848, Rue Cujas."
        assert len(list((out / "notices").iterdir())) == 3
        assert (out / "statements" / f"{step}.json").is_file()
        proofs = sorted((out / "proofs").iterdir())
        kinds = {check_disclosed(folder, trust(book)).record.kind for folder in proofs}
        assert kinds == {"proposal", "decision", "notice", "statement", "appeal", "outcome"}
        assert all("birch-00002" not in path.read_text(errors="replace") for path in written)
        assert oct(os.stat(out).st_mode & 0o077) == "0o0"  # noqa: PTH116
        with pytest.raises(UsageError, match="is not a new folder"):
            book.export("birch-00001", out, "dora", BEGIN + DAY)


def test_an_export_for_the_customer_teaches_nobody_to_stay_below(tmp_path: Path) -> None:
    with made(tmp_path / "desk") as book:
        busy(book)
        out = tmp_path / "out"
        written, _ = book.export("birch-00001", out, "dora", BEGIN + DAY, for_customer=True)
        whole = "".join(path.read_text(errors="replace") for path in written)
        for secret in ("rule-seventeen", "Internal reasoning", "probability", "pack_sha256", "bob"):
            assert secret not in whole
        assert "Rue Cujas" in whole
        assert "The class was known." in whole


def test_the_answer_to_a_pseudonym_is_that_to_its_account(tmp_path: Path) -> None:
    with made(tmp_path / "desk") as book:
        _, pseudonym = busy(book)
        book.export(pseudonym, tmp_path / "out", "dora", BEGIN + DAY)
        assert json.loads((tmp_path / "out" / "account.json").read_text())["account"] == "birch-00001"


def test_each_class_is_kept_its_own_time(tmp_path: Path) -> None:
    keep = Retention(verdicts=40, steps=30, notices=10, statements=20, appeals=50, records=60)
    with made(tmp_path / "desk", retention=keep) as book:
        step, _ = busy(book)
        end = BEGIN + 4 * HOUR
        gone = lambda days: book.tick(end + days * DAY, far=True).erased  # noqa: E731
        assert gone(9) == {}
        assert gone(10)["notices"] == 3
        assert book.step("birch-00001").id == step
        assert "statements" in gone(20)
        assert gone(30)["steps"] == 1
        with pytest.raises(UsageError):
            book.step("birch-00001")
        assert "appeals" in gone(50)
        assert len([1 for r in book.outcomes() if r.by == "rule"]) == 1
        assert gone(63)["records"] > 0
        assert gone(64) == {}
        assert content(book.folder).count(b"birch-0000") == 0
        assert verify_log(book.folder / "log", trust(book)).holds


def test_a_pack_may_ask_for_less_and_nothing_in_force_is_erased_by_time(tmp_path: Path) -> None:
    rules = pack(
        "suspend",
        extra="    for: 300d",
        defaults="  retention: 30d\n  appeal_within: 14d\n  answer_within: 7d",
    )
    with made(tmp_path / "desk", rules) as book:
        proposed(book, accounts=2)
        book.confirm("birch-00000", "bob", BEGIN + HOUR)
        book.decline("birch-00001", "bob", BEGIN + HOUR, "known to us")
        erased = book.tick(BEGIN + 31 * DAY, far=True).erased
        assert (erased["steps"], erased["accounts"]) == (1, 1)
        assert not book.restrictions("birch-00000", BEGIN + 31 * DAY).served
        assert book.notices(book.step("birch-00000").id) != []


def test_an_open_appeal_is_never_erased_by_time(tmp_path: Path) -> None:
    with made(tmp_path / "desk") as book:
        proposed(book, accounts=1)
        book.confirm("birch-harvest", "bob", BEGIN + HOUR)
        kept = book.step("birch-harvest")
        book.file(kept.id, "text", "support", BEGIN + 2 * HOUR)
        book.tick(BEGIN + 4 * DAY)
        assert book.tick(BEGIN + 900 * DAY, far=True).erased.get("steps") is None
        book.take(kept.id, "carol", BEGIN + 900 * DAY)
