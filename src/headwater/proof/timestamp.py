"""Time stamps of trusted third parties (RFC 3161): what to ask, and what the answer proves.

An answer shows that some bytes existed at a time, on the word of an authority whose root certificate is trusted; the
authority sees only their SHA-256. Asking over the network is a door's affair. Needs the extra `timestamp`.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from headwater.errors import UsageError
from headwater.proof.rejected import Rejected

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

#: Bytes of an answer that are looked at.
MOST_ANSWER = 1_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def request(data: bytes) -> bytes:
    """The request for a stamp on `data`, to be sent as `application/timestamp-query`.

    Without a nonce: the same bytes give the same request, and an older answer for them proves more, not less. Asks for
    the authority's certificate, so that the answer can be checked years later.
    """
    client = _client()
    if not data:
        raise Rejected("a time stamp is made for some bytes")
    builder = client.TimestampRequestBuilder(
        data=data, hash_algorithm=client.HashAlgorithm.SHA256, nonce=False
    )
    asked: bytes = builder.build().as_bytes()
    return asked


def check(response: bytes, data: bytes, roots_pem: bytes) -> int:
    """When `data` existed, in µs since 1970, by an authority's answer (`application/timestamp-reply`).

    To the second: a fraction in the answer is left out. `roots_pem`: the trusted root certificates, PEM, one after
    the other. Raises `Rejected` where the answer is none, doesn't stand for `data`, or isn't signed under one of the
    roots by a certificate for time stamps that was valid at that time.
    """
    client = _client()
    if len(response) > MOST_ANSWER:
        raise Rejected(f"the time stamp has more than {MOST_ANSWER:,} bytes")
    try:
        answer = client.decode_timestamp_response(response)
    except ValueError:
        raise Rejected("the time stamp is no answer of RFC 3161") from None
    if answer.status != client.PKIStatus.GRANTED:
        raise Rejected("the authority refused a time stamp")
    verifier = client.VerifierBuilder(roots=_certificates(roots_pem)).build()
    try:
        verifier.verify_message(answer, data)
    except (ValueError, client.VerificationError):
        raise Rejected("the time stamp isn't one of a trusted authority for these bytes") from None
    at: datetime = answer.tst_info.gen_time
    return (at - _EPOCH) // timedelta(microseconds=1)


def _certificates(pem: bytes) -> list[Certificate]:
    from cryptography.x509 import load_pem_x509_certificates

    try:
        return load_pem_x509_certificates(pem)
    except ValueError:
        raise Rejected("the trusted roots are no certificates in PEM") from None


def _client() -> Any:
    try:
        import rfc3161_client
    except ImportError:
        hint = "pip install 'headwater[timestamp]'"
        raise UsageError("time stamps need the extra `timestamp`", hint=hint) from None
    return rfc3161_client
