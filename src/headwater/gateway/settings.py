"""What an operator sets about the relay: where it listens, and how much and how long it takes at most.

Every default is safe to run with. The stages have settings of their own.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

from headwater.errors import ConfigurationError, Where
from headwater.gateway.wire.limits import WireLimits
from headwater.setting import setting


@dataclass(frozen=True)
class RelaySettings:
    """The settings of one relay; bytes and seconds are in the names."""

    host: str = setting("127.0.0.1", "Address to listen on; 0.0.0.0 or :: for all.")
    port: int = setting(8080, "Port to listen on; 0 takes a free one.", "from 0 to 65535")
    workers: int = setting(1, "Processes, one a core; they share the port.", "from 1 to 256")
    certificate: str = setting(
        "", "PEM file with the certificate chain to serve TLS with; empty: plain HTTP."
    )
    certificate_key: str = setting("", "PEM file with the certificate's key; empty: it is in `certificate`.")
    client_ca: str = setting(
        "", "PEM file of authorities whose client certificates are asked for and verified."
    )
    upstream_ca: str = setting(
        "", "PEM file of authorities that upstreams are verified by; empty: the system's."
    )

    connections: int = setting(10_000, "Client connections a worker holds at most.", "1 or more")
    connections_per_address: int = setting(
        1_000,
        "Client connections of one address (of IPv6: one /64) a worker holds at most; trusted proxies aren't bound.",
        "1 or more",
    )
    upstream_connections: int = setting(1_000, "Connections a worker opens upstream at most.", "1 or more")
    upstream_waiting: int = setting(1_000, "Requests that wait for one of them at most.", "0 or more")
    head_bytes: int = setting(32_768, "Bytes of a head, at most.", "from 1024 to 131072")
    target_bytes: int = setting(8_192, "Bytes of a request's target, at most.", "from 64 to 65536")
    head_fields: int = setting(100, "Headers of a message, at most.", "from 8 to 1000")
    body_bytes: int = setting(
        512 << 20, "Bytes of a request's body that is passed on as it comes, at most.", "1 or more"
    )
    buffered_bytes: int = setting(
        32 << 20, "Bytes of a body that is held back for a stage, at most.", "1 or more"
    )
    buffered_total_bytes: int = setting(
        256 << 20, "Bytes of such bodies that a worker holds at once, at most; beyond it: 503.", "1 or more"
    )
    linger_bytes: int = setting(
        64 << 20, "Bytes read and thrown away so that a client reads its error.", "0 or more"
    )

    head_s: float = setting(
        10.0, "Seconds from a head's first byte (or the connection's begin) to its end.", "above 0"
    )
    keep_alive_s: float = setting(
        75.0, "Seconds that a client's connection may wait for a request.", "above 0"
    )
    body_s: float = setting(30.0, "Seconds for a body, beside what its size gives it.", "above 0")
    body_bytes_s: int = setting(
        16_384, "Bytes a second that a client must send of a body on average.", "1 or more"
    )
    stage_s: float = setting(10.0, "Seconds that stages may wait for something (a lease, a key).", "above 0")
    connect_s: float = setting(
        5.0, "Seconds for connecting upstream, or waiting for a free connection.", "above 0"
    )
    first_byte_s: float = setting(600.0, "Seconds from the request's end to the response's head.", "above 0")
    idle_s: float = setting(300.0, "Seconds between two pieces of a response.", "above 0")
    stall_s: float = setting(60.0, "Seconds that a client may leave what is sent to it unread.", "above 0")
    total_s: float = setting(3_600.0, "Seconds from a request's head to the response's end.", "above 0")
    upstream_keep_s: float = setting(
        4.0, "Seconds an upstream connection is kept unused; servers close after 5.", "above 0"
    )
    linger_s: float = setting(
        5.0, "Seconds that a connection is still read after an early answer.", "above 0"
    )
    drain_s: float = setting(
        30.0, "Seconds that a worker told to stop lets its exchanges go on.", "0 or more"
    )

    def __post_init__(self) -> None:
        """Refuse what can't be meant (also NaN, which compares with nothing)."""
        bounds = {
            "port": (0, 65_535), "workers": (1, 256), "head_bytes": (1024, 131_072), "target_bytes": (64, 65_536),
            "head_fields": (8, 1000), "upstream_waiting": (0, None), "linger_bytes": (0, None), "drain_s": (0, None),
        }  # fmt: skip
        for entry in fields(self):
            value = getattr(self, entry.name)
            if isinstance(value, str):
                continue
            least, most = bounds.get(entry.name, (1e-3 if isinstance(entry.default, float) else 1, None))
            if not least <= value or (most is not None and value > most) or value == float("inf"):
                raise ConfigurationError(
                    f"must be {entry.metadata['range']}", where=Where(field=f"relay.{entry.name}")
                )
        if self.certificate_key and not self.certificate:
            raise ConfigurationError(
                "stands without its certificate", where=Where(field="relay.certificate_key")
            )
        if self.client_ca and not self.certificate:
            raise ConfigurationError("needs TLS: set certificate too", where=Where(field="relay.client_ca"))

    @property
    def request_limits(self) -> WireLimits:
        """What is read of a client's message at most."""
        return WireLimits(self.head_bytes, self.target_bytes, self.head_fields, self.body_bytes)

    @property
    def response_limits(self) -> WireLimits:
        """What is read of an upstream's head at most; its body has no bound but the times."""
        return WireLimits(self.head_bytes, self.target_bytes, self.head_fields, 1 << 62)
