"""robots.txt (RFC 9309), read for what it says to those who gather text to train on.

Groups, longest match and `Allow` before `Disallow` follow the RFC; Content-Usage (AIPREF) and Content-Signal rules
stand in groups, RSL's `License` outside of them. A rule on crawling addresses crawlers. The per-purpose token of
draft-kelley-aipref-training-preference-signal-00 is an ordinary group: name it in `agents`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote, unquote_to_bytes

from headwater.provenance.terms.model import Says, Signal
from headwater.provenance.terms.signals.aipref import QUOTED, combined, preference
from headwater.provenance.terms.signals.content_signal import train_signal

#: Bytes that are read; RFC 9309 asks for at least 500 KiB.
MOST_BYTES = 512 * 1024
_MOST_PATTERN = 2048
_MOST_STARS = 16

#: Crawlers and tokens that gather text to train on, by their operators' documentation.
TRAINERS: Mapping[str, str] = {
    "GPTBot": "OpenAI",
    "ClaudeBot": "Anthropic",
    "anthropic-ai": "Anthropic",
    "Google-Extended": "Google",
    "CCBot": "Common Crawl",
    "Applebot-Extended": "Apple",
    "Bytespider": "ByteDance",
    "meta-externalagent": "Meta",
    "FacebookBot": "Meta",
    "Amazonbot": "Amazon",
    "cohere-training-data-crawler": "Cohere",
    "AI2Bot": "Ai2",
    "Diffbot": "Diffbot",
    "omgili": "Webz.io",
    "PanguBot": "Huawei",
    "img2dataset": "img2dataset",
}


@dataclass
class _Group:
    agents: list[str] = field(default_factory=list)
    rules: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True)
class _File:
    groups: tuple[_Group, ...]
    licences: tuple[str, ...]

    def rules(self, agent: str) -> list[tuple[str, str]] | None:
        """The rules for a product token: of its own groups together, else of "*"; None without either."""
        for name in (agent.lower(), "*"):
            mine = [group for group in self.groups if name in group.agents]
            if mine:
                return [rule for group in mine for rule in group.rules]
        return None

    def names(self, agent: str) -> bool:
        return any(agent.lower() in group.agents for group in self.groups)


def read_robots(
    data: bytes | str,
    *,
    path: str = "/",
    agents: Sequence[str] = tuple(TRAINERS),
    where: str = "robots.txt",
) -> tuple[Signal, ...]:
    """What a robots.txt says of `path` to `agents` (product tokens) and to everybody else.

    Never fails: what isn't a rule is passed over, as RFC 9309 asks.
    """
    file = _parse(data)
    everyone = ("*", *agents)
    rules = {agent: file.rules(agent) or [] for agent in everyone}
    crawl = {agent: _may_crawl(rules[agent], path) for agent in everyone}
    signals = []
    if barred := [agent for agent in everyone if not crawl[agent]]:
        signals.append(_barred(file, barred, where))
    readers: tuple[tuple[str, str, Callable[[str], Says]], ...] = (
        ("aipref", "content-usage", preference),
        ("content-signal", "content-signal", train_signal),
    )
    for kind, directive, read in readers:
        said = {agent: _longest(rules[agent], directive, path, read) for agent in everyone if crawl[agent]}
        signals += _grouped(file, kind, said, where)
    for url in file.licences:
        signals.append(
            Signal(
                kind="rsl",
                says="conditional",
                where=where,
                quote=f"License: {url}"[:QUOTED],
                conditions=("what the RSL licence that robots.txt points to says, which wasn't read here",),
            )
        )
    return tuple(signals)


def _barred(file: _File, barred: list[str], where: str) -> Signal:
    named = [agent for agent in barred if agent != "*" and file.names(agent)]
    if "*" in barred:
        scope = "every crawler that isn't named in it"
        if named:
            scope += f", and {', '.join(named)}"
    else:
        scope = ", ".join(named)
    return Signal(
        kind="robots",
        says="not-allowed",
        scope=scope,
        where=where,
        quote=f"User-agent: {named[0] if named else '*'} … Disallow",
        binds="crawler",
        conditions=("not by these crawlers, which it asks not to fetch the text",),
    )


def _grouped(file: _File, kind: str, said: dict[str, tuple[Says, str]], where: str) -> Iterator[Signal]:
    """One signal for everybody, and one for those agents whose own group says something else."""
    everyone = said.get("*", ("unsaid", ""))
    if everyone[0] != "unsaid":
        yield Signal(kind=kind, says=everyone[0], where=where, quote=everyone[1], binds="crawler")
    others: dict[tuple[Says, str], list[str]] = {}
    for agent, told in said.items():
        if agent != "*" and file.names(agent) and told != everyone and told[0] != "unsaid":
            others.setdefault(told, []).append(agent)
    for (says, words), agents in others.items():
        yield Signal(kind=kind, says=says, scope=", ".join(agents), where=where, quote=words, binds="crawler")


def _parse(data: bytes | str) -> _File:
    raw = data.encode("utf-8", "replace") if isinstance(data, str) else data
    text = raw[:MOST_BYTES].decode("utf-8-sig", "replace")
    groups: list[_Group] = []
    licences: list[str] = []
    open_ = False  # whether the last line named an agent: more of them belong to the same group
    for line in re.split(r"[\r\n]+", text):
        name, colon, value = line.partition("#")[0].partition(":")
        name, value = name.strip().lower(), value.strip()
        if not colon:
            continue
        if name == "user-agent":
            if not open_:
                groups.append(_Group())
            token = re.match(r"\*|[A-Za-z_\-0-9]+", value)  # the RFC's token: what follows it doesn't count
            groups[-1].agents.append(token[0].lower() if token else "")
            open_ = True
        elif name in ("allow", "disallow", "content-usage", "content-signal"):
            open_ = False
            if groups:
                groups[-1].rules.append((name, value))
        elif name == "license" and value:
            licences.append(value)
    return _File(tuple(groups), tuple(dict.fromkeys(licences)))


def _may_crawl(rules: list[tuple[str, str]], path: str) -> bool:
    """RFC 9309, section 2.2.2: the longest matching rule; of equals the one that allows."""
    if path == "/robots.txt":
        return True
    best, allowed = -1, True
    for name, pattern in rules:
        if name not in ("allow", "disallow") or not pattern or not matches(pattern, path):
            continue
        length = len(_encoded(pattern))
        if length > best or (length == best and name == "allow"):
            best, allowed = length, name == "allow"
    return allowed


def _longest(
    rules: list[tuple[str, str]], directive: str, path: str, read: Callable[[str], Says]
) -> tuple[Says, str]:
    """What the rules with the longest matching path say, and the words of the one that decides."""
    best = -1
    said: list[tuple[Says, str]] = []
    for name, value in rules:
        if name != directive:
            continue
        pattern, statement = "", value
        if value.startswith("/"):
            pattern, _, statement = value.replace("\t", " ").partition(" ")
        length = len(_encoded(pattern))
        if length < best or (pattern and not matches(pattern, path)):
            continue
        said = said if length == best else []
        best = length
        said.append((read(statement.strip()), f"{directive}: {value}"[:QUOTED]))
    whole = combined(says for says, _ in said)
    return next((each for each in said if each[0] == whole), ("unsaid", ""))


def matches(pattern: str, path: str) -> bool:
    """Whether a path of robots.txt, with "*" and "$", matches the beginning of `path`."""
    if len(pattern) > _MOST_PATTERN or pattern.count("*") > _MOST_STARS:
        return False
    encoded, target = _encoded(pattern), _encoded(path)
    end = encoded.endswith("$")
    first, *parts = (encoded[:-1] if end else encoded).split("*")
    if not target.startswith(first):
        return False
    at = len(first)
    for part in parts[:-1] if end else parts:  # leftmost is best: what follows a star may be anywhere after
        at = target.find(part, at)
        if at < 0:
            return False
        at += len(part)
    if not end:
        return True
    return target.endswith(parts[-1]) and at <= len(target) - len(parts[-1]) if parts else at == len(target)


def _encoded(path: str) -> str:
    """Percent-encoding made one: reserved characters stay encoded, others are as they are written."""
    pieces = re.split(r"((?:%[0-9A-Fa-f]{2})+)", path)
    plain = "/*$?=&;:@,+!'()~"
    return "".join(_reencoded(piece) if n % 2 else quote(piece, safe=plain) for n, piece in enumerate(pieces))


def _reencoded(octets: str) -> str:
    """Encoded octets with those of unreserved ASCII written plainly (RFC 3986, section 6.2.2.2)."""
    return "".join(
        chr(byte) if chr(byte).isascii() and (chr(byte).isalnum() or chr(byte) in "-._~") else f"%{byte:02X}"
        for byte in unquote_to_bytes(octets)
    )
