"""The operator's networks: read strictly, the narrowest range wins, hashes and nonsense are in none."""

from __future__ import annotations

import ipaddress
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.detect.networks import INNOCENT, KINDS, NO_ADDRESS, RELAYING, Networks, load_networks
from headwater.errors import ConfigurationError, UnreadableInput


def written(folder: Path, text: str | bytes, name: str = "networks.csv") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def table(folder: Path, *rows: str) -> Networks:
    return load_networks(written(folder, "cidr,kind,asn,name\n" + "\n".join(rows)))


def test_the_narrowest_range_wins(tmp_path: Path) -> None:
    nets = table(
        tmp_path,
        "10.0.0.0/8,hosting,AS64500,Wide",
        "10.1.0.0/16,carrier,64501,",
        '10.1.2.3,vpn,,"A, B"',
        "2001:db8::/32,campus,4294967295,Six",
        "2001:db8::1/128,tor",
        "0.0.0.0/0,proxy",
    )
    asked = ["10.0.0.1", "10.1.255.255", "10.1.2.3", "10.1.2.4", "10.2.0.0", "11.0.0.0", "9.255.255.255"]
    assert nets.find(asked).tolist() == [0, 1, 2, 1, 0, 5, 5]
    assert nets.find(["2001:db8::1", "2001:db8::2", "2001:db9::", "::ffff:10.1.2.3"]).tolist() == [
        4,
        3,
        -1,
        2,
    ]
    assert nets.asn.tolist() == [64500, 64501, 0, 4294967295, 0, 0]
    assert nets.name[2] == "A, B"
    found = nets.find(["10.1.0.1", None, "2001:db8::5", "10.1.2.3"])
    assert nets.of_kind(found, INNOCENT).tolist() == [True, False, True, False]
    assert nets.of_kind(found, RELAYING).tolist() == [False, False, False, True]


def test_what_is_no_address_is_in_no_range(tmp_path: Path) -> None:
    nets = table(tmp_path, "0.0.0.0/0,proxy", "::/0,proxy")
    strange = [
        "",
        "deadbeef",
        "a" * 64,
        "1.2.3",
        "1.2.3.4.5",
        "999.1.1.1",
        "1.2.3.4\0",
        ":",
        "x" * 10**6,
    ]
    assert (nets.find(strange) == NO_ADDRESS).all()
    assert nets.find([]).tolist() == []
    assert nets.find_column(pa.array(["8.8.8.8", None, "hash", "::1"])).tolist() == [0, -2, -2, 1]
    assert nets.find_column(pa.nulls(3, pa.string())).tolist() == [-2, -2, -2]


def test_no_ranges_are_found_nowhere(tmp_path: Path) -> None:
    for text in ("", "# nothing\n\n", "kind,cidr\n"):
        nets = load_networks(written(tmp_path, text))
        assert not nets  # an empty table counts as none given
        assert nets.find(["10.0.0.1"]).tolist() == [-1]
        assert not nets.of_kind(nets.find(["10.0.0.1"]), KINDS).any()


def test_tabs_comments_and_a_byte_order_mark(tmp_path: Path) -> None:
    text = "\ufeff# from the vendor\r\nKind\tcidr\r\n\r\ncarrier\t10.0.0.0/8\r\n# end\r\n"
    nets = load_networks(written(tmp_path, text, "networks.tsv"))
    assert nets.find(["10.9.9.9"]).tolist() == [0]
    assert nets.name == ("",)


@pytest.mark.parametrize(
    ("row", "field", "hint"),
    [
        ("10.0.0.0/33,vpn", "cidr", "192.0.2.0/24"),
        ("10.0.0.1/8,vpn", "cidr", "bits after the first 8"),
        ("10.0.0.0/+8,vpn", "cidr", "192.0.2.0/24"),
        ("10.0.0.0/٨,vpn", "cidr", "192.0.2.0/24"),
        ("10.0.0.0/,vpn", "cidr", "192.0.2.0/24"),
        ("::ffff:1.2.3.4/120,vpn", "cidr", "192.0.2.0/24"),
        ("2001:db8::/129,vpn", "cidr", "192.0.2.0/24"),
        ("example.org,vpn", "cidr", "192.0.2.0/24"),
        (",vpn", "cidr", "192.0.2.0/24"),
        ("192.0.2.0/24,vpn", "cidr", "keep one"),
        ("10.0.0.0/8,secret-kind", "kind", "residential-proxy"),
        ("10.0.0.0/8,", "kind", "campus"),
        ("10.0.0.0/8,vpn,ASX", "asn", "AS64500"),
        ("10.0.0.0/8,vpn,4294967296", "asn", "AS64500"),
        ("10.0.0.0/8,vpn,1,a,b", None, "quotes"),
        ('10.0.0.0/8,vpn,1,"a', None, "quotes"),
    ],
)
def test_an_error_names_file_row_and_field_and_no_value(
    tmp_path: Path, row: str, field: str | None, hint: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        table(tmp_path, "192.0.2.0/24,proxy", row)
    error = caught.value
    assert (error.where.row, error.where.field) == (3, field)
    assert error.where.file == str(tmp_path / "networks.csv")
    assert hint in (error.hint or "")
    assert "secret" not in str(error)


@pytest.mark.parametrize(
    "text", ["cidr\n", "kind,asn\n", "cidr,kind,cidr\n", "cidr,kind,country\n", b"\xff\xfe\0"]
)
def test_another_table_is_refused(tmp_path: Path, text: str | bytes) -> None:
    with pytest.raises(ConfigurationError):
        load_networks(written(tmp_path, text))


def test_a_missing_file_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(UnreadableInput, match="does not exist"):
        load_networks(tmp_path / "networks.csv")


BITS = st.sampled_from([4, 6])


@given(data=st.data())
def test_the_lookup_is_that_of_the_plain_definition(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    def network(version: int) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
        width, kind = (32, ipaddress.IPv4Network) if version == 4 else (128, ipaddress.IPv6Network)
        # Few bits set, so that ranges nest and touch.
        top = data.draw(st.integers(0, 15)) << (width - 4)
        return kind(
            (top | data.draw(st.integers(0, 3)), data.draw(st.sampled_from([0, 1, 2, 3, 4, width]))),
            strict=False,
        )

    ranges = list({network(data.draw(BITS)): None for _ in range(data.draw(st.integers(0, 12)))})
    nets = table(
        tmp_path_factory.mktemp("n"), *(f"{r},{KINDS[i % len(KINDS)]}" for i, r in enumerate(ranges))
    )
    asked = [r.network_address for r in ranges] + [r.broadcast_address for r in ranges]
    asked += [ipaddress.ip_address(0), ipaddress.ip_address("::"), ipaddress.ip_address(2**32 - 1)]
    asked += [a + 1 for a in asked if int(a) + 1 < 2**a.max_prefixlen]

    def plain(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> int:
        inside = [
            (r.prefixlen, i) for i, r in enumerate(ranges) if r.version == address.version and address in r
        ]
        return max(inside)[1] if inside else -1

    # A v6 address within ::ffff:0:0/96 is a v4 address; none is drawn here.
    assert nets.find([str(a) for a in asked]).tolist() == [plain(a) for a in asked]
    assert np.array_equal(
        nets.find_column(pa.array([str(a) for a in asked])), nets.find([str(a) for a in asked])
    )
