"""DSSE against its own vectors, against securesystemslib, and against envelopes that somebody changed."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.keys import SigningKey
from headwater.proof import Envelope, Rejected, pre_authentication_encoding, public_key_pem, signed, verified

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "proof" / "dsse.json").read_text("utf-8"))
KEY = SigningKey(bytes(range(32)))
OTHER = SigningKey(bytes(range(1, 33)))
TYPE = "application/vnd.in-toto+json"


def test_the_example_of_the_protocol() -> None:
    """protocol.md of secure-systems-lab/dsse, commit 1d14ad6f, section Test Vectors."""
    encoded = pre_authentication_encoding("http://example.com/HelloWorld", b"hello world")
    assert encoded == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"


@pytest.mark.parametrize("vector", VECTORS["vectors"], ids=lambda vector: vector["id"])
def test_the_vectors_of_the_specification(vector: dict[str, Any]) -> None:
    keys = [bytes.fromhex(VECTORS["keys"][name]["public"]) for name in vector["trustedKeys"]]
    try:
        envelope = Envelope.read(vector["envelope"])
        if vector["id"] != "payload-type-swapped":
            encoded = pre_authentication_encoding(envelope.payload_type, envelope.payload)
            assert encoded.hex() == vector["pae"]
        types = vector["supportedPayloadTypes"]
        verified(envelope, keys, payload_types=types, threshold=vector["threshold"])
        outcome = "accept"
    except Rejected:
        outcome = "reject"
    assert outcome == vector["expect"]


def test_signing_gives_the_signature_of_the_specification() -> None:
    vector = VECTORS["vectors"][0]
    key = SigningKey(bytes.fromhex(VECTORS["keys"]["A"]["seed"]))
    made = signed(base64.b64decode(vector["envelope"]["payload"]), TYPE, [key])
    assert made.plain()["signatures"][0]["sig"] == vector["envelope"]["signatures"][0]["sig"]


def test_securesystemslib_verifies_what_was_signed_and_not_what_was_changed() -> None:
    dsse = pytest.importorskip("securesystemslib.dsse")
    signer = pytest.importorskip("securesystemslib.signer")
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    public = load_pem_public_key(public_key_pem(KEY.public).encode())
    theirs = signer.SSlibKey.from_crypto(public, keyid=KEY.id)
    plain = signed(b'{"a":1}', TYPE, [KEY]).plain()
    assert list(dsse.Envelope.from_dict(json.loads(json.dumps(plain))).verify([theirs], 1)) == [KEY.id]
    changed = {**plain, "payload": base64.b64encode(b'{"a":2}').decode()}
    with pytest.raises(Exception, match=r"[Vv]erif|signature"):
        dsse.Envelope.from_dict(changed).verify([theirs], 1)


@given(st.binary(max_size=200), st.text(min_size=1, max_size=40).filter(lambda text: text.isprintable()))
def test_what_is_signed_comes_back_and_verifies(payload: bytes, kind: str) -> None:
    envelope = signed(payload, kind, [KEY, OTHER])
    again = Envelope.read(json.loads(json.dumps(envelope.plain())))
    assert again == envelope
    keys = [OTHER.public, KEY.public]
    assert set(verified(again, keys, payload_types=[kind], threshold=2)) == set(keys)


@given(st.binary(min_size=1, max_size=60), st.data())
def test_any_changed_bit_is_found(payload: bytes, data: st.DataObject) -> None:
    envelope = signed(payload, TYPE, [KEY])
    at = data.draw(st.integers(0, 8 * len(payload) - 1))
    changed = bytearray(payload)
    changed[at // 8] ^= 1 << at % 8
    with pytest.raises(Rejected, match="no signature"):
        verified(Envelope(bytes(changed), TYPE, envelope.signatures), [KEY.public], payload_types=[TYPE])


def test_another_key_or_type_is_rejected() -> None:
    envelope = signed(b"x", TYPE, [KEY])
    with pytest.raises(Rejected, match="no signature"):
        verified(envelope, [OTHER.public], payload_types=[TYPE])
    with pytest.raises(Rejected, match="another type"):
        verified(envelope, [KEY.public], payload_types=["text/plain"])


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        {"payload": "eA==", "payloadType": "", "signatures": [{"sig": "eA=="}]},
        {"payload": "eA==", "payloadType": 1, "signatures": [{"sig": "eA=="}]},
        {"payload": "eA==", "payloadType": "t", "signatures": []},
        {"payload": "eA==", "payloadType": "t", "signatures": ["eA=="]},
        {"payload": "eA==", "payloadType": "t", "signatures": [{"sig": 1}]},
        {"payload": "eA==", "payloadType": "t", "signatures": [{"sig": "eA==", "keyid": 1}]},
        {"payload": "eA==", "payloadType": "t", "signatures": [{"sig": "eA=="}] * 65},
        {"payload": "e A==", "payloadType": "t", "signatures": [{"sig": "eA=="}]},
        {"payload": "eA", "payloadType": "t", "signatures": [{"sig": "eA=="}]},
    ],
)
def test_what_is_no_envelope_is_rejected(value: object) -> None:
    with pytest.raises(Rejected):
        Envelope.read(value)


def test_a_signature_of_a_wrong_length_is_none() -> None:
    envelope = Envelope.read({"payload": "eA==", "payloadType": TYPE, "signatures": [{"sig": "eA=="}]})
    with pytest.raises(Rejected, match="no signature"):
        verified(envelope, [KEY.public], payload_types=[TYPE])
