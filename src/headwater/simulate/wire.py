"""How client software looks below its user agent: HTTP fingerprints by family, constructed like the TLS ones."""

from __future__ import annotations

from typing import NamedTuple

_JSON = "content-type,authorization,content-length"


class Wire(NamedTuple):
    """How one family's requests look on the wire: JA4H, HTTP/2 settings (None: HTTP/1.1) and header order."""

    ja4h: str
    http2: str | None
    header_order: str


#: One entry per family, in the order of the families of `software`; like TLS fingerprints, they are constructed.
FAMILIES: tuple[Wire, ...] = (
    Wire("po11nn100000_6d4f6a2c9e01", None, f"host,accept-encoding,connection,accept,{_JSON},user-agent,x-stainless"),
    Wire("po11nn070000_2b8e5ac11702", None, f"host,user-agent,accept-encoding,accept,connection,{_JSON}"),
    Wire("po11nn080000_9c05d7be4a03", None, f"host,accept,accept-encoding,connection,user-agent,{_JSON}"),
    Wire("po11nn110000_77a1c3f09d04", None, f"{_JSON},accept,user-agent,x-stainless,connection,host"),
    Wire("po11nn060000_e34b8d612a05", None, f"{_JSON},accept,user-agent,accept-encoding,host,connection"),
    Wire("po20nn060000_41d29bb7cf06", "3:100;4:10485760|1048510465|0|m,s,a,p", f"user-agent,accept,{_JSON}"),
    Wire(
        "po20nn060000_0f6c8e2d5107", "2:0;4:4194304;6:10485760|1073741824|0|a,m,p,s",
        f"{_JSON},accept-encoding,user-agent",
    ),
    Wire("po20nn070000_b81e47a3dd08", "4:16777216|16711681|0|m,p,a,s", f"{_JSON},accept-encoding,user-agent,cookie"),
    Wire("po11nn090000_5ae07f94c209", None, f"host,accept,accept-encoding,connection,user-agent,x-litellm,{_JSON}"),
    Wire(
        "po20cr17en00_cc4d81f67b0a", "1:65536;2:0;4:6291456;6:262144|15663105|0|m,a,s,p",
        f"sec-ch-ua,{_JSON},user-agent,accept,origin,referer,accept-language",
    ),
    Wire(
        "po20cr13en00_18f3e6aa900b", "2:0;3:100;4:2097152|10420225|0|m,s,a,p",
        f"accept,{_JSON},origin,user-agent,referer,accept-language",
    ),
    Wire(
        "po20cr14en00_f2907bc35e0c", "1:65536;2:0;4:131072;5:16384|12517377|0|m,p,a,s",
        f"user-agent,accept,accept-language,{_JSON},origin,referer",
    ),
)  # fmt: skip
