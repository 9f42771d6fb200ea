"""A certificate authority of the tests, and chains that it signs, as C2PA asks for them (or not)."""

import datetime
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

FROM = datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC)
TO = datetime.datetime(2050, 1, 1, tzinfo=datetime.UTC)


def fresh(kind: str) -> Any:
    return (
        ed25519.Ed25519PrivateKey.generate() if kind == "ed25519" else ec.generate_private_key(_curve(kind))
    )


def _curve(kind: str) -> ec.EllipticCurve:
    return ec.SECP384R1() if kind == "es384" else ec.SECP256R1()


def _name(text: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Tests"),
            x509.NameAttribute(NameOID.COMMON_NAME, text),
        ]
    )


def _certificate(subject: str, key: Any, issuer: Any, *, authority: bool, usage: Any, signs: bool) -> Any:
    certificate = (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(_name("root"))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(FROM)
        .not_valid_after(TO)
        .add_extension(x509.BasicConstraints(authority, None), critical=True)
        .add_extension(
            x509.KeyUsage(signs, False, False, False, False, authority, authority, False, False),
            critical=True,
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.public_key()), critical=False
        )
    )
    if usage is not None:
        certificate = certificate.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
    return certificate.sign(issuer, SHA256())


def chain(
    folder: Path, kind: str = "es256", *, usage: Any = ExtendedKeyUsageOID.EMAIL_PROTECTION, signs: bool = True,
    leaf_is_authority: bool = False,
) -> tuple[Path, Path]:  # fmt: skip
    """Files with a chain of two certificates and its key, both PEM."""
    root, leaf = fresh("es256"), fresh(kind)
    certificates = [
        _certificate("signer", leaf, root, authority=leaf_is_authority, usage=usage, signs=signs),
        _certificate("root", root, root, authority=True, usage=None, signs=False),
    ]
    pem, key = folder / "chain.pem", folder / "chain.key"
    pem.write_bytes(b"".join(each.public_bytes(Encoding.PEM) for each in certificates))
    key.write_bytes(leaf.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    key.chmod(0o600)
    return pem, key
