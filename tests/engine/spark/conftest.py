"""One standalone cluster and one session on it, shared by the tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from engine.spark.standalone import Standalone, standalone


@pytest.fixture(scope="session")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standalone]:
    """A master and two workers."""
    with standalone(tmp_path_factory.mktemp("cluster")) as cluster:
        yield cluster
