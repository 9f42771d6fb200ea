"""C2PA: sidecars and ZIPs that the C2PA library verifies, changes that it finds, and claims read back. No network."""

import io
import zipfile
from pathlib import Path

import msgspec
import pytest

from headwater.errors import UnreadableInput, UsageError
from headwater.keys import CertifiedKey, load_certified_key
from headwater.provenance.manifest import DatasetRecord, Fact, load_audit
from headwater.provenance.manifest.formats.c2pa_read import COMPOSITE, OFFLINE, TRAINED, ZIP, c2pa_claims
from headwater.provenance.manifest.formats.c2pa_write import archive, assertions, sidecar
from keys.certificates import chain
from provenance.manifest import audits

c2pa = pytest.importorskip("c2pa")


def told(record: DatasetRecord, **facts: object) -> DatasetRecord:
    made = {name: Fact(value, "confirmed") if value is not None else Fact() for name, value in facts.items()}
    return msgspec.structs.replace(record, facts=msgspec.structs.replace(record.facts, **made))


@pytest.fixture(params=["es256", "ed25519"])
def key(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> CertifiedKey:
    return load_certified_key(*chain(tmp_path_factory.mktemp("keys"), request.param))


def state(
    data: bytes, manifest: bytes | None, form: str = "application/octet-stream"
) -> tuple[str, set[str]]:
    """What the C2PA library says of bytes: its verdict, and what failed."""
    with (
        c2pa.Context.from_dict(OFFLINE) as context,
        c2pa.Reader(form, io.BytesIO(data), manifest, context=context) as reader,
    ):
        failed = reader.get_validation_results()["activeManifest"]["failure"]
        return reader.get_validation_state(), {each["code"] for each in failed} - {
            "signingCredential.untrusted"
        }


def test_a_sidecar_is_valid_and_one_changed_byte_is_found(tmp_path: Path, key: CertifiedKey) -> None:
    record = load_audit(audits.instructions(tmp_path))
    path = tmp_path / record.files[0].path
    made = sidecar(record, record.files[0], path, key)
    data = path.read_bytes()
    assert state(data, made) == ("Valid", set())
    for at in (0, len(data) // 2, len(data) - 1):
        changed = bytearray(data)
        changed[at] ^= 1
        assert state(bytes(changed), made) == ("Invalid", {"assertion.dataHash.mismatch"})
    assert path.read_bytes() == data, "the data itself isn't touched"


def test_the_signers_public_key_is_in_it_and_the_private_one_isnt(tmp_path: Path, key: CertifiedKey) -> None:
    record = load_audit(audits.instructions(tmp_path))
    made = sidecar(record, record.files[0], tmp_path / record.files[0].path, key)
    assert b"PRIVATE KEY" not in made
    assert b"signer" in made


def test_what_it_claims_is_read_back(tmp_path: Path, key: CertifiedKey) -> None:
    record = load_audit(audits.instructions(tmp_path))
    record = told(record, training_mining=("data_mining=allowed", "ai_training=notAllowed"))
    code = "ISCC:EADV6L33UTU5RGVEUCNHAZD7BXHHYAXPUQJZOKRXKV6DI4CKTNNR6QY"
    made = sidecar(record, record.files[0], tmp_path / record.files[0].path, key, code)
    claims = c2pa_claims(io.BytesIO(made), "a.c2pa").claims()
    assert claims.row_synthetic is claims.row_human is True
    assert claims.row_generators == ("gpt-4o-2024-08-06", "meta-llama/Llama-3.1-8B")
    assert (claims.from_audit, claims.synthetic, claims.human, claims.generators) == (True, None, None, ())
    said = {(one.form, one.name, one.value) for one in claims.signals}
    assert said == {
        ("cawg.training-mining", "data_mining", "allowed"),
        ("cawg.training-mining", "ai_training", "notAllowed"),
    }
    assert code.encode() in made


def test_a_zip_carries_its_manifest_and_the_same_files(tmp_path: Path, key: CertifiedKey) -> None:
    record = load_audit(audits.chats(tmp_path))
    target = tmp_path / "chats.zip"
    archive(record, tmp_path, target, key)
    data = target.read_bytes()
    assert state(data, None, ZIP) == ("Valid", set())
    with zipfile.ZipFile(target) as packed:
        assert packed.testzip() is None
        assert packed.read("data/chat-0.parquet") == (tmp_path / "data/chat-0.parquet").read_bytes()
    at = data.index(b"PAR1") + 10
    changed = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
    verdict, failed = state(changed, None, ZIP)
    assert verdict == "Invalid"
    assert failed, "a changed file within the archive is found"
    assert not list(tmp_path.glob("*.plain"))
    claims = c2pa_claims(io.BytesIO(data), "chats.zip", ZIP).claims()
    assert claims.generators == ("mistral-large-2407",)


@pytest.mark.parametrize(("human", "source"), [(True, COMPOSITE), (False, TRAINED), (None, TRAINED)])
def test_text_of_people_makes_it_a_composite(tmp_path: Path, human: bool | None, source: str) -> None:
    record = told(load_audit(audits.instructions(tmp_path)), human_text=human)
    action = assertions(record)[0]["data"]["actions"][0]
    assert (action["action"], action["digitalSourceType"]) == ("c2pa.created", source)


@pytest.mark.parametrize("synthetic", [None, False])
def test_it_isnt_written_of_what_isnt_known_to_be_synthetic(tmp_path: Path, synthetic: bool | None) -> None:
    with pytest.raises(UsageError, match="known to hold") as caught:
        assertions(told(load_audit(audits.instructions(tmp_path)), synthetic=synthetic))
    assert "origin.synthetic" in (caught.value.hint or "")


@pytest.mark.parametrize("data", [b"", b"nonsense", b"\x00\x00\x00\x20jumb" + b"\xff" * 200, b"{}" * 1000])
def test_what_is_no_manifest_is_refused(data: bytes) -> None:
    with pytest.raises(UnreadableInput, match=r"can be read") as caught:
        c2pa_claims(io.BytesIO(data), "set/a.c2pa")
    assert caught.value.where.file == "set/a.c2pa"
