"""robots.txt: RFC 9309's matching, AIPREF and Content-Signal rules, RSL's pointer.

Vectors of matching: google/robotstxt @21fc90b3b6bc3b33f9c357cd65c9b98e73374a43, `robots_test.cc` (Apache-2.0). Vectors
of Content-Usage: ietf-wg-aipref/drafts @7ca0afce45b32609dc0131eebc2c0137469cdad9, `draft-ietf-aipref-attach.md`.
"""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.provenance.terms import TRAINERS, Signal, read_robots

FISH = "user-agent: FooBot\ndisallow: /\nallow: {}\n"
LONGEST = [
    ("disallow: /x/page.html\nallow: /x/", "/x/page.html", False),
    ("allow: /x/page.html\ndisallow: /x/", "/x/page.html", True),
    ("allow: /x/page.html\ndisallow: /x/", "/x/", False),
    ("disallow: \nallow: ", "/x/page.html", True),
    ("disallow: /\nallow: /", "/x/page.html", True),
    ("disallow: /x\nallow: /x/", "/x", False),
    ("disallow: /x\nallow: /x/", "/x/", True),
    ("allow: /page\ndisallow: /*.html", "/page.html", False),
    ("allow: /page\ndisallow: /*.html", "/page", True),
    ("allow: /x/page.\ndisallow: /*.html", "/x/page.html", True),
    ("allow: /x/page.\ndisallow: /*.html", "/x/y.html", False),
    ("allow: /p\ndisallow: /", "/page", True),
    ("allow: /folder\ndisallow: /folder", "/folder/page", True),
    ("allow: /page\ndisallow: /*.htm", "/page.htm", False),
    ("allow: /$\ndisallow: /", "/", True),
    ("allow: /$\ndisallow: /", "/page.html", False),
    ("disallow: /foo/bar$\nallow: /foo/bar/qux", "/foo/bar", False),
    ("disallow: /foo/bar$\nallow: /foo/bar/qux", "/foo/bar/", True),
    ("# disallow: /\ndisallow: /foo/quz#qux\nallow: /", "/foo/bar", True),
    ("# disallow: /\ndisallow: /foo/quz#qux\nallow: /", "/foo/quz", False),
    ("disallow: /X/", "/x/y", True),
    ("disallow: /x/", "/x/y", False),
    (
        "disallow: /\nallow: /foo/bar?qux=taz&baz=http://foo.bar?tar&par",
        "/foo/bar?qux=taz&baz=http://foo.bar?tar&par",
        True,
    ),
    ("disallow: /\nallow: /foo/bar/ツ", "/foo/bar/%E3%83%84", True),
    ("disallow: /\nallow: /foo/bar/%E3%83%84", "/foo/bar/%E3%83%84", True),
]
PATTERNS = {
    "/fish": (
        ["/fish", "/fish.html", "/fish/salmon.html", "/fishheads", "/fish.html?id=anything"],
        ["/bar", "/Fish.asp", "/catfish", "/?id=fish"],
    ),
    "/fish*": (["/fish", "/fish/salmon.html", "/fishheads/yummy.html"], ["/bar", "/Fish.bar", "/catfish"]),
    "/fish/": (["/fish/", "/fish/salmon", "/fish/?salmon"], ["/fish", "/fish.html", "/Fish/Salmon.html"]),
    "/*.php": (
        ["/filename.php", "/folder/filename.php?parameters", "//folder/any.php.file.html", "/filename.php/"],
        ["/bar", "/php/", "/index?php", "/windows.PHP"],
    ),
    "/*.php$": (
        ["/filename.php", "/folder/filename.php"],
        ["/filename.php?parameters", "/filename.php/", "/filename.php5", "/aaaphpaaa"],
    ),
    "/fish*.php": (["/fish.php", "/fishheads/catfish.php?parameters"], ["/Fish.PHP", "/bar"]),
}


def allowed(robots: str, path: str, agent: str = "FooBot") -> bool:
    """Whether `agent` may fetch `path`."""
    signals = read_robots(robots, path=path, agents=[agent])
    barred = [signal for signal in signals if signal.kind == "robots"]
    return not any(agent in signal.scope.split(", ") or f"and {agent}" in signal.scope for signal in barred)


@pytest.mark.parametrize(("rules", "path", "expected"), LONGEST)
def test_longest_match(rules: str, path: str, expected: bool) -> None:
    assert allowed(f"user-agent: FooBot\n{rules}\n", path) is expected


@pytest.mark.parametrize("pattern", PATTERNS)
def test_patterns(pattern: str) -> None:
    yes, no = PATTERNS[pattern]
    robots = FISH.format(pattern)
    assert [path for path in yes if not allowed(robots, path)] == []
    assert [path for path in no if allowed(robots, path)] == []


def test_the_own_group_counts_and_not_the_general_one() -> None:
    robots = "User-agent: *\nDisallow: /x/\nUser-agent: FooBot\nDisallow: /y/\n"
    assert allowed(robots, "/x/page")
    assert not allowed(robots, "/y/page")


