"""The files of the terms registry: each is in its place, in order, evidenced, and says only what a text says."""

from __future__ import annotations

import datetime
import json
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from headwater.provenance import terms as package
from headwater.provenance.terms.document import read_terms

FOLDER = Path(str(package.__file__)).parent / "registry"
FILES = sorted(FOLDER.rglob("*.jsonld"))
KINDS = ("prohibition", "permission", "obligation")
KEYS = [
    "@context", "@type", "uid", "profile", "hw:provider", "hw:document", "hw:covers", "hw:models",
    "hw:incorporates", "hw:validFrom", "hw:validFromBasis", "hw:validTo", "hw:validToBasis", "hw:lastSeen",
    "hw:archive", "hw:note", "hw:silent", "hw:evidence", *KINDS,
]  # fmt: skip
OPTIONAL = {"hw:lastSeen", "hw:archive", "hw:note", "hw:silent", "hw:evidence"}
EVIDENCE = {
    "hw:quote", "hw:source", "hw:section", "hw:paraphrase", "hw:basis", "hw:confidence", "hw:reviewer",
    "hw:reviewed",
}  # fmt: skip
READ = {"hw:repository", "hw:commit", "hw:path", "hw:commitDate"}
PROVIDERS = {
    "ai21", "alibaba", "amazon", "anthropic", "cursor", "deepseek", "google", "meta", "microsoft", "mistral",
    "moonshot", "openai", "openrouter", "perplexity", "replicate", "runway", "stability", "together", "xai",
}  # fmt: skip
JUDGING = re.compile(
    r"\b(?:illegal\w*|unlawful\w*|infring\w*|steal\w*|theft|guilty|crim\w+|violat\w+)\b", re.I
)


def read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return found


def rules(terms: dict[str, Any]) -> list[dict[str, Any]]:
    return [rule for kind in KINDS for rule in terms[kind]]


def evidence(terms: dict[str, Any]) -> list[dict[str, Any]]:
    return [each["hw:evidence"] for each in (*rules(terms), terms) if "hw:evidence" in each]


def documents() -> dict[str, list[dict[str, Any]]]:
    grouped: dict[str, list[dict[str, Any]]] = {}
    for path in FILES:
        grouped.setdefault(str(path.parent.relative_to(FOLDER)), []).append(read(path))
    return {
        name: sorted(files, key=lambda terms: terms["hw:validFrom"] or "") for name, files in grouped.items()
    }


def name(path: Path) -> str:
    return str(path.relative_to(FOLDER))


@pytest.mark.parametrize("path", FILES, ids=name)
def test_a_file_fits_the_profile_and_stays_correctable_by_hand(path: Path) -> None:
    text = path.read_text("utf-8")
    terms = read(path)
    read_terms(text.encode(), str(path))
    assert text == json.dumps(terms, indent=2, ensure_ascii=False) + "\n"
    assert list(terms) == [key for key in KEYS if key in terms]
    assert set(KEYS) - set(terms) <= OPTIONAL
    assert bool(rules(terms)) != terms.get("hw:silent", False)


@pytest.mark.parametrize("path", FILES, ids=name)
def test_a_file_stands_where_its_uid_says(path: Path) -> None:
    terms = read(path)
    provider, document, version = path.relative_to(FOLDER).with_suffix("").parts
    assert terms["uid"] == f"urn:headwater:terms:{provider}:{document}:{version}"
    assert terms["hw:provider"] == provider
    assert version == terms["hw:validFrom"] or (
        terms["hw:validFrom"] is None and re.fullmatch(r"undated-\d+", version)
    )
    assert [rule["uid"] for rule in rules(terms)] == [
        f"{terms['uid']}#{number}" for number in range(1, len(rules(terms)) + 1)
    ]
    assert all(re.fullmatch(r"[a-z0-9.-]+/[a-z0-9.-]+", each) for each in terms["hw:incorporates"])


@pytest.mark.parametrize("path", FILES, ids=name)
def test_every_rule_is_evidenced_and_a_quote_is_short(path: Path) -> None:
    terms = read(path)
    assert all("hw:evidence" in rule for rule in rules(terms))
    assert evidence(terms)
    for found in evidence(terms):
        assert set(found) >= EVIDENCE
        assert len(found["hw:quote"].split()) <= 40
        assert len(found["hw:quote"]) <= 400
        assert found["hw:reviewer"]
        datetime.date.fromisoformat(found["hw:reviewed"])
        assert found["hw:paraphrase"].endswith(".")
        if found["hw:basis"] == "archive":
            assert set(found) >= READ
            assert re.fullmatch(r"[0-9a-f]{40}", found["hw:commit"])
            assert found["hw:quote"]
        if found["hw:basis"] == "secondary":
            assert not found["hw:quote"], "what was not read is not quoted"
            assert found["hw:confidence"] != "high"
            assert "hw:commit" not in found


