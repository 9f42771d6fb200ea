"""The witness protocol: litewitness's transcript, every answer of the specification, trees that were rewritten."""

import base64
import hashlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.keys import SigningKey
from headwater.proof import (
    COSIGNATURE,
    EMPTY_ROOT,
    Answer,
    Checkpoint,
    NoteSigner,
    Rejected,
    Seen,
    Trust,
    VerifierKey,
    add_checkpoint,
    consistency_proof,
    cosignatures,
    gathered,
    grow,
    monitoring_path,
    request_body,
    signed_note,
)
from proof.trees import Tiles, leaf

TRANSCRIPT = json.loads((Path(__file__).parents[1] / "vectors" / "proof" / "witness.json").read_text("utf-8"))
KEYS = [SigningKey(bytes([nth]) * 32, "witness") for nth in range(1, 4)]
LOG, WITNESS, STRANGER = [
    NoteSigner(f"w.example/{nth}", key.public, key.sign) for nth, key in enumerate(KEYS)
]
LOGS = {LOG.name: VerifierKey(LOG.name, LOG.public)}
KEY = VerifierKey(WITNESS.name, WITNESS.public, COSIGNATURE)
LEAVES = [leaf(number) for number in range(300)]
KEPT = Tiles()
KEPT.take(grow(0, LEAVES, KEPT).tiles)
ROOTS = [grow(0, LEAVES[:size], KEPT).root for size in range(301)]


def note_of(size: int, root: bytes | None = None, signer: NoteSigner = LOG, origin: str = LOG.name) -> bytes:
    return signed_note(Checkpoint(origin, size, root or ROOTS[size]).text(), [signer])


def asked(body: bytes, size: int = 0) -> Answer:
    seen = {LOG.name: Seen(size, ROOTS[size])} if size else {}
    return add_checkpoint(body, LOGS, seen, WITNESS, 1_700_000_000)


def grown(old: int, size: int) -> bytes:
    return request_body(old, consistency_proof(old, size, KEPT), note_of(size))


def test_the_transcript_of_litewitness() -> None:
    origin = "sigsum.org/v1/tree/4d6d8825a6bb689d459628312889dfbb0bcd41b5211d9e1ce768b0ff0309e562"
    logs = {origin: VerifierKey(origin, bytes.fromhex(TRANSCRIPT["log"]))}
    seen: dict[str, Seen] = {}
    for step in TRANSCRIPT["steps"]:
        answer = add_checkpoint(step["request"].encode(), logs, seen, WITNESS, 1_700_000_000)
        # The specification has become clearer on unknown logs, and the changed signature is base64 with bits to spare.
        ours = {"unknown log": 404, "invalid signature": 400}
        assert answer.status == ours.get(step["body"], step["status"])
        if answer.status == 409:
            assert answer.body.decode() == step["body"]
        if answer.seen:
            assert answer.origin == origin
            seen[origin] = answer.seen
    assert seen[origin].size == 5


@given(st.integers(0, 300), st.integers(0, 300))
def test_a_tree_that_grew_is_cosigned_and_remembered(first: int, second: int) -> None:
    old, size = sorted((first, second))
    answer = asked(grown(old, size), old)
    assert (answer.status, answer.seen, answer.origin) == (200, Seen(size, ROOTS[size]), LOG.name)
    note = gathered(note_of(size), answer.body, [KEY])
    assert cosignatures(note, [KEY]) == [(KEY, 1_700_000_000)]
    assert answer.checkpoint == note
    witness = f"witness w {KEY.text()}\nquorum w\n"
    assert Trust.parse(f"log {LOGS[LOG.name].text()}\n{witness}").check(note).size == size


def test_what_a_witness_keeps_holds_no_stranger_s_lines() -> None:
    note = signed_note(Checkpoint(LOG.name, 5, ROOTS[5]).text(), [STRANGER, LOG])
    answer = asked(request_body(0, [], note))
    assert answer.checkpoint == gathered(note_of(5), answer.body, [KEY])