def test_groups_of_one_agent_are_merged_and_case_does_not_count() -> None:
    robots = (
        "user-AGENT: foobot\nDisallow: /a\n\nUser-agent: other\nDisallow: /\n\n"
        "User-Agent: FOOBOT/2.1\nDisallow: /b\n"
    )
    assert not allowed(robots, "/a")
    assert not allowed(robots, "/b")
    assert allowed(robots, "/c")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_ends_of_lines_and_a_byte_order_mark(end: str) -> None:
    robots = end.join(["\ufeffUser-agent: FooBot", "", "Disallow: /", ""])
    assert not allowed(robots, "/")


DRAFT = """\
User-Agent: *
Allow: /
Disallow: /never/
Content-Usage: train-ai=n
Content-Usage: /ai-ok/ train-ai=y

User-Agent: ExampleBot
Allow: /
Content-Usage: train-ai=y
"""


def usage(robots: str, path: str, agents: tuple[str, ...] = ()) -> list[tuple[str, str]]:
    """What Content-Usage rules say, by scope."""
    signals = read_robots(robots, path=path, agents=agents)
    return [(signal.scope, signal.says) for signal in signals if signal.kind == "aipref"]


def test_the_example_of_the_draft() -> None:
    assert usage(DRAFT, "/test") == [("", "not-allowed")]
    assert usage(DRAFT, "/ai-ok/test") == [("", "allowed")]
    assert usage(DRAFT, "/never/test") == [], "what can't be crawled has no preference"
    assert usage(DRAFT, "/test", ("ExampleBot",)) == [("", "not-allowed"), ("ExampleBot", "allowed")]


def test_rules_of_one_path_that_contradict_each_other() -> None:
    robots = "User-agent: *\nAllow: /\nContent-Usage: train-ai=y\nContent-Usage: train-ai=n\n"
    assert usage(robots, "/") == [("", "not-allowed")]


def test_trainers_are_named() -> None:
    robots = "User-agent: GPTBot\nUser-agent: CCBot\nDisallow: /\n\nUser-agent: *\nAllow: /\n"
    (signal,) = read_robots(robots)
    assert signal.says == "not-allowed"
    assert signal.scope == "GPTBot, CCBot"
    assert signal.binds == "crawler"
    assert "Google-Extended" in TRAINERS


def test_everybody_is_barred() -> None:
    (signal,) = read_robots("User-agent: *\nDisallow: /\n")
    assert signal.scope == "every crawler that isn't named in it"


def test_nothing_is_said() -> None:
    assert read_robots("") == ()
    assert read_robots("User-agent: *\nAllow: /\nSitemap: https://x.example/s.xml\n") == ()


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("search=yes,ai-train=no", "not-allowed"),
        ("search=yes, ai-train=no, use=reference", "not-allowed"),
        ("AI-Train=Yes", "allowed"),
        ("ai-train=yes, ai-train=no", "not-allowed"),
        ("search=yes, ai-input=no", None),
        ("ai-train=maybe", None),
    ],
)
def test_content_signal(value: str, expected: str | None) -> None:
    """`search=yes,ai-train=no` is what Cloudflare's managed robots.txt says (contentsignals.org, CC0)."""
    signals = read_robots(f"User-Agent: *\nContent-Signal: {value}\nAllow: /\n")
    assert [signal.says for signal in signals if signal.kind == "content-signal"] == (
        [expected] if expected else []
    )


def test_a_pointer_to_an_rsl_licence_is_a_condition() -> None:
    (signal,) = read_robots("License: https://x.example/license.xml\nUser-agent: *\nAllow: /\n")
    assert (signal.kind, signal.says) == ("rsl", "conditional")


def test_hostile_patterns_are_fast() -> None:
    lines = [f"Disallow: /{'*a' * 15}{'b' * n}$" for n in range(2000)]
    robots = "User-agent: *\n" + "\n".join(lines)
    begin = time.perf_counter()
    read_robots(robots, path="/" + "a" * 2000)
    assert time.perf_counter() - begin < 5


def test_what_comes_after_half_a_megabyte_is_not_read() -> None:
    robots = b"User-agent: *\nDisallow: /\n" + b"#" * (600 * 1024) + b"\nUser-agent: GPTBot\nAllow: /\n"
    (signal,) = read_robots(robots)
    assert signal.scope == "every crawler that isn't named in it"


@given(st.binary(max_size=300), st.text(max_size=30))
def test_any_bytes_are_read(data: bytes, path: str) -> None:
    assert all(isinstance(signal, Signal) for signal in read_robots(data, path=path))


@given(
    st.lists(
        st.sampled_from(
            ["Allow: /", "Disallow: /", "Content-Usage: train-ai=n", "Content-Usage: train-ai=y"]
        ),
        max_size=6,
    )
)
def test_the_order_of_rules_says_nothing(rules: list[str]) -> None:
    forth, back = ("User-agent: *\n" + "\n".join(lines) for lines in (rules, rules[::-1]))
    says = [[(s.kind, s.says, s.scope) for s in read_robots(robots)] for robots in (forth, back)]
    assert says[0] == says[1]
