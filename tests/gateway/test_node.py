"""The official OpenAI client for Node through a whole gateway; its version and its bytes are pinned in `node/`."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from gateway.clients import Shop
from gateway.test_sdk import SAID, through

HERE = Path(__file__).with_name("node")
TIER = {"bob": "verified-payment"}

pytestmark = [
    pytest.mark.skipif(
        shutil.which("npm") is None or shutil.which("node") is None, reason="needs npm and node"
    ),
    pytest.mark.xdist_group("node"),
]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("node")
    for name in ("package.json", "package-lock.json", "client.mjs"):
        shutil.copy(HERE / name, folder)
    words = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent", "--prefix", str(folder)]
    subprocess.run(words, check=True, timeout=300)
    return folder


def told(folder: Path, installed: Path, task: str, **given: Any) -> tuple[dict[str, Any], Shop]:
    """What the client was told in a task, and the shop that it was at."""
    found: list[Any] = []

    async def test(shop: Shop) -> None:
        words = ["node", str(installed / "client.mjs"), f"{shop.door.url}/v1", shop.door.keys["bob"], task]
        process = await asyncio.create_subprocess_exec(*words, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        out, complaints = await process.communicate()
        assert process.returncode == 0, complaints.decode()
        found.extend((json.loads(out), shop))
        async with asyncio.timeout(5):
            while task == "cancel" and not shop.platform.gone:
                await asyncio.sleep(0.01)

    through(folder / "g", test, accounts=TIER, **given)
    return found[0], found[1]


def test_chat(tmp_path: Path, installed: Path) -> None:
    said, _ = told(tmp_path, installed, "chat")
    assert said == {
        "said": SAID,
        "called": '{"city": "Bern"}',
        "carried": SAID,
        "embedded": 2,
        "models": ["m", "thinks"],
    }


def test_streams(tmp_path: Path, installed: Path) -> None:
    said, _ = told(tmp_path, installed, "stream")
    assert said == {"said": SAID, "counted": 3, "first": "response.created", "last": SAID}


def test_a_stream_that_is_left_ends_upstream(tmp_path: Path, installed: Path) -> None:
    said, shop = told(tmp_path, installed, "cancel")
    assert said["parts"] >= 5
    assert shop.platform.gone == ["endless"]


def test_files_and_batches(tmp_path: Path, installed: Path) -> None:
    said, _ = told(tmp_path, installed, "files")
    assert said == {"mine": True, "answers": 3, "listed": 1}


def test_errors(tmp_path: Path, installed: Path) -> None:
    said, shop = told(tmp_path, installed, "errors")
    assert said == {
        "feature": {"kind": "PermissionDeniedError", "status": 403, "code": "feature_not_available"},
        "body": {"kind": "BadRequestError", "status": 400, "code": None},
        "theirs": {"kind": "InternalServerError", "status": 500, "code": "server_error"},
        "stranger": {"kind": "AuthenticationError", "status": 401, "code": "invalid_api_key"},
        "missing": {"kind": "NotFoundError", "status": 404, "code": "object_not_found"},
        "path": {"kind": "NotFoundError", "status": 404, "code": "unknown_url"},
        "dies": {"kind": "APIError", "code": None},
    }
    # What is final was asked once; the model server's own fault was tried again.
    assert len(shop.door.watch.outcomes) == 1 + 1 + 3 + 1 + 1 + 1
