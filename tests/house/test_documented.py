"""What the code knows is in the documentation (commands, columns, settings, errors, cards); links hold."""

from __future__ import annotations

import importlib.util
import re
import sys
from types import ModuleType

import pytest

from house.source import ROOT, text_of, tracked


def generator() -> ModuleType:
    """docs/generate.py as a module."""
    spec = importlib.util.spec_from_file_location("docs_generate", ROOT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["docs_generate"] = module
    spec.loader.exec_module(module)
    return module


GENERATE = generator()


@pytest.mark.parametrize("name", GENERATE.PAGES)
def test_a_generated_page_is_current(name: str) -> None:
    path = ROOT / "docs" / name
    assert path.is_file(), "make docs"
    assert path.read_text(encoding="utf-8") == GENERATE.PAGES[name](), "make docs"


def test_every_setting_has_its_line() -> None:
    from headwater.cli.settings import paths_of
    from headwater.investigation import Settings

    bare = [".".join(path) for path, entry in paths_of(Settings) if not entry.metadata.get("doc")]
    assert bare == []


def test_every_error_text_is_fixed_enough_to_be_listed() -> None:
    texts = [what for found in GENERATE.messages().values() for what, _, _ in found]
    assert len(texts) > 30
    shouting = [what for what in texts if what.endswith((".", "!"))]
    assert shouting == [], "an error is a clause, without a full stop"


def pages() -> list[tuple[str, str]]:
    """Every tracked Markdown page."""
    return [
        (str(path.relative_to(ROOT)), text_of(path) or "")
        for path in tracked()
        if path.suffix == ".md" and "vendor" not in path.parts
    ]


def test_links_lead_somewhere() -> None:
    broken = []
    for name, text in pages():
        for target in re.findall(
            r"\]\(([^)\s#]+)(?:#[^)\s]*)?\)", re.sub(r"```.*?```", "", text, flags=re.S)
        ):
            if "://" in target or target.startswith("mailto:"):
                continue
            if not ((ROOT / name).parent / target).exists():
                broken.append(f"{name} → {target}")
    assert broken == []


def test_every_page_is_reachable_from_the_index() -> None:
    index = ROOT / "docs" / "index.md"
    seen, waiting = set(), [index]
    while waiting:
        page = waiting.pop()
        if page in seen or not page.is_file():
            continue
        seen.add(page)
        targets = re.findall(r"\]\(([^)\s#]+\.md)", page.read_text(encoding="utf-8"))
        waiting += [(page.parent / target).resolve() for target in targets]
    orphans = [
        name for name, _ in pages() if name.startswith("docs/") and (ROOT / name).resolve() not in seen
    ]
    assert orphans == []
