"""Certificate chains for C2PA: those that fit are loaded and sign, the others are refused with the reason."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID

from headwater.errors import ConfigurationError, UnreadableInput
from headwater.keys import load_certified_key
from keys.certificates import chain, fresh


@pytest.mark.parametrize("kind", ["es256", "ed25519"])
def test_a_chain_is_loaded_and_signs_with_64_bytes(tmp_path: Path, kind: str) -> None:
    key = load_certified_key(*chain(tmp_path, kind))
    assert key.algorithm == kind
    assert key.subject == "CN=signer,O=Tests"
    assert key.chain.count("BEGIN CERTIFICATE") == 2
    assert len(key.sign(b"message")) == 64
    assert "PrivateKey" not in repr(key)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"kind": "es384"}, "of another kind"),
        ({"usage": ExtendedKeyUsageOID.SERVER_AUTH}, "extended key usage"),
        ({"usage": None}, "extended key usage"),
        ({"signs": False}, "digital signatures"),
        ({"leaf_is_authority": True}, "authority"),
    ],
)
def test_a_chain_that_c2pa_would_not_take_is_refused(
    tmp_path: Path, wrong: dict[str, object], said: str
) -> None:
    with pytest.raises(ConfigurationError, match=said):
        load_certified_key(*chain(tmp_path, **wrong))  # type: ignore[arg-type]


def test_a_key_of_another_certificate_is_refused(tmp_path: Path) -> None:
    pem, key = chain(tmp_path)
    key.write_bytes(fresh("es256").private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    with pytest.raises(ConfigurationError, match="not of this key"):
        load_certified_key(pem, key)


def test_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    pem, key = chain(tmp_path)
    key.chmod(0o644)
    with pytest.raises(ConfigurationError, match="0644"):
        load_certified_key(pem, key)


def test_files_that_hold_something_else_are_refused_without_repeating_them(tmp_path: Path) -> None:
    pem, key = chain(tmp_path)
    key.write_bytes(b"hunter2")
    with pytest.raises(ConfigurationError, match="private key") as caught:
        load_certified_key(pem, key)
    assert "hunter2" not in str(caught.value)
    pem.write_bytes(b"hunter2")
    with pytest.raises(ConfigurationError, match="no certificates"):
        load_certified_key(pem, key)
    with pytest.raises(UnreadableInput, match="does not exist"):
        load_certified_key(tmp_path / "none.pem", key)
