"""A journal becomes Parquet: the rows that went in, each once, with their answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import headwater
from exchange.journal.journals import AT, SMALL, ended, filled, journal, only, request
from headwater.errors import ConfigurationError, ConflictError, HeadwaterError, UnreadableInput, UsageError
from headwater.exchange import EXCHANGE_SCHEMA, SetAside
from headwater.exchange import read as read_log
from headwater.exchange.journal import (
    Accepted,
    Gap,
    Journal,
    JournalSettings,
    Outcome,
    Position,
    Rotated,
    RotationSettings,
    follow,
    journal_files,
    relays,
    rotate,
)
from headwater.exchange.journal.folder import RotationLock
from headwater.explain import dumps
from headwater.imprint import imprint
from headwater.investigation import Settings
from headwater.keys import DEMO_KEY

SAMPLE = Path(__file__).parents[3] / "examples" / "sample"
DAY = 86_400_000_000


def rows(out: Path) -> list[dict[str, Any]]:
    """Every row that an investigation would read, in order of id."""
    aside = SetAside()
    found = [row for batch in read_log([out], aside=aside) for row in batch.to_pylist()]
    assert aside.total == 0, aside.reasons
    return sorted(found, key=lambda row: row["id"])


def names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def as_records(row: dict[str, Any]) -> tuple[Accepted, Outcome]:
    """A row of a log as a relay would have recorded it."""
    us = round(row["at"].timestamp() * 1_000_000)
    given = {name: value for name, value in row.items() if value is not None and name != "at"}
    request = {name: value for name, value in given.items() if name in Accepted.__struct_fields__}
    answer = {name: value for name, value in given.items() if name in Outcome.__struct_fields__}
    return Accepted(at_us=us, **request), Outcome(at_us=us + 1, **answer)


@pytest.fixture(scope="module")
def rotated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample, written by three relays with answers that come later, and rotated."""
    base = tmp_path_factory.mktemp("sample")
    table = pq.read_table(SAMPLE / "exchanges.parquet")
    open_requests: list[list[Outcome]] = [[], [], []]
    held = [
        Journal.open(base / "journal" / f"relay-{n}", JournalSettings(file_bytes=400_000)) for n in range(3)
    ]
    for number, row in enumerate(table.to_pylist()):
        relay = number % 3
        accepted, outcome = as_records(row)
        held[relay].append(accepted)
        open_requests[relay].append(outcome)
        if len(open_requests[relay]) > 40:
            held[relay].append(open_requests[relay].pop(0))
        if number % 100 == 0:
            held[relay].flush(accepted.at_us)
    for relay, rest in zip(held, open_requests, strict=True):
        for outcome in rest:
            relay.append(outcome)
        relay.close(AT)
    for folder in relays(base / "journal"):
        done = rotate(folder, base / "out", AT)
        assert (done.waiting, done.unanswered, done.late, done.set_aside) == (0, 0, 0, 0)
        assert done.files > 3
    return base / "out"


def test_the_rows_are_those_of_the_log(rotated: Path) -> None:
    aside = SetAside()
    given = pa.Table.from_batches(read_log([SAMPLE / "exchanges.parquet"], aside=aside))
    assert given.schema == EXCHANGE_SCHEMA
    held = pa.Table.from_batches(read_log([rotated], aside=aside))
    assert held.sort_by("id").combine_chunks() == given.sort_by("id").combine_chunks()


def test_an_investigation_says_the_same_of_the_journal_and_of_the_log(rotated: Path) -> None:
    told = []
    for log in (rotated, SAMPLE / "exchanges.parquet"):
        with headwater.investigate(log, SAMPLE / "accounts.parquet", settings=Settings()) as done:
            found = json.loads(dumps(done.findings))
        for name in ("seconds", "peak_bytes"):
            found.pop(name, None)
        assert found["log"].pop("sources")  # which files were read
        told.append(found)
    assert told[0]["campaigns"]
    assert told[0] == told[1]


