"""Cosignatures of witnesses: a published checkpoint, the specification's example, and lines that don't count."""

import json
from pathlib import Path

import pytest

from headwater.keys import SigningKey
from headwater.proof import (
    COSIGNATURE,
    Checkpoint,
    NoteSigner,
    Rejected,
    VerifierKey,
    cosignatures,
    cosigned,
    gathered,
    opened,
    read_note,
    signed_note,
)

PUBLISHED = json.loads(
    (Path(__file__).parents[1] / "vectors" / "proof" / "checkpoint.json").read_text("utf-8")
)
KEYS = [SigningKey(bytes([nth]) * 32, "witness") for nth in range(1, 4)]
SIGNERS = [NoteSigner(f"w.example/{nth}", key.public, key.sign) for nth, key in enumerate(KEYS)]
LOG, *WITNESSES = SIGNERS
TRUSTED = [VerifierKey(one.name, one.public, COSIGNATURE) for one in WITNESSES]
TEXT = Checkpoint("w.example/0", 7, bytes(32), ("more",)).text()
NOTE = signed_note(TEXT, [LOG])
BOTH = cosigned(cosigned(NOTE, WITNESSES[0], 1_700_000_000), WITNESSES[1], 1_700_000_001)


def line(note: bytes) -> bytes:
    return read_note(note).signatures[-1].line().encode()


def test_a_published_checkpoint() -> None:
    """Signed by a log of Certificate Transparency and cosigned by a witness of the public network."""
    note = PUBLISHED["checkpoint"].encode()
    log, witness = VerifierKey.parse(PUBLISHED["log"]), VerifierKey.parse(PUBLISHED["witness"])
    assert opened(note, [log, witness]).by == (log, witness)
    assert Checkpoint.parse(read_note(note).text).size == 1_432_088_532
    assert cosignatures(note, [witness, log]) == [(witness, PUBLISHED["at_s"])]
    larger = note.replace(b"\n1432088532\n", b"\n1432088533\n")
    with pytest.raises(Rejected, match="false signature"):
        cosignatures(larger, [witness])


def test_the_example_of_tlog_cosignature() -> None:
    """tlog-cosignature.md of C2SP: its key isn't published, its time is."""
    text = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    data = (
        "— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5"
        "nNo0xUe+mbIUBkBIfZ+qnA==\n"
    )
    (one,) = read_note(f"{text}\n{data}".encode()).signatures
    assert (one.hash.hex(), len(one.signature), int.from_bytes(one.signature[:8], "big")) == (
        "8d66cf3f",
        72,
        1679315147,
    )


def test_who_cosigned_and_when() -> None:
    assert cosignatures(BOTH, TRUSTED) == [(TRUSTED[0], 1_700_000_000), (TRUSTED[1], 1_700_000_001)]
    assert cosignatures(BOTH, TRUSTED[1:]) == [(TRUSTED[1], 1_700_000_001)]
    assert cosignatures(NOTE, TRUSTED) == []
    again = cosigned(BOTH, WITNESSES[0], 1_700_000_002)
    assert [at for _, at in cosignatures(again, TRUSTED[:1])] == [1_700_000_000, 1_700_000_002]
    assert cosigned(again, WITNESSES[0], 1_700_000_002) == again


def test_a_cosignature_is_not_a_signature_of_the_log() -> None:
    """One key, two kinds: neither stands for the other."""
    as_log = [VerifierKey(one.name, one.public) for one in WITNESSES]
    with pytest.raises(Rejected, match="no trusted key"):
        opened(BOTH, as_log)
    assert cosignatures(signed_note(TEXT, WITNESSES), TRUSTED) == []
    assert cosignatures(BOTH, as_log) == []


def test_a_changed_time_is_false() -> None:
    one = read_note(BOTH).signatures[1]
    data = bytearray(one.signature)
    for at in range(8):
        data[at] ^= 0x80 if at == 0 else 1
        changed = type(one)(one.name, one.hash, bytes(data))
        with pytest.raises(Rejected, match="false signature"):
            cosignatures(NOTE + changed.line().encode(), TRUSTED)


@pytest.mark.parametrize("length", [1, 7, 8, 71, 73])
def test_a_cosignature_of_another_length_is_false(length: int) -> None:
    one = read_note(BOTH).signatures[1]
    changed = type(one)(one.name, one.hash, (one.signature + b"\0")[:length])
    with pytest.raises(Rejected, match="false signature"):
        cosignatures(NOTE + changed.line().encode(), TRUSTED)


def test_only_checkpoints_are_cosigned_at_times_that_are() -> None:
    with pytest.raises(Rejected, match="three lines"):
        cosigned(signed_note("a text\n", [LOG]), WITNESSES[0], 1)
    for at_s in (0, -1, 2**63):
        with pytest.raises(Rejected, match="time"):
            cosigned(NOTE, WITNESSES[0], at_s)
    assert cosignatures(cosigned(NOTE, WITNESSES[0], 2**63 - 1), TRUSTED)[0][1] == 2**63 - 1


def test_gathering_takes_what_is_true_and_trusted() -> None:
    answers = b"".join(line(cosigned(NOTE, one, 9)) for one in (*WITNESSES, LOG))
    made = gathered(NOTE, answers, TRUSTED)
    assert cosignatures(made, TRUSTED) == [(TRUSTED[0], 9), (TRUSTED[1], 9)]
    assert len(read_note(made).signatures) == 3
    assert gathered(made, answers, TRUSTED) == made
    other = line(
        cosigned(signed_note(Checkpoint("w.example/0", 8, bytes(32)).text(), [LOG]), WITNESSES[0], 9)
    )
    for answer in (
        b"",
        b"no\n",
        b"\n" + answers,
        answers + b"\n",
        answers[:-1],
        other,
        line(cosigned(NOTE, LOG, 9)),
    ):
        with pytest.raises(Rejected):
            gathered(NOTE, answer, TRUSTED)


def test_a_note_does_not_grow_beyond_what_is_read() -> None:
    note = NOTE
    for at_s in range(1, 100):
        note = cosigned(note, WITNESSES[0], at_s)
    with pytest.raises(Rejected, match="more than 100"):
        cosigned(note, WITNESSES[0], 100)
    with pytest.raises(Rejected):
        gathered(NOTE, b"x" * 1_000_001, TRUSTED)