@pytest.mark.parametrize("path", FILES, ids=name)
def test_our_sentences_judge_nobody(path: Path) -> None:
    terms = read(path)
    ours = [terms.get("hw:note", "")]
    ours += [found[key] for found in evidence(terms) for key in ("hw:paraphrase", "hw:note") if key in found]
    ours += [duty.get("hw:note", "") for rule in rules(terms) for duty in rule.get("duty", ())]
    # Words of a document that a note cites stand in quotation marks.
    said = re.sub(r"“[^”]*”", "", " ".join(ours))
    assert not JUDGING.findall(said)


@pytest.mark.parametrize("document", documents(), ids=str)
def test_intervals_of_a_document_follow_each_other(document: str) -> None:
    files = documents()[document]
    assert sum(terms["hw:validFrom"] is None for terms in files) <= 1
    for terms in files:
        start, end, seen = terms["hw:validFrom"], terms["hw:validTo"], terms.get("hw:lastSeen")
        assert start is None or end is None or start <= end
        assert (end is None) == (terms["hw:validToBasis"] in ("open", "unknown"))
        assert seen is None or start is None or end is not None or seen >= start
    for earlier, later in pairwise(files):
        assert earlier["hw:validTo"] is not None
        assert earlier["hw:validTo"] < later["hw:validFrom"]
        if earlier["hw:validToBasis"] == "next-version":
            after = datetime.date.fromisoformat(earlier["hw:validTo"]) + datetime.timedelta(days=1)
            assert after.isoformat() == later["hw:validFrom"]


def test_the_providers_that_people_ask_about_are_there() -> None:
    assert {path.relative_to(FOLDER).parts[0] for path in FILES} >= PROVIDERS


def test_a_commit_has_one_day() -> None:
    days: dict[str, set[str]] = {}
    for path in FILES:
        for found in evidence(read(path)):
            if "hw:commit" in found:
                days.setdefault(found["hw:commit"], set()).add(found["hw:commitDate"])
    assert all(len(found) == 1 for found in days.values())


@pytest.mark.parametrize(
    ("document", "day", "kind", "actions"),
    [
        ("openai/terms-of-use", "2023-06-01", "prohibition", {"hw:trainCompeting", "hw:collectSystematically"}),
        ("openai/business-terms", "2026-08-22", "permission", {"hw:trainCompeting", "hw:finetuneOnProvider"}),
        ("anthropic/usage-policy", "2025-01-01", "prohibition", {"hw:trainAny"}),
        ("google/generative-ai-additional-terms", "2024-01-01", "prohibition", {"hw:trainAny"}),
        ("google/terms-of-service", "2024-01-01", "prohibition", set()),
        ("google/terms-of-service", "2024-05-22", "prohibition", {"hw:trainAny"}),
        ("meta/llama-api-terms", "2026-07-07", "permission", {"hw:trainAny"}),
        ("meta/model-api-terms", "2026-07-08", "permission", {"hw:evaluate"}),
        ("mistral/terms-of-service", "2024-02-26", "prohibition", {"hw:trainCompeting", "hw:competeProduct"}),
        ("mistral/terms-of-service", "2024-02-27", "prohibition", set()),
        ("mistral/commercial-terms", "2026-08-22", "prohibition", {"hw:trainImageGenerator"}),
        ("deepseek/terms-of-use", "2026-08-22", "permission", {"hw:useOutputs", "hw:trainAny", "hw:distil"}),
        ("xai/terms-of-service-consumer", "2024-12-25", "prohibition",
         {"hw:trainAny", "hw:competeProduct", "hw:collectSystematically"}),
        ("xai/terms-of-service-consumer", "2026-06-26", "prohibition", set()),
        ("xai/terms-of-service-enterprise", "2026-08-13", "prohibition",
         {"hw:trainAny", "hw:competeProduct", "hw:distil"}),
    ],
)  # fmt: skip
def test_what_was_in_force_on_a_day(document: str, day: str, kind: str, actions: set[str]) -> None:
    (terms,) = [
        each
        for each in documents()[document]
        if (each["hw:validFrom"] or "") <= day and day <= (each["hw:validTo"] or "9999")
    ]
    assert {rule["action"] for rule in terms[kind]} == actions