def test_a_rewritten_tree_is_not_cosigned() -> None:
    """The same size, a larger one, and a proof of another history: never, whatever is sent along."""
    other = Tiles()
    other.take(grow(0, LEAVES[::-1], other).tiles)
    theirs = [grow(0, LEAVES[::-1][:size], other).root for size in (100, 200)]
    for body in (
        request_body(100, [], note_of(100, theirs[0])),
        request_body(100, [], note_of(200, theirs[1])),
        request_body(100, consistency_proof(100, 200, other), note_of(200, theirs[1])),
        request_body(100, consistency_proof(100, 200, KEPT), note_of(200, theirs[1])),
        request_body(100, consistency_proof(99, 200, KEPT), note_of(200)),
        request_body(100, [*consistency_proof(100, 200, KEPT), EMPTY_ROOT], note_of(200)),
        request_body(100, [EMPTY_ROOT], note_of(100)),
    ):
        answer = asked(body, 100)
        assert (answer.status, answer.seen) == (422, None)
        assert "—" not in answer.body.decode()


def test_from_nothing_nothing_is_shown() -> None:
    assert asked(request_body(0, [EMPTY_ROOT], note_of(5))).status == 422
    assert asked(request_body(0, [], note_of(0, bytes(32)))).status == 422
    assert asked(request_body(0, [], note_of(0, EMPTY_ROOT))).status == 200


def test_another_size_than_remembered_is_told() -> None:
    for old in (0, 99, 101):
        answer = asked(grown(old, 200), 100)
        assert (answer.status, answer.body, answer.content_type) == (409, b"100\n", "text/x.tlog.size")
    assert asked(grown(100, 200)).body == b"0\n"


def test_strangers_and_false_signatures() -> None:
    assert asked(request_body(0, [], note_of(5, signer=STRANGER, origin="other.example"))).status == 404
    assert asked(request_body(0, [], note_of(5, signer=STRANGER))).status == 403
    assert asked(request_body(0, [], note_of(5).replace(b"\n5\n", b"\n6\n"))).status == 403
    as_witness = add_checkpoint(grown(0, 5), {LOG.name: KEY}, {}, WITNESS, 1)
    assert as_witness.status == 403


def test_a_size_that_shrinks_is_a_bad_request() -> None:
    assert asked(request_body(200, [], note_of(100)), 200).status == 400


NOTE = note_of(5)
HASH = base64.b64encode(bytes(32))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\n\n" + NOTE,
        b"old 0\n" + NOTE,
        b"old 0\n\n",
        b"old 0\r\n\r\n" + NOTE,
        b"old 00\n\n" + NOTE,
        b"old -1\n\n" + NOTE,
        b"old  0\n\n" + NOTE,
        b"old %d\n\n" % 2**63 + NOTE,
        b"Old 0\n\n" + NOTE,
        b"old 0\n" + HASH[:-4] + b"\n\n" + NOTE,
        b"old 0\n" + HASH[:-1] + b"\n\n" + NOTE,
        b"old 0\n" + (HASH + b"\n") * 64 + b"\n" + NOTE,
        b"old 0\n\xff\n\n" + NOTE,
        b"old 0\n\n" + NOTE + b"\n",
        b"old 0\n\n" + signed_note("a text\n", [LOG]),
        b"old 0\n\n" + NOTE + b"x" * 1_010_000,
    ],
)
def test_what_is_no_request(body: bytes) -> None:
    answer = asked(body)
    assert (answer.status, answer.seen) == (400, None)


@given(st.binary(max_size=80), st.sampled_from([b"", b"old 0\n\n", b"old 5\n"]))
def test_hostile_requests_are_answered(data: bytes, head: bytes) -> None:
    assert asked(head + data).status == 400


def test_a_request_of_more_hashes_than_allowed_is_not_made() -> None:
    with pytest.raises(Rejected):
        request_body(1, [bytes(32)] * 64, NOTE)


def test_where_a_witness_serves_what_it_has_seen() -> None:
    assert monitoring_path("a.example") == f"{hashlib.sha256(b'a.example').hexdigest()}/checkpoint"
