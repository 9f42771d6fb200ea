"""A certificate chain with its key, as C2PA signs: ES256 or Ed25519, loaded from PEM files and checked before use.

The rules are those of C2PA 2.x for claim signers (X.509 profile): an end-entity certificate with digitalSignature
and an extended key usage, never `anyExtendedKeyUsage`. Whether somebody trusts the chain is for readers to say.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from headwater.errors import ConfigurationError, UnreadableInput, Where, unreadable
from headwater.keys.private_file import LARGEST_FILE, read_private

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

#: Extended key usages that C2PA validators accept for a claim signer: email protection, document signing (RFC 9336),
#: and C2PA's own claim signing.
_USAGES = frozenset({"1.3.6.1.5.5.7.3.4", "1.3.6.1.5.5.7.3.36", "1.3.6.1.4.1.62558.2.1"})


@dataclass(frozen=True)
class CertifiedKey:
    """A private key and the PEM chain that names it, the signer's own certificate first."""

    algorithm: Literal["es256", "ed25519"]
    chain: str
    subject: str
    _private: Any = field(repr=False)

    def sign(self, message: bytes) -> bytes:
        """The signature over `message` as COSE writes it (RFC 9053): 64 bytes, for ES256 r and s."""
        if self.algorithm == "ed25519":
            signature: bytes = self._private.sign(message)
            return signature
        from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
        from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
        from cryptography.hazmat.primitives.hashes import SHA256

        r, s = decode_dss_signature(self._private.sign(message, ECDSA(SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def load_certified_key(chain: Path, key: Path) -> CertifiedKey:
    """The key in the PEM file `key`, which only its owner may read, with the PEM certificates in `chain`.

    Raises `ConfigurationError` where either can't be used for C2PA: other algorithms, a chain that begins with
    another key's certificate, a certificate of an authority, or one without the usages that C2PA asks for.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    certificates = _certificates(chain)
    content = read_private(key)
    try:
        private = load_pem_private_key(content, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        hint = "an unencrypted private key in PEM, of the kind EC P-256 or Ed25519"
        raise ConfigurationError("not a private key in PEM", where=Where(str(key)), hint=hint) from None
    algorithm = _algorithm(private, Where(str(key)))
    first = certificates[0]
    if first.public_key() != private.public_key():
        hint = "the first certificate must be the signer's own"
        raise ConfigurationError("is not of this key", where=Where(str(chain)), hint=hint)
    _check(first, Where(str(chain)))
    from cryptography.hazmat.primitives.serialization import Encoding

    pem = "".join(one.public_bytes(Encoding.PEM).decode("ascii") for one in certificates)
    return CertifiedKey(algorithm, pem, first.subject.rfc4514_string(), private)


def _certificates(path: Path) -> list[Certificate]:
    from cryptography.x509 import load_pem_x509_certificates

    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise unreadable(path, error) from None
    try:
        if len(content) > LARGEST_FILE:
            raise UnreadableInput("too large for a certificate chain", where=Where(str(path)))
        return load_pem_x509_certificates(content)
    except ValueError:
        raise ConfigurationError("holds no certificates in PEM", where=Where(str(path))) from None


def _algorithm(private: Any, where: Where) -> Literal["es256", "ed25519"]:
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    if isinstance(private, Ed25519PrivateKey):
        return "ed25519"
    if isinstance(private, EllipticCurvePrivateKey) and isinstance(private.curve, SECP256R1):
        return "es256"
    raise ConfigurationError("a key of another kind than EC P-256 and Ed25519", where=where)


def _check(certificate: Certificate, where: Where) -> None:
    from cryptography import x509

    def extension(kind: type[Any]) -> Any:
        try:
            return certificate.extensions.get_extension_for_class(kind).value
        except (x509.ExtensionNotFound, ValueError):
            return None

    constraints = extension(x509.BasicConstraints)
    if constraints is not None and constraints.ca:
        raise ConfigurationError("begins with the certificate of an authority", where=where)
    usage = extension(x509.KeyUsage)
    if usage is None or not usage.digital_signature:
        raise ConfigurationError("the certificate isn't made for digital signatures", where=where)
    usages = {each.dotted_string for each in extension(x509.ExtendedKeyUsage) or ()}
    if not usages & _USAGES:
        hint = "C2PA asks for email protection, document signing or C2PA claim signing"
        raise ConfigurationError("the certificate has no extended key usage for C2PA", where=where, hint=hint)
