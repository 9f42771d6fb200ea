"""One small folder of corpora and one small world, made once for all tests of this room."""

from __future__ import annotations

from pathlib import Path

import pytest

from headwater.simulate import Corpora, Scenario, World, load, simulate
from simulate.builders import SCENARIO, corpora_folder


@pytest.fixture(scope="session")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return corpora_folder(tmp_path_factory.mktemp("corpora"))


@pytest.fixture(scope="session")
def corpora(root: Path) -> Corpora:
    return Corpora.find(root)


@pytest.fixture(scope="session")
def scenario(tmp_path_factory: pytest.TempPathFactory) -> Scenario:
    path = tmp_path_factory.mktemp("scenario") / "small.toml"
    path.write_text(SCENARIO, encoding="utf-8")
    return load(path)


@pytest.fixture(scope="session")
def world(scenario: Scenario, corpora: Corpora) -> World:
    return simulate(scenario, corpora)
