"""Proofs in one file: made, read back, checked; changed in any byte they prove nothing else."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.keys import SigningKey
from headwater.proof import (
    Checkpoint,
    NoteSigner,
    Rejected,
    TlogProof,
    Trust,
    VerifierKey,
    grow,
    inclusion_proof,
    leaf_hash,
    signed_note,
)
from proof.trees import Tiles

KEY = SigningKey(bytes(range(32)), "log")
LOG = NoteSigner("log.example", KEY.public, KEY.sign)
TRUST = Trust((VerifierKey(LOG.name, LOG.public),))
ENTRIES = [b"entry %d" % number for number in range(1_000)]
KEPT = Tiles()
_GROWN = grow(0, [leaf_hash(entry) for entry in ENTRIES], KEPT)
KEPT.take(_GROWN.tiles)
CHECKPOINT = Checkpoint(LOG.name, 1_000, _GROWN.root)
NOTE = signed_note(CHECKPOINT.text(), [LOG])


def proof_of(index: int, extra: bytes = b"") -> TlogProof:
    return TlogProof(index, tuple(inclusion_proof(index, 1_000, KEPT)), NOTE, extra)


@given(st.integers(0, 999), st.binary(max_size=100))
def test_a_proof_reads_back_and_proves_its_entry_alone(index: int, extra: bytes) -> None:
    made = proof_of(index, extra)
    assert TlogProof.parse(made.data()) == made
    assert made.check(ENTRIES[index], TRUST) == CHECKPOINT
    with pytest.raises(Rejected):
        made.check(ENTRIES[index - 1], TRUST)
    with pytest.raises(Rejected):
        TlogProof((index + 1) % 1_000, made.proof, NOTE).check(ENTRIES[index], TRUST)


def test_the_form_of_the_specification() -> None:
    """tlog-proof.md of C2SP: its example with the signatures that it shortens left out, and our own in their place."""
    hashes = """gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=
B95lDa8R83lS8n0eG+o0buTxRKQTYFi//1U8anccXmA=
EKNzoDWG8LGC0Yp9o+sv3qllpMP9uHQ9B20KNL+Q1zs=
RoopEkOdqkYqMB4MJXrbt/hMjOxsVn0IrWjpz1ZMMes=
AHCioX9nLjsrse6YhjRRmk1WUEirVOLLRoOQ6vfO5vk="""
    extra = "YWdlLXYxLjIuMS1kYXJ3aW4tYXJtNjQudGFyLmd6kYXJ3aW4tYXJ"
    note = signed_note("example.com/fancylog\n109482\nsFodV/vSp5O8n9a8QpW6PRY97tfOSW5bsc2Xl/EQi08=\n", [LOG])
    head = f"c2sp.org/tlog-proof@v1\nextra {extra}\nindex 73894\n{hashes}\n\n"
    whole = head.encode() + note
    read = TlogProof.parse(whole)
    assert (read.index, read.extra, read.data()) == (73894, base64.b64decode(extra), whole)
    assert [base64.b64encode(one).decode() for one in read.proof] == hashes.split("\n")


def test_a_tree_of_one_leaf_needs_no_hashes() -> None:
    note = signed_note(Checkpoint(LOG.name, 1, leaf_hash(b"x")).text(), [LOG])
    made = TlogProof(0, (), note)
    assert made.data().startswith(b"c2sp.org/tlog-proof@v1\nindex 0\n\nlog.example\n1\n")
    TlogProof.parse(made.data()).check(b"x", TRUST)


@given(st.integers(0, 10**9), st.integers(1, 255))
def test_any_changed_byte_proves_nothing_else(at: int, change: int) -> None:
    data = bytearray(proof_of(700).data())
    data[at % len(data)] ^= change
    with pytest.raises(Rejected):
        TlogProof.parse(bytes(data)).check(ENTRIES[700], TRUST)


GOOD = proof_of(3, b"abc").data().decode()
HASH = base64.b64encode(bytes(32)).decode()


@pytest.mark.parametrize(
    "data",
    [
        "",
        "\n\n",
        GOOD.replace("@v1", "@v2"),
        GOOD.replace("\nextra YWJj\n", "\nextra \n"),
        GOOD.replace("\nextra YWJj\n", "\nextra YWJ\n"),
        GOOD.replace("\nextra YWJj\n", "\nextra YWJj\nextra YWJj\n"),
        GOOD.replace("\nextra YWJj\nindex 3\n", "\nindex 3\nextra YWJj\n"),
        GOOD.replace("index 3\n", ""),
        GOOD.replace("index 3", "index 03"),
        GOOD.replace("index 3", "index -3"),
        GOOD.replace("index 3", "index 3 "),
        GOOD.replace("index 3", f"index {2**63}"),
        GOOD.replace("index 3\n", f"index 3\n{HASH[4:]}\n"),
        GOOD.replace("index 3\n", "index 3\n" + f"{HASH}\n" * 64),
        GOOD.replace("\n", "\r\n"),
        GOOD.replace("index 3", "index ３"),
        GOOD.partition("\n\n")[0],
        GOOD.partition("\n\n")[0] + "\n\n",
        GOOD + "\n",
        GOOD + "x" * 2_000_000,
    ],
)
def test_what_is_no_proof(data: str) -> None:
    with pytest.raises(Rejected):
        TlogProof.parse(data.encode())


@given(st.text(st.sampled_from("\nindex 013=A"), max_size=60))
def test_hostile_proofs_are_refused_or_print_back(middle: str) -> None:
    data = f"c2sp.org/tlog-proof@v1\n{middle}\n\n".encode() + NOTE
    try:
        assert TlogProof.parse(data).data() == data
    except Rejected:
        return


def test_who_is_not_trusted_proves_nothing() -> None:
    with pytest.raises(Rejected, match="no trusted key"):
        proof_of(3).check(ENTRIES[3], Trust((VerifierKey("log.example", bytes(32)),)))
    witness = f"witness w {VerifierKey('w', LOG.public, 4).text()}\nquorum w\n"
    with pytest.raises(Rejected, match="too few"):
        proof_of(3).check(ENTRIES[3], Trust.parse(f"log {TRUST.logs[0].text()}\n{witness}"))


def test_proofs_that_cannot_be() -> None:
    for index, proof in ((-1, ()), (2**63, ()), (0, (bytes(31),)), (0, (bytes(32),) * 64)):
        with pytest.raises(Rejected):
            TlogProof(index, proof, NOTE)
