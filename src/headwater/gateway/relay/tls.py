"""TLS towards clients and towards upstreams: verified, 1.2 or newer, with the defaults of Python's `ssl`."""

from __future__ import annotations

import ssl

from headwater.errors import ConfigurationError, Where
from headwater.gateway.settings import RelaySettings


def for_clients(settings: RelaySettings) -> ssl.SSLContext | None:
    """What clients are met with; None for plain HTTP. Raises `ConfigurationError` where a file can't be used."""
    if not settings.certificate:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_cert_chain(settings.certificate, settings.certificate_key or None)
    except (OSError, ssl.SSLError) as error:
        raise _unusable(settings.certificate, error) from None
    if settings.client_ca:
        context.verify_mode = ssl.CERT_OPTIONAL  # whether one must be shown is for the identity stage to say
        _trust(context, settings.client_ca)
    return context


def for_upstreams(settings: RelaySettings) -> ssl.SSLContext:
    """How upstreams are verified: name and chain, always. Raises `ConfigurationError` where a file can't be used."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    if settings.upstream_ca:
        _trust(context, settings.upstream_ca)
    return context


def _trust(context: ssl.SSLContext, file: str) -> None:
    try:
        context.load_verify_locations(file)
    except (OSError, ssl.SSLError) as error:
        raise _unusable(file, error) from None


def _unusable(file: str, error: OSError) -> ConfigurationError:
    reason = "not PEM that belongs together" if isinstance(error, ssl.SSLError) else type(error).__name__
    return ConfigurationError(
        f"can't be used for TLS ({reason})", where=Where(file), hint="check path and contents"
    )