class TestAnswers:
    """A request and its answer are one row, wherever in the journal the answer stands."""

    def open(self, folder: Path) -> Journal:
        return journal(folder, JournalSettings(file_bytes=4096))

    def file(self, held: Journal, at_us: int = AT) -> None:
        """End the newest file."""
        while True:
            held.append(request(90_000 + held._sequence, text="x" * 400))
            held.append(ended(90_000 + held._sequence - 1))
            held.flush(at_us)
            if held._appender._descriptor is None:
                return

    def own(self, out: Path) -> dict[str, dict[str, Any]]:
        return {row["id"]: row for row in rows(out) if not row["id"].startswith("req-9000")}

    def test_an_answer_in_a_later_file(self, tmp_path: Path) -> None:
        held = self.open(tmp_path / "relay")
        held.append(request(1))
        self.file(held)
        done = rotate(tmp_path / "relay", tmp_path / "out", AT + 1_000_000)
        assert (done.files, done.waiting) == (0, 1), "it may still be answered"
        assert not (tmp_path / "out").exists()
        held.append(ended(1))
        held.flush(AT)
        done = rotate(tmp_path / "relay", tmp_path / "out", AT + 1_000_000)
        assert (done.files, done.waiting, done.unanswered) == (1, 1, 0)
        row = self.own(tmp_path / "out")["req-1"]
        assert (row["status"], row["output_tokens"], row["finish_reason"]) == (200, 9, "stop")
        held.close(AT)
        assert rotate(tmp_path / "relay", tmp_path / "out", AT).files == 1
        assert not (tmp_path / "out" / "_late").exists()

    def test_patience_ends_and_what_comes_then_is_kept_beside(self, tmp_path: Path) -> None:
        held = self.open(tmp_path / "relay")
        held.append(request(1))
        self.file(held)
        later = AT + 2_000_000_000
        assert rotate(tmp_path / "relay", tmp_path / "out", later).unanswered == 1
        assert self.own(tmp_path / "out")["req-1"]["status"] is None
        held.append(ended(1, later))
        self.file(held, later)
        done = rotate(tmp_path / "relay", tmp_path / "out", later + DAY)
        assert (done.late, done.unanswered) == (1, 0)
        (late,) = (tmp_path / "out" / "_late").rglob("*.parquet")
        (row,) = pq.read_table(late, partitioning=None).to_pylist()
        assert (row["id"], row["status"], row["latency_ms"]) == ("req-1", 200, 12.5)
        assert self.own(tmp_path / "out")["req-1"]["status"] is None
        held.append(ended(1, later))
        self.file(held, later)
        assert rotate(tmp_path / "relay", tmp_path / "out", later + DAY).late == 0, "it came already"

    def test_a_dead_relay_answers_nothing_any_more(self, tmp_path: Path) -> None:
        held = self.open(tmp_path / "relay")
        held.append(request(1))
        held.close(AT)
        assert rotate(tmp_path / "relay", tmp_path / "out", AT).unanswered == 1
        assert self.own(tmp_path / "out")["req-1"]["status"] is None

    def test_a_clock_that_stepped_back_keeps_nothing_waiting(self, tmp_path: Path) -> None:
        held = self.open(tmp_path / "relay")
        held.append(request(1))
        self.file(held)
        assert rotate(tmp_path / "relay", tmp_path / "out", AT - DAY).files == 1

    def test_lines_of_a_batch_are_not_waited_for(self, tmp_path: Path) -> None:
        held = self.open(tmp_path / "relay")
        held.append(Accepted("b/1", AT, "a", "p", batch=True, batch_id="b"))
        self.file(held)
        assert rotate(tmp_path / "relay", tmp_path / "out", AT).unanswered == 1
        held.append(Outcome("b/1", AT + DAY, 200))
        self.file(held, AT + DAY)
        assert rotate(tmp_path / "relay", tmp_path / "out", AT + DAY).late == 1

    def test_what_was_written_twice_is_one_row(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A sync failed after all was written; the batch stands in two files."""
        import os

        held = self.open(tmp_path / "relay")
        held.append(request(1))
        held.append(ended(1))

        def broken(descriptor: int) -> None:
            raise OSError(5, "Input/output error")

        monkeypatch.setattr(os, "fdatasync", broken)
        held.flush(AT)
        monkeypatch.undo()
        held.flush(AT + 2_000_000)
        held.append(request(2))
        held.append(ended(2))
        held.close(AT + 2_000_000)
        assert len(journal_files(tmp_path / "relay")) == 2
        done = rotate(tmp_path / "relay", tmp_path / "out", AT)
        assert (done.rows, done.missing) == (2, 0)
        assert [row["id"] for row in rows(tmp_path / "out")] == ["req-1", "req-2"]


def test_parts_lie_by_day_and_are_named_after_their_file(tmp_path: Path) -> None:
    held = journal(tmp_path / "relay")
    for number, at_us in enumerate((AT, AT + DAY, AT + DAY + 1)):
        held.append(Accepted(f"r{number}", at_us, "a", "p"))
    held.close(AT)
    file = only(tmp_path / "relay")
    done = rotate(tmp_path / "relay", tmp_path / "out", AT)
    assert done == Rotated(files=1, rows=3, parts=2, unanswered=3)
    assert names(tmp_path / "out") == [
        f"day=2026-10-{day}/{file.name.removesuffix('.journal')}-1-3.parquet" for day in (26, 27)
    ]
    assert journal_files(tmp_path / "relay") == []
    assert [row["id"] for row in rows(tmp_path / "out")] == ["r0", "r1", "r2"]


def test_parts_and_notes_are_their_owners_alone(tmp_path: Path) -> None:
    held = journal(tmp_path / "relay")
    held.append(request(1))
    held.append(Gap(AT, AT, served=1))
    held.close(AT)
    rotate(tmp_path / "relay", tmp_path / "out", AT)
    parts = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert {path.suffix for path in parts} == {".parquet", ".json"}
    assert {path.stat().st_mode & 0o777 for path in parts} == {0o600}


def test_bodies_are_read_as_any_log_is_and_fields_count_before_them(tmp_path: Path) -> None:
    body = {
        "model": "in the body",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "One?"},
            {"role": "assistant", "content": "Two."},
            {"role": "user", "content": [{"type": "text", "text": "Three?"}]},
        ],
        "max_tokens": 5,
        "logprobs": True,
    }
    answer = {
        "choices": [{"message": {"content": "Four."}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 11, "completion_tokens": 2},
    }
    held = journal(tmp_path / "relay")
    held.append(Accepted("1", AT, "a", model="in a field", endpoint="chat", body=json.dumps(body).encode()))
    held.append(Outcome("1", AT, 200, output_tokens=3, body=json.dumps(answer).encode()))
    for number, bad in enumerate((b"{", b"[1]", b"\xff", b'{"a":' * 5000 + b"1" + b"}" * 5000), 2):
        held.append(Accepted(str(number), AT, "a", "p", body=bad))
    held.append(Accepted("9", AT, "a", body=b'{"messages": [[[{"content": {"content": [null]}}]], 5]}'))
    held.close(AT)
    assert rotate(tmp_path / "relay", tmp_path / "out", AT).rows == 6
    parquet = next((tmp_path / "out").rglob("*.parquet"))
    first, *rest = pq.read_table(parquet, partitioning=None).sort_by("id").to_pylist()
    expected = {
        "prompt": "Three?",
        "system": "Be brief.",
        "previous": "Two.",
        "turn": 1,
        "model": "in a field",
        "max_tokens": 5,
        "logprobs": True,
        "response": "Four.",
        "finish_reason": "stop",
        "input_tokens": 11,
        "output_tokens": 3,
    }
    assert {name: first[name] for name in expected} == expected
    assert [row["prompt"] for row in rest[:4]] == ["p"] * 4


class TestOnlyImprints:
    """With imprints only, no text leaves the journal."""

    CANARY = "zebra-quill-7741"

    def filled(self, folder: Path) -> None:
        held = journal(folder)
        body = json.dumps({"messages": [{"role": "user", "content": self.CANARY}], "system": self.CANARY})
        for number in range(3):
            held.append(
                Accepted(
                    f"r{number}", AT, "a", f"{self.CANARY} {number}", self.CANARY, self.CANARY, key="k_5"
                )
            )
            held.append(Outcome(f"r{number}", AT, 200, response=self.CANARY))
        held.append(Accepted("r3", AT, "a", body=body.encode()))
        held.append(Outcome("late", AT, response=self.CANARY))
        held.append(Accepted("late", AT, "a", "p", batch=True))
        held.close(AT)

    def test_no_text_in_any_part(self, tmp_path: Path) -> None:
        self.filled(tmp_path / "relay")
        settings = RotationSettings(keep="imprints")
        with pytest.raises(UsageError, match="no key"):
            rotate(tmp_path / "relay", tmp_path / "out", AT, settings)
        rotate(
            tmp_path / "relay",
            tmp_path / "out",
            AT,
            settings,
            imprinting=lambda texts: imprint(texts, DEMO_KEY),
        )
        for path in (tmp_path / "out").rglob("*"):
            assert path.is_dir() or self.CANARY.encode() not in path.read_bytes()
        found = rows(tmp_path / "out")
        assert self.CANARY not in repr(found)
        assert len(found) == 5
        own = imprint(pa.array([f"{self.CANARY} 0"], pa.large_string()), DEMO_KEY)
        assert found[1]["imprint"] == own.to_pylist()[0]
        assert all(row["imprint"] is not None for row in found)

    def test_both_where_that_is_wanted(self, tmp_path: Path) -> None:
        self.filled(tmp_path / "relay")
        rotate(tmp_path / "relay", tmp_path / "out", AT, imprinting=lambda texts: imprint(texts, DEMO_KEY))
        (row,) = [row for row in rows(tmp_path / "out") if row["id"] == "r0"]
        assert row["prompt"] == f"{self.CANARY} 0"
        assert row["imprint"] is not None


class TestNotes:
    """What isn't among the rows is on record beside them."""

    def notes(self, out: Path) -> dict[str, Any]:
        (path,) = (out / "_notes").iterdir()
        told: dict[str, Any] = json.loads(path.read_bytes())
        return told

    def test_damage_is_told_and_its_file_kept(self, tmp_path: Path) -> None:
        filled(tmp_path / "relay", 5)
        file = only(tmp_path / "relay")
        data = bytearray(file.path.read_bytes())
        data[600] ^= 1
        file.path.write_bytes(data)
        done = rotate(tmp_path / "relay", tmp_path / "out", AT)
        assert (done.missing, len(done.damaged)) == (1, 1)
        assert "byte" in done.damaged[0].what
        assert self.notes(tmp_path / "out")["damaged"] == [done.damaged[0].what]
        assert (tmp_path / "relay" / "damaged" / file.name).read_bytes() == data
        assert journal_files(tmp_path / "relay") == []

    def test_it_isnt_kept_where_that_isnt_wanted(self, tmp_path: Path) -> None:
        filled(tmp_path / "relay", 5)
        only(tmp_path / "relay").path.write_bytes(b"\x00" * 900)
        done = rotate(tmp_path / "relay", tmp_path / "out", AT, RotationSettings(keep_damaged=False))
        assert (done.rows, len(done.damaged)) == (0, 1)
        assert not (tmp_path / "relay" / "damaged").exists()

    def test_a_torn_tail_is_no_damage(self, tmp_path: Path) -> None:
        filled(tmp_path / "relay", 5)
        path = only(tmp_path / "relay").path
        path.write_bytes(path.read_bytes()[:-40])
        done = rotate(tmp_path / "relay", tmp_path / "out", AT)
        assert (done.rows, done.torn > 0, done.damaged) == (5, True, [])
        assert self.notes(tmp_path / "out") == {"file": path.name, "torn_bytes": done.torn}
        assert not (tmp_path / "relay" / "damaged").exists()

    def test_gaps(self, tmp_path: Path) -> None:
        held = journal(tmp_path / "relay")
        held.append(Gap(AT, AT + 5, 3, 2, 1))
        held.close(AT)
        done = rotate(tmp_path / "relay", tmp_path / "out", AT)
        assert (done.served_unrecorded, done.refused, done.answers_lost) == (3, 2, 1)
        assert self.notes(tmp_path / "out")["gaps"] == [
            {"at_us": AT, "until_us": AT + 5, "served": 3, "refused": 2, "answers": 1}
        ]

    @pytest.mark.parametrize(
        ("record", "reason"),
        [
            (Accepted("r", AT, "", "p"), "account"),
            (Accepted("", AT, "a", "p"), "id"),
            (Accepted("r", -5, "a", "p"), "at"),
            (Accepted("r", 1 << 62, "a", "p"), "at"),
            (Accepted("r", AT, "a" * 5000, "p"), "account"),
        ],
    )
    def test_what_no_row_can_be_made_of(self, tmp_path: Path, record: Accepted, reason: str) -> None:
        held = journal(tmp_path / "relay")
        held.append(record)
        held.append(request(1))
        held.close(AT)
        done = rotate(tmp_path / "relay", tmp_path / "out", AT)
        assert (done.rows, done.set_aside) == (1, 1)
        (why,) = self.notes(tmp_path / "out")["set_aside"]
        assert why.startswith(reason)
        assert len(list((tmp_path / "relay" / "damaged").iterdir())) == 1

    def test_values_that_their_column_cannot_hold_are_left_empty(self, tmp_path: Path) -> None:
        held = journal(tmp_path / "relay")
        held.append(Accepted("r", AT, "a", "p", n=1 << 40, temperature=float("nan"), ip="x" * 9000))
        held.close(AT)
        rotate(tmp_path / "relay", tmp_path / "out", AT)
        (row,) = rows(tmp_path / "out")
        assert (row["n"], row["temperature"], row["ip"]) == (None, None, None)
        assert len(self.notes(tmp_path / "out")["left_empty"]) == 2


class TestReaders:
    """Whoever follows the journal loses nothing to a rotation that knows of it."""

    def test_files_that_a_reader_has_not_passed_stay(self, tmp_path: Path) -> None:
        filled(tmp_path / "relay", 80, SMALL)
        _, second, third = journal_files(tmp_path / "relay")
        behind = Position(second.name, 64, 0)
        ahead = Position(third.name, 64, 0)
        assert rotate(tmp_path / "relay", tmp_path / "out", AT, readers=[ahead, behind]).files == 1
        assert journal_files(tmp_path / "relay") == [second, third]
        assert rotate(tmp_path / "relay", tmp_path / "out", AT, readers=[ahead]).files == 1

    def test_a_reader_that_nobody_waited_for_is_told_what_it_missed(self, tmp_path: Path) -> None:
        filled(tmp_path / "relay", 80, SMALL)
        at = next(place for place, record in follow(tmp_path / "relay") if record == ended(3))
        files = journal_files(tmp_path / "relay")
        rotate(tmp_path / "relay", tmp_path / "out", AT, readers=[Position(files[2].name, 0, 0)])
        told: list[Any] = []
        seen = [record for _, record in follow(tmp_path / "relay", at, told.append)]
        assert seen[-1] == ended(79)
        assert [row.rows for row in told] == [160 - len(seen) - 8]
        assert "missing" in told[0].what
        rotate(tmp_path / "relay", tmp_path / "out", AT)
        filled(tmp_path / "relay", 1)
        other = Position(f"{files[0].name[:12]}-{'0' * 16}.journal", 64, 3)
        told.clear()
        assert len(list(follow(tmp_path / "relay", other, told.append))) == 2
        assert "is gone" in told[0].what

    def test_a_position_is_text_and_back(self) -> None:
        place = Position("000000000001-a1b2c3d4e5f60718.journal", 640, 3)
        assert Position.parse(str(place)) == place
        for wrong in ("", "a:1:2", f"{place}x", f"../{place}", str(place).replace(":", ";")):
            with pytest.raises(ConfigurationError):
                Position.parse(wrong)


class TestRefusals:
    """What can't be done is said, and costs nothing."""

    def test_one_rotation_at_a_time(self, tmp_path: Path) -> None:
        filled(tmp_path / "relay", 1)
        lock = RotationLock(tmp_path / "relay")
        with pytest.raises(ConflictError, match="another process rotates"):
            rotate(tmp_path / "relay", tmp_path / "out", AT)
        lock.release()
        assert rotate(tmp_path / "relay", tmp_path / "out", AT).rows == 1

    @pytest.mark.parametrize("out", [".", "inner"])
    def test_not_into_the_journal(self, tmp_path: Path, out: str) -> None:
        filled(tmp_path / "relay", 1)
        with pytest.raises(UsageError, match="lies in the journal"):
            rotate(tmp_path / "relay", tmp_path / "relay" / out, AT)

    def test_no_folder(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match="no journal's folder"):
            rotate(tmp_path / "relay", tmp_path / "out", AT)

    def test_nowhere_to_write(self, tmp_path: Path) -> None:
        filled(tmp_path / "relay", 1)
        (tmp_path / "out").touch()
        with pytest.raises(HeadwaterError, match="cannot be written"):
            rotate(tmp_path / "relay", tmp_path / "out", AT)
        assert len(journal_files(tmp_path / "relay")) == 1

    def test_a_state_that_is_none(self, tmp_path: Path) -> None:
        filled(tmp_path / "relay", 1)
        (tmp_path / "relay" / "rotated.json").write_bytes(b'{"id": 5}')
        with pytest.raises(UnreadableInput, match="no state of a rotation"):
            rotate(tmp_path / "relay", tmp_path / "out", AT)

    def test_to_another_place_while_the_first_is_gone(self, tmp_path: Path) -> None:
        filled(tmp_path / "relay", 1)

        def stop(moment: str) -> None:
            if moment == "committed":
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            rotate(tmp_path / "relay", tmp_path / "out", AT, between=stop)
        (tmp_path / "out").rename(tmp_path / "unmounted")
        with pytest.raises(ConfigurationError, match="isn't there"):
            rotate(tmp_path / "relay", tmp_path / "new", AT)
        (tmp_path / "unmounted").rename(tmp_path / "out")
        assert rotate(tmp_path / "relay", tmp_path / "new", AT).files == 1
        assert len(rows(tmp_path / "out")) == 1

    @pytest.mark.parametrize("given", [{"keep": "all"}, {"patience_us": -1}])
    def test_settings_that_cannot_be(self, given: dict[str, Any]) -> None:
        with pytest.raises(UsageError):
            RotationSettings(**given)


def test_what_a_part_holds_beside_the_columns_is_the_keys_public_id_and_the_batch(tmp_path: Path) -> None:
    """There is no field, so no column, for a key, a header or a cookie."""
    held = journal(tmp_path / "relay")
    held.append(Accepted("r", AT, "a", "p", key="k_0123", batch_id="b1"))
    held.close(AT)
    rotate(tmp_path / "relay", tmp_path / "out", AT)
    table = pq.read_table(next((tmp_path / "out").rglob("*.parquet")), partitioning=None)
    assert table.schema.names == [*EXCHANGE_SCHEMA.names, "key", "batch_id"]
    assert table.select(["key", "batch_id"]).to_pylist() == [{"key": "k_0123", "batch_id": "b1"}]
    assert table.schema.metadata[b"headwater.schema"] == b"exchange/1"
